"""A cloud stack never uses the local cloud's plugin, and a local stack never the cloud's.

Both through the engine and the whole program, previews only: no search engine, no account. What it
cannot prove: that an official CLI, which may fetch plugins, finds the cloud's plugin.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from guardrails.declare import declare
from tests.e2e.checkout import Checkout, Finished
from tools.plugins import ALICLOUD, Plugin, installed_path

pytestmark = pytest.mark.engine

CLOUDS_OWN = Plugin(name="alicloud", version="4.0.0", module="")
CLOUD_CONFIGURATION = {
    "platform": "alicloud",
    "environment": "dev",
    "preflight": "false",
    "accountId": "1234567890123456",
    "trainingImage": "registry/image:1",
    "imageId": "m-1",
}
SECRETS = {"elasticsearchPassword": "Not-a-real-1", "llmApiKey": "sk-not-a-real-one"}


def _write_plugin(path: Path, mark: Path) -> None:
    """Write a stand-in for the cloud's plugin that only records that it started."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'#!/bin/sh\necho "$0" >> "{mark}"\nexit 1\n')
    path.chmod(0o755)


def _preview(done: Finished) -> list[dict[str, Any]]:
    text = done.check().output
    steps: list[dict[str, Any]] = json.loads(text[text.index("{\n") :])["steps"]
    return steps


@pytest.fixture(scope="module")
def set_up(private: Checkout) -> Checkout:
    """Return the checkout with its local plugins and its stack, without resources."""
    private.make("preview", timeout_seconds=900.0, CORPUS=str(private.corpus)).check()
    return private


def test_a_local_stack_uses_the_local_plugin_although_the_clouds_plugin_is_installed(
    set_up: Checkout, tmp_path: Path
) -> None:
    mark = tmp_path / "started"
    in_home = installed_path(CLOUDS_OWN, set_up.paths.pulumi_home)
    on_path = tmp_path / "bin" / in_home.name
    _write_plugin(in_home, mark)
    _write_plugin(on_path, mark)
    steps = _preview(
        set_up.pulumi("preview", "--stack", "local", "--json", first_on_path=on_path.parent)
    )
    in_home.unlink()
    in_home.parent.rmdir()
    assert not mark.exists(), mark.read_text()
    states = [step["newState"] for step in steps]
    (provider,) = [state for state in states if state["type"] == "pulumi:providers:alicloud"]
    assert provider["inputs"]["version"] == ALICLOUD.version
    served = [state for state in states if state["type"].startswith("alicloud:")]
    assert len(served) > 40
    assert {state["provider"].rpartition("::")[0] for state in served} == {provider["urn"]}


def test_declare_returns_the_resources_that_the_engine_previews(set_up: Checkout) -> None:
    steps = _preview(set_up.pulumi("preview", "--stack", "local", "--json"))
    previewed = {
        (step["urn"], step["newState"].get("protect", False))
        for step in steps
        if step["newState"].get("custom")
    }
    declared = {(item.urn, item.protect) for item in declare("local", root=set_up.folder)}
    assert previewed == declared
    inputs = {step["urn"]: step["newState"].get("inputs", {}) for step in steps}
    for item in declare("local", root=set_up.folder, preview=True):
        assert item.inputs.keys() <= inputs[item.urn].keys() | {"version"}, item.urn


def test_a_cloud_stack_does_not_use_the_local_plugin(set_up: Checkout, tmp_path: Path) -> None:
    assert installed_path(ALICLOUD, set_up.paths.pulumi_home).is_file()
    state = tmp_path / "state"
    state.mkdir()
    environment = {
        "PULUMI_HOME": str(set_up.paths.pulumi_home),
        "PULUMI_BACKEND_URL": state.as_uri(),
        "PULUMI_CONFIG_PASSPHRASE": "of this test only",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        # Otherwise an official CLI would fetch the cloud's plugin and call the cloud.
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "CUSTOMRAG_CHECKOUT": str(set_up.folder),
    }

    def pulumi(*arguments: str) -> Finished:
        return set_up.start(
            "pulumi", *arguments, timeout_seconds=900.0, environment=environment
        ).wait()

    pulumi("stack", "init", "cloud").check()
    for name, value in CLOUD_CONFIGURATION.items():
        pulumi("config", "set", f"customrag:{name}", value, "--stack", "cloud").check()
    for name, value in SECRETS.items():
        pulumi("config", "set", f"customrag:{name}", value, "--secret", "--stack", "cloud").check()
    done = pulumi("preview", "--stack", "cloud")
    assert done.code != 0
    assert "no resource plugin 'pulumi-resource-alicloud' found" in done.output
    assert "version v4.0.0" in done.output
    assert ALICLOUD.version not in done.output
