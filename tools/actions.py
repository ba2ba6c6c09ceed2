"""The `make` targets that work on one stack.

Owns setup, up, preview, down, status, logs, ask, token, open, env and eval, each a few plain
commands. Set-up is `tools.setup`'s. The work on a stack is done by `ops.stack`, which is started as
a module in the virtual environment.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from tools import edge, setup, stack, teardown
from tools import environment as tool_environment
from tools.errors import StackError, ToolError
from tools.paths import LOCAL_STACK, Paths, is_on_this_machine
from tools.progress import Display

_SIGNALLED = 128
"""What shells add to the number of the signal that ended a command."""
_LOCKED = 3
"""Exit code of `ops.stack`: another engine is at work on the stack."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """The stack that the user named, and the corpus.

    Attributes:
        stack: The stack's name.
        corpus: A folder of the user's, or None.
    """

    stack: str = LOCAL_STACK
    corpus: Path | None = None

    @property
    def is_local(self) -> bool:
        """Whether this stack is on this machine: the local one, or a rehearsal."""
        return is_on_this_machine(self.stack)


def run_shown(
    command: Sequence[str | Path],
    *,
    cwd: Path,
    environment: Mapping[str, str],
    stop_signal: signal.Signals = signal.SIGINT,
) -> int:
    """Run a command on the user's terminal and return its exit code.

    A terminal sends Ctrl-C and a hang-up to the command as well, so this process only waits for the
    command to end.

    Args:
        command: The program and its arguments.
        cwd: Working directory.
        environment: The whole environment.
        stop_signal: What the command gets when this process gets SIGTERM.
    """
    process: subprocess.Popen[bytes] | None = None

    def on_signal(signum: int, _frame: FrameType | None) -> None:
        if process is not None and signum == signal.SIGTERM:
            process.send_signal(stop_signal)

    signums = (signal.SIGINT, signal.SIGHUP, signal.SIGTERM)
    before = [(signum, signal.signal(signum, on_signal)) for signum in signums]
    try:
        process = subprocess.Popen([str(word) for word in command], cwd=cwd, env=dict(environment))
        code = process.wait()
        return _SIGNALLED - code if code < 0 else code
    finally:
        for signum, handler in before:
            signal.signal(signum, handler)


def on_stack(
    paths: Paths, stack_name: str, environment: Mapping[str, str], command: str, *words: str | Path
) -> int:
    """Run a command of `ops.stack` and return its exit code."""
    return run_shown(
        [paths.python, "-m", "ops.stack", command, "--stack", stack_name, *words],
        cwd=paths.checkout,
        environment=environment,
        # It tells Ctrl-C, which the engine gets from the terminal, from the end of a job.
        stop_signal=signal.SIGTERM,
    )


def _existing(paths: Paths, request: Request) -> dict[str, str]:
    """Return the environment of a stack that exists; set nothing up."""
    if request.is_local and not (paths.env_file.exists() and stack.checkpoint(paths).exists()):
        raise StackError(f"there is no stack {request.stack} on this machine; run `make up`")
    return tool_environment.command_environment(paths, request.stack, setup.found_cli(paths))


def set_up_only(paths: Paths) -> int:
    """Run `make setup`: provide the tools and no stack."""
    with setup.only_one(paths):
        took = setup.set_up_tools(paths, Display(), with_edge=edge.is_needed(paths, LOCAL_STACK))
    print("Set up." if took else "Nothing to set up.")
    return 0


def up(paths: Paths, request: Request, *, yes: bool = False) -> int:
    """Run `make up`: set up, and update the stack."""
    words: list[str | Path] = ["--began", str(time.time()), *_corpus(request)]
    words += ["--yes"] if yes else []
    with setup.only_one(paths):
        ready = setup.set_up(paths, request.stack, Display())
        words += ["--set-up-seconds", json.dumps(ready.seconds)]
        return on_stack(paths, request.stack, ready.environment, "up", *words)


def _corpus(request: Request) -> list[str | Path]:
    return ["--corpus", request.corpus.expanduser().resolve()] if request.corpus else []


def preview(paths: Paths, request: Request) -> int:
    """Run `make preview`: show what an update would do."""
    with setup.only_one(paths):
        variables = setup.set_up(paths, request.stack, Display()).environment
        return on_stack(paths, request.stack, variables, "preview", *_corpus(request))


def down(paths: Paths, request: Request) -> int:
    """Run `make down` for a stack on this machine: destroy it, leave nothing but caches."""
    with setup.only_one(paths):
        _destroy(paths)
        left = teardown.stop_everything(paths)
        teardown.remove_files(paths)
    if left:
        print("these processes could not be stopped: " + ", ".join(map(str, left)))
        return 1
    print(f"The stack {request.stack} is gone. The caches stay: {paths.cache}")
    return 0


def _destroy(paths: Paths) -> None:
    """Destroy the local stack's resources, as far as that is possible.

    Raises:
        StackError: Another engine is at work on the stack.
    """
    if not stack.has_resources(paths):
        return
    try:
        _, environment = setup.set_up_stack(paths, paths.local_stack, Display())
        code = on_stack(paths, paths.local_stack, environment, "destroy")
    except ToolError as error:
        print(f"{error}\n")
        code = 1
    if code == _LOCKED:
        raise StackError(f"nothing of stack {paths.local_stack} was removed")
    if code != 0:
        print(
            "`pulumi destroy` failed. Everything that it would have deleted is on this machine:"
            "\nits processes are stopped and its files are removed."
        )


def status(paths: Paths, request: Request) -> int:
    """Run `make status`: show the local cloud's services and the stack's outputs."""
    environment = _existing(paths, request)
    code = 0
    if request.is_local:
        code = run_shown(
            [paths.python, "-m", "localcloud", "status", "--home", paths.home],
            cwd=paths.checkout,
            environment=environment,
        )
        print(flush=True)
    return on_stack(paths, request.stack, environment, "outputs") or code


def logs(paths: Paths, request: Request, service: str) -> int:
    """Run `make logs`: show what the local cloud's services wrote last.

    Raises:
        StackError: The stack is in the cloud, or does not exist.
    """
    if not request.is_local:
        raise StackError(
            f"stack {request.stack} is in the cloud; read its logs in its log project, in the "
            "console of Simple Log Service (docs/explanation/protection.md)"
        )
    environment = _existing(paths, request)
    command: list[str | Path] = [paths.python, "-m", "localcloud", "logs", "--home", paths.home]
    return run_shown(
        [*command, *([service] if service else [])], cwd=paths.checkout, environment=environment
    )


def ask_question(paths: Paths, request: Request, question: str) -> int:
    """Run `make ask`: put one question to the chat application."""
    if not question.strip():
        raise ToolError('the question is empty; give one: make ask Q="What is …?"')
    environment = _existing(paths, request)
    # One word, because a question may begin with a dash.
    return on_stack(paths, request.stack, environment, "ask", f"--question={question}")


def token(paths: Paths, request: Request) -> int:
    """Run `make token`: print a token of the local issuer, for the chat page behind the edge.

    Raises:
        StackError: The stack is in the cloud.
    """
    if not request.is_local:
        raise StackError(
            f"stack {request.stack} is in the cloud and takes tokens of its own issuer; sign in "
            "there"
        )
    return on_stack(paths, request.stack, _existing(paths, request), "token")


def open_page(paths: Paths, request: Request) -> int:
    """Run `make open`: print a link to the chat page, which signs in on a local stack."""
    return on_stack(paths, request.stack, _existing(paths, request), "open")


def env(paths: Paths, request: Request) -> int:
    """Run `make env`: print what a shell needs for plain `pulumi` commands on a stack."""
    if request.is_local:
        _existing(paths, request)
    print(tool_environment.exports(paths, request.stack, setup.found_cli(paths)), end="")
    return 0


def evaluate(paths: Paths, corpus: Path | None) -> int:
    """Run `make eval`: measure retrieval on a corpus with questions.

    Uses the Elasticsearch of CUSTOMRAG_ELASTICSEARCH_URL, or starts one for the run.
    """
    if corpus is None:
        raise ToolError(
            "no corpus is given; name a folder with docs/ and questions.jsonl: make eval CORPUS=DIR"
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
