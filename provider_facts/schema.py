"""The shape of every resource type in use: its properties, their types and the provider's facts.

Owns reading each package's facts file. A test compares the shapes with the installed SDKs, so that
a plugin does not have to import its SDK, which takes more than a second, at every preview.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

from provider_facts.values import Values

__all__ = [
    "PACKAGES",
    "ResourceType",
    "Shape",
    "UnknownResourceTypeError",
    "provenance",
    "require_type",
    "resource_type",
    "shape_of",
    "type_tokens",
]

PACKAGES = ("alicloud", "cloudflare")


class UnknownResourceTypeError(Exception):
    """No facts exist for a resource type, so its inputs cannot be checked."""


@dataclass(frozen=True, kw_only=True)
class Shape:
    """One input: its type and how the provider treats it.

    Attributes:
        type: `string`, `boolean`, `integer`, `number`, `list`, `map`, `object` or `any`.
        items: Shape of the entries of a list or map.
        properties: Shapes of the properties of an object.
        required: The input must be given.
        computed: The cloud fills it in when it is not given.
        replaces: A change replaces the resource.
        default: The provider's default; None for no default.
        deprecated: Still accepted, with a warning.
        secret: Its value is always a secret.
        max_items: Largest number of entries of a list; None for no limit.
        conflicts_with: Inputs that cannot be given together with it.
        set: The order of the entries does not matter.
        values: What the provider accepts, as alternatives: a value must fit one of them. Empty when
            the provider accepts every value of the type.
    """

    type: str
    items: Shape | None = None
    properties: Mapping[str, Shape] = field(default_factory=dict)
    required: bool = False
    computed: bool = False
    replaces: bool = False
    default: Any = None
    deprecated: bool = False
    secret: bool = False
    max_items: int | None = None
    conflicts_with: tuple[str, ...] = ()
    set: bool = False
    values: tuple[Values, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ResourceType:
    """One resource type.

    Attributes:
        token: For example `alicloud:vpc/network:Network`.
        inputs: Shapes of the inputs by wire name.
        computed: Outputs that are not inputs.
        secret_outputs: Outputs whose value is a secret.
    """

    token: str
    inputs: Mapping[str, Shape]
    computed: tuple[str, ...]
    secret_outputs: frozenset[str]


@cache
def _facts(package: str) -> dict[str, Any]:
    text = resources.files("provider_facts").joinpath(f"{package}.json").read_text("utf-8")
    document: dict[str, Any] = json.loads(text)
    return document


def provenance(package: str = "alicloud") -> dict[str, str]:
    """Return where a package's shapes, facts and values come from."""
    return dict(_facts(package)["provenance"])


def type_tokens(package: str = "alicloud") -> tuple[str, ...]:
    """Return every known resource type of a package, in order."""
    return tuple(sorted(_facts(package)["types"]))


@cache
def resource_type(token: str) -> ResourceType | None:
    """Return the resource type of a token; None when there are no facts about it."""
    package = token.partition(":")[0]
    entry = _facts(package)["types"].get(token) if package in PACKAGES else None
    if entry is None:
        return None
    return ResourceType(
        token=token,
        inputs={name: shape_of(item) for name, item in entry["inputs"].items()},
        computed=tuple(entry["computed"]),
        secret_outputs=frozenset(entry["secret_outputs"]),
    )


def require_type(token: str) -> ResourceType:
    """Return the resource type of a token.

    Raises:
        UnknownResourceTypeError: There are no facts about it.
    """
    found = resource_type(token)
    if found is None:
        package = token.partition(":")[0]
        raise UnknownResourceTypeError(
            f"there are no facts about resource type {token!r}, so its values cannot be checked; "
            f"add it to TYPES in tools/{package}_facts.py and run the generator"
        )
    return found


def shape_of(entry: Mapping[str, Any]) -> Shape:
    """Return the shape that one entry of a facts file describes."""
    fields = dict(entry)
    if "items" in fields:
        fields["items"] = shape_of(fields["items"])
    if "properties" in fields:
        fields["properties"] = {name: shape_of(item) for name, item in fields["properties"].items()}
    fields["conflicts_with"] = tuple(fields.get("conflicts_with", ()))
    fields["values"] = tuple(Values.of(item) for item in fields.get("values", ()))
    return Shape(**fields)
