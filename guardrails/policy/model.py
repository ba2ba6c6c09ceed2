"""The data model of the rules: resources as plain values, rules, violations. Pure.

Owns the shapes that the rules share and the reading of nested properties. Does not own the rules,
or the source of the resources: `pack` gets them from the engine, `check` from a declaration.
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
    "has_companion",
    "is_on",
    "listed",
    "resource_rule",
    "stack_rule",
    "statements_of",
    "texts",
    "value_at",
]

STACK_TYPE = "pulumi:pulumi:Stack"
STRICTEST = "prod"


class _Unknown:
    """A value that is only known during the update."""

    def __repr__(self) -> str:
        return "<unknown>"


UNKNOWN: Final = _Unknown()
"""A value that a preview cannot know. A rule accepts it. The update checks the rule again with the
value, before it creates the resource."""


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
        references: Property to the URNs of the resources that its value comes from.
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
    """The environment and configuration of a stack.

    Attributes:
        environment: `local`, `dev`, `prod` or `pr`; any other value is treated like `prod`.
        config: The stack's configuration, by key without namespace.
    """

    environment: str
    config: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_production(self) -> bool:
        """Whether the strictest rules apply. They also apply to an unknown environment."""
        return self.environment not in ("local", "dev", "pr")

    @property
    def is_cloud(self) -> bool:
        """Whether the stack runs in the cloud and not on a local cloud."""
        return self.config.get("platform", "alicloud") != "local"

    def is_own_bucket(self, resource: Resource) -> bool:
        """Return whether a resource is a bucket that did not exist before the stack."""
        # An existing bucket's owner is responsible for it.
        name = resource.inputs.get("bucket")
        existing = isinstance(name, str) and name == self.config.get("existingCorpusBucket")
        return resource.type == "alicloud:oss/bucket:Bucket" and not existing


@dataclass(frozen=True, kw_only=True)
class Violation:
    """One rule violated by one resource.

    Attributes:
        rule: The rule's name.
        resource: The resource that violates it.
        message: What is wrong, the value, what is allowed, and what to change.
    """

    rule: str
    resource: Resource
    message: str


ResourceCheck = Callable[[Resource, Setting], Iterable[str]]
StackCheck = Callable[[Sequence[Resource], Setting], Iterable[tuple[Resource, str]]]


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule; it has either `on_resource` or `on_stack`. A decorator creates it.

    Attributes:
        name: The name in violations.
        description: The requirement, in one sentence.
        on_resource: Yields the problems of one resource, before it is created.
        on_stack: Yields the problems between resources, once all are declared.
    """

    name: str
    description: str
    on_resource: ResourceCheck | None = None
    on_stack: StackCheck | None = None

    def violations(self, resources: Sequence[Resource], setting: Setting) -> Iterator[Violation]:
        """Yield the violations of the rule by the resources of a stack."""
        if self.on_resource is not None:
            for resource in resources:
                for message in self.on_resource(resource, setting):
                    yield Violation(rule=self.name, resource=resource, message=message)
        if self.on_stack is not None:
            for resource, message in self.on_stack(resources, setting):
                yield Violation(rule=self.name, resource=resource, message=message)


def resource_rule(name: str, description: str, *types: str) -> Callable[[ResourceCheck], Rule]:
    """Return a decorator: the function yields the problems of one resource.

    Args:
        name: See `Rule`.
        description: See `Rule`.
        types: The types of the resources that the function gets; by default all.
    """

    def rule(check: ResourceCheck) -> Rule:
        def of_types(resource: Resource, setting: Setting) -> Iterable[str]:
            return check(resource, setting) if not types or resource.type in types else ()

        return Rule(name=name, description=description, on_resource=of_types)

    return rule


def stack_rule(name: str, description: str) -> Callable[[StackCheck], Rule]:
    """Return a decorator: the function yields the problems between resources."""
    return lambda check: Rule(name=name, description=description, on_stack=check)


def value_at(inputs: Any, *path: str) -> Any:
    """Return the value at a path of property names.

    Return None if it is not set, and `UNKNOWN` if the value or a parent of it is unknown.
    """
    value = inputs
    for name in path:
        if value is UNKNOWN:
            return UNKNOWN
        if not isinstance(value, Mapping):
            return None
        value = value.get(name)
    return value


def is_on(value: Any) -> bool:
    """Return whether a switch is on or unknown. Some of the cloud's types use words for true."""
    return value is UNKNOWN or value is True or str(value).lower() in ("true", "enabled")


def texts(value: Any) -> Iterator[str]:
    """Yield every known string in a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from texts(item)
    elif isinstance(value, Sequence):
        for item in value:
            yield from texts(item)


def listed(value: Any) -> list[Any]:
    """Return a list's entries, or a single value as a list; an empty list for an unknown value."""
    if value is None or value is UNKNOWN:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def statements_of(text: Any) -> list[Mapping[str, Any]]:
    """Return the statements of a policy document; an unknown or missing one has no statements.

    Raises:
        ValueError: It is not valid JSON, or it is ambiguous.
    """
    if not isinstance(text, str) or not text:
        return []
    document = json.loads(text, object_pairs_hook=_each_once)
    if not isinstance(document, Mapping):
        raise ValueError("it is not a JSON object")
    found = listed(document.get("Statement"))
    if not all(isinstance(statement, Mapping) for statement in found):
        raise ValueError("one of its statements is not a JSON object")
    return found


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object, and reject duplicate keys: which of them counts is undefined."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError(
            f"it has a duplicate key; its keys are {', '.join(key for key, _ in pairs)}"
        )
    return found


def companion(resource: Resource, other: Resource, key: str, values: Iterable[Any] = ()) -> bool:
    """Return whether `other` was declared for `resource`.

    Compares the property's references if the engine provides them, or else the property's value, or
    else, if that is unknown, the parents.

    Args:
        resource: The main resource.
        other: The resource that may belong to it.
        key: The property of `other` that names the main resource.
        values: The main resource's id and names.
    """
    given = other.inputs.get(key)
    if resource.urn and resource.urn in other.references.get(key, ()):
        return True
    if given is UNKNOWN:
        known = bool(other.references.get(key))
        return not known and resource.parent == other.parent
    return given in [value for value in values if isinstance(value, str)]


def has_companion(bucket: Resource, others: Iterable[Resource]) -> bool:
    """Return whether one of the others was declared for a bucket."""
    names = (bucket.inputs.get("bucket"), bucket.inputs.get("id"))
    return any(companion(bucket, other, "bucket", names) for other in others)
