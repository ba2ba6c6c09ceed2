"""The `make` targets for the life of a stack: rehearse, down, pull requests, sweep, leaks, night.

Owns the environment of each command, and what a removed stack leaves on this machine. The work is
done by the modules of `ops`, which are started in the virtual environment.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tools import edge, setup, teardown
from tools import environment as tool_environment
from tools.actions import run_module
from tools.errors import StackError, ToolError
from tools.paths import LOCAL_STACK, REHEARSAL, Paths, is_on_this_machine
from tools.progress import Display

_PREVIEW_ONLY = ("prod",)
"""Stacks that `make rehearse` only previews, because they are too large for one machine."""


def _overlay(corpus: Path | None, values: Sequence[str]) -> list[str]:
    arguments = [word for value in values for word in ("--set", value)]
    return [*arguments, "--corpus", str(corpus.expanduser().resolve())] if corpus else arguments


def of_stack(paths: Paths, stack: str) -> dict[str, str]:
    """Return the environment of an existing stack; set nothing up.

    Raises:
        StackError: It belongs on this machine and does not exist.
    """
    if is_on_this_machine(stack) and not paths.env_file.exists():
        raise StackError(f"there is no stack {stack} on this machine")
    return tool_environment.command_environment(paths, stack, setup.found_cli(paths))


def rehearse(
    paths: Paths,
    stack: str,
    *,
    corpus: Path | None = None,
    values: Sequence[str] = (),
    keep: bool = False,
    whole: bool = False,
) -> int:
    """Run `make rehearse`: a declared environment on its own local cloud, removed afterwards.

    Args:
        paths: The paths of the checkout.
        stack: The stack to rehearse.
        corpus: A corpus in place of the declared one.
        values: Config values that the rehearsal replaces, as KEY=VALUE.
        keep: Leave the rehearsal up, also after a failure.
        whole: Rehearse the whole life of a stack that is only previewed by default.
    """
    name = f"{REHEARSAL}{stack}"
    if is_on_this_machine(stack):
        raise ToolError(f"STACK={stack} is on this machine; give a cloud stack: dev, prod or pr-1")
    with setup.only_one(paths):
        with_edge = edge.is_needed(paths, name, values)
        setup.set_up_tools(paths, Display(), with_edge=with_edge)
    own = paths.of(name)
    preview = stack in _PREVIEW_ONLY and not whole
    _clear_away(own)
    with setup.only_one(own):
        code = 1
        try:
            environment = setup.set_up_stack(own, name, Display(), _overlay(corpus, values))
            arguments: list[str | Path] = ["--stack", stack, "--home", own.home]
            arguments += ["--preview"] if preview else []
            arguments += ["--keep"] if keep else []
            code = run_module(own, environment, "ops.rehearse", *arguments)
        finally:
            if not keep:
                with _uninterrupted():
                    code = teardown.remove(own) or code
            else:
                print(f"\nThe stack stays up: make status STACK={name}, make down STACK={name}")
    return code


def _clear_away(own: Paths) -> None:
    """Remove what a killed or kept rehearsal has left, because each begins with nothing."""
    if not own.state.exists() and not own.platform_file.exists():
        return
    with setup.only_one(own), _uninterrupted():
        print("an earlier rehearsal still exists; it is removed first")
        if teardown.remove(own):
            raise StackError(f"the earlier rehearsal in {own.home} cannot be removed: see above")


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Ignore Ctrl-C, because half a removal of files and processes helps no user."""
    signums = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [(signum, signal.signal(signum, signal.SIG_IGN)) for signum in signums]
    try:
        yield
    finally:
        for signum, handler in before:
            signal.signal(signum, handler)


def down(paths: Paths, stack: str, consent: str) -> int:
    """Run `make down` for a stack in the cloud: consent, removal, leak check."""
    with setup.only_one(paths):
        return _remove(paths, stack, consent)


def _environment_of(paths: Paths, stack: str) -> Mapping[str, str]:
    """Return a stack's environment; a cloud stack also gets the plugins for its resources."""
    if is_on_this_machine(stack):
        return of_stack(paths, stack)
    return setup.set_up_stack(paths, stack, Display())


def _remove(paths: Paths, stack: str, consent: str) -> int:
    """Remove the resources of a stack and return the exit code."""
    arguments = ("--stack", stack, "--consent", consent)
    return run_module(paths, _environment_of(paths, stack), "ops.teardown", *arguments)


def pull_request(number: str, rehearsed: bool) -> str:
    """Return the stack of a pull request, or of its rehearsal.

    Raises:
        ToolError: The text is not a number.
    """
    if not (number.isdigit() and number.lstrip("0") == number):
        raise ToolError(
            f"PR={number!r} is not a number; give the pull request's number, such as PR=7"
        )
    return f"{REHEARSAL if rehearsed else ''}pr-{number}"


def pr_up(paths: Paths, stack: str, corpus: Path | None, values: Sequence[str]) -> int:
    """Run `make pr-up`: bring up a pull request's stack, and let it live for some days from now."""
    with setup.only_one(paths):
        with_edge = edge.is_needed(paths, stack, values)
        setup.set_up_tools(paths, Display(), with_edge=with_edge)
    own = paths.of(stack)
    overlay = _overlay(corpus, values) if is_on_this_machine(stack) else None
    with setup.only_one(own):
        environment = setup.set_up_stack(own, stack, Display(), overlay)
        words = ("--stack", stack)
        return run_module(own, environment, "ops.pull_request", *words, stop_signal=signal.SIGTERM)


def pr_down(paths: Paths, stack: str) -> int:
    """Run `make pr-down`: remove a pull request's stack, and its files if it is a rehearsal."""
    own = paths.of(stack)
    with setup.only_one(own):
        code = _remove(own, stack, "")
        if is_on_this_machine(stack):
            with _uninterrupted():
                code = teardown.remove(own) or code
    return code


def sweep(paths: Paths, stack: str, now: str) -> int:
    """Run `make sweep`: remove the pull requests' stacks whose time is over.

    Args:
        paths: The paths of the checkout.
        stack: A rehearsal, to sweep its backend; otherwise the backend of the environment.
        now: The time to use, in ISO 8601; by default the current time.
    """
    own = paths.of(stack)
    arguments = ["--now", now] if now else []
    with setup.only_one(own):
        if not is_on_this_machine(stack):
            setup.set_up_tools(paths, Display())
        return run_module(own, _environment_of(own, stack), "ops.teardown.sweep", *arguments)


def night(paths: Paths, stack: str, now: str) -> int:
    """Run `make night`: stop or start GPU nodes of one stack, or of all with `nightHours`."""
    own = paths.of(stack)
    arguments = ["--now", now] if now else []
    if stack != LOCAL_STACK:
        return run_module(own, of_stack(own, stack), "ops.night", "--stack", stack, *arguments)
    environment = tool_environment.command_environment(paths, "cloud", setup.found_cli(paths))
    return run_module(paths, environment, "ops.night", *arguments)


def leaks(paths: Paths, stack: str) -> int:
    """Run `make leaks`: list what is left of a stack in the cloud."""
    return run_module(paths, of_stack(paths, stack), "ops.teardown.leaks", "--stack", stack)
