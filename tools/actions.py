"""What the `make` targets do.

Owns up, preview, down, status, logs, ask and eval, each a few plain commands. Set-up is `setup`'s,
words are `summary`'s, and `make test` is `checks`'.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from tools import ask, edge, events, setup, stack, summary, teardown
from tools import environment as tool_environment
from tools.errors import LockedError, StackError, ToolError
from tools.paths import LOCAL_STACK, Paths, is_on_this_machine
from tools.progress import Display
from tools.thin import thin

_SIGNALLED = 128
"""What shells add to the number of the signal that ended a command."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """What the user asked for.

    Attributes:
        stack: The stack's name.
        corpus: A folder of the user's, or None.
    """

    stack: str = LOCAL_STACK
    corpus: Path | None = None

    @property
    def is_local(self) -> bool:
        """Whether this stack lives on this machine: the local one, or a rehearsal."""
        return is_on_this_machine(self.stack)


def run_shown(
    command: Sequence[str | Path],
    *,
    cwd: Path,
    environment: Mapping[str, str],
    thinned: bool = False,
) -> int:
    """Run a command on the user's terminal and return its exit code.

    Ctrl-C reaches it by itself; here it is waited for, so that it can end in its own way. SIGTERM
    is handed on as SIGINT.

    Args:
        command: The program and its arguments.
        cwd: Working directory.
        environment: The whole environment.
        thinned: Thin out its progress where there is no terminal.
    """
    process: subprocess.Popen[str] | None = None

    def on_interrupt(_signum: int, _frame: FrameType | None) -> None:
        return

    def on_terminate(_signum: int, _frame: FrameType | None) -> None:
        if process is not None:
            process.send_signal(signal.SIGINT)

    thinned = thinned and not sys.stdout.isatty()
    # A terminal sends the first two to the whole group; who ends a job sends the last to us alone.
    handlers = {
        signal.SIGINT: on_interrupt,
        signal.SIGHUP: on_interrupt,
        signal.SIGTERM: on_terminate,
    }
    before = {signum: signal.signal(signum, handler) for signum, handler in handlers.items()}
    try:
        process = subprocess.Popen(
            [str(word) for word in command],
            cwd=cwd,
            env=dict(environment),
            stdout=subprocess.PIPE if thinned else None,
            text=True,
            errors="replace",
        )
        if process.stdout is not None:
            with process.stdout:
                for line in thin(process.stdout):
                    print(line, end="", flush=True)
        code = process.wait()
        return _SIGNALLED - code if code < 0 else code
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)


def outputs(
    paths: Paths, request: Request, pulumi: Path, environment: Mapping[str, str]
) -> dict[str, Any]:
    """The stack's outputs, as the last update left them.

    Raises:
        StackError: Pulumi refused.
    """
    text = stack.run_pulumi(
        pulumi,
        ["stack", "output", "--json", "--stack", request.stack],
        paths=paths,
        environment=environment,
    )
    found: dict[str, Any] = json.loads(text)
    return found


def _existing(paths: Paths, request: Request) -> tuple[Path, dict[str, str]]:
    """The CLI and environment of a stack that is there; sets nothing up."""
    if request.is_local and not (paths.env_file.exists() and stack.checkpoint(paths).exists()):
        raise StackError(f"there is no stack {request.stack} on this machine: run `make up`")
    cli = setup.found_cli(paths)
    return cli.path, tool_environment.command_environment(paths, request.stack, cli)


def set_up_only(paths: Paths) -> int:
    """`make setup`: the tools, no stack."""
    with setup.only_one(paths):
        took = setup.set_up_tools(paths, Display(), with_edge=edge.is_wanted(paths, LOCAL_STACK))
    print("Set up." if took else "Nothing to set up.")
    return 0


def up(paths: Paths, request: Request) -> int:
    """`make up` of a stack of this machine: set up, update, and tell what came of it."""
    began = time.monotonic()
    with setup.only_one(paths):
        ready = setup.set_up(paths, request.stack, Display())
        pulumi, environment = ready.cli.path, ready.environment
        if request.corpus is not None:
            stack.set_corpus(paths, request.corpus, pulumi, environment, request.stack)
        command = [str(pulumi), "up", "--stack", request.stack]
        _recover(paths, pulumi, environment)
        log = paths.home / "logs" / "up-events.jsonl"
        log.parent.mkdir(exist_ok=True)
        log.unlink(missing_ok=True)
        code = run_shown(
            [
                *(*command, "--yes", "--skip-preview", "--suppress-outputs"),
                # What was deleted or changed by hand is put right, too.
                *("--refresh", "--event-log", str(log)),
            ],
            cwd=paths.checkout,
            # It is what makes the CLI take --event-log.
            environment={**environment, "PULUMI_DEBUG_COMMANDS": "true"},
            thinned=True,
        )
    if code != 0:
        print(
            "\nThe update did not end well; what was made stays. `make up` goes on from here, "
            "\n`make down` removes it all. More: `make status`, `make logs`."
        )
        return code
    update = events.read(log)
    found = outputs(paths, request, pulumi, environment)
    print()
    page = ask.page_link(paths, request.is_local, found)
    print(summary.render(update, found, ready.seconds, time.monotonic() - began, page))
    if update.changed and found.get("chat_url"):
        question = ask.sample_question(paths, update.config)
        print(f"\n{ask.heading(question)}\n", flush=True)
        url, environment = ask.way_in(paths, request.is_local, found, environment)
        code = run_shown(
            ask.command(paths, url, question), cwd=paths.checkout, environment=environment
        )
    print('\nNext: make ask Q="…", make status, make logs, make down')
    return code


def _recover(paths: Paths, pulumi: Path, environment: Mapping[str, str]) -> None:
    note = stack.clear_stale_lock(paths, pulumi, environment)
    if note:
        print(f"  {note}")
    cut_off = stack.drop_pending_operations(paths, pulumi, environment)
    if cut_off:
        print(f"  taken up again, as the last run was cut off: {', '.join(cut_off)}")


def preview(paths: Paths, request: Request) -> int:
    """`make preview`: what an update would do."""
    with setup.only_one(paths):
        ready = setup.set_up(paths, request.stack, Display())
        if request.corpus is not None:
            stack.set_corpus(
                paths, request.corpus, ready.cli.path, ready.environment, request.stack
            )
    policies: list[str | Path] = [] if request.is_local else ["--policy-pack", paths.policy_pack]
    return run_shown(
        [ready.cli.path, "preview", "--stack", request.stack, "--diff", *policies],
        cwd=paths.checkout,
        environment=ready.environment,
    )


def down(paths: Paths, request: Request) -> int:
    """`make down` of a stack of this machine: destroy it, leave nothing but caches."""
    with setup.only_one(paths):
        code = _destroy(paths)
        left = teardown.stop_everything(paths)
        teardown.remove_files(paths)
    if left:
        print("these processes could not be stopped: " + ", ".join(map(str, left)))
        return 1
    print(f"The stack {request.stack} is gone. The caches stay: {paths.cache}")
    return code


def _destroy(paths: Paths) -> int:
    """Destroy the local stack's resources, as far as that can be done."""
    if not stack.has_resources(paths):
        return 0
    try:
        cli, environment = setup.set_up_stack(paths, paths.local_stack, Display())
        stack.clear_stale_lock(paths, cli.path, environment)
        stack.drop_pending_operations(paths, cli.path, environment)
        code = run_shown(
            [
                cli.path,
                "destroy",
                "--yes",
                "--skip-preview",
                "--continue-on-error",
                "--stack",
                paths.local_stack,
            ],
            cwd=paths.checkout,
            environment=environment,
            thinned=True,
        )
    except LockedError:
        raise
    except ToolError as error:
        print(f"{error}\n")
        code = 1
    if code != 0:
        print(
            "`pulumi destroy` did not succeed. All that it would have deleted is on this machine:"
            "\nits processes are stopped and its files removed."
        )
    return 0


