"""What a stack declares, without an account, an engine or a network.

    python -m guardrails.declare --stack dev                 a line for each resource
    python -m guardrails.declare --stack dev --json          all of it
    python -m guardrails.declare --stack dev --set embeddingSpot=true

Runs the program with a stack's configuration under Pulumi's mocks. Owns: putting that configuration
together (defaults of `Pulumi.yaml`, the stack's file, a stand-in for what only the user knows) and
recording what is declared. Does not own: what cannot be known (`guardrails.made_up`), nor any
judgement of it: cost, policy and preflight have their own. It does not show what the cloud takes.

`declare` runs the program in a process of its own, as a program can be run once in a process.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import re
import runpy
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml

from guardrails.made_up import is_unknown, unknown
from stack_config.config import SECRET_KEYS, ConfigError

__all__ = [
    "DeclareError",
    "Declared",
    "declare",
    "encrypted_keys",
    "is_unknown",
    "listing",
    "stack_config",
    "stack_file",
]

ROOT = Path(__file__).resolve().parent.parent
_PREFIX = "customrag:"
_SECONDS = 120
_NOT_USABLE = 2
# In place of a folder that is another one at each run.
_HOME = ".customrag"

# What only the user knows, so that no stack's file has it. Never used by a real update.
_STAND_INS: Mapping[str, str] = {
    "accountId": "1234567890123456",
    "chatCertificateId": "1234567-cn-hangzhou",
    "edgeOriginKey": "5a" * 32,
    "elasticsearchPassword": "Stand-in-1234",
    "llmApiKey": "sk-stand-in",
}
_PR_EXPIRES_AT = "2099-01-01T00:00:00Z"


class DeclareError(Exception):
    """The program failed; the message is what it said."""


@dataclass(frozen=True, kw_only=True)
class Declared:
    """One resource, as the program declares it; components are not listed.

    Attributes:
        type: Type token.
        name: Logical name.
        urn: As the engine would write it.
        parent: URN of its parent; empty for a child of the stack.
        component: Logical name of the top-level component that it is part of; its own without one.
        inputs: Plain values by wire name. What is not known is a text for which `is_unknown`.
        secrets: Top-level inputs that are secret; their values are in `inputs`, too.
        protect: Whether Pulumi refuses to delete it.
        retain: Whether it stays in the cloud when the stack is destroyed.
        existing: Id of a resource that is only read, as it was there before; empty for all else.
    """

    type: str
    name: str
    urn: str
    parent: str
    component: str
    inputs: dict[str, Any]
    secrets: tuple[str, ...] = ()
    protect: bool = False
    retain: bool = False
    existing: str = ""


def declare(
    stack: str,
    *,
    config: Mapping[str, str] | None = None,
    root: Path = ROOT,
    preview: bool = False,
    template: bool = False,
) -> list[Declared]:
    """What the program declares for a stack.

    Args:
        stack: `dev`, `prod`, `local`, `pr-7`: a stack whose file, or template, is in `stacks/`.
        config: Values on top of the stack's file, by key without namespace, raw as in
            `pulumi config set`.
        root: The project's folder: its code and its stacks.
        preview: Leave every computed output unknown, as a first preview does.
        template: Take the template of a stack that has one, though it may have been made already.

    Returns:
        The resources in order of their URNs.

    Raises:
        stack_config.config.ConfigError: The stack's configuration cannot be used.
        DeclareError: The program failed.
    """
    command = [
        sys.executable,
        "-m",
        "guardrails.declare",
        "--stack",
        stack,
        "--json",
        "--overlay",
        "-",
    ]
    done = subprocess.run(
        [*command, *["--preview"] * preview, *["--template"] * template],
        input=json.dumps(dict(config or {})),
        cwd=root,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
        env=_environment(root),
    )
    if done.returncode == _NOT_USABLE:
        raise ConfigError(done.stderr.strip())
    if done.returncode:
        raise DeclareError(f"the program of stack {stack!r} failed:\n{done.stderr.strip()}")
    return [
        Declared(**{**item, "secrets": tuple(item["secrets"])}) for item in json.loads(done.stdout)
    ]


def _environment(root: Path) -> dict[str, str]:
    """Without what an engine tells a program: `declare` may be called by one that has an engine."""
    own = {key: value for key, value in os.environ.items() if not key.startswith("PULUMI")}
    return {**own, "PYTHONPATH": str(root)}


def stack_file(stack: str, root: Path = ROOT, *, template: bool = False) -> Path:
    """The file with a stack's values, or the template that it will be made from.

    Args:
        stack: Its name.
        root: The project's folder.
        template: Prefer the template.

    Raises:
        ConfigError: There is neither.
    """
    folder = root / "stacks"
    files = [folder / f"Pulumi.{stack}.yaml"]
    if stack == "local":
        files.append(folder / "local.template.yaml")
    if re.fullmatch(r"pr-\d+", stack):
        files.append(folder / "pr.template.yaml")
    for file in reversed(files) if template else files:
        if file.is_file():
            return file
    known = sorted(file.name.split(".")[1] for file in folder.glob("Pulumi.*.yaml"))
    raise ConfigError(
        f"stack {stack!r} has no file {files[0].name} in stacks/; there are "
        f"{', '.join(known) or 'none'}, and pr-<number>"
    )


def stack_config(stack: str, root: Path = ROOT, *, template: bool = False) -> dict[str, str]:
    """A stack's values over the project's defaults: key without namespace to raw text.

    Encrypted values are left out: nothing here can or should read them.

    Raises:
        ConfigError: The stack has no file, or it cannot be read.
    """
    project = _yaml(root / "Pulumi.yaml")
    values = {
        key.removeprefix(_PREFIX): _raw(key, entry["default"])
        for key, entry in project["config"].items()
        if "default" in entry
    }
    file = stack_file(stack, root, template=template)
    given = _yaml(file).get("config") or {}
    for key, value in given.items():
        if key.startswith(_PREFIX) and not _is_encrypted(value):
            values[key.removeprefix(_PREFIX)] = _raw(key, value)
    return values


def encrypted_keys(stack: str, root: Path = ROOT) -> frozenset[str]:
    """Keys, without namespace, whose values stand encrypted in a stack's file.

    Raises:
        ConfigError: The stack has no file.
    """
    given = _yaml(stack_file(stack, root)).get("config") or {}
    return frozenset(key.removeprefix(_PREFIX) for key in given if _is_encrypted(given[key]))


def _yaml(file: Path) -> dict[str, Any]:
    """What a file of settings says.

    Raises:
        ConfigError: It is no YAML, or no mapping.
    """
    try:
        found = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
    except yaml.YAMLError as error:
        raise ConfigError(f"{file.name} is no YAML: {error}") from error
    if not isinstance(found, dict):
        raise ConfigError(f"{file.name} is no mapping of keys; it begins with `config:`")
    return found


def _is_encrypted(value: object) -> bool:
    return isinstance(value, dict) and value.keys() == {"secure"}


def _raw(key: str, value: object) -> str:
    """A YAML value in the form in which Pulumi hands it to a program."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool | int | float | list):
        return json.dumps(value)
    raise ConfigError(f"{key} is {value!r}; give a text, a number, true or false, or a list")


