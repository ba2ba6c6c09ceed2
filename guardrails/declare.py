"""What a stack declares, read without an account, an engine or a network.

    python -m guardrails.declare --stack dev                 a line for each resource
    python -m guardrails.declare --stack dev --json          all of it
    python -m guardrails.declare --stack dev --set embeddingSpot=true

Runs the program with a stack's configuration under Pulumi's mocks. Owns putting that configuration
together (defaults of `Pulumi.yaml`, the stack's file, stand-ins for what only the user knows),
recording what is declared, and failing when the cloud provider would refuse a value
(`guardrails.refusals`). Does not own placeholders for what is not known (`guardrails.placeholders`)
or any other judgement: cost, policy and preflight have their own. It cannot show what the service
itself refuses, such as a type that is sold out.

`declare` runs the program in its own process, because a process can run a program only once.
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
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml

from guardrails.placeholders import is_unknown, unknown
from guardrails.refusals import refusals
from stack_config.config import SECRET_KEYS, ConfigError

__all__ = [
    "DeclareError",
    "Declared",
    "declare",
    "encrypted_keys",
    "given_values",
    "is_unknown",
    "listing",
    "refused_values",
    "stack_config",
    "stack_file",
]

ROOT = Path(__file__).resolve().parent.parent
_PREFIX = "customrag:"
_SECONDS = 120
_NOT_USABLE, _REFUSED = 2, 3
# Replaces the path of a temporary folder, which differs at each run.
_HOME = ".customrag"

# Values that only the user knows, so no stack's file has them. A real update never uses these.
_STAND_INS: Mapping[str, str] = {
    "accountId": "1234567890123456",
    "chatCertificateId": "1234567-cn-hangzhou",
    "edgeOriginKey": "5a" * 32,
    "elasticsearchPassword": "Stand-in-1234",
    "opensearchPassword": "Stand-in-1234",
    "llmApiKey": "sk-stand-in",
}
_PR_EXPIRES_AT = "2099-01-01T00:00:00Z"


class DeclareError(Exception):
    """The program failed, or the provider would refuse what it declares; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Declared:
    """One resource as the program declares it; components are not listed.

    Attributes:
        type: Type token.
        name: Logical name.
        urn: The URN that the engine would give it.
        parent: URN of its parent; empty for a child of the stack.
        component: Logical name of the top-level component that it belongs to, or its own name.
        inputs: Plain values by wire name. `is_unknown` is true for text that is not known yet.
        secrets: Top-level inputs that are secret; their values are in `inputs` too.
        protect: Whether Pulumi refuses to delete it.
        retain: Whether it stays in the cloud when the stack is destroyed.
        existing: Id of an existing resource, which is only read; empty for all others.
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
    """Return what the program declares for a stack.

    Args:
        stack: `dev`, `prod`, `local`, `pr-7`: a stack whose file or template is in `stacks/`.
        config: Values that override the stack's file, by key without namespace, as raw text as in
            `pulumi config set`.
        root: The project's folder: its code and its stacks.
        preview: Leave every computed output unknown, as a first preview does.
        template: Use the stack's template even if the stack has a file.

    Returns:
        The resources, sorted by URN.

    Raises:
        stack_config.config.ConfigError: The stack's configuration is not valid.
        DeclareError: The program failed, or the provider would refuse what it declares.
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
    if done.returncode == _REFUSED:
        raise DeclareError(done.stderr.strip())
    if done.returncode:
        raise DeclareError(f"the program of stack {stack!r} failed:\n{done.stderr.strip()}")
    return [
        Declared(**{**item, "secrets": tuple(item["secrets"])}) for item in json.loads(done.stdout)
    ]


def _environment(root: Path) -> dict[str, str]:
    """Return the environment without an engine's variables, because the caller may have one."""
    own = {key: value for key, value in os.environ.items() if not key.startswith("PULUMI")}
    return {**own, "PYTHONPATH": str(root)}


