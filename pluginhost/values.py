"""Convert the engine's property values to plain Python and back. Pure.

Owns only the conversion; the plugin knows what a property means.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

import pulumi
from pulumi.provider.experimental.property_value import (
    Computed,
    PropertyValue,
    ResourceReference,
)
from pulumi.runtime.rpc import UNKNOWN as _WIRE_UNKNOWN

from pluginhost.errors import ProviderError

__all__ = [
    "UNKNOWN",
    "Secret",
    "Unknown",
    "contains_unknown",
    "decode",
    "decode_map",
    "encode",
    "encode_map",
    "reveal",
]


class Unknown(Enum):
    """The type of ``UNKNOWN``."""

    UNKNOWN = "unknown"

    def __repr__(self) -> str:
        return "UNKNOWN"

    def __bool__(self) -> bool:
        raise TypeError("an unknown value was used as a condition; test it with `is UNKNOWN`")


UNKNOWN: Final = Unknown.UNKNOWN
"""A value that is not known yet, in a preview."""


@dataclass(frozen=True)
class Secret:
    """A secret value; its repr hides it."""

    value: Any = field(repr=False)


def decode(value: PropertyValue, *, keep_secrets: bool = False) -> Any:
    """Return a property value as plain Python.

    Args:
        value: The value.
        keep_secrets: Wrap secrets, at any depth, in ``Secret``.

    Raises:
        ProviderError: It holds an asset, an archive or a resource reference.
    """
    plain = _decode(value.value, keep_secrets)
    return Secret(plain) if keep_secrets and value.is_secret else plain


def _decode(value: Any, keep_secrets: bool) -> Any:
    if value == _WIRE_UNKNOWN or isinstance(value, Computed):
        return UNKNOWN
    if value is None or isinstance(value, bool | float | str):
        return value
    if isinstance(value, pulumi.Asset | pulumi.Archive | ResourceReference):
        raise ProviderError(
            f"a {type(value).__name__} is not supported as a property value; give a plain value, "
            "such as the path or the text"
        )
    if isinstance(value, Mapping):
        return {key: decode(item, keep_secrets=keep_secrets) for key, item in value.items()}
    if isinstance(value, Sequence):
        return [decode(item, keep_secrets=keep_secrets) for item in value]
    raise ProviderError(f"a property value of type {type(value).__name__} is not supported")


def decode_map(
    values: Mapping[str, PropertyValue], *, keep_secrets: bool = False
) -> dict[str, Any]:
    """Return a property map as plain Python; see ``decode``."""
    return {key: decode(value, keep_secrets=keep_secrets) for key, value in values.items()}


def encode(value: Any) -> PropertyValue:
    """Return plain Python as a property value.

    Raises:
        TypeError: It holds something that cannot be a property value.
    """
    if isinstance(value, Secret):
        return encode(value.value).with_secret(True)
    if isinstance(value, Unknown):
        return PropertyValue(_WIRE_UNKNOWN)
    if value is None or isinstance(value, bool | float | str):
        return PropertyValue(value)
    if isinstance(value, int):
        return PropertyValue(float(value))
    if isinstance(value, Mapping):
        return PropertyValue({str(key): encode(item) for key, item in value.items()})
    if isinstance(value, list | tuple):
        return PropertyValue([encode(item) for item in value])
    raise TypeError(f"a {type(value).__name__} cannot be a property value")


def encode_map(
    values: Mapping[str, Any], *, secrets: Collection[str] = ()
) -> dict[str, PropertyValue]:
    """Return plain Python as a property map.

    Args:
        values: By name.
        secrets: Names whose values are marked secret.
    """
    encoded = {key: encode(value) for key, value in values.items()}
    for key in encoded.keys() & set(secrets):
        encoded[key] = encoded[key].with_secret(True)
    return encoded


def reveal(value: Any) -> Any:
    """Return ``value`` without its ``Secret`` wrappers, at any depth."""
    if isinstance(value, Secret):
        return reveal(value.value)
    if isinstance(value, Mapping):
        return {key: reveal(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [reveal(item) for item in value]
    return value


def contains_unknown(value: Any) -> bool:
    """Return whether ``UNKNOWN`` is in the value, at any depth."""
    if isinstance(value, Unknown):
        return True
    if isinstance(value, Secret):
        return contains_unknown(value.value)
    if isinstance(value, Mapping):
        return any(contains_unknown(item) for item in value.values())
    if isinstance(value, list | tuple):
        return any(contains_unknown(item) for item in value)
    return False
