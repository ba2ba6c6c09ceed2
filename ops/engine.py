"""The Pulumi engine on one stack: the only place that starts it.

Owns running a command, its output and event log, the signals that reach it, and the lock that a
killed engine leaves. The meaning of the event log is `ops.events`'. The caller sets the environment
(backend, passphrase, plugins); `tools.environment` does that. ADR 0015 says why this is not
`pulumi.automation`.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import IO, Any

from ops.declared import ROOT, is_on_this_machine, is_pull_request
from ops.events import Outcome, read_events
from ops.locks import PULL_REQUEST_LOCK, is_stale_lock
from ops.thin import thin

__all__ = ["Engine", "EngineError", "NoStackError", "tail"]

_QUICK_SECONDS = 300
_SIGNALLED = 128
"""What shells add to the number of the signal that ended a command."""
_SIGN_IN = (
    "You are not signed in to the backend that holds the stacks' state. Run `make sign-in` or "
    "`pulumi login`; docs/explanation/state-and-identity.md describes both."
)


class EngineError(Exception):
    """The CLI refused a quick command; the message has its output."""


class NoStackError(EngineError):
    """The backend has no such stack."""


@dataclass(frozen=True, kw_only=True)
class Engine:
    """Runs `pulumi` on one stack.

    Attributes:
        stack: The stack.
        logs: Folder for the commands' output.
        environment: The whole environment of the commands.
        root: The project's folder.
    """

    stack: str
    logs: Path
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ), repr=False)
    root: Path = ROOT

    @classmethod
    def of(cls, stack: str, root: Path = ROOT) -> Engine:
        """Return the engine on a stack, with its logs in the project's private folder."""
        return cls(stack=stack, logs=root / ".customrag" / stack / "logs", root=root)

    @property
    def policy(self) -> tuple[str, str]:
        """The arguments that run a command under the policy pack."""
        return "--policy-pack", str(self.root / "guardrails" / "policy")

    def run(self, name: str, command: str, *arguments: str, shown: bool = False) -> Outcome:
        """Run `preview`, `up`, `refresh` or `destroy`. A failure is in the outcome.

        The lock of an engine that was killed on this machine is removed. On a pull request's stack,
        so is a lock that is older than any job, because no person looks after that stack.

        Args:
            name: The step's name; its files are called so.
            command: The CLI's command.
            arguments: The command's arguments.
            shown: Show the progress to the user: on a terminal Pulumi's own display, which may
                ask questions, elsewhere plain lines.

        Raises:
            EngineError: There is no CLI.
        """
        outcome = self._run(name, command, arguments, shown)
        if outcome.code != 0 and self._unlock("\n".join(tail(outcome.log))):
            return self._run(name, command, arguments, shown)
        return outcome

    def _unlock(self, text: str) -> bool:
        """Remove the lock that a command was refused for, if no engine holds it any more.

        Says so on stderr, because the caller may print JSON.
        """
        longest = PULL_REQUEST_LOCK if is_pull_request(self.stack) else None
        if not is_stale_lock(text, any_host=is_on_this_machine(self.stack), longest=longest):
            return False
        self._ask(("cancel", "--yes"), stack=True)
        print("The last run was killed. Its lock is removed.", file=sys.stderr, flush=True)
        return True

    def _run(self, name: str, command: str, arguments: Sequence[str], shown: bool) -> Outcome:
        self.logs.mkdir(parents=True, exist_ok=True)
        log, events = self.logs / f"{name}.log", self.logs / f"{name}.events.jsonl"
        events.unlink(missing_ok=True)
        began = time.monotonic()
        on_terminal = shown and sys.stdout.isatty()
        words = ["pulumi", command, "--stack", self.stack, "--event-log", str(events)]
        words += [] if on_terminal else ["--non-interactive", "--color", "never"]
        words += ["--suppress-outputs"] if not shown and command != "preview" else []
        with log.open("w+", encoding="utf-8", errors="replace") as stream:
            code = self._finish([*words, *arguments], stream, shown, on_terminal)
            if on_terminal:
                stream.seek(0)
                sys.stderr.write(stream.read())
        lines = events.read_text(encoding="utf-8").splitlines() if events.is_file() else []
        return Outcome(
            **vars(read_events(lines, command)),
            code=_SIGNALLED - code if code < 0 else code,
            duration_seconds=time.monotonic() - began,
            log=log,
        )

    def _finish(self, words: list[str], log: IO[str], shown: bool, on_terminal: bool) -> int:
        """Start the CLI and wait for its end; return its exit code."""
        try:
            process = subprocess.Popen(
                words,
                cwd=self.root,
                # Without this variable the CLI does not take --event-log.
                env={**self.environment, "PULUMI_DEBUG_COMMANDS": "true"},
                stdin=None if on_terminal else subprocess.DEVNULL,
                stdout=None if on_terminal else subprocess.PIPE if shown else log,
                stderr=log if on_terminal else subprocess.STDOUT,
                text=True,
                errors="replace",
                # A terminal sends Ctrl-C to its whole foreground group, and only a process of that
                # group may ask questions. Elsewhere the CLI gets its own group, because a second
                # SIGINT would make it end without waiting for what it has begun.
                process_group=None if on_terminal else 0,
            )
        except FileNotFoundError as error:
            raise EngineError("there is no `pulumi` on PATH; run `make setup`") from error
        with process, _interrupting(process, on_terminal):
            for line in thin(_copied(process.stdout, log)) if process.stdout else ():
                print(line, end="", flush=True)
            return process.wait()

    def ask(self, *arguments: str, stack: bool = True, secret: str = "") -> str:
        """Run a quick command and return its output.

        Args:
            arguments: The command and its arguments.
            stack: Whether it is about the stack.
            secret: What the command reads from its standard input.

        Raises:
            EngineError: The command failed.
        """
        try:
            return self._ask(arguments, stack=stack, secret=secret)
        except EngineError as error:
            if not self._unlock(str(error)):
                raise
        return self._ask(arguments, stack=stack, secret=secret)

    def _ask(self, arguments: Sequence[str], *, stack: bool, secret: str = "") -> str:
        shown = f"`pulumi {' '.join(arguments[:2])}` of stack {self.stack}"
        try:
            done = subprocess.run(
                [
                    *("pulumi", *arguments, "--non-interactive"),
                    *(("--stack", self.stack) if stack else ()),
                ],
                cwd=self.root,
                env=dict(self.environment),
                capture_output=True,
                text=True,
                input=secret,
                timeout=_QUICK_SECONDS,
                check=False,
            )
        except FileNotFoundError as error:
            raise EngineError("there is no `pulumi` on PATH; run `make setup`") from error
        except subprocess.TimeoutExpired as error:
            raise EngineError(f"{shown} did not end within {_QUICK_SECONDS} s") from error
        if done.returncode != 0:
            output = done.stderr.strip() or done.stdout.strip()
            kind = NoStackError if f"no stack named '{self.stack}' found" in output else EngineError
            hint = f"\n{_SIGN_IN}" if "PULUMI_ACCESS_TOKEN must be set" in output else ""
            raise kind(f"{shown} failed: {output}{hint}")
        return done.stdout

    def outputs(self) -> dict[str, Any]:
        """Return the stack's outputs, as the last update left them.

        Raises:
            EngineError: There is no such stack, or no access to it.
        """
        found: dict[str, Any] = json.loads(self.ask("stack", "output", "--json"))
        return found

    def state(self) -> dict[str, Any]:
        """Return the stack's state; secrets stay encrypted.

        Raises:
            EngineError: There is no such stack, no access to it, or its state cannot be read.
        """
        try:
            found: dict[str, Any] = json.loads(self.ask("stack", "export"))
        except ValueError as error:
            raise EngineError(
                f"the state of stack {self.stack} is not valid JSON: {error}"
            ) from error
        return found

    def resources(self) -> list[dict[str, Any]]:
        """Return the resources in the stack's state; `state` says what it raises."""
        found: list[dict[str, Any]] = self.state().get("deployment", {}).get("resources") or []
        return found


@contextmanager
def _interrupting(process: subprocess.Popen[str], on_terminal: bool) -> Iterator[None]:
    """Pass SIGINT, SIGTERM and SIGHUP on to a process, each as one SIGINT."""

    def pass_on(signum: int, _frame: FrameType | None) -> None:
        # A terminal sends the other two to the process as well.
        if signum == signal.SIGTERM or not on_terminal:
            process.send_signal(signal.SIGINT)

    signums = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [(signum, signal.signal(signum, pass_on)) for signum in signums]
    try:
        yield
    finally:
        for signum, handler in before:
            signal.signal(signum, handler)


def _copied(lines: IO[str], log: IO[str]) -> Iterator[str]:
    for line in lines:
        log.write(line)
        yield line


def tail(path: Path | None, lines: int = 25) -> Sequence[str]:
    """Return the last lines of a command's output."""
    if path is None or not path.is_file():
        return []
    return path.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:]
