"""Shared parts of all life cycles: declared inputs, their checks, diffs, the call.

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
from typing import Any, ClassVar, Final, Literal, Protocol

from pluginhost import UNKNOWN, Host, ProviderError, contains_unknown
from providers.clients.dlc import DlcClient
from providers.clients.elasticsearch_instances import ElasticsearchInstances
from providers.clients.oss import OssClient
from providers.clients.scaling import Scaling
from providers.wire import whole_numbers

__all__ = [
    "Call",
    "Change",
    "Difference",
    "Failure",
    "Handler",
    "Input",
    "Services",
    "check_inputs",
    "compare",
    "require_known_state",
    "with_defaults",
]

Effect = Literal["replace", "update", "ignore"]
ChangeKind = Literal["add", "delete", "update"]
Kind = Literal["string", "integer", "boolean", "map", "string map", "list", "string list"]

_MISSING: Final = object()


class Services(Protocol):
    """The clients of a handler; tests replace them with in-memory ones."""

    @property
    def oss(self) -> OssClient:
        """Objects of the configured region."""

    @property
    def dlc(self) -> DlcClient:
        """DLC jobs of the configured region."""

    @property
    def elasticsearch_instances(self) -> ElasticsearchInstances:
        """The management of Elasticsearch instances of the configured region."""

    @property
    def scaling(self) -> Scaling:
        """Scaling groups of the configured region."""

    def elasticsearch(self, endpoint: str, username: str, password: str) -> Any:
        """Return an ``elasticsearch.Elasticsearch`` for a cluster."""


@dataclass(frozen=True, kw_only=True)
class Input:
    """A declared input of a resource.

    Attributes:
        kind: The type of its values.
        effect: The effect of a change on the resource.
        required: Whether the program must set it.
        default: Its value if the program does not set it.
        secret: Whether it is always secret.
    """

    kind: Kind
    effect: Effect = "update"
    required: bool = False
    default: Any = None
    secret: bool = False


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
class Difference:
    """The result of a diff.

    Attributes:
        changes: The changes in detail; may be empty.
        delete_before_replace: Whether a replacement must delete first.
    """

    changes: tuple[Change, ...] = ()
    delete_before_replace: bool = False

    @property
    def replaces(self) -> list[str]:
        """Top-level properties that replace the resource."""
        return list(dict.fromkeys(change.property for change in self.changes if change.replaces))


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
    """

    urn: str
    services: Services
    host: Host
    wait: Callable[[float], None]
    resource_id: str = ""
    timeout_seconds: float | None = None
    clock: Callable[[], float] = time.monotonic

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
    """

    token: ClassVar[str]
    inputs: ClassVar[Mapping[str, Input]]

    def check(self, inputs: Mapping[str, Any]) -> Iterator[Failure]:
        """Yield failures besides presence and type; values may be unknown."""
        return iter(())

    @abstractmethod
    def diff(
        self,
        old_inputs: Mapping[str, Any],
        olds: Mapping[str, Any],
        news: Mapping[str, Any],
        call: Call,
    ) -> Difference:
        """Return the changes; ``olds`` are the old outputs."""

    @abstractmethod
    def preview_create(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Return the outputs besides the inputs that are known before the resource exists."""

    @abstractmethod
    def preview_update(self, olds: Mapping[str, Any], inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Return the same for a resource that is updated in place."""

    @abstractmethod
    def create(self, inputs: Mapping[str, Any], call: Call) -> tuple[str, dict[str, Any]]:
        """Create it, or adopt the result of an interrupted create; return id and other outputs."""

    @abstractmethod
    def read(
        self, inputs: Mapping[str, Any], olds: Mapping[str, Any], call: Call
    ) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """Return the present inputs and other outputs; ``None`` if the resource is gone."""

    @abstractmethod
    def update(
        self, olds: Mapping[str, Any], inputs: Mapping[str, Any], call: Call
    ) -> dict[str, Any]:
        """Update it in place; return the outputs besides the inputs."""

    @abstractmethod
    def delete(self, inputs: Mapping[str, Any], olds: Mapping[str, Any], call: Call) -> None:
        """Delete it; succeed if it does not exist."""


def check_inputs(declared: Mapping[str, Input], given: Mapping[str, Any]) -> Iterator[Failure]:
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
        problem = _kind_problem(spec.kind, value)
        if problem:
            yield Failure(name, problem)


def with_defaults(declared: Mapping[str, Input], given: Mapping[str, Any]) -> dict[str, Any]:
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
    if kind == "string":
        fits = isinstance(value, str)
    elif kind == "boolean":
        fits = isinstance(value, bool)
    elif kind == "integer":
        fits = isinstance(value, int | float) and not isinstance(value, bool)
        fits = fits and float(value).is_integer()
    elif kind in ("map", "string map"):
        fits = isinstance(value, Mapping)
        if fits and kind == "string map":
            for key, item in value.items():
                if item is not UNKNOWN and not isinstance(item, str):
                    return f"has {item!r} for {key!r}; allowed are strings"
    else:
        fits = isinstance(value, list)
        if fits and kind == "string list":
            for item in value:
                if item is not UNKNOWN and not isinstance(item, str):
                    return f"holds {item!r}; allowed are strings"
    return None if fits else f"is {_short(value)}; allowed is a {kind}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def compare(
    declared: Mapping[str, Input], old_inputs: Mapping[str, Any], news: Mapping[str, Any]
) -> list[Change]:
    """Return every change between two sets of inputs, with its declared effect."""
    changes = []
    for name, spec in declared.items():
        if spec.effect == "ignore":
            continue
        old, new = old_inputs.get(name), news.get(name)
        for path, kind in _changes(name, _absent(old), _absent(new)):
            changes.append(Change(path=path, kind=kind, replaces=spec.effect == "replace"))
    return changes


def _absent(value: Any) -> Any:
    return _MISSING if value is None else value


def _changes(path: str, old: Any, new: Any) -> Iterator[tuple[str, ChangeKind]]:
    if old is _MISSING and new is _MISSING:
        return
    if old is _MISSING:
        yield path, "add"
    elif new is _MISSING:
        yield path, "delete"
    elif isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in sorted({*old, *new}):
            yield from _changes(f"{path}{_step(key)}", _absent(old.get(key)), _absent(new.get(key)))
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, (before, after) in enumerate(zip(old, new, strict=True)):
            yield from _changes(f"{path}[{index}]", _absent(before), _absent(after))
    elif contains_unknown(new) or old != new:
        yield path, "update"


def _step(key: str) -> str:
    if re.fullmatch(r"[A-Za-z_]\w*", key):
        return f".{key}"
    escaped = key.replace("\\", "\\\\").replace('"', '\\"')
    return f'["{escaped}"]'


def require_known_state(inputs: Mapping[str, Any], names: tuple[str, ...], token: str) -> None:
    """Refuse to read a resource whose inputs the engine does not have, for example in an import.

    Raises:
        ProviderError: An input is missing.
    """
    missing = [name for name in names if inputs.get(name) in (None, "")]
    if missing:
        raise ProviderError(
            f"{token} cannot be imported: its id does not contain {', '.join(missing)}. Declare "
            "the resource and run `pulumi up`, which adopts it."
        )
