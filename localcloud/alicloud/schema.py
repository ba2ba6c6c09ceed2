"""What is known of each resource type: shapes of its inputs and the cloud provider's facts.

Owns reading each plugin's ``facts.json`` (written by ``tools/alicloud_facts.py`` and
``tools/cloudflare_facts.py``, which say where the facts come from). Shapes stem from the typed
``Args`` of the SDKs; a test compares them with the installed ones, so that a plugin need not import
its SDK (more than a second) at every preview.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

PACKAGES = ("alicloud", "cloudflare")


@dataclass(frozen=True, kw_only=True)
class Shape:
    """One input: its type and how the cloud provider treats it.

    Attributes:
        type: ``string``, ``boolean``, ``integer``, ``number``, ``list``, ``map``, ``object`` or
            ``any``.
        items: Of a list's or map's entries.
        properties: Of an object's properties.
        required: It must be given.
        computed: The cloud fills it in when it is not given.
        replaces: A change makes a new resource.
        default: Given by the provider when it is not; None for no default.
        deprecated: Still accepted, with a warning.
        secret: Its value is a secret whatever the program says.
        max_items: Most entries of a list; None for any number.
        conflicts_with: Inputs that must not be given beside it.
        set: The order of entries does not count.
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


@dataclass(frozen=True, kw_only=True)
class ResourceType:
    """One resource type.

    Attributes:
        token: Such as ``alicloud:vpc/network:Network``.
        inputs: By wire name.
        computed: Outputs that are not inputs.
        secret_outputs: Outputs whose value is a secret.
    """

    token: str
    inputs: Mapping[str, Shape]
    computed: tuple[str, ...]
    secret_outputs: frozenset[str]


@cache
def _facts(package: str) -> dict[str, Any]:
    text = resources.files(f"localcloud.{package}").joinpath("facts.json").read_text("utf-8")
    document: dict[str, Any] = json.loads(text)
    return document


def provenance(package: str = "alicloud") -> dict[str, str]:
    """Where shapes and facts come from."""
    return dict(_facts(package)["provenance"])


def type_tokens(package: str = "alicloud") -> tuple[str, ...]:
    """Every known resource type of a package, in order."""
    return tuple(sorted(_facts(package)["types"]))


@cache
def resource_type(token: str) -> ResourceType | None:
    """The resource type of that token; None when it is not known."""
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


def shape_of(entry: Mapping[str, Any]) -> Shape:
    """One shape of ``facts.json``."""
    values = dict(entry)
    if "items" in values:
        values["items"] = shape_of(values["items"])
    if "properties" in values:
        values["properties"] = {name: shape_of(item) for name, item in values["properties"].items()}
    values["conflicts_with"] = tuple(values.get("conflicts_with", ()))
    return Shape(**values)
