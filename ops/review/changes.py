"""The changes from one declaration to another: created, changed, replaced, deleted. Pure.

Owns comparing inputs, property by property, and what a replacement causes for the resources that
use the replaced one. Does not own which property replaces (`ops.review.replacing`) nor how values
are shown (`ops.review.values`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from guardrails.declare import Declared
from guardrails.placeholders import unknown
from ops.review.replacing import is_ignored, replaces, top

__all__ = ["Change", "Kind", "PropertyChange", "compare", "differences", "portable"]

_ABSENT = object()


class Kind(StrEnum):
    """What happens to a resource."""

    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"


@dataclass(frozen=True, kw_only=True)
class PropertyChange:
    """One property, before and after; None if it is absent.

    Attributes:
        path: Wire names and indices: `dataNodeConfiguration.amount`.
        secret: Its values must not be shown.
        replaces: Its change replaces the resource.
    """

    path: str
    before: Any = None
    after: Any = None
    secret: bool = False
    replaces: bool = False


@dataclass(frozen=True, kw_only=True)
class Change:
    """What happens to one resource.

    Attributes:
        kind: What happens.
        resource: The resource after the change; a deleted resource as it is now.
        properties: The properties that change, for an update or a replacement.
        because: The replaced resource that causes this change, if its own declaration is the same.
    """

    kind: Kind
    resource: Declared
    properties: Sequence[PropertyChange] = ()
    because: str = ""


def portable(declared: Iterable[Declared], root: Path) -> list[Declared]:
    """Return the same resources without this machine's folders in their inputs.

    Another folder for the same tree, or another temporary folder, must not count as a change.
    """
    folder = re.compile(re.escape(str(root.resolve())) + r"(?=/|$)")
    temporary = re.compile(r"/(?:[\w.-]+/)+(?=work/code/)")

    def cut(value: Any) -> Any:
        if isinstance(value, str):
            return temporary.sub("", folder.sub(".", value))
        if isinstance(value, Mapping):
            return {key: cut(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [cut(item) for item in value]
        return value

    return [replace(item, inputs=cut(item.inputs)) for item in declared]


def compare(before: Iterable[Declared], after: Iterable[Declared]) -> list[Change]:
    """Return what an update from one declaration to another does, in the order of components."""
    old = {item.urn: item for item in before}
    new = {item.urn: item for item in after}
    found = [Change(kind=Kind.CREATE, resource=new[urn]) for urn in new.keys() - old.keys()]
    found += [Change(kind=Kind.DELETE, resource=old[urn]) for urn in old.keys() - new.keys()]
    for urn in new.keys() & old.keys():
        properties = _properties(old[urn], new[urn])
        if properties:
            kind = Kind.REPLACE if any(item.replaces for item in properties) else Kind.UPDATE
            found.append(Change(kind=kind, resource=new[urn], properties=properties))
    found += _followers(found, new)
    found.sort(key=lambda change: (change.resource.component, change.resource.urn))
    return [change for change in found if not change.resource.type.startswith("pulumi:")]


def _properties(old: Declared, new: Declared) -> list[PropertyChange]:
    secrets = {*old.secrets, *new.secrets}
    return [
        PropertyChange(
            path=path,
            before=before,
            after=after,
            secret=top(path) in secrets,
            replaces=replaces(new.type, path),
        )
        for path, before, after in differences(old.inputs, new.inputs, "")
        if not is_ignored(new.type, top(path))
    ]


def differences(before: Any, after: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    """Yield path, old value and new value of each leaf that differs; None for an absent value."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in sorted(before.keys() | after.keys()):
            below = f"{path}.{key}" if path else str(key)
            yield from differences(before.get(key, _ABSENT), after.get(key, _ABSENT), below)
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from differences(one, other, f"{path}[{index}]")
    elif before != after:
        yield path, None if before is _ABSENT else before, None if after is _ABSENT else after


def _followers(found: Sequence[Change], new: Mapping[str, Declared]) -> list[Change]:
    """Return the changes of resources that use a replaced one, because its id is a new one."""
    touched = {change.resource.urn for change in found}
    left = [change.resource for change in found if change.kind is Kind.REPLACE]
    followers: list[Change] = []
    while left:
        cause = left.pop()
        mark = unknown(cause.name, "")
        for urn, item in new.items():
            if urn in touched or item.existing:
                continue
            named = list(_marked(item.inputs, mark, ""))
            if not named:
                continue
            touched.add(urn)
            properties = [
                PropertyChange(path=path, replaces=replaces(item.type, path)) for path in named
            ]
            again = any(each.replaces for each in properties)
            kind = Kind.REPLACE if again else Kind.UPDATE
            followers.append(
                Change(kind=kind, resource=item, properties=properties, because=cause.name)
            )
            if again:
                left.append(item)
    return followers


def _marked(value: Any, mark: str, path: str) -> Iterator[str]:
    """Yield the paths of the leaves that contain a mark."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _marked(item, mark, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _marked(item, mark, f"{path}[{index}]")
    elif isinstance(value, str) and mark in value:
        yield path
