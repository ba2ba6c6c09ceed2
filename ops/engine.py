"""The Pulumi CLI as the rooms of `ops` use it: one command on one stack, its events read.

Owns running a command with its output in a file, and what its event log says happened (the log is
one JSON object a line, as `--event-log` writes it; CLI 3.259). The environment (backend,
passphrase, plugins) is the caller's: `tools` sets it.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType
from typing import Any

from ops.declared import ROOT, is_pull_request

__all__ = [
    "PULL_REQUEST_LOCK",
    "Change",
    "Engine",
    "EngineError",
    "Outcome",
    "is_stale_lock",
    "read_events",
    "tail",
]

_COLOURS = re.compile(r"<\{%[^%]*%\}>|\x1b\[[0-9;]*m")
_LOCK = re.compile(r"created by \S+@(\S+) \(pid (\d+)\)(?: at (\S+))?")
# No job on a pull request's stack runs as long (`timeout-minutes` of the workflows).
PULL_REQUEST_LOCK = timedelta(hours=4)
_QUICK_SECONDS = 120
_SAME = ("same", "read", "refresh")


class EngineError(Exception):
    """The CLI refused a quick command; the message has its words."""


class NoStackError(EngineError):
    """The backend has no such stack."""


@dataclass(frozen=True, kw_only=True)
class Change:
    """What happened to one resource.

    Attributes:
        operation: `create`, `update`, `replace` or `delete`.
        type: Its type.
        name: Its Pulumi name.
        properties: What of it changed, for an update or a replacement.
    """

    operation: str
    type: str
    name: str
    properties: tuple[str, ...] = ()

    def __str__(self) -> str:
        told = f" ({', '.join(self.properties)})" if self.properties else ""
        return f"{self.operation} {self.name} [{self.type}]{told}"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One finished command.

    Attributes:
        code: Its exit code.
        seconds: How long it took.
        changes: What happened, or would happen, to resources; components are left out.
        same: Resources that stayed as they were.
        errors: What the engine and the providers said was wrong.
        violations: Policy violations, `rule (level): message`.
        infos: Other words of the program, in their order.
        log: The command's output.
    """

    code: int
    seconds: float
    changes: tuple[Change, ...] = ()
    same: int = 0
    errors: tuple[str, ...] = ()
    violations: tuple[str, ...] = ()
    infos: tuple[str, ...] = ()
    log: Path | None = None

    def count(self, operation: str) -> int:
        """Resources to which that happened."""
        return sum(change.operation == operation for change in self.changes)


@dataclass
class _Read:
    changes: list[Change] = field(default_factory=list)
    same: int = 0
    errors: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    infos: list[str] = field(default_factory=list)


def _plain(text: str) -> str:
    return _COLOURS.sub("", text).strip()


def _about(urn: str) -> str:
    """Which resource an error is about, before its words; nothing for the program's own."""
    resource_type, _, name = urn.rpartition("::")
    return f"{name}: " if name and not resource_type.endswith("pulumi:pulumi:Stack") else ""


def _operation(metadata: Mapping[str, Any]) -> str:
    """One word for a step, or "" for those that only belong to another's."""
    operation = str(metadata["op"])
    if operation in ("replace", "delete-replaced", "discard-replaced"):
        return ""
    return {"create-replacement": "replace", "discard": "delete"}.get(operation, operation)


def _add_step(found: _Read, metadata: Mapping[str, Any]) -> None:
    resource_type = str(metadata["type"])
    # A component has no provider of its own; providers and stacks are Pulumi's.
    if not metadata.get("provider") or resource_type.startswith("pulumi:"):
        return
    operation = _operation(metadata)
    if operation in _SAME:
        found.same += 1
    elif operation:
        details = metadata.get("detailedDiff") or {}
        found.changes.append(
            Change(
                operation=operation,
                type=resource_type,
                name=str(metadata["urn"]).rpartition("::")[2],
                properties=tuple(sorted(details or metadata.get("diffs") or ())),
            )
        )


def read_events(lines: Iterable[str], *, preview: bool = False) -> _Read:
    """What an event log says; a last line that was cut off is left out.

    Args:
        lines: The log.
        preview: Whether the steps were planned only: those are told before, not after, each.
    """
    found, steps = _Read(), "resourcePreEvent" if preview else "resOutputsEvent"
    for line in lines:
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if steps in event:
            _add_step(found, event[steps]["metadata"])
        elif "policyEvent" in event:
            policy = event["policyEvent"]
            found.violations.append(
                f"{policy.get('policyName', '?')} ({policy.get('enforcementLevel', '?')}): "
                f"{_plain(policy.get('message', ''))}"
            )
        elif "diagnosticEvent" in event:
            words = _plain(event["diagnosticEvent"].get("message", ""))
            severity = event["diagnosticEvent"].get("severity")
            if words and severity in ("error", "info#err"):
                found.errors.append(_about(str(event["diagnosticEvent"].get("urn", ""))) + words)
            elif words and severity in ("info", "warning"):
                found.infos.append(words)
    return found


