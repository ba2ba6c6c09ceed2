"""Checking the declared inputs of one resource against the provider's facts. Pure.

Owns what the provider's own validation refuses (unknown and missing properties, wrong types,
conflicts, values) and the rules that span several properties (``provider_facts.rules``). Does not
own what only the service can judge, such as whether an image exists.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from provider_facts.rules import broken_rules
from provider_facts.schema import ResourceType, Shape
from provider_facts.values import allowed

__all__ = ["NOT_KNOWN", "Failure", "Hidden", "check_inputs", "shown"]

_SHOWN_CHARACTERS = 80
_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    "integer": (int, float),
    "number": (int, float),
}


@dataclass(frozen=True)
class Failure:
    """What is wrong with one input.

    Attributes:
        path: For example `lifecycleRules[0].enabled`.
        reason: The value given and what is allowed.
    """

    path: str
    reason: str


@dataclass(frozen=True)
class Hidden:
    """A secret value: it is checked, and never shown."""

    value: Any


class _NotKnown:
    def __repr__(self) -> str:
        return "NOT_KNOWN"


NOT_KNOWN: Final = _NotKnown()
"""Stands for a value that a preview does not know yet; every check accepts it."""


def check_inputs(resource_type: ResourceType, inputs: Mapping[str, Any]) -> list[Failure]:
    """Check the inputs of one resource.

    Args:
        resource_type: Its type.
        inputs: Plain values by wire name; a value may be `Hidden` or `NOT_KNOWN`. None counts as
            not given.

    Returns:
        What the provider refuses. Empty when it accepts the inputs.
    """
    given = {name: value for name, value in inputs.items() if value is not None}
    failures = list(_check_properties("", resource_type.inputs, given))
    wrong = {failure.path for failure in failures}
    for path, reason in broken_rules(resource_type.token, _without_secrets(given)):
        if path not in wrong:
            failures.append(Failure(path, reason))
    return failures


def _without_secrets(value: Any) -> Any:
    """Return the value with `NOT_KNOWN` in place of every secret: a message may quote it."""
    if isinstance(value, Mapping):
        opened = {key: _without_secrets(item) for key, item in value.items()}
        return {key: item for key, item in opened.items() if item is not None}
    if isinstance(value, list):
        return [_without_secrets(item) for item in value]
    return NOT_KNOWN if isinstance(value, Hidden) else value


def _check_properties(
    path: str, shapes: Mapping[str, Shape], values: Mapping[str, Any]
) -> Iterator[Failure]:
    prefix = f"{path}." if path else ""
    for name in sorted(values.keys() - shapes.keys()):
        near = difflib.get_close_matches(name, shapes, n=1, cutoff=0.75)
        yield Failure(
            prefix + name,
            f"is {shown(values[name])}, but there is no such property"
            + (
                f"; did you mean {near[0]}?" if near else f"; there are {', '.join(sorted(shapes))}"
            ),
        )
    for name, shape in shapes.items():
        value = values.get(name)
        if value is None:
            if shape.required:
                yield Failure(prefix + name, f"is missing; it takes {_taken(shape)}")
            continue
        for other in sorted(values.keys() & set(shape.conflicts_with)):
            yield Failure(prefix + name, f"conflicts with {prefix}{other}; give one of them")
        yield from _check_value(prefix + name, shape, value)


def _check_value(path: str, shape: Shape, value: Any) -> Iterator[Failure]:
    if isinstance(value, Hidden):
        for failure in _check_value(path, shape, value.value):
            yield Failure(
                failure.path, f"is a secret that is not valid; {path} takes {_taken(shape)}"
            )
        return
    if value is None or value is NOT_KNOWN or shape.type == "any":
        return
    if not _fits(shape, value):
        yield Failure(path, f"is {shown(value)} ({_kind(value)}); it takes {_taken(shape)}")
    elif shape.type == "object":
        yield from _check_properties(path, shape.properties, value)
    elif shape.type == "list" and shape.items is not None:
        if shape.max_items is not None and len(value) > shape.max_items:
            yield Failure(path, f"has {len(value)} entries; at most {shape.max_items} are allowed")
        for index, item in enumerate(value):
            yield from _check_value(f"{path}[{index}]", shape.items, item)
    elif shape.type == "map" and shape.items is not None:
        for key, item in value.items():
            yield from _check_value(f"{path}.{key}", shape.items, item)
    elif shape.values and not any(values.accept(value) for values in shape.values):
        yield Failure(path, f"is {shown(value)}; allowed: {allowed(shape.values)}")


def _fits(shape: Shape, value: Any) -> bool:
    if shape.type in ("object", "map"):
        return isinstance(value, Mapping)
    if shape.type == "list":
        return isinstance(value, list)
    if isinstance(value, bool):
        return shape.type == "boolean"
    if shape.type == "integer" and isinstance(value, float) and not value.is_integer():
        return False
    return isinstance(value, _TYPES[shape.type])


def _taken(shape: Shape) -> str:
    """Return what an input takes, in words."""
    article = "an" if shape.type[0] in "aio" else "a"
    if shape.type in ("list", "map") and shape.items is not None:
        return f"a {shape.type} of {shape.items.type}s"
    if shape.type == "object":
        return f"an object with {', '.join(sorted(shape.properties))}"
    limits = f" ({allowed(shape.values)})" if shape.values else ""
    return f"{article} {shape.type}{limits}"


def shown(value: Any) -> str:
    """Return a value for a message: short, and without secrets."""
    if isinstance(value, Hidden):
        return "a secret"
    try:
        text = json.dumps(_public(value))
    except TypeError:
        text = repr(value)
    return text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 1] + "…"


def _public(value: Any) -> Any:
    if isinstance(value, Hidden):
        return "(secret)"
    if value is NOT_KNOWN:
        return "(not known yet)"
    if isinstance(value, Mapping):
        return {key: _public(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_public(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _kind(value: Any) -> str:
    kinds = {str: "a string", bool: "a boolean", list: "a list", dict: "an object"}
    numeric = isinstance(value, int | float)
    return kinds.get(type(value), "a number" if numeric else type(value).__name__)
