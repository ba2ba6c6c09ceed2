"""The plugin under the real engine: preview, up, refresh, replace, import, kill, destroy.

It proves nothing about the cloud, because the local cloud answers.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from localcloud import control
from localcloud.alicloud import VERSION
from localcloud.core.home import init_home
from tests.localcloud.running import lives, until
from tests.tools.engine import Project, end
from tools.paths import Paths
from tools.plugins import ALICLOUD, launcher

pytestmark = pytest.mark.engine

PROGRAM = """
import json

import pulumi
import pulumi_alicloud as alicloud

config = pulumi.Config()
provider = alicloud.Provider(
    "local",
    region="cn-hangzhou",
    shared_credentials_file=config.require("platform"),
    opts=pulumi.ResourceOptions(version="4.0.0-local"),
)
options = pulumi.ResourceOptions(provider=provider)
vpc = alicloud.vpc.Network(
    "net", vpc_name="net", cidr_block="10.0.0.0/8", tags={"team": "search"}, opts=options
)
vswitch = alicloud.vpc.Switch(
    "net",
    vswitch_name="net",
    vpc_id=vpc.id,
    cidr_block=config.get("block") or "10.0.1.0/24",
    zone_id="cn-hangzhou-h",
    opts=options,
)
secret = alicloud.kms.Secret(
    "secret",
    secret_name="secret",
    secret_data=config.get("data") or "hush-hush",
    version_id="v1",
    force_delete_without_recovery=True,
    opts=options,
)
if config.get_bool("wrong"):
    alicloud.vpc.Network("wrong", cidr_block=5, enable_ipv6=True, opts=options)
if config.get_bool("refused"):
    alicloud.kms.Key("refused", pending_window_in_days=5, opts=options)
pulumi.export("vpc", vpc.id)
pulumi.export("vswitch", vswitch.id)
pulumi.export("route_table", vpc.route_table_id)
"""


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """Yield the home of a stack; whatever it runs is stopped at the end."""
    folder = tmp_path / "home"
    init_home(folder)
    yield folder
    control.stop(folder)


@pytest.fixture
def stack(
    tmp_path: Path,
    pulumi_path: str,
    pulumi_environment: dict[str, str],
    home: Path,
    checkout: Paths,
) -> Project:
    """Return a project with the plugin installed and a stack that uses it."""
    control.start(home, ("vpc", "ram", "kms"))
    project = Project(
        folder=tmp_path / "project", pulumi=pulumi_path, environment=pulumi_environment
    )
    prepare(project, PROGRAM, home, checkout)
    return project


def prepare(project: Project, program: str, home: Path, checkout: Paths) -> None:
    """Write a project whose stack uses the plugin, and install the plugin."""
    project.folder.mkdir()
    folder = project.folder / "plugin"
    folder.mkdir()
    executable = folder / "pulumi-resource-alicloud"
    executable.write_text(launcher(ALICLOUD, checkout))
    executable.chmod(0o755)
    project.succeed(
        "plugin", "install", "resource", "alicloud", VERSION, "--file", str(folder), "--reinstall"
    )
    project.write(program)
    project.succeed("stack", "init", "local")
    project.succeed("config", "set", "platform", str(home / "platform.json"))


def up(stack: Project) -> str:
    return stack.succeed("up", "--yes", "--skip-preview")


def exported(stack: Project) -> list[dict[str, Any]]:
    document = json.loads(stack.succeed("stack", "export"))
    resources: list[dict[str, Any]] = document["deployment"].get("resources", [])
    return resources


def test_a_stack_goes_up_stays_the_same_and_comes_down(stack: Project, home: Path) -> None:
    assert "5 to create" in stack.succeed("preview")
    up(stack)
    outputs = stack.outputs()
    assert outputs["vpc"].startswith("vpc-")
    assert outputs["route_table"].startswith("vtb-")
    stack.succeed("preview", "--expect-no-changes")
    stack.succeed("refresh", "--yes", "--expect-no-changes")
    assert "hush-hush" not in stack.succeed("stack", "export")
    stack.succeed("config", "set", "block", "10.0.2.0/24")
    diff = stack.succeed("preview", "--diff")
    assert "replace" in diff
    assert "cidrBlock" in diff
    up(stack)
    assert stack.outputs()["vswitch"] != outputs["vswitch"]
    assert stack.outputs()["vpc"] == outputs["vpc"]
    stack.succeed("destroy", "--yes")
    assert [item["type"] for item in exported(stack) if "alicloud" in item["type"]] == []


def test_wrong_inputs_are_named_before_anything_is_made(stack: Project) -> None:
    stack.succeed("config", "set", "wrong", "true")
    done = stack.run("preview")
    text = done.stdout + done.stderr
    assert done.returncode != 0
    assert "cidrBlock" in text
    assert "is 5 (a number); it takes a string" in text
    assert "enableIpv6" in text


def test_a_value_that_the_provider_refuses_is_named_in_the_preview(stack: Project) -> None:
    stack.succeed("config", "set", "refused", "true")
    done = stack.run("preview")
    assert done.returncode != 0
    text = done.stdout + done.stderr
    assert "pendingWindowInDays" in text
    assert "is 5; allowed: 7 to 366" in text


def test_a_service_error_is_shown_without_a_traceback(stack: Project) -> None:
    stack.succeed("config", "set", "block", "192.168.0.0/24")
    done = stack.run("up", "--yes", "--skip-preview")
    text = done.stdout + done.stderr
    assert done.returncode != 0
    assert "InvalidCidrBlock.Malformed" in text
    assert "Traceback" not in text


def plugins_of(engine: int) -> list[psutil.Process]:
    found = []
    for process in psutil.Process(engine).children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            if "localcloud.alicloud" in process.cmdline():
                found.append(process)
    return found


def test_no_plugin_outlives_a_killed_engine(stack: Project) -> None:
    engine = subprocess.Popen(
        [stack.pulumi, "up", "--yes", "--skip-preview"],
        cwd=stack.folder,
        env=stack.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        plugins = until(lambda: plugins_of(engine.pid), "the plugin runs")
        os.kill(engine.pid, signal.SIGKILL)
        until(lambda: not any(lives(plugin) for plugin in plugins), "the plugin ends")
    finally:
        end(engine)
