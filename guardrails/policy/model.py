"""What the rules see: resources as plain values, and what is said about them. Pure.

Owns the shapes that the rules share and the reading of nested properties. Does not own any rule,
nor where the resources come from (`pack` gets them from the engine, `check` from a declaration).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

__all__ = [
    "STACK_TYPE",
    "UNKNOWN",
    "Resource",
    "Rule",
    "Setting",
    "Violation",
    "companion",
    "is_on",
    "is_unknown",
    "listed",
    "statements_of",
    "texts",
    "value_at",
]

STACK_TYPE = "pulumi:pulumi:Stack"
STRICTEST = "prod"


class _Unknown:
    """A value that only the update will know."""

    def __repr__(self) -> str:
        return "<unknown>"


UNKNOWN: Final = _Unknown()
"""Stands for a value that a preview cannot know. A rule lets it pass: the update asks again, when
the value is there, and before the resource is made."""


@dataclass(frozen=True, kw_only=True)
class Resource:
    """One resource of a stack.

    Attributes:
        type: Its type token, e.g. `alicloud:oss/bucket:Bucket`.
        name: Its logical name.
        inputs: Properties by wire name; `UNKNOWN` where a preview cannot know.
        urn: Its URN; empty where there is no engine.
        parent: URN or any other key of its parent; siblings have the same.
        protect: Pulumi refuses to delete it.
        references: Property to the URNs of the resources that it was made from.
    """

    type: str
    name: str
    inputs: Mapping[str, Any]
    urn: str = ""
    parent: str = ""
    protect: bool = False
    references: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Setting:
    """Where the resources are to be.

    Attributes:
        environment: `local`, `dev`, `prod` or `pr`; what is none of these counts as `prod`.
        config: The stack's configuration, by key without namespace.
    """

    environment: str
    config: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_production(self) -> bool:
        """Whether the strictest rules hold: also for an environment that nobody knows."""
        return self.environment not in ("local", "dev", "pr")

    @property
    def is_cloud(self) -> bool:
        """Whether the stack is in the cloud, and no local cloud stands in for it."""
        return self.config.get("platform", "alicloud") != "local"

    def brings(self, bucket: Resource) -> bool:
        """Whether a bucket was there before the stack, which then is not to answer for it."""
        name = bucket.inputs.get("bucket")
        return isinstance(name, str) and name == self.config.get("existingCorpusBucket")


@dataclass(frozen=True, kw_only=True)
class Violation:
    """One rule broken by one resource.

    Attributes:
        rule: The rule's name.
        resource: What breaks it.
        message: What is wrong, with the value, what is allowed, and what to change.
    """

    rule: str
    resource: Resource
    message: str


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule; it has either `on_resource` or `on_stack`.

    Attributes:
        name: As a violation shows it.
        description: What it demands, in one sentence.
        on_resource: Says what is wrong with one resource, before it is made.
        on_stack: Says what is wrong between resources, once all are declared.
    """

    name: str
    description: str
    on_resource: Callable[[Resource, Setting], Iterable[str]] | None = None
    on_stack: Callable[[Sequence[Resource], Setting], Iterable[tuple[Resource, str]]] | None = None

    def __post_init__(self) -> None:
        if (self.on_resource is None) == (self.on_stack is None):
            raise ValueError(f"rule {self.name!r} needs on_resource or on_stack, and not both")

    def violations(self, resources: Sequence[Resource], setting: Setting) -> Iterator[Violation]:
        """What the rule has against the resources of a stack."""
        if self.on_resource is not None:
            for resource in resources:
                for message in self.on_resource(resource, setting):
                    yield Violation(rule=self.name, resource=resource, message=message)
        if self.on_stack is not None:
            for resource, message in self.on_stack(resources, setting):
                yield Violation(rule=self.name, resource=resource, message=message)


def value_at(inputs: Any, *path: str) -> Any:
    """The value at a path of property names: None when it is not given, `UNKNOWN` when the value,
    or something on the way to it, is unknown."""
    value = inputs
    for name in path:
        if value is UNKNOWN:
            return UNKNOWN
        if not isinstance(value, Mapping):
            return None
        value = value.get(name)
    return value


def is_unknown(value: Any) -> bool:
    """Whether a preview cannot know the value."""
    return value is UNKNOWN


def is_on(value: Any) -> bool:
    """Whether a switch is on, or may be: some types of the cloud say it in words."""
    return value is UNKNOWN or value is True or str(value).lower() in ("true", "enabled")


def texts(value: Any) -> Iterator[str]:
    """Every known text within a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from texts(item)
    elif isinstance(value, Sequence):
        for item in value:
            yield from texts(item)


def listed(value: Any) -> list[Any]:
    """The entries of a list, or the one that stands for a list of one; none if it is unknown."""
    if value is None or value is UNKNOWN:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def statements_of(text: Any) -> list[Mapping[str, Any]]:
    """Statements of a policy document; none where it is not known yet or not there.

    Raises:
        ValueError: It cannot be read, or could be read in two ways.
    """
    if not isinstance(text, str) or not text:
        return []
    document = json.loads(text, object_pairs_hook=_each_once)
    if not isinstance(document, Mapping):
        raise ValueError("it is no JSON object")
    found = listed(document.get("Statement"))
    if not all(isinstance(statement, Mapping) for statement in found):
        raise ValueError("a statement of it is no JSON object")
    return found


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object's keys; which of two alike counts is not said anywhere."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError(f"it says the same twice, of {', '.join(key for key, _ in pairs)}")
    return found


def companion(resource: Resource, other: Resource, key: str, values: Iterable[Any] = ()) -> bool:
    """Whether `other` was declared for `resource`.

    By the property's references where the engine tells them, else by the property's value, and,
    where that is unknown, by having the same parent.

    Args:
        resource: The main resource.
        other: What may belong to it.
        key: The property of `other` that names the main resource.
        values: What the property may say: the main resource's id or name.
    """
    given = other.inputs.get(key)
    if resource.urn and resource.urn in other.references.get(key, ()):
        return True
    if given is UNKNOWN:
        known = bool(other.references.get(key))
        return not known and resource.parent == other.parent
    return given in [value for value in values if isinstance(value, str)]
