"""Checking and defaulting declared inputs. Pure.

Owns what the cloud provider's own check does (types, required, conflicts, defaults) and the local
cloud's refusal of inputs it has no behaviour for. It does not judge values that only the service
can judge (a CIDR block, a policy): the service's handler does.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from localcloud.alicloud.schema import ResourceType, Shape
from pluginhost import Asset, Secret, Unknown

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
        path: Such as ``lifecycleRules[0].enabled``.
        reason: What was given and what is allowed.
    """

    path: str
    reason: str


@dataclass(frozen=True)
class Support:
    """Which inputs of a type mean something to the local cloud.

    Attributes:
        effective: They do something.
        recorded: They are kept, without effect.
    """

    effective: frozenset[str]
    recorded: frozenset[str]


def check(
    resource_type: ResourceType, inputs: Mapping[str, Any], support: Support
) -> tuple[dict[str, Any], list[Failure]]:
    """Check and complete the inputs of one resource.

    Args:
        resource_type: Its type.
        inputs: As declared, plain values with ``Secret`` and ``UNKNOWN`` in them.
        support: Of the type's handler.

    Returns:
        The inputs with defaults applied, and what is wrong with them.
    """
    given = {name: value for name, value in inputs.items() if value is not None}
    failures = list(_check_properties("", resource_type.inputs, given))
    known = support.effective | support.recorded
    failures += [
        Failure(
            name,
            f"is {shown(given[name])}, but this input of {resource_type.token} is not supported "
            f"by the local cloud; supported are {', '.join(sorted(known))}",
        )
        for name in sorted(given.keys() & resource_type.inputs.keys() - known)
    ]
    completed = given | dict(_defaults(resource_type.inputs, given, known))
    return completed, failures


def deprecations(resource_type: ResourceType, inputs: Mapping[str, Any]) -> list[str]:
    """Names of the given inputs that are deprecated."""
    return sorted(
        name
        for name in inputs
        if name in resource_type.inputs and resource_type.inputs[name].deprecated
    )


def _defaults(
    shapes: Mapping[str, Shape], given: Mapping[str, Any], known: Collection[str]
) -> Iterator[tuple[str, Any]]:
    conflicting = {name for given_name in given for name in shapes_conflicts(shapes, given_name)}
    for name, shape in shapes.items():
        if shape.default is None or name in given or shape.deprecated or name not in known:
            continue
        if name not in conflicting and not given.keys() & set(shape.conflicts_with):
            yield name, shape.default


def shapes_conflicts(shapes: Mapping[str, Shape], name: str) -> tuple[str, ...]:
    """What an input says it conflicts with."""
    shape = shapes.get(name)
    return shape.conflicts_with if shape is not None else ()


def _check_properties(
    path: str, shapes: Mapping[str, Shape], values: Mapping[str, Any]
) -> Iterator[Failure]:
    prefix = f"{path}." if path else ""
    for name in sorted(values.keys() - shapes.keys()):
        near = _nearest(name, shapes)
        yield Failure(
            prefix + name,
            f"is {shown(values[name])}, but there is no such property"
            + (f"; did you mean {near}?" if near else f"; there are {', '.join(sorted(shapes))}"),
        )
    for name, shape in shapes.items():
        value = values.get(name)
        if value is None:
            if shape.required:
                yield Failure(prefix + name, f"is missing; it takes {wanted(shape)}")
            continue
        for other in sorted(values.keys() & set(shape.conflicts_with)):
            yield Failure(prefix + name, f"conflicts with {prefix}{other}; give one of them")
        yield from _check_value(prefix + name, shape, value)


def _check_value(path: str, shape: Shape, value: Any) -> Iterator[Failure]:
    if isinstance(value, Secret):
        # What is wrong with it is said without its value.
        for failure in _check_value(path, shape, value.value):
            yield Failure(
                failure.path, f"is a secret that does not fit; {path} takes {wanted(shape)}"
            )
        return
    if value is None or isinstance(value, Unknown) or shape.type == "any":
        return
    if isinstance(value, Asset) or not _fits(shape, value):
        yield Failure(path, f"is {shown(value)} ({_kind(value)}); it takes {wanted(shape)}")
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


def wanted(shape: Shape) -> str:
    """What an input takes, in words."""
    article = "an" if shape.type[0] in "aio" else "a"
    if shape.type in ("list", "map") and shape.items is not None:
        return f"a {shape.type} of {shape.items.type}s"
    if shape.type == "object":
        return f"an object with {', '.join(sorted(shape.properties))}"
    return f"{article} {shape.type}"


def shown(value: Any) -> str:
    """A value for a message: short, and without secrets."""
    if isinstance(value, Secret):
        return "a secret"
    try:
        text = json.dumps(_public(value))
    except TypeError:
        text = repr(value)
    return text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 1] + "…"


def _public(value: Any) -> Any:
    if isinstance(value, Secret):
        return "(secret)"
    if isinstance(value, Unknown):
        return "(not known yet)"
    if isinstance(value, Mapping):
        return {key: _public(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_public(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _kind(value: Any) -> str:
    if isinstance(value, Asset):
        return "an asset"
    kinds = {str: "a string", bool: "a boolean", list: "a list", dict: "an object"}
    return kinds.get(type(value), "a number")


def _nearest(name: str, shapes: Mapping[str, Shape]) -> str | None:
    near = difflib.get_close_matches(name, shapes, n=1, cutoff=0.75)
    return near[0] if near else None
