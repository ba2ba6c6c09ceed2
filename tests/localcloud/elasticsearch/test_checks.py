"""Checks of an instance's inputs, without an engine."""

from __future__ import annotations

from typing import Any

import pytest

from localcloud.core.errors import CloudError
from localcloud.elasticsearch.checks import SETTINGS, VERSIONS, check_inputs, engine_settings
from tests.support.elasticsearch import INPUTS


def refusal(**changes: Any) -> str:
    with pytest.raises(CloudError) as caught:
        check_inputs({**INPUTS, **changes})
    return caught.value.message


def test_usual_inputs_are_accepted() -> None:
    check_inputs(INPUTS)


@pytest.mark.parametrize("version", VERSIONS)
def test_every_listed_version_is_accepted_and_has_a_dated_source(version: str) -> None:
    check_inputs({**INPUTS, "version": version})

    assert VERSIONS[version].source
    assert VERSIONS[version].read


def test_another_major_version_is_refused_with_the_allowed_ones() -> None:
    message = refusal(version="7.10_with_X-Pack")

    assert "'7.10_with_X-Pack'" in message
    assert "8.17_with_X-Pack" in message


@pytest.mark.parametrize(
    "password",
    [
        "alllowercase1",
        "Spaces are 1",
        None,
    ],
)
def test_weak_or_missing_password_is_refused_without_showing_it(password: str | None) -> None:
    message = refusal(password=password)

    assert message.startswith("password")
    assert password is None or password not in message


def test_https_is_refused_with_the_reason() -> None:
    assert "no client would trust its certificate" in refusal(protocol="HTTPS")


@pytest.mark.parametrize(
    "name", ["enablePublic", "enableKibanaPublicNetwork", "enableKibanaPrivateNetwork"]
)
def test_public_addresses_and_kibana_are_refused(name: str) -> None:
    assert refusal(**{name: True}).startswith(f"{name} is true")


def test_unknown_engine_setting_is_refused_with_the_supported_ones() -> None:
    message = refusal(settingConfig={"http.cors.enabled": "true"})

    assert "http.cors.enabled" in message
    assert all(name in message for name in SETTINGS)


def test_engine_settings_default_to_the_clouds_values() -> None:
    given = {"settingConfig": {"action.auto_create_index": "true"}}

    assert engine_settings({}) == dict(SETTINGS)
    assert engine_settings(given)["action.auto_create_index"] == "true"
