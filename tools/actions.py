"""The `make` targets that work on one stack.

Owns setup, up, preview, down, status, logs, documents, ask, token, open, env and eval, each a few
plain commands. Set-up is `tools.setup`'s. The work on a stack is done by `ops.stack`, which is
started as a module in the virtual environment.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType

from tools import edge, setup, teardown
from tools import environment as tool_environment
from tools import stack as stack_files
from tools.errors import StackError, ToolError
from tools.paths import LOCAL_STACK, Paths, is_on_this_machine
from tools.progress import Display

_SIGNALLED = 128
"""What shells add to the number of the signal that ended a command."""
_LOCKED = 3
"""Exit code of `ops.stack`: another engine is at work on the stack."""


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


def run_module(
    paths: Paths,
    environment: Mapping[str, str],
    module: str,
    *words: str | Path,
    stop_signal: signal.Signals = signal.SIGINT,
) -> int:
    """Run a module of the checkout in its virtual environment, as `run_shown` does."""
    return run_shown(
        [paths.python, "-m", module, *words],
        cwd=paths.checkout,
        environment=environment,
        stop_signal=stop_signal,
    )


def on_stack(
    paths: Paths, stack: str, environment: Mapping[str, str], command: str, *words: str | Path
) -> int:
    """Run a command of `ops.stack` and return its exit code."""
    # The signal tells Ctrl-C, which the engine gets from the terminal, from the end of a job.
    words = (command, "--stack", stack, *words)
    return run_module(paths, environment, "ops.stack", *words, stop_signal=signal.SIGTERM)


def _existing(paths: Paths, stack: str) -> dict[str, str]:
    """Return the environment of a stack that exists; set nothing up."""
    if is_on_this_machine(stack) and not (
        paths.env_file.exists() and stack_files.checkpoint(paths).exists()
    ):
        raise StackError(f"there is no stack {stack} on this machine; run `make up`")
    return tool_environment.command_environment(paths, stack, setup.found_cli(paths))


def set_up_only(paths: Paths) -> int:
    """Run `make setup`: provide the tools and no stack."""
    with setup.only_one(paths):
        took = setup.set_up_tools(paths, Display(), with_edge=edge.is_needed(paths, LOCAL_STACK))
    print("Set up." if took else "Nothing to set up.")
    return 0


def up(paths: Paths, stack: str, corpus: Path | None, *, yes: bool) -> int:
    """Run `make up`: set up, and update the stack."""
    words: list[str | Path] = ["--began", str(time.time()), *_corpus(corpus)]
    words += ["--yes"] if yes else []
    with setup.only_one(paths):
        environment, seconds = setup.set_up(paths, stack, Display())
        words += ["--set-up-seconds", json.dumps(seconds)]
        return on_stack(paths, stack, environment, "up", *words)


def _corpus(corpus: Path | None) -> list[str | Path]:
    return ["--corpus", corpus.expanduser().resolve()] if corpus else []


def preview(paths: Paths, stack: str, corpus: Path | None) -> int:
    """Run `make preview`: show what an update would do."""
    with setup.only_one(paths):
        environment, _ = setup.set_up(paths, stack, Display())
        return on_stack(paths, stack, environment, "preview", *_corpus(corpus))


def down(paths: Paths, stack: str) -> int:
    """Run `make down` for a stack on this machine: destroy it, leave nothing but caches."""
    with setup.only_one(paths):
        _destroy(paths)
        if teardown.remove(paths):
            return 1
    print(f"The stack {stack} is gone. The caches stay: {paths.cache}")
    return 0


def _destroy(paths: Paths) -> None:
    """Destroy the local stack's resources, as far as that is possible.

    Raises:
        StackError: Another engine is at work on the stack.
    """
    if not stack_files.has_resources(paths):
        return
    try:
        environment = setup.set_up_stack(paths, paths.local_stack, Display())
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


def status(paths: Paths, stack: str) -> int:
    """Run `make status`: show the local cloud's services and the stack's outputs."""
    environment = _existing(paths, stack)
    code = 0
    if is_on_this_machine(stack):
        code = run_module(paths, environment, "localcloud", "status", "--home", paths.home)
        print(flush=True)
    return on_stack(paths, stack, environment, "outputs") or code


def logs(paths: Paths, stack: str, service: str) -> int:
    """Run `make logs`: show what the local cloud's services wrote last.

    Raises:
        StackError: The stack is in the cloud, or does not exist.
    """
    if not is_on_this_machine(stack):
        raise StackError(
            f"stack {stack} is in the cloud; read its logs in its log project, in the "
            "console of Simple Log Service (docs/explanation/protection.md)"
        )
    environment = _existing(paths, stack)
    words = (service,) if service else ()
    return run_module(paths, environment, "localcloud", "logs", "--home", paths.home, *words)


def documents(paths: Paths, stack: str, only: str, *, as_json: bool) -> int:
    """Run `make documents`: list the files below `docs/` and what became of each."""
    words = [f"--only={only}", *(["--json"] if as_json else [])]
    return on_stack(paths, stack, _existing(paths, stack), "documents", *words)


def ask_question(paths: Paths, stack: str, question: str) -> int:
    """Run `make ask`: put one question to the chat application."""
    if not question.strip():
        raise ToolError('the question is empty; give one: make ask Q="What is …?"')
    environment = _existing(paths, stack)
    # One word, because a question may begin with a dash.
    return on_stack(paths, stack, environment, "ask", f"--question={question}")


def token(paths: Paths, stack: str) -> int:
    """Run `make token`: print a token of the local issuer, for the chat page behind the edge.

    Raises:
        StackError: The stack is in the cloud.
    """
    if not is_on_this_machine(stack):
        raise StackError(
            f"stack {stack} is in the cloud and takes tokens of its own issuer; sign in there"
        )
    return on_stack(paths, stack, _existing(paths, stack), "token")


def open_page(paths: Paths, stack: str) -> int:
    """Run `make open`: print a link to the chat page, which signs in on a local stack."""
    return on_stack(paths, stack, _existing(paths, stack), "open")


def env(paths: Paths, stack: str) -> int:
    """Run `make env`: print what a shell needs for plain `pulumi` commands on a stack."""
    if is_on_this_machine(stack):
        _existing(paths, stack)
    print(tool_environment.exports(paths, stack, setup.found_cli(paths)), end="")
    return 0


def evaluate(paths: Paths, corpus: Path | None) -> int:
    """Run `make eval`: measure retrieval on a corpus with questions.

    Uses the engines of CUSTOMRAG_ELASTICSEARCH_URL and CUSTOMRAG_OPENSEARCH_URL; without any of
    them, starts one of each kind for the run. Reads the documents with the options of the local
    stack, if it has a configuration.
    """
    if corpus is None:
        raise ToolError(
            "no corpus is given; name a folder with docs/ and questions.jsonl: make eval CORPUS=DIR"
        )
    with setup.only_one(paths):
        setup.set_up_tools(paths, Display())
        measure: list[str | Path] = [paths.python, "-m", "ops.evaluate"]
        measure += ["--corpus", corpus.expanduser().resolve()]
        measure += ["--work-dir", paths.cache / "eval"]
        lend: list[str | Path] = []
        names = ("elasticsearch", "opensearch")
        if not any(os.environ.get(f"CUSTOMRAG_{name.upper()}_URL") for name in names):
            for name in names:
                lend += [paths.python, "-m", f"localcloud.{name}.borrow"]
                lend += ["--home", paths.private / "eval" / name]
        return run_shown(
            [*lend, *measure],
            cwd=paths.checkout,
            environment={**os.environ, "CUSTOMRAG_CACHE": str(paths.cache)},
        )
