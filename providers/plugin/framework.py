"""Shared parts of all life cycles: checks and diffs of declared inputs, the call.

Does not own any resource. Values are plain Python; a value that a preview does not know is
``UNKNOWN``.
"""

from __future__ import annotations

import re
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar, Final, Literal

from pluginhost import UNKNOWN, Host, ProviderError, contains_unknown
from providers.declaration import Bounds, Input, Kind
from providers.plugin.services import CloudServices
from providers.wire import whole_numbers

__all__ = [
    "Call",
    "Change",
    "Failure",
    "Handler",
    "Values",
    "check_inputs",
    "compare",
    "require_known_state",
    "with_defaults",
]

ChangeKind = Literal["add", "delete", "update"]
Values = Mapping[str, Any]
"""Inputs or outputs by their wire names."""
_TYPES: Final[Mapping[Kind, type]] = {
    "string": str,
    "boolean": bool,
    "map": Mapping,
    "string map": Mapping,
    "list": list,
    "string list": list,
}


@dataclass(frozen=True)
class Failure:
    """An input that is not allowed: the problem, the given value, the allowed values."""

    property: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Change:
    """One difference between the old and the new inputs.

    Attributes:
        path: Property path, e.g. ``documents["docs/a.md"]``.
        kind: Whether the value was added, deleted or updated.
        replaces: Whether it replaces the resource.
    """

    path: str
    kind: ChangeKind
    replaces: bool = False

    @property
    def property(self) -> str:
        """The top-level property."""
        return re.split(r"[.\[]", self.path, maxsplit=1)[0]


@dataclass(frozen=True, kw_only=True)
class Call:
    """One operation of the engine on one resource.

    Attributes:
        urn: The resource.
        services: The clients.
        resource_id: Its id; empty in a create.
        host: Progress, log, cancel.
        wait: Sleeps; raises ``OperationCancelledError`` after Ctrl-C.
        timeout_seconds: The user's ``custom_timeouts``, or ``None``.
        clock: Monotonic seconds.
        now: The present time, with its zone.
    """

    urn: str
    services: CloudServices
    host: Host
    wait: Callable[[float], None]
    resource_id: str = ""
    timeout_seconds: float | None = None
    clock: Callable[[], float] = time.monotonic
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    @property
    def cancelled(self) -> threading.Event:
        """The event that Ctrl-C sets."""
        return self.host.cancelled

    def status(self, message: str) -> None:
        """Show one line of progress."""
        self.host.status(self.urn, message)

    def log(self, message: str, severity: Literal["info", "warning"] = "info") -> None:
        """Print a message under the resource."""
        self.host.log(self.urn, message, severity)


class Handler(ABC):
    """The life cycle of one resource type.

    ``check`` and the previews never call services; the other methods may. All methods run in
    worker threads.

    Attributes:
        token: The resource's type.
        inputs: Its declared inputs.
        outputs: Its outputs besides the inputs.
        secret_outputs: Those of the outputs that are always secret.
        needed: Inputs without which it cannot be read. They are missing in an import.
        adopts: Whether a create adopts what exists already.
    """

    token: ClassVar[str]
    inputs: ClassVar[Mapping[str, Input]]
    outputs: ClassVar[tuple[str, ...]] = ()
    secret_outputs: ClassVar[tuple[str, ...]] = ()
    needed: ClassVar[tuple[str, ...]] = ()
    adopts: ClassVar[bool] = True

    def check(self, inputs: Values) -> Iterator[Failure]:
        """Yield failures besides presence and type; values may be unknown."""
        return iter(())

    def diff(self, old_inputs: Values, olds: Values, news: Values, call: Call) -> list[Change]:
        """Return the changes; ``olds`` are the old outputs."""
        return compare(self.inputs, old_inputs, news)

    def must_delete_first(self, old_inputs: Values, news: Values) -> bool:
        """Return whether a replacement must delete the old resource before it creates another."""
        return False

    def preview_create(self, inputs: Values) -> dict[str, Any]:
        """Return the outputs besides the inputs, as far as known before the resource exists."""
        return dict.fromkeys(self.outputs, UNKNOWN)

    def preview_update(self, olds: Values, inputs: Values) -> dict[str, Any]:
        """Return the same for a resource that is updated in place."""
        return self.preview_create(inputs)

    def kept(self, olds: Values) -> dict[str, Any]:
        """Return the outputs of a resource that does not change."""
        return {name: olds.get(name) for name in self.outputs}

    @abstractmethod
    def create(self, inputs: Values, call: Call) -> tuple[str, dict[str, Any]]:
        """Create it, or adopt the result of an interrupted create; return id and other outputs."""

    @abstractmethod
    def read(self, inputs: Values, olds: Values, call: Call) -> tuple[Values, Values] | None:
        """Return the present inputs and other outputs; ``None`` if the resource is gone."""

    @abstractmethod
    def update(self, olds: Values, inputs: Values, call: Call) -> dict[str, Any]:
        """Update it in place; return the outputs besides the inputs."""

    @abstractmethod
    def delete(self, inputs: Values, olds: Values, call: Call) -> None:
        """Delete it; succeed if it does not exist."""


