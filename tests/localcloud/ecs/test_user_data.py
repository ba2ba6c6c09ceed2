"""Parsing user data. Pure: cannot prove that cloud-init reads it the same way."""

from __future__ import annotations

import base64

import pytest
import yaml

from localcloud.core.errors import CloudError
from localcloud.ecs.user_data import MAX_BYTES, parse_user_data


def config(**keys: object) -> str:
    """Return a cloud-config."""
    return "#cloud-config\n" + yaml.safe_dump(keys)


def test_plain_and_base64_give_the_same_result() -> None:
    text = config(runcmd=["true"])
    assert parse_user_data(text) == parse_user_data(base64.b64encode(text.encode()).decode())


def test_empty_user_data_boots_nothing() -> None:
    assert parse_user_data("").script == ""


def test_runcmd_lists_are_quoted_and_strings_are_not() -> None:
    script = parse_user_data(config(runcmd=[["echo", "a b", "$X"], "echo $X && true"])).script
    assert script == "#!/bin/sh\necho 'a b' '$X'\necho $X && true\n"


def test_settings_of_the_image_are_recorded() -> None:
    found = parse_user_data(config(packages=["git"], package_update=True))
    assert found.recorded == {"packages": ["git"], "package_update": True}


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (config(users=["x"]), "users"),
        (config(bootcmd=["x"]), "bootcmd"),
        (config(write_files=[{"path": "/a", "source": {"uri": "x"}}]), "source"),
        (config(write_files=[{"path": "/a", "encoding": "b64"}]), "encoding"),
        ("#include\nx", "#include"),
        ("#!/bin/sh\ntrue", "#!/bin/sh"),
    ],
)
def test_error_names_the_unsupported_feature(text: str, named: str) -> None:
    with pytest.raises(CloudError, match=named) as caught:
        parse_user_data(text)
    assert caught.value.code == "UserDataNotSupported"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("#cloud-config\n- a", "mapping"),
        ("#cloud-config\na: [", "YAML"),
        (config(write_files=[{"path": "a"}]), "absolute"),
        (config(write_files=[{"path": "/../a"}]), "absolute"),
        (config(write_files=[{"content": "x"}]), "without a path"),
        (config(write_files=[{"path": "/a", "permissions": "0999"}]), "octal"),
        (config(runcmd=[{"a": 1}]), "list"),
    ],
)
def test_malformed_user_data_is_refused(text: str, named: str) -> None:
    with pytest.raises(CloudError, match=named) as caught:
        parse_user_data(text)
    assert caught.value.code == "InvalidUserData.Malformed"


def test_too_long_user_data_is_refused() -> None:
    with pytest.raises(CloudError) as caught:
        parse_user_data("#cloud-config\n" + "#" * MAX_BYTES)
    assert caught.value.code == "InvalidUserData.SizeExceeded"
