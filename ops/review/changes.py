"""What changes from one declaration to another: created, changed, replaced, deleted. Pure.

Owns comparing inputs, property by property, and what follows from a replacement for those that were
made of the replaced resource. Does not own which property replaces (`ops.review.replacing`) nor how
values are shown (`ops.review.values`).
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
    """One property, before and after; `None` where it is not there.

    Attributes:
        path: Wire names and indices: `dataNodeConfiguration.amount`.
        secret: Its values must not be shown.
        replaces: It cannot be changed in place.
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
        kind: In one word.
        resource: As it will be; of a deleted one, as it is.
        properties: What of it changes, for an update or a replacement.
        because: The replaced resource that this follows from, if it is not changed itself.
    """

    kind: Kind
    resource: Declared
    properties: Sequence[PropertyChange] = ()
    because: str = ""


def portable(declared: Iterable[Declared], root: Path) -> list[Declared]:
    """The same resources with this machine's folders cut out of their inputs.

    The same tree in another folder, or another day's temporary folder, is no change.
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
    """What an update from one declaration to another does, in the order of components."""
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
    """Path, value before and value after of each leaf that differs; `None` for an absent one."""
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
    """Those made of something replaced: a new id is a change of theirs, too."""
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
    """Paths of the leaves that are made of something marked."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _marked(item, mark, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _marked(item, mark, f"{path}[{index}]")
    elif isinstance(value, str) and mark in value:
        yield path
