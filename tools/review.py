"""The `make` targets for a review: cost, preflight, preview comment, changed stacks, drift.

Owns the environment of each. The work is done by `guardrails` and `ops.review`, which are started
as modules; only preflight and drift ask an account.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from tools import cli, environment, setup
from tools.actions import run_shown
from tools.paths import LOCAL_STACK, Paths, is_on_this_machine
from tools.progress import Display

_COMMANDS = ("preflight", "cost", "preview-comment", "changed-stacks", "drift")


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands of this module to the parser of `python -m tools`."""
    for name in _COMMANDS:
        command = commands.add_parser(name)
        command.add_argument("--stack", default=LOCAL_STACK)
        command.add_argument("--base", default="")
        command.add_argument("--output", default="")
        command.add_argument("--json", action="store_true")


def run(paths: Paths, options: argparse.Namespace) -> int | None:
    """Run one of these commands; return None for any other command."""
    if options.command not in _COMMANDS:
        return None
    paths, stack = paths.of(options.stack), str(options.stack)
    if options.command == "preflight":
        return preflight(paths, stack, as_json=options.json)
    if options.command == "cost":
        return cost(paths, stack, as_json=options.json)
    if options.command == "preview-comment":
        return comment(paths, stack, base=options.base, output=options.output)
    if options.command == "changed-stacks":
        return changed(paths, base=options.base, as_json=options.json)
    return drift(paths, stack, output=options.output)


def preflight(paths: Paths, stack: str, *, as_json: bool) -> int:
    """Run `make preflight`: check with the cloud whether a stack could be brought up."""
    # It does not need Pulumi, so its set-up takes seconds.
    _provide(paths, with_cli=False)
    words = ["guardrails.preflight", "--stack", stack, *(["--json"] if as_json else [])]
    return _run(paths, words, os.environ)


def cost(paths: Paths, stack: str, *, as_json: bool) -> int:
    """Run `make cost`: print a stack's estimate."""
    _provide(paths)
    words = ["guardrails.cost", "--stack", stack, *(["--json"] if as_json else [])]
    return _run(paths, words, os.environ)


def comment(paths: Paths, stack: str, *, base: str, output: str) -> int:
    """Run `make preview-comment`: print the Markdown comment of a pull request."""
    _provide(paths)
    words = ["ops.review", "comment", "--stack", stack]
    words += ["--base", base] if base else []
    words += ["--output", output] if output else []
    if not (_is_logged_in(paths, stack) and stack != "all"):
        return _run(paths, [*words, "--how", "declared"], os.environ)
    return _run(paths, words, _of_stack(paths, stack))


def changed(paths: Paths, *, base: str, as_json: bool) -> int:
    """Run `make changed-stacks`: list the stacks whose declaration differs from the base."""
    _provide(paths)
    words = ["ops.review", "changed", *(["--base", base] if base else [])]
    return _run(paths, [*words, *(["--json"] if as_json else [])], os.environ)


def drift(paths: Paths, stack: str, *, output: str) -> int:
    """Run `make drift`: report how the cloud differs from the last deployment."""
    _provide(paths)
    words = ["ops.review", "drift", "--stack", stack, *(["--output", output] if output else [])]
    return _run(paths, words, _of_stack(paths, stack))


def _provide(paths: Paths, *, with_cli: bool = True) -> None:
    """Set up a fresh machine; on one that is set up this takes no time."""
    if not paths.python.exists() or (with_cli and cli.find(paths) is None):
        with setup.only_one(paths):
            setup.set_up_tools(paths, Display(sys.stderr))


def _is_logged_in(paths: Paths, stack: str) -> bool:
    """Whether there is a backend: in the environment, or by a login."""
    if is_on_this_machine(stack):
        return paths.env_file.exists()
    if os.environ.get("PULUMI_BACKEND_URL") or os.environ.get("PULUMI_ACCESS_TOKEN"):
        return True
    home = Path(os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi")
    return (home / "credentials.json").is_file()


def _of_stack(paths: Paths, stack: str) -> dict[str, str]:
    """Return the environment of a stack's `pulumi`, with its plugins installed."""
    if is_on_this_machine(stack):
        return environment.command_environment(paths, stack, setup.found_cli(paths))
    return setup.set_up_stack(paths, stack, Display(sys.stderr))


def _run(paths: Paths, words: list[str], variables: Mapping[str, str]) -> int:
    return run_shown([paths.python, "-m", *words], cwd=paths.checkout, environment=variables)
