"""The set-up for `make up` and `make test`, on a fresh machine with only the system Python.

Owns the order of the steps. Each step first checks whether there is anything to do, so a second run
takes no time. Uses the standard library only, because there is no virtual environment yet.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from tools import cli, edge, environment, plugins, prerequisites, stack, virtualenv
from tools.errors import StackError, StepError
from tools.paths import LOCAL_STACK, REHEARSAL, Paths
from tools.progress import Display, Step, StepContext, run_steps

_ENGINE_SECONDS = 1800
_INIT_SECONDS = 1200


@contextmanager
def only_one(paths: Paths) -> Iterator[None]:
    """Lock the checkout for one command that changes it.

    Raises:
        StackError: Another command has the lock.
    """
    paths.lock.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with paths.lock.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            raise StackError(
                f"another `make` (process {file.read().strip() or 'unknown'}) is at work on "
                f"{paths.lock.parent}; wait until it ends"
            ) from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def _fetch_engine(paths: Paths, context: StepContext, module: str) -> str:
    began = time.monotonic()
    context.run(
        [paths.python, "-m", module, "fetch"],
        cwd=paths.checkout,
        env={**os.environ, "CUSTOMRAG_CACHE": str(paths.cache)},
        timeout_seconds=_ENGINE_SECONDS,
    )
    # It prints nothing; when there is nothing to do, it takes no time.
    return "in the cache" if time.monotonic() - began > 5 else ""


def engine_is_cached(paths: Paths, engine: str) -> bool:
    """Whether a search engine is in the cache, by its marker file."""
    return any(paths.cache.glob(f"{engine}-*/.complete"))


def _machine(paths: Paths, context: StepContext, needs_node: bool) -> str:
    prerequisites.check_machine(venv=paths.venv)
    has_zip = bool(os.environ.get("CUSTOMRAG_ELASTICSEARCH_ZIP"))
    needs_maven = not (
        (has_zip or engine_is_cached(paths, "elasticsearch"))
        and engine_is_cached(paths, "opensearch")
    )

    def look() -> list[prerequisites.Missing]:
        return prerequisites.find_missing(
            venv=paths.venv, needs_maven=needs_maven, needs_node=needs_node
        )

    missing = look()
    if not missing:
        return ""
    if not prerequisites.can_install():
        raise prerequisites.report(missing)
    try:
        note = prerequisites.install(missing, context)
    except StepError as error:
        raise StepError(
            context.name, f"{error}\n{prerequisites.report(missing)}", context.log
        ) from error
    left = look()
    if left:
        raise prerequisites.report(left)
    return note


def set_up_tools(paths: Paths, display: Display, *, with_edge: bool = False) -> dict[str, float]:
    """Provide Java, the virtual environment, the CLI, the search engine and the edge's worker.

    Args:
        paths: The paths of the checkout.
        display: Shows the steps.
        with_edge: Build the edge's worker, which needs Node.js.

    Returns:
        Seconds by step, for steps that had something to do.

    Raises:
        ToolError: A program is missing, or a step failed.
    """
    steps = [
        Step(name="this machine", action=lambda c: _machine(paths, c, with_edge)),
        Step(
            name="virtual environment",
            action=lambda c: virtualenv.provide(paths, c),
            needs=("this machine",),
        ),
        Step(name="pulumi", action=lambda c: cli.provide(paths, c), needs=("this machine",)),
        Step(
            name="elasticsearch",
            action=lambda c: _fetch_engine(paths, c, "localcloud.elasticsearch.distribution"),
            needs=("virtual environment",),
        ),
        Step(
            name="opensearch",
            action=lambda c: _fetch_engine(paths, c, "localcloud.opensearch.package"),
            needs=("virtual environment",),
        ),
    ]
    if with_edge:
        worker = Step(
            name="edge", action=lambda c: edge.provide(paths, c), needs=("virtual environment",)
        )
        steps.append(worker)
    return run_steps(steps, logs=paths.logs, display=display)


def found_cli(paths: Paths) -> cli.Cli:
    """Return the CLI that set-up has provided.

    Raises:
        StackError: There is no CLI.
    """
    found = cli.find(paths)
    if found is None:
        raise StackError("there is no Pulumi CLI; run `make setup`")
    return found


def set_up_stack(
    paths: Paths, name: str, display: Display, overlay: Sequence[str] | None = None
) -> dict[str, str]:
    """Provide a stack's plugins and, for a stack on this machine, its files.

    Args:
        paths: The paths of the checkout, or of the stack if it is on this machine.
        name: The stack's name.
        display: Shows the steps.
        overlay: Arguments of `ops.rehearse.overlay`, to rewrite a rehearsal's configuration.

    Returns:
        The whole environment for commands on the stack.

    Raises:
        ToolError: A step failed.
    """
    found = found_cli(paths)
    is_on_this_machine = name == paths.local_stack
    if not is_on_this_machine:
        variables = environment.command_environment(paths, name, found)
        home = Path(variables.get("PULUMI_HOME") or Path.home() / ".pulumi")
        wanted = [plugins.CUSTOMRAG]
    else:
        stack.make_folders(paths)
        variables = environment.command_environment(paths, name, found)
        home = paths.pulumi_home
        wanted = [plugins.ALICLOUD, plugins.CLOUDFLARE, plugins.CUSTOMRAG]

    def install(context: StepContext) -> str:
        notes = [
            plugins.provide(
                plugin,
                paths,
                context,
                pulumi=found.path,
                pulumi_home=home,
                environment=variables,
            )
            for plugin in wanted
        ]
        return ", ".join(filter(None, notes))

    steps = [Step(name="plugins", action=install)]
    if is_on_this_machine:
        make = Step(
            name=f"stack {name}",
            action=lambda c: stack.provide_stack(
                paths, c, found.path, variables, tell=display.line
            ),
        )
        local_cloud = Step(name="local cloud", action=lambda c: _init_local_cloud(paths, c))
        if name != LOCAL_STACK:
            local_cloud = Step(
                name="declared values", action=lambda c: _write_overlay(paths, overlay, c)
            )
            make = replace(make, needs=(local_cloud.name,))
        steps += [local_cloud, make]
    run_steps(steps, logs=paths.logs, display=display)
    if is_on_this_machine:
        environment.write_env_file(paths, found)
    return variables


def _init_local_cloud(paths: Paths, context: StepContext) -> str:
    if paths.platform_file.is_file():
        return ""
    context.run(
        [paths.python, "-m", "localcloud", "init", "--home", paths.home],
        cwd=paths.checkout,
        timeout_seconds=_INIT_SECONDS,
    )
    return "created its addresses and credentials"


def _write_overlay(paths: Paths, overlay: Sequence[str] | None, context: StepContext) -> str:
    """Write the stack file of a rehearsal, and start a local cloud in the declared region."""
    if overlay is None and paths.stack_file.is_file() and paths.platform_file.is_file():
        return ""
    declared = paths.local_stack.removeprefix(REHEARSAL)
    command: list[str | Path] = [paths.python, "-m", "ops.rehearse.overlay", "--stack", declared]
    command += ["--home", paths.home, "--output", paths.stack_file, *(overlay or ())]
    context.run(command, cwd=paths.checkout, timeout_seconds=_INIT_SECONDS)
    return f"values of {declared}, on its own local cloud"


def set_up(paths: Paths, name: str, display: Display) -> tuple[dict[str, str], dict[str, float]]:
    """Provide everything for one stack.

    Returns:
        The whole environment for commands on the stack, and `set_up_tools`' seconds by step.

    Raises:
        ToolError: A program is missing, or a step failed.
    """
    seconds = set_up_tools(paths, display, with_edge=edge.is_needed(paths, name))
    return set_up_stack(paths, name, display), seconds
