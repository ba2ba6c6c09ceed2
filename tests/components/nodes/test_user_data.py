"""The user data of a service node, as text. No test here runs cloud-init."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.nodes import MountedDisk, bootstrap, render_user_data
from components.nodes.user_data import USER_DATA_LIMIT_BYTES
from localcloud.ecs.units import parse_environment_file, parse_unit
from localcloud.ecs.user_data import parse_user_data

CODE_URI = "oss://artifacts/code/0123456789ab/customrag-0123456789ab.zip"


def render(**changes: Any) -> str:
    """Render the user data of an embedding node, with changes."""
    arguments: dict[str, Any] = {
        "service_name": "embedding",
        "module": "rag.serving",
        "port": 8000,
        "environment": {"CUSTOMRAG_MODEL_URI": "oss://artifacts/model/"},
        "code_uri": CODE_URI,
        "oss_endpoint": "https://oss-cn-hangzhou-internal.aliyuncs.com",
        "region_id": "cn-hangzhou",
    }
    return render_user_data(**{**arguments, **changes})


def files(text: str) -> dict[str, dict[str, Any]]:
    """Return the files in user data by path."""
    return {entry["path"]: entry for entry in yaml.safe_load(text)["write_files"]}


def test_user_data_is_a_cloud_config_that_the_local_cloud_can_read() -> None:
    text = render()
    assert text.startswith("#cloud-config\n")
    encoded = base64.b64encode(text.encode()).decode()
    assert {item.path for item in parse_user_data(encoded).files} == {
        "/opt/customrag/bootstrap.py",
        "/etc/customrag/requirements.txt",
        "/etc/customrag/embedding.env",
        "/etc/systemd/system/customrag-embedding.service",
    }


def test_same_arguments_give_the_same_text() -> None:
    one = render(environment={"A": "1", "B": "2"}, requirements=["torch", "numpy"])
    other = render(environment={"B": "2", "A": "1"}, requirements=["numpy", "torch"])
    assert one == other


def test_user_data_contains_the_bootstrap_unchanged() -> None:
    assert bootstrap.__file__ is not None
    source = Path(bootstrap.__file__).read_text(encoding="utf-8")
    assert files(render())["/opt/customrag/bootstrap.py"]["content"].strip() == source.strip()


def test_commands_start_the_service_only_after_a_successful_bootstrap() -> None:
    commands = yaml.safe_load(render())["runcmd"]
    assert commands[0] == "set -e"
    assert commands[1][:4] == [
        "python3",
        "/opt/customrag/bootstrap.py",
        "--code-uri",
        CODE_URI,
    ]
    assert commands[2:] == [
        ["systemctl", "daemon-reload"],
        ["systemctl", "enable", "--now", "customrag-embedding.service"],
    ]


def test_unit_runs_the_module_from_the_zip_hardened_and_always_restarts_it() -> None:
    name = "customrag-embedding.service"
    text = files(render())[f"/etc/systemd/system/{name}"]["content"]
    unit = parse_unit(name, text)
    assert unit.exec_start == "/usr/bin/env python3 -m rag.serving"
    assert unit.restart == "always"
    assert unit.environment["PYTHONPATH"] == "/opt/customrag/code/customrag-0123456789ab.zip"
    assert unit.environment_files == ("/etc/customrag/embedding.env",)
    for line in ("DynamicUser=yes", "NoNewPrivileges=yes", "ProtectSystem=strict"):
        assert line in text.splitlines()


def test_settings_survive_the_environment_file() -> None:
    values = {"A": 'say "hi" $HOME `x` \\ done', "B": "", "C": "{{ x }} %n # no"}
    entry = files(render(environment=values))["/etc/customrag/embedding.env"]
    found = parse_environment_file(entry["content"])
    assert {key: found[key] for key in values} == values
    assert found["CUSTOMRAG_PORT"] == "8000"
    assert entry["permissions"] == "0600"


def test_requirements_include_those_of_the_bootstrap() -> None:
    content = files(render(requirements=["torch>=2"]))["/etc/customrag/requirements.txt"]["content"]
    assert content.split() == ["alibabacloud-credentials", "oss2", "torch>=2"]


DISK = MountedDisk(disk_id="d-bp1abc", path="/var/lib/customrag/index")
MOUNT_POINT = "/var/lib/private/customrag/index"


def test_the_data_disk_is_mounted_before_the_code_is_fetched() -> None:
    commands = yaml.safe_load(render(data_disk=DISK))["runcmd"]
    assert commands[:2] == ["set -e", ["/opt/customrag/mount-disk.sh", "bp1abc", MOUNT_POINT]]
    assert commands[2][1] == "/opt/customrag/bootstrap.py"
    script = files(render(data_disk=DISK))["/opt/customrag/mount-disk.sh"]
    assert script["permissions"] == "0755"
    assert script["content"].startswith("#!/bin/sh\n")


def test_the_unit_starts_only_with_its_disk() -> None:
    unit = "/etc/systemd/system/customrag-embedding.service"
    line = f"RequiresMountsFor={MOUNT_POINT}"
    assert line in files(render(data_disk=DISK))[unit]["content"].splitlines()
    assert "RequiresMountsFor" not in render()


@pytest.mark.parametrize("path", ["/data", "/var/lib/customrag2", "/var/lib/customrag/../x", ""])
def test_a_mount_path_outside_of_the_services_state_is_rejected(path: str) -> None:
    with pytest.raises(ValueError, match="mount_path"):
        MountedDisk(disk_id="d-1", path=path)


def test_a_disk_id_that_is_not_one_word_is_rejected() -> None:
    with pytest.raises(ValueError, match="disk_id"):
        MountedDisk(disk_id="d-1; reboot", path="/var/lib/customrag")


def test_the_state_directory_itself_can_be_on_the_disk() -> None:
    disk = MountedDisk(disk_id="d-1", path="/var/lib/customrag")
    assert disk.mount_point == "/var/lib/private/customrag"


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"service_name": "Embedding Node"}, "service.name"),
        ({"module": "rag serving"}, "service.module"),
        ({"port": 80}, "service.port"),
        ({"code_uri": "oss://artifacts/code/customrag.zip"}, "SHA-256"),
        ({"code_uri": "https://x/customrag-0123456789ab.zip"}, "code_uri"),
        ({"environment": {"1A": "x"}}, "1A"),
        ({"environment": {"A": "x\ny"}}, "line break"),
        ({"environment": {"CUSTOMRAG_PORT": "1"}}, "CUSTOMRAG_PORT"),
        ({"environment": {"A": "x" * USER_DATA_LIMIT_BYTES}}, "16384"),
    ],
)
def test_the_error_names_an_argument_that_is_not_valid(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        render(**changes)
