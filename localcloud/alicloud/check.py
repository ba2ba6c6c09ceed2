"""Checking and completing declared inputs for the local cloud. Pure.

Owns the defaults, and the refusal of inputs that the local cloud does not support. What the
provider refuses is in ``provider_facts``; what only the service can judge is in its handler.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pluginhost import Secret, Unknown
from provider_facts import (
    NOT_KNOWN,
    Failure,
    Hidden,
    ResourceType,
    Shape,
    check_inputs,
    shown,
)

__all__ = ["Support", "check", "deprecations"]


@dataclass(frozen=True)
class Support:
    """The inputs of a type that the local cloud supports.

    Attributes:
        effective: Inputs that do something.
        recorded: Inputs that are stored without effect.
    """

    effective: frozenset[str]
    recorded: frozenset[str]


def check(
    resource_type: ResourceType, inputs: Mapping[str, Any], support: Support
) -> tuple[dict[str, Any], list[Failure]]:
    """Check and complete the inputs of one resource.

    Args:
        resource_type: Its type.
        inputs: As declared: plain values, `Secret` and `UNKNOWN`.
        support: What the type's handler supports.

    Returns:
        The inputs with defaults, and what is wrong with them.
    """
    given = {name: value for name, value in inputs.items() if value is not None}
    checkable: dict[str, Any] = _checkable(given)
    failures = check_inputs(resource_type, checkable)
    known = support.effective | support.recorded
    failures += [
        Failure(
            name,
            f"is {shown(checkable[name])}, but the local cloud does not support this input of "
            f"{resource_type.token}; supported: {', '.join(sorted(known))}",
        )
        for name in sorted(given.keys() & resource_type.inputs.keys() - known)
    ]
    completed = given | dict(_defaults(resource_type.inputs, given, known))
    return completed, failures


def deprecations(resource_type: ResourceType, inputs: Mapping[str, Any]) -> list[str]:
    """Return the names of the given inputs that are deprecated."""
    return sorted(
        name
        for name in inputs
        if name in resource_type.inputs and resource_type.inputs[name].deprecated
    )


def _checkable(value: Any) -> Any:
    """Return the value in the form that `provider_facts` checks."""
    if isinstance(value, Secret):
        return Hidden(_checkable(value.value))
    if isinstance(value, Unknown):
        return NOT_KNOWN
    if isinstance(value, Mapping):
        return {key: _checkable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_checkable(item) for item in value]
    return value


def _defaults(
    shapes: Mapping[str, Shape], given: Mapping[str, Any], known: Collection[str]
) -> Iterator[tuple[str, Any]]:
    conflicting = {
        other for name in given if name in shapes for other in shapes[name].conflicts_with
    }
    for name, shape in shapes.items():
        if shape.default is None or name in given or shape.deprecated or name not in known:
            continue
        if name not in conflicting and not given.keys() & set(shape.conflicts_with):
            yield name, shape.default
