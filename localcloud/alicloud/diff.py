"""Comparison of declared inputs with the current state, by the cloud provider's facts. Pure.

Owns which properties differ and which differences replace the resource. A value that is not
declared and that the cloud fills in is not a difference.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pluginhost import contains_unknown, reveal
from provider_facts import ResourceType, Shape

Kind = Literal["add", "delete", "update"]


@dataclass(frozen=True)
class Change:
    """One property that differs.

    Attributes:
        path: For example ``tags.team``.
        kind: How it differs.
        replaces: Whether the change replaces the resource.
    """

    path: str
    kind: Kind
    replaces: bool


def diff(
    resource_type: ResourceType,
    old_inputs: Mapping[str, Any],
    old_state: Mapping[str, Any],
    new_inputs: Mapping[str, Any],
    ignored: frozenset[str] = frozenset(),
) -> list[Change]:
    """Return the differences between a resource and its declaration.

    Args:
        resource_type: Its type.
        old_inputs: The inputs of the last update.
        old_state: Its outputs. An output with the name of an input is compared in its place, so
            that drift found by a refresh is a difference.
        new_inputs: Checked inputs; may contain ``UNKNOWN``.
        ignored: Top-level properties to leave out (``ignoreChanges``).
    """
    changes: list[Change] = []
    for name, shape in resource_type.inputs.items():
        if name in ignored:
            continue
        old = old_state.get(name, old_inputs.get(name))
        new = new_inputs.get(name)
        if new is None and (shape.computed or name not in old_inputs):
            continue
        changes.extend(_compare(name, shape, reveal(old), reveal(new), shape.replaces))
    return changes


def _compare(path: str, shape: Shape, old: Any, new: Any, replaces: bool) -> Iterator[Change]:
    if contains_unknown(new) or same(shape, old, new):
        if contains_unknown(new):
            yield Change(path, "update" if not _empty(old) else "add", replaces)
        return
    if _empty(old) or _empty(new) or shape.type not in ("object", "list", "map") or shape.set:
        kind: Kind = "add" if _empty(old) else "delete" if _empty(new) else "update"
        yield Change(path, kind, replaces)
    elif shape.type == "object":
        for name, inner in shape.properties.items():
            if new.get(name) is None and inner.computed:
                continue
            yield from _compare(
                f"{path}.{name}", inner, old.get(name), new.get(name), replaces or inner.replaces
            )
    else:
        yield from _compare_entries(path, shape, old, new, replaces)


def _compare_entries(
    path: str, shape: Shape, old: Any, new: Any, replaces: bool
) -> Iterator[Change]:
    inner = shape.items if shape.items is not None else Shape(type="any")
    if shape.type == "map":
        for key in sorted(old.keys() | new.keys()):
            yield from _compare(f"{path}.{key}", inner, old.get(key), new.get(key), replaces)
        return
    for index in range(max(len(old), len(new))):
        before = old[index] if index < len(old) else None
        after = new[index] if index < len(new) else None
        yield from _compare(f"{path}[{index}]", inner, before, after, replaces)


def _empty(value: Any) -> bool:
    return value is None or value == {} or value == []


def same(shape: Shape, old: Any, new: Any) -> bool:
    """Return whether two values are equal to the cloud provider."""
    if _empty(old) and _empty(new):
        return True
    if _empty(old) or _empty(new):
        return False
    if shape.type == "string":
        return old == new or _same_json(old, new)
    if shape.type == "object" and isinstance(old, Mapping):
        return all(
            (new.get(name) is None and inner.computed) or same(inner, old.get(name), new.get(name))
            for name, inner in shape.properties.items()
        )
    if shape.type == "list" and isinstance(old, list) and shape.items is not None:
        if len(old) != len(new):
            return False
        if shape.set:
            return _same_set(shape.items, old, new)
        return all(same(shape.items, a, b) for a, b in zip(old, new, strict=True))
    return bool(old == new)


def _same_set(shape: Shape, old: list[Any], new: list[Any]) -> bool:
    left = list(old)
    for item in new:
        match = next((other for other in left if same(shape, other, item)), None)
        if match is None:
            return False
        left.remove(match)
    return True


def _same_json(old: Any, new: Any) -> bool:
    """Return whether both are equal JSON objects; policies are compared like this, not as text."""
    if not (isinstance(old, str) and isinstance(new, str)) or "{" not in (old[:1], new[:1]):
        return False
    try:
        return bool(json.loads(old) == json.loads(new))
    except ValueError:
        return False
