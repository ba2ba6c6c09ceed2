"""The engine's event log of one command, read into what happened.

Owns the meaning of the log: `--event-log` writes one JSON object a line (CLI 3.259). Does not start
the engine (`ops.engine`), and does not own how the result is worded.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["Change", "Events", "Outcome", "products", "read_events"]

_COLOURS = re.compile(r"<\{%[^%]*%\}>|\x1b\[[0-9;]*m")
_SAME = ("same", "read", "refresh")
# A replacement takes three steps; one of them stands for it.
_PARTS = ("replace", "delete-replaced", "discard-replaced")
_OPERATIONS = {"create-replacement": "replace", "discard": "delete"}
_PAST = {"create": "created", "update": "updated", "replace": "replaced", "delete": "deleted"}


@dataclass(frozen=True, kw_only=True)
class Change:
    """What happened to one resource.

    Attributes:
        operation: `create`, `update`, `replace` or `delete`.
        type: The resource's type.
        name: Its Pulumi name.
        properties: The properties that changed, for an update or a replacement.
        seconds: How long it took.
    """

    operation: str
    type: str
    name: str
    properties: tuple[str, ...] = ()
    seconds: float = 0.0

    def __str__(self) -> str:
        properties = f" ({', '.join(self.properties)})" if self.properties else ""
        return f"{self.operation} {self.name} [{self.type}]{properties}"


@dataclass(kw_only=True)
class Events:
    """What an event log says.

    Attributes:
        changes: What happened, or would happen, to resources; components are left out.
        same: How many resources stayed as they were.
        errors: What the engine and the providers said was wrong.
        violations: Policy violations, `rule (level): message`.
        infos: Other messages of the program, in their order.
        config: The configuration that the command ran with.
        steps: The engine's own description of each step, with the states before and after it.
    """

    changes: list[Change] = field(default_factory=list)
    same: int = 0
    errors: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    infos: list[str] = field(default_factory=list)
    config: Mapping[str, str] = field(default_factory=dict)
    steps: list[Mapping[str, Any]] = field(default_factory=list, repr=False)

    @property
    def counts(self) -> str:
        """The number of changes by operation, such as `3 created, 1 deleted`."""
        counts = Counter(change.operation for change in self.changes)
        return ", ".join(f"{counts[key]} {past}" for key, past in _PAST.items() if counts[key])


@dataclass(kw_only=True)
class Outcome(Events):
    """One finished command.

    Attributes:
        code: Its exit code, as shells count it.
        duration_seconds: How long it took.
        log: The command's output.
    """

    code: int
    duration_seconds: float
    log: Path | None = None


def products(changes: Iterable[Change]) -> str:
    """Count created resources by product, such as `alicloud oss 9, customrag pai 2`."""
    counts = Counter(
        _product(change.type) for change in changes if change.operation in ("create", "replace")
    )
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))


def _product(resource_type: str) -> str:
    """Return the product of a type: `alicloud oss` for `alicloud:oss/bucket:Bucket`."""
    provider, _, rest = resource_type.partition(":")
    return f"{provider} {rest.partition(':')[0].partition('/')[0]}".strip()


def read_events(lines: Iterable[str], command: str = "up") -> Events:
    """Read an event log. A last line that was cut off is skipped.

    Args:
        lines: The log.
        command: The CLI's command. The steps of a preview are reported before each step, all others
            after it. The steps by which another command refreshes the state first do not count.
    """
    kind = "resourcePreEvent" if command == "preview" else "resOutputsEvent"
    began: dict[str, tuple[float, str]] = {}
    found = Events()
    for line in lines:
        try:
            event = json.loads(line)
        except ValueError:
            continue
        at = float(event.get("timestamp", 0))
        if "resourcePreEvent" in event:
            step = event["resourcePreEvent"]["metadata"]
            began[step["urn"]] = at, step["op"]
        if kind in event:
            step = event[kind]["metadata"]
            since, operation = began.get(step["urn"], (at, ""))
            if operation != "refresh" or command == "refresh":
                _add_step(found, step, at - since)
        elif "preludeEvent" in event:
            found.config = event["preludeEvent"].get("config") or {}
        elif "policyEvent" in event:
            _add_violation(found, event["policyEvent"])
        elif "diagnosticEvent" in event:
            _add_message(found, event["diagnosticEvent"])
    return found


def _add_step(found: Events, step: Mapping[str, Any], seconds: float) -> None:
    found.steps.append(step)
    # A component has no provider; providers and stacks are Pulumi's own.
    if not step.get("provider") or str(step["type"]).startswith("pulumi:"):
        return
    found.same += step["op"] in _SAME
    if step["op"] in (*_SAME, *_PARTS):
        return
    found.changes.append(
        Change(
            operation=_OPERATIONS.get(step["op"], step["op"]),
            type=step["type"],
            name=str(step["urn"]).rpartition("::")[2],
            properties=tuple(sorted(step.get("detailedDiff") or step.get("diffs") or ())),
            seconds=seconds,
        )
    )


def _add_violation(found: Events, event: Mapping[str, Any]) -> None:
    rule = f"{event.get('policyName', '?')} ({event.get('enforcementLevel', '?')})"
    violation = f"{rule}: {_plain(event.get('message', ''))}"
    if violation not in found.violations:
        found.violations.append(violation)


def _add_message(found: Events, event: Mapping[str, Any]) -> None:
    """Add a message to the errors or infos; an error begins with the name of its resource."""
    message, severity = _plain(event.get("message", "")), event.get("severity")
    resource_type, _, name = str(event.get("urn", "")).rpartition("::")
    of_program = not name or resource_type.endswith("pulumi:pulumi:Stack")
    if message and severity in ("error", "info#err"):
        found.errors.append(message if of_program else f"{name}: {message}")
    elif message and severity in ("info", "warning"):
        found.infos.append(message)


def _plain(text: str) -> str:
    return _COLOURS.sub("", text).strip()