def check_inputs(declared: Mapping[str, Input], given: Values) -> Iterator[Failure]:
    """Yield inputs that are not declared, missing, or of the wrong kind."""
    for name, value in given.items():
        if name not in declared and not name.startswith("__") and value is not None:
            yield Failure(name, f"is not a property; allowed are {', '.join(sorted(declared))}")
    for name, spec in declared.items():
        value = given.get(name)
        if value is None or value == "":
            if spec.required:
                yield Failure(name, "is required but not set")
            continue
        problem = _kind_problem(spec.kind, value) or _bounds_problem(spec.bounds, value)
        if problem and spec.secret:
            problem = f"is secret, so it is not shown here; allowed is a {spec.kind}"
        if problem:
            yield Failure(name, problem)


def with_defaults(declared: Mapping[str, Input], given: Values) -> dict[str, Any]:
    """Return the declared inputs with a value, with defaults, and whole numbers as ``int``."""
    values = {}
    for name, spec in declared.items():
        value = given.get(name)
        if value is None:
            value = spec.default
        if value is not None:
            values[name] = whole_numbers(value)
    return values


def _kind_problem(kind: Kind, value: Any) -> str | None:
    if value is UNKNOWN:
        return None
    if kind == "integer":
        fits = isinstance(value, int | float) and not isinstance(value, bool)
        fits = fits and float(value).is_integer()
    else:
        fits = isinstance(value, _TYPES[kind])
    if not fits:
        return f"is {_short(value)}; allowed is {'an' if kind == 'integer' else 'a'} {kind}"
    if kind == "string map":
        for key, item in value.items():
            if item is not UNKNOWN and not isinstance(item, str):
                return f"has {item!r} for {key!r}; allowed are strings"
    if kind == "string list":
        for item in value:
            if item is not UNKNOWN and not isinstance(item, str):
                return f"holds {item!r}; allowed are strings"
    return None


def _bounds_problem(bounds: Bounds | None, value: Any) -> str | None:
    if bounds is None or value is UNKNOWN:
        return None
    low, high = bounds
    if value >= low and (high is None or value <= high):
        return None
    return f"is {int(value)}; allowed is {low} {'or more' if high is None else f'to {high}'}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def compare(declared: Mapping[str, Input], old_inputs: Values, news: Values) -> list[Change]:
    """Return every change between two sets of inputs, with its declared effect."""
    changes = []
    for name, spec in declared.items():
        if spec.effect == "ignore":
            continue
        for path, kind in _changes(name, old_inputs.get(name), news.get(name)):
            changes.append(Change(path=path, kind=kind, replaces=spec.effect == "replace"))
    return changes


def _changes(path: str, old: Any, new: Any) -> Iterator[tuple[str, ChangeKind]]:
    if old is None and new is None:
        return
    if old is None:
        yield path, "add"
    elif new is None:
        yield path, "delete"
    elif isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in sorted({*old, *new}):
            yield from _changes(f"{path}{_step(key)}", old.get(key), new.get(key))
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, (before, after) in enumerate(zip(old, new, strict=True)):
            yield from _changes(f"{path}[{index}]", before, after)
    elif contains_unknown(new) or old != new:
        yield path, "update"


def _step(key: str) -> str:
    if re.fullmatch(r"[A-Za-z_]\w*", key):
        return f".{key}"
    escaped = key.replace("\\", "\\\\").replace('"', '\\"')
    return f'["{escaped}"]'


def require_known_state(handler: Handler, inputs: Values) -> None:
    """Refuse to read a resource whose inputs the engine does not have, for example in an import.

    Raises:
        ProviderError: An input is missing.
    """
    missing = [name for name in handler.needed if inputs.get(name) in (None, "")]
    if missing:
        raise ProviderError(
            f"{handler.token} cannot be imported: its id does not contain {', '.join(missing)}. "
            f"Declare the resource and run `pulumi up`, which "
            f"{'adopts it' if handler.adopts else 'makes another one'}."
        )
