"""The `make` targets for a review: cost, preflight, preview comment, changed stacks, drift.

Owns the environment of each. The work is done by `guardrails` and `ops.review`, which are started
as modules; only preflight and drift ask an account.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from tools import cli, environment, setup
from tools.actions import run_module
from tools.paths import LOCAL_STACK, Paths, is_on_this_machine
from tools.progress import Display

# Command to the module that does the work, and its own command.
_MODULES = {
    "preflight": ("guardrails.preflight",),
    "cost": ("guardrails.cost",),
    "preview-comment": ("ops.review", "comment"),
    "changed-stacks": ("ops.review", "changed"),
    "drift": ("ops.review", "drift"),
}


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands of this module to the parser of `python -m tools`."""
    for name in _MODULES:
        command = commands.add_parser(name)
        command.add_argument("--stack", default=LOCAL_STACK)
        command.add_argument("--base", default="")
        command.add_argument("--output", default="")
        command.add_argument("--json", action="store_true")


def run(paths: Paths, options: argparse.Namespace) -> int | None:
    """Run one of these commands; return None for any other command."""
    command = options.command
    if command not in _MODULES:
        return None
    stack = str(options.stack)
    paths = paths.of(stack)
    # A preflight does not need Pulumi, so its set-up takes seconds.
    _provide(paths, with_cli=command != "preflight")
    words = [*_MODULES[command]]
    words += ["--stack", stack] if command != "changed-stacks" else []
    words += ["--base", options.base] if options.base else []
    words += ["--output", options.output] if options.output else []
    words += ["--json"] if options.json else []
    by_engine = command == "preview-comment" and stack != "all" and _is_logged_in(paths, stack)
    if command == "drift" or by_engine:
        return run_module(paths, _of_stack(paths, stack), *words)
    words += ["--how", "declared"] if command == "preview-comment" else []
    return run_module(paths, os.environ, *words)


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