def status(paths: Paths, request: Request) -> int:
    """`make status`: the local cloud's services and the stack's outputs."""
    pulumi, environment = _existing(paths, request)
    code = 0
    if request.is_local:
        code = run_shown(
            [paths.python, "-m", "localcloud", "status", "--home", paths.home],
            cwd=paths.checkout,
            environment=environment,
        )
        print()
    found = outputs(paths, request, pulumi, environment)
    print(json.dumps(found, indent=2, ensure_ascii=False))
    return code


def logs(paths: Paths, request: Request, service: str) -> int:
    """`make logs`: what the local cloud's services wrote last.

    Raises:
        StackError: The stack is in the cloud, or is not there.
    """
    if not request.is_local:
        raise StackError(
            f"stack {request.stack} is in the cloud: its logs are in its log project, in the "
            "console of Simple Log Service (docs/explanation/protection.md)"
        )
    _, environment = _existing(paths, request)
    command: list[str | Path] = [paths.python, "-m", "localcloud", "logs", "--home", paths.home]
    return run_shown(
        [*command, *([service] if service else [])], cwd=paths.checkout, environment=environment
    )


def ask_question(paths: Paths, request: Request, question: str) -> int:
    """`make ask`: one question to the chat application."""
    if not question.strip():
        raise ToolError('ask something: make ask Q="What is …?"')
    pulumi, environment = _existing(paths, request)
    found = outputs(paths, request, pulumi, environment)
    if not found.get("chat_url"):
        raise StackError(f"stack {request.stack} has no chat_url: its last update failed early")
    url, environment = ask.way_in(paths, request.is_local, found, environment)
    return run_shown(ask.command(paths, url, question), cwd=paths.checkout, environment=environment)


