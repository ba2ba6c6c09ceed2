"""What the `make` targets do to stacks beside `up`: rehearse, remove, sweep, look for leaks, night.

Owns which stack's environment a command gets, and what of this machine goes with a stack that is
removed. What the commands do is that of the rooms of `ops`, which are started as modules.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tools import edge, setup, teardown
from tools import environment as tool_environment
from tools.actions import Request, run_shown
from tools.errors import StackError, ToolError
from tools.paths import LOCAL_STACK, REHEARSAL, Paths, is_on_this_machine
from tools.progress import Display
from tools.stack import run_pulumi, set_corpus

_PREVIEW_ONLY = ("prod",)
"""Stacks of which `make rehearse` makes nothing: they are too large for one machine."""


_PREFLIGHT_MADE = "CUSTOMRAG_PREFLIGHT_MADE"


@dataclass(frozen=True, kw_only=True)
class Options:
    """What else the user asked for.

    Attributes:
        values: Config values to replace in a rehearsal, as KEY=VALUE.
        yes: Update without asking.
        consent: The name of the protected stack whose removal is meant.
        now: The time to go by, in ISO 8601; the present by default.
        keep: Leave a rehearsal up, however it ended.
        whole: Rehearse the whole life of a stack that is previewed only by default.
    """

    values: Sequence[str] = ()
    yes: bool = False
    consent: str = ""
    now: str = ""
    keep: bool = False
    whole: bool = False


def _overlay(request: Request, options: Options) -> list[str]:
    arguments = [word for value in options.values for word in ("--set", value)]
    if request.corpus is not None:
        arguments += ["--corpus", str(request.corpus.expanduser().resolve())]
    return arguments


def _module(paths: Paths, name: str, *arguments: str | Path) -> list[str | Path]:
    return [paths.python, "-m", name, *arguments]


def _run(paths: Paths, environment: Mapping[str, str], name: str, *arguments: str | Path) -> int:
    return run_shown(_module(paths, name, *arguments), cwd=paths.checkout, environment=environment)


def of_stack(paths: Paths, stack: str) -> dict[str, str]:
    """The environment of a stack that is there; sets nothing up.

    Raises:
        StackError: It is one of this machine, and is not there.
    """
    if is_on_this_machine(stack) and not paths.env_file.exists():
        raise StackError(f"there is no stack {stack} on this machine")
    return tool_environment.command_environment(paths, stack, setup.found_cli(paths))


def remove_from_this_machine(paths: Paths) -> int:
    """Stop what runs of a stack of this machine and remove its files; the exit code."""
    left = teardown.stop_everything(paths)
    teardown.remove_files(paths)
    if left:
        print("these processes could not be stopped: " + ", ".join(map(str, left)))
    return 1 if left else 0


def up(paths: Paths, request: Request, options: Options) -> int:
    """`make up` of a stack in the cloud: preflight, then Pulumi's preview, question and update."""
    with setup.only_one(paths):
        ready = setup.set_up(paths, request.stack, Display())
        pulumi, environment = ready.cli.path, ready.environment
        if request.corpus is not None:
            set_corpus(paths, request.corpus, pulumi, environment, request.stack)
        code = _preflight(paths, request.stack, pulumi, environment)
        if code != 0:
            print("\nNothing was made. `make preflight` tells it again; each line says what to do.")
            return code
        # Else the program would ask all of it again, once for the preview and once for the update.
        # `guardrails.preflight_mark` reads it.
        made = datetime.now(UTC).isoformat(timespec="seconds")
        environment = {**environment, _PREFLIGHT_MADE: f"{request.stack} {made}"}
        command: list[str | Path] = [pulumi, "up", "--stack", request.stack]
        command += ["--policy-pack", paths.policy_pack]
        command += ["--yes"] if options.yes else []
        return run_shown(command, cwd=paths.checkout, environment=environment)


def _preflight(paths: Paths, stack: str, pulumi: Path, environment: Mapping[str, str]) -> int:
    """The preflight of `up`, with the language model's key, which stands encrypted in the file."""
    variables = dict(environment)
    try:
        words = ["config", "get", "customrag:llmApiKey", "--stack", stack]
        key = run_pulumi(pulumi, words, paths=paths, environment=environment).strip()
    except StackError:
        key = ""  # It is not set, which a line of the preflight says.
    if key:
        variables["DASHSCOPE_API_KEY"] = key
    return _run(paths, variables, "guardrails.preflight", "--stack", stack, "--unless-switched-off")


def rehearse(paths: Paths, request: Request, options: Options) -> int:
    """`make rehearse`: the declared environment on a local cloud of its own, and away with it."""
    name = f"{REHEARSAL}{request.stack}"
    if is_on_this_machine(request.stack):
        raise ToolError(f"STACK={request.stack} lives on this machine: give dev, prod or pr-1")
    with setup.only_one(paths):
        with_edge = edge.is_wanted(paths, name, options.values)
        setup.set_up_tools(paths, Display(), with_edge=with_edge)
    own = paths.of(name)
    preview = request.stack in _PREVIEW_ONLY and not options.whole
    _clear_away(own)
    with setup.only_one(own):
        code = 1
        try:
            _, environment = setup.set_up_stack(own, name, Display(), _overlay(request, options))
            arguments: list[str | Path] = ["--stack", request.stack, "--home", own.home]
            arguments += ["--preview"] if preview else []
            arguments += ["--keep"] if options.keep else []
            code = _run(own, environment, "ops.rehearse", *arguments)
        finally:
            if not options.keep:
                with _uninterrupted():
                    code = remove_from_this_machine(own) or code
            else:
                print(f"\nIt stays up: make status STACK={name}, make down STACK={name}")
    return code