def _with_stand_ins(values: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    full = {**values, **given}
    for key, stand_in in _STAND_INS.items():
        full[key] = full.get(key) or stand_in
    if full.get("environment") == "pr":
        full["expiresAt"] = full.get("expiresAt") or _PR_EXPIRES_AT
    # It asks the cloud, and here is none.
    return {**full, "preflight": "false"}


def _run(stack: str, config: Mapping[str, str], root: Path, *, preview: bool) -> list[Declared]:
    """Runs the program in this process, once."""
    import pulumi
    from pulumi.runtime import mocks
    from pulumi.runtime.stack import run_pulumi_func

    from guardrails.recorder import Recorder, RecordingMonitor

    monitor = RecordingMonitor(Recorder(preview=preview))

    def program() -> None:
        runpy.run_path(str(root / "infra"), run_name="__main__")

    async def body() -> None:
        mocks.set_mocks(
            monitor.recorder, project="customrag", stack=stack, preview=preview, monitor=monitor
        )
        pulumi.runtime.set_all_config(
            {f"{_PREFIX}{key}": value for key, value in config.items()},
            [f"{_PREFIX}{key}" for key in SECRET_KEYS],
        )
        await run_pulumi_func(program)

    asyncio.run(body())
    return sorted((Declared(**item) for item in monitor.declared()), key=lambda item: item.urn)


def _home(folder: Path) -> None:
    """A local stack's `platform.json`, made up: nothing answers at these addresses."""
    platform = {
        "version": 1,
        "account_id": _STAND_INS["accountId"],
        "access_key_id": "LTAIstandin",
        "access_key_secret": "stand-in",
        "dashscope_api_key": "sk-stand-in",
        "endpoints": {
            name: f"http://{unknown('platform', name)}"
            for name in ("api", "oss", "dashscope", "issuer", "edge")
        },
    }
    (folder / "platform.json").write_text(json.dumps(platform), encoding="utf-8")
    os.environ["CUSTOMRAG_HOME"] = str(folder)


def _overlay(arguments: argparse.Namespace) -> dict[str, str]:
    overlay: dict[str, str] = json.load(sys.stdin) if arguments.overlay else {}
    for text in arguments.set:
        key, separator, value = text.partition("=")
        if not separator:
            raise ConfigError(f"--set {text}: give key=value")
        overlay[key.removeprefix(_PREFIX)] = value
    return overlay


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit status: 2 for a configuration that cannot be used."""
    parser = argparse.ArgumentParser(prog="guardrails.declare", description=__doc__.split("\n")[0])
    parser.add_argument("--stack", required=True)
    parser.add_argument("--json", action="store_true", help="print everything")
    parser.add_argument("--preview", action="store_true", help="leave computed outputs unknown")
    parser.add_argument("--template", action="store_true", help="take the stack's template")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--overlay", choices=["-"], help="read values from standard input")
    given = parser.parse_args(arguments)
    try:
        config = _with_stand_ins(
            stack_config(given.stack, template=given.template), _overlay(given)
        )
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(sys.stderr):
            _home(Path(folder))
            declared = _run(given.stack, config, ROOT, preview=given.preview)
            text = json.dumps([asdict(item) for item in declared]).replace(folder, _HOME)
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return _NOT_USABLE
    if given.json:
        sys.stdout.write(f"{text}\n")
        return 0
    sys.stdout.write(listing(declared))
    return 0


def listing(declared: Sequence[Declared]) -> str:
    """What is declared, by component, with types as the CLI shows them."""
    lines: list[str] = []
    component = ""
    for item in declared:
        if item.component != component:
            component = item.component
            lines.append(component)
        package, module, name = item.type.split(":")
        kind = f"{package}:{module.partition('/')[0]}:{name}"
        lines.append(f"  {kind:<39} {item.name}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    raise SystemExit(main())