def token(paths: Paths, request: Request) -> int:
    """`make token`: a token of the local issuer, for the chat page behind the edge.

    Raises:
        StackError: The stack is not of this machine, whose issuer alone is known here.
    """
    if not request.is_local:
        raise StackError(f"stack {request.stack} takes tokens of its own issuer; sign in there")
    _existing(paths, request)
    print(ask.local_token(paths))
    return 0


def open_page(paths: Paths, request: Request) -> int:
    """Print a link to the chat page; on a local stack it signs the person in (`make open`)."""
    pulumi, environment = _existing(paths, request)
    found = outputs(paths, request, pulumi, environment)
    if not found.get("chat_url"):
        raise StackError(f"stack {request.stack} has no chat_url: its last update failed early")
    print(ask.page_link(paths, request.is_local, found))
    return 0


def env(paths: Paths, request: Request) -> int:
    """`make env`: what a shell needs for plain `pulumi` commands on a stack."""
    if request.is_local:
        _existing(paths, request)
    print(tool_environment.exports(paths, request.stack, setup.found_cli(paths)), end="")
    return 0


def evaluate(paths: Paths, corpus: Path | None) -> int:
    """`make eval`: what training and fusion are worth on a corpus with questions.

    Elasticsearch is the one that CUSTOMRAG_ELASTICSEARCH_URL names, else one borrowed for the run.
    """
    if corpus is None:
        raise ToolError(
            "say which corpus: make eval CORPUS=DIR, with DIR/docs, DIR/questions.jsonl"
        )
    with setup.only_one(paths):
        setup.set_up_tools(paths, Display())
        measure: list[str | Path] = [paths.python, "-m", "training.evaluate"]
        measure += ["--corpus", corpus.expanduser().resolve()]
        measure += ["--work-dir", paths.cache / "eval"]
        lend: list[str | Path] = []
        if not os.environ.get("CUSTOMRAG_ELASTICSEARCH_URL"):
            lend = [paths.python, "-m", "localcloud.elasticsearch.borrow"]
            lend += ["--home", paths.private / "eval"]
        return run_shown(
            [*lend, *measure],
            cwd=paths.checkout,
            environment={**os.environ, "CUSTOMRAG_CACHE": str(paths.cache)},
        )
