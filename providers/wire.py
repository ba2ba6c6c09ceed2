"""Names on the wire: Python's snake_case to Pulumi's camelCase, and the typed view of outputs.

Does not own any resource. Keys that are data (document keys, environment variables, index mappings)
are never translated. So each resource names its structures one by one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar, cast

import pulumi

__all__ = [
    "VERSION",
    "Out",
    "camel_case",
    "camel_keys",
    "whole_numbers",
    "with_plugin",
]

T = TypeVar("T")


def camel_case(name: str) -> str:
    """Return ``max_running_time_minutes`` as ``maxRunningTimeMinutes``; leave camelCase alone."""
    head, *rest = name.split("_")
    return head + "".join(part[:1].upper() + part[1:] for part in rest)


def camel_keys(value: Any) -> Any:
    """Return a structure with the keys of all its mappings in camelCase, also inside Outputs.

    Args:
        value: Mappings, sequences, plain values and Outputs of them, nested.
    """
    if isinstance(value, pulumi.Output):
        return value.apply(camel_keys)
    if isinstance(value, Mapping):
        return {camel_case(str(key)): camel_keys(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [camel_keys(item) for item in value]
    return value


def whole_numbers(value: Any) -> Any:
    """Return a value with whole numbers as ``int``; the engine sends every number as a float."""
    if isinstance(value, Mapping):
        return {key: whole_numbers(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [whole_numbers(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


class Out(Generic[T]):
    """An output of a resource under its Python name: ``job_id = Out[str]()`` is ``jobId``.

    Never annotate it: the SDK reads the annotations of a resource as the types of its outputs.

    Args:
        secret: Whether its value is always secret.
    """

    wire_name: str

    def __init__(self, *, secret: bool = False) -> None:
        self.secret = secret

    def __set_name__(self, owner: type, name: str) -> None:
        self.wire_name = camel_case(name)

    def __get__(
        self, instance: pulumi.Resource | None, owner: type | None = None
    ) -> pulumi.Output[T]:
        if instance is None:
            return cast("pulumi.Output[T]", self)
        output: pulumi.Output[Any] = instance.__dict__[self.wire_name]
        return cast("pulumi.Output[T]", output.apply(whole_numbers))

    def __set__(self, instance: pulumi.Resource, value: object) -> None:
        raise AttributeError(f"{self.wire_name} is an output; it cannot be set")


VERSION = "0.1.0"


def with_plugin(
    opts: pulumi.ResourceOptions | None, secret_outputs: Sequence[str] = ()
) -> pulumi.ResourceOptions:
    """Return the caller's options with the plugin's version and the always secret outputs.

    The engine selects the plugin ``customrag`` by this version.
    """
    return pulumi.ResourceOptions.merge(
        pulumi.ResourceOptions(version=VERSION, additional_secret_outputs=list(secret_outputs)),
        opts,
    )