def _clear_away(own: Paths) -> None:
    """Remove what a rehearsal that was killed, or kept, has left: each begins with nothing."""
    if not own.state.exists() and not own.platform_file.exists():
        return
    with setup.only_one(own), _uninterrupted():
        print("an earlier rehearsal is still here; it is removed first")
        if remove_from_this_machine(own):
            raise StackError(f"the earlier rehearsal in {own.home} does not go: see above")


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Let Ctrl-C wait: half of a removal of files and processes is of use to nobody."""
    signums = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [(signum, signal.signal(signum, signal.SIG_IGN)) for signum in signums]
    try:
        yield
    finally:
        for signum, handler in before:
            signal.signal(signum, handler)


def down(paths: Paths, stack: str, options: Options) -> int:
    """`make down` of a stack in the cloud, from any checkout: consent, removal, leak check."""
    with setup.only_one(paths):
        return remove(paths, stack, _environment_of(paths, stack), options)


def _environment_of(paths: Paths, stack: str) -> Mapping[str, str]:
    """A stack's environment; one in the cloud gets the plugins that delete its resources."""
    if is_on_this_machine(stack):
        return of_stack(paths, stack)
    return setup.set_up_stack(paths, stack, Display())[1]


def remove(paths: Paths, stack: str, environment: Mapping[str, str], options: Options) -> int:
    """Remove the resources of a stack; the exit code."""
    arguments = ("--stack", stack, "--consent", options.consent)
    return _run(paths, environment, "ops.teardown", *arguments)


def pull_request(number: str, rehearsed: bool) -> str:
    """The stack of a pull request, or its rehearsal's.

    Raises:
        ToolError: That is no number.
    """
    if not (number.isdigit() and number.lstrip("0") == number):
        raise ToolError(f"PR={number!r}: give the pull request's number, as PR=7")
    return f"{REHEARSAL if rehearsed else ''}pr-{number}"


def pr_up(paths: Paths, request: Request, options: Options) -> int:
    """`make pr-up`: bring up a pull request's stack; it lives for a while from now on."""
    stack = request.stack
    with setup.only_one(paths):
        with_edge = edge.is_wanted(paths, stack, options.values)
        setup.set_up_tools(paths, Display(), with_edge=with_edge)
    own = paths.of(stack)
    with setup.only_one(own):
        if is_on_this_machine(stack):
            cli, environment = setup.set_up_stack(own, stack, Display(), _overlay(request, options))
        else:
            cli, environment = setup.set_up_stack(own, stack, Display())
            code = _run(own, environment, "ops.pull_request", "--stack", stack)
            if code != 0:
                return code
        return run_shown(
            [
                *(cli.path, "up", "--stack", stack, "--yes", "--skip-preview"),
                *("--suppress-outputs", "--policy-pack", own.policy_pack),
            ],
            cwd=own.checkout,
            environment=environment,
            thinned=True,
        )


def pr_down(paths: Paths, stack: str, options: Options) -> int:
    """`make pr-down`: remove a pull request's stack, and of a rehearsed one everything."""
    own = paths.of(stack)
    with setup.only_one(own):
        code = remove(own, stack, _environment_of(own, stack), options)
        if is_on_this_machine(stack):
            with _uninterrupted():
                code = remove_from_this_machine(own) or code
    return code


def sweep(paths: Paths, stack: str, options: Options) -> int:
    """`make sweep`: remove the pull requests' stacks of a backend that outlived their time.

    Args:
        paths: Where things are.
        stack: A rehearsal, to sweep in its backend; else the environment's own is meant.
        options: With the time to go by.
    """
    own = paths.of(stack)
    arguments = ["--now", options.now] if options.now else []
    with setup.only_one(own):
        if not is_on_this_machine(stack):
            setup.set_up_tools(paths, Display())
        return _run(own, _environment_of(own, stack), "ops.teardown.sweep", *arguments)


def night(paths: Paths, stack: str, options: Options) -> int:
    """`make night`: stop or start GPU nodes, of one stack or of all that have a night."""
    own = paths.of(stack)
    arguments = ["--now", options.now] if options.now else []
    if stack != LOCAL_STACK:
        return _run(own, of_stack(own, stack), "ops.night", "--stack", stack, *arguments)
    environment = tool_environment.command_environment(paths, "cloud", setup.found_cli(paths))
    return _run(paths, environment, "ops.night", *arguments)


def leaks(paths: Paths, stack: str) -> int:
    """`make leaks`: what is left of a stack in the cloud."""
    return _run(paths, of_stack(paths, stack), "ops.teardown.leaks", "--stack", stack)