@dataclass(frozen=True, kw_only=True)
class Engine:
    """Runs `pulumi` on one stack.

    Attributes:
        stack: The stack.
        logs: Folder for the commands' output.
        environment: The whole environment of the commands.
    """

    stack: str
    logs: Path
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ), repr=False)

    def run(self, name: str, command: str, *arguments: str) -> Outcome:
        """Run `preview`, `up`, `refresh` or `destroy`; its failure is in the outcome.

        SIGINT, SIGTERM and SIGHUP reach it as SIGINT, each once, whoever was sent them, and it is
        waited for. The lock of an engine that was killed on this machine is taken away; of a pull
        request's stack also one that is older than any job: nobody else would look after it.

        Args:
            name: Of the step, for the names of its files.
            command: The CLI's.
            arguments: After it.
        """
        outcome = self._run(name, command, arguments)
        longest = PULL_REQUEST_LOCK if is_pull_request(self.stack) else None
        if outcome.code != 0 and is_stale_lock("\n".join(tail(outcome.log)), longest=longest):
            self.ask("cancel", "--yes")
            return self._run(name, command, arguments)
        return outcome

    def _run(self, name: str, command: str, arguments: Sequence[str]) -> Outcome:
        self.logs.mkdir(parents=True, exist_ok=True)
        log, events = self.logs / f"{name}.log", self.logs / f"{name}.events.jsonl"
        events.unlink(missing_ok=True)
        began = time.monotonic()
        words = ["pulumi", command, "--stack", self.stack, "--non-interactive", "--color", "never"]
        words += ["--suppress-outputs"] if command != "preview" else []
        with log.open("wb") as stream:
            code = self._wait(
                subprocess.Popen(
                    [*words, "--event-log", str(events), *arguments],
                    cwd=ROOT,
                    # It is what makes the CLI take --event-log.
                    env={**self.environment, "PULUMI_DEBUG_COMMANDS": "true"},
                    stdin=subprocess.DEVNULL,
                    stdout=stream,
                    stderr=subprocess.STDOUT,
                    # Ctrl-C on a terminal would reach it by itself, and again from here: the
                    # second makes it end without waiting for what it has begun.
                    process_group=0,
                )
            )
        found = _Read()
        if events.is_file():
            with events.open(encoding="utf-8") as lines:
                found = read_events(lines, preview=command == "preview")
        return Outcome(
            code=code,
            seconds=time.monotonic() - began,
            changes=tuple(found.changes),
            same=found.same,
            errors=tuple(found.errors),
            violations=tuple(dict.fromkeys(found.violations)),
            infos=tuple(found.infos),
            log=log,
        )

    def _wait(self, process: subprocess.Popen[bytes]) -> int:
        def hand_on(_signum: int, _frame: FrameType | None) -> None:
            process.send_signal(signal.SIGINT)

        handed_on = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        before = [(signum, signal.signal(signum, hand_on)) for signum in handed_on]
        try:
            return process.wait()
        finally:
            for signum, handler in before:
                signal.signal(signum, handler)

    def ask(self, *arguments: str, stack: bool = True) -> str:
        """Run a quick command and return what it wrote.

        Args:
            arguments: The command's words.
            stack: Whether it is about the stack.

        Raises:
            EngineError: It failed.
        """
        return self._ask(arguments, stack=stack)

    def ask_secretly(self, secret: str, *arguments: str) -> str:
        """Run a quick command that reads a secret from its standard input.

        Raises:
            EngineError: It failed.
        """
        return self._ask(arguments, stack=True, secret=secret)

    def _ask(self, arguments: Sequence[str], *, stack: bool, secret: str = "") -> str:
        command = ["pulumi", *arguments, *(("--stack", self.stack) if stack else ())]
        try:
            done = subprocess.run(
                [*command, "--non-interactive"],
                cwd=ROOT,
                env=dict(self.environment),
                capture_output=True,
                text=True,
                input=secret,
                timeout=_QUICK_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise EngineError(
                f"`pulumi {' '.join(arguments[:2])}` of stack {self.stack} did not end within "
                f"{_QUICK_SECONDS} s"
            ) from error
        if done.returncode != 0:
            words = done.stderr.strip() or done.stdout.strip()
            kind = NoStackError if f"no stack named '{self.stack}' found" in words else EngineError
            raise kind(f"`pulumi {' '.join(arguments[:2])}` of stack {self.stack} failed: {words}")
        return done.stdout

    def resources(self) -> list[dict[str, Any]]:
        """The stack's resources as its state has them; secrets stay encrypted.

        Raises:
            EngineError: There is no such stack, no access to it, or its state cannot be read.
        """
        try:
            exported = json.loads(self.ask("stack", "export"))
        except ValueError as error:
            raise EngineError(f"the state of stack {self.stack} is no JSON: {error}") from error
        found: list[dict[str, Any]] = exported.get("deployment", {}).get("resources") or []
        return found


def is_stale_lock(
    text: str,
    host: str = "",
    runs: Callable[[int], bool] | None = None,
    *,
    longest: timedelta | None = None,
    now: datetime | None = None,
) -> bool:
    """Whether a command was refused for locks alone that nobody holds any more.

    Those are locks of this machine whose engines are gone, and what is older than `longest`. The
    text is that of CLI 3.259 for every backend of its own: `created by USER@HOST (pid 7) at TIME`.

    Args:
        text: What the CLI wrote.
        host: This machine's name; found out by default.
        runs: Whether an engine runs under a process id; looks by default.
        longest: No engine holds a lock as long; by default any may.
        now: The time to go by.
    """
    locks = _LOCK.findall(text)
    here, alive = host or socket.gethostname(), runs or _engine_runs
    moment = now or datetime.now(UTC)
    return (
        "currently locked by" in text
        and bool(locks)
        and all(
            (where == here and not alive(int(pid)))
            or (longest is not None and _age(since, moment) > longest)
            for where, pid, since in locks
        )
    )


def _age(since: str, now: datetime) -> timedelta:
    """How old a lock is; one that does not say is a new one."""
    try:
        return now - datetime.fromisoformat(since).astimezone(UTC)
    except ValueError:
        return timedelta()


def _engine_runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").startswith("pulumi")
    except FileNotFoundError:
        # No such process, or no such folder: macOS has none.
        return not Path("/proc/self").exists()


def tail(path: Path | None, lines: int = 25) -> Sequence[str]:
    """The last lines of a command's output."""
    if path is None or not path.is_file():
        return []
    return path.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:]
