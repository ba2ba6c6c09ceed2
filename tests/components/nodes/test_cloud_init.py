"""Checks the user data and job commands of every stack with cloud-init's schema and shellcheck.

`test_boots_locally` tests a boot, without systemd.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

import components.nodes
from tests.support.stacks import STACKS, declared

FOLDER = Path(__file__).parent / "cloud_init"
NODES = Path(components.nodes.__file__).parent
SHELLCHECK = Path(sys.executable).parent / "shellcheck"
COMMAND_TYPES = ("customrag:pai:DlcJob", "customrag:rag:IngestRun")


@cache
def schema() -> dict[str, Any]:
    """Return the schema of cloud-init."""
    found: dict[str, Any] = json.loads((FOLDER / "schema-cloud-config-v1.json").read_text())
    return found


def known_keys() -> set[str]:
    """Return the top-level keys that the modules of cloud-init read."""
    return {key for module in schema()["$defs"].values() for key in module.get("properties", ())}


def refusals(text: str) -> list[str]:
    """Return the errors of cloud-init in user data."""
    if not text.startswith("#cloud-config\n"):
        return ["the first line must be #cloud-config"]
    config = yaml.safe_load(text)
    found = [f"no module reads {key!r}" for key in sorted(config.keys() - known_keys())]
    validator = jsonschema.Draft4Validator(schema())
    found += [f"{error.json_path}: {error.message}" for error in validator.iter_errors(config)]
    return found


def shell_script(config: Mapping[str, Any]) -> str:
    """Return the script that cloud-init writes for `runcmd`: texts unchanged, lists quoted.

    Source: https://cloudinit.readthedocs.io/en/latest/reference/modules.html#runcmd, read
    2026-11-21.
    """
    lines = ["#!/bin/sh"]
    for command in config.get("runcmd", ()):
        if isinstance(command, str):
            lines.append(command)
        else:
            words = (str(word).replace("'", "'\\''") for word in command)
            lines.append(" ".join(f"'{word}'" for word in words))
    return "\n".join(lines) + "\n"


def shellcheck(script: str) -> str:
    """Return the findings of shellcheck in a script; empty without findings."""
    done = subprocess.run(
        [str(SHELLCHECK), "--shell=sh", "--severity=style", "-"],
        input=script,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    return done.stdout


def shell_files(config: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the path and text of every shell script in user data."""
    for file in config.get("write_files", ()):
        first = file["content"].partition("\n")[0]
        if file["path"].endswith(".sh") or re.match(r"#!.*\b(sh|bash|dash)\b", first):
            yield file["path"], file["content"]


def user_data(stack: str) -> Iterator[tuple[str, str]]:
    """Yield the logical name and user data of every node and launch template of a stack."""
    for item in declared(stack):
        if "userData" in item.inputs:
            yield item.name, base64.b64decode(item.inputs["userData"], validate=True).decode()


def commands(stack: str) -> Iterator[tuple[str, str]]:
    """Yield the logical name and shell command of every job of a stack."""
    for item in declared(stack):
        if item.type in COMMAND_TYPES:
            yield item.name, item.inputs["userCommand"]


@pytest.mark.parametrize("stack", STACKS)
def test_cloud_init_accepts_all_user_data(stack: str) -> None:
    texts = dict(user_data(stack))
    assert len(texts) >= 2
    assert {name: refusals(text) for name, text in texts.items()} == {name: [] for name in texts}


@pytest.mark.parametrize("stack", STACKS)
def test_shellcheck_finds_nothing_in_the_commands_of_nodes(stack: str) -> None:
    scripts = {name: shell_script(yaml.safe_load(text)) for name, text in user_data(stack)}
    assert len(scripts) >= 2
    assert {name: shellcheck(text) for name, text in scripts.items()} == dict.fromkeys(scripts, "")


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_shellcheck_finds_nothing_in_the_scripts_of_nodes(stack: str) -> None:
    files = {
        f"{name} {path}": text
        for name, data in user_data(stack)
        for path, text in shell_files(yaml.safe_load(data))
    }
    assert files
    assert {name: shellcheck(text) for name, text in files.items()} == dict.fromkeys(files, "")


@pytest.mark.parametrize("name", ["log-agent.sh", "mount-disk.sh"])
def test_shellcheck_finds_nothing_in_a_script_that_not_every_stack_has(name: str) -> None:
    assert shellcheck((NODES / name).read_text()) == ""


@pytest.mark.parametrize("stack", STACKS)
def test_shellcheck_finds_nothing_in_the_commands_of_jobs(stack: str) -> None:
    scripts = {name: f"#!/bin/sh\n{text}\n" for name, text in commands(stack)}
    assert len(scripts) >= 2
    assert {name: shellcheck(text) for name, text in scripts.items()} == dict.fromkeys(scripts, "")


def test_the_schema_has_the_digest_in_its_readme() -> None:
    (expected,) = re.findall(r"`([0-9a-f]{64})`", (FOLDER / "README.md").read_text())
    content = (FOLDER / "schema-cloud-config-v1.json").read_bytes()
    assert hashlib.sha256(content).hexdigest() == expected


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("#cloud-config\nwrite_files: [{content: x}]\n", "'path' is a required property"),
        ("#cloud-config\nruncmd: systemctl start x\n", "is not of type 'array'"),
        ("#cloud-config\nwritefiles: []\n", "no module reads 'writefiles'"),
        ("write_files: []\n", "the first line must be #cloud-config"),
    ],
)
def test_an_error_in_user_data_is_found(text: str, complaint: str) -> None:
    assert complaint in " ".join(refusals(text))


def test_an_error_in_a_script_is_found() -> None:
    assert "SC2086" in shellcheck(shell_script({"runcmd": ["rm -r $folder/x"]}))


def test_a_list_of_words_reaches_the_shell_unchanged() -> None:
    script = shell_script({"runcmd": [["printf", "%s|", "it's", "a b", "$HOME"]]})
    done = subprocess.run(["sh"], input=script, capture_output=True, text=True, check=True)
    assert done.stdout == "it's|a b|$HOME|"