def stack_file(stack: str, root: Path = ROOT, *, template: bool = False) -> Path:
    """Return the file with a stack's values, or the template that the file is created from.

    Args:
        stack: The stack's name.
        root: The project's folder.
        template: Prefer the template.

    Raises:
        ConfigError: Neither exists.
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
        f"stack {stack!r} has no file {files[0].name} in stacks/; allowed are "
        f"{', '.join([*known, 'pr-<number>'])}"
    )


def stack_config(stack: str, root: Path = ROOT, *, template: bool = False) -> dict[str, str]:
    """Return a stack's values over the project's defaults: key without namespace to raw text.

    Encrypted values are left out, because this module has no passphrase.

    Raises:
        ConfigError: The stack has no file, or the file is not valid.
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
    """Return the keys, without namespace, whose values are encrypted in a stack's file.

    Raises:
        ConfigError: The stack has no file.
    """
    given = _yaml(stack_file(stack, root)).get("config") or {}
    return frozenset(key.removeprefix(_PREFIX) for key in given if _is_encrypted(given[key]))


def _yaml(file: Path) -> dict[str, Any]:
    """Return the content of a settings file.

    Raises:
        ConfigError: It is not valid YAML, or not a mapping.
    """
    try:
        found = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
    except yaml.YAMLError as error:
        raise ConfigError(f"{file.name} is not valid YAML: {error}") from error
    if not isinstance(found, dict):
        raise ConfigError(
            f"{file.name} is not a mapping; write the stack's values under a `config:` key"
        )
    return found


def _is_encrypted(value: object) -> bool:
    return isinstance(value, dict) and value.keys() == {"secure"}


def _raw(key: str, value: object) -> str:
    """Return a YAML value in the form in which Pulumi passes it to a program."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool | int | float | list):
        return json.dumps(value)
    raise ConfigError(f"{key} is {value!r}; allowed are text, a number, true or false, and a list")


def _with_stand_ins(values: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    full = {**values, **given}
    for key, stand_in in _STAND_INS.items():
        full[key] = full.get(key) or stand_in
    if full.get("environment") == "pr":
        full["expiresAt"] = full.get("expiresAt") or _PR_EXPIRES_AT
    # Preflight asks the cloud, and there is no cloud here.
    return {**full, "preflight": "false"}


def _run(stack: str, config: Mapping[str, str], root: Path, *, preview: bool) -> list[Declared]:
    """Run the program in this process; possible only once."""
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
    """Write a `platform.json` for a local stack; nothing listens at its addresses."""
    platform = {
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


def given_values(texts: Iterable[str]) -> dict[str, str]:
    """Return the values of `--set KEY=VALUE`, by key without namespace.

    Raises:
        ConfigError: A text has another form.
    """
    values = {}
    for text in texts:
        key, separator, value = text.partition("=")
        if not separator:
            raise ConfigError(f"--set {text} is not valid; write it as --set key=value")
        values[key.removeprefix(_PREFIX)] = value
    return values


def main(arguments: Sequence[str] | None = None) -> int:
    """Return the exit status: 2 for an invalid configuration, 3 for values that are refused."""
    parser = argparse.ArgumentParser(prog="guardrails.declare", description=__doc__.split("\n")[0])
    parser.add_argument("--stack", required=True)
    parser.add_argument("--json", action="store_true", help="print everything")
    parser.add_argument("--preview", action="store_true", help="leave computed outputs unknown")
    parser.add_argument("--template", action="store_true", help="take the stack's template")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--overlay", choices=["-"], help="read values from standard input")
    given = parser.parse_args(arguments)
    try:
        overlay = json.load(sys.stdin) if given.overlay else {}
        config = _with_stand_ins(
            stack_config(given.stack, template=given.template),
            {**overlay, **given_values(given.set)},
        )
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(sys.stderr):
            _home(Path(folder))
            declared = _run(given.stack, config, ROOT, preview=given.preview)
            text = json.dumps([asdict(item) for item in declared]).replace(folder, _HOME)
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return _NOT_USABLE
    refused = refused_values(declared)
    if refused:
        sys.stderr.write(
            f"the cloud provider refuses what stack {given.stack} declares:\n"
            + "".join(f"  - {line}\n" for line in refused)
        )
        return _REFUSED
    if given.json:
        sys.stdout.write(f"{text}\n")
        return 0
    sys.stdout.write(listing(declared))
    return 0


def refused_values(declared: Sequence[Declared]) -> list[str]:
    """Return a line for each value that the cloud provider would refuse.

    Raises:
        provider_facts.UnknownResourceTypeError: There are no facts about a declared type.
    """
    return [
        f"{item.type} {item.name!r}: {failure.path} {failure.reason}"
        for item in declared
        if not item.existing
        for failure in refusals(item.type, item.inputs, item.secrets)
    ]


def listing(declared: Sequence[Declared]) -> str:
    """Return what is declared, by component, with types as the CLI shows them."""
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
