"""How a customrag resource is declared: its class of arguments is the only table of its inputs.

Owns what follows from that table: the inputs that the plugin checks and compares, and the values
that a program sends. Does not own any resource.
"""

from __future__ import annotations

from dataclasses import MISSING, dataclass, field, fields
from typing import Any, Generic, Literal, TypeVar, dataclass_transform

import pulumi

from .wire import Out, camel_case, camel_keys, with_plugin

__all__ = [
    "Bounds",
    "Input",
    "Resource",
    "argument",
    "arguments",
    "inputs_of",
    "outputs_of",
    "secret_outputs_of",
    "sent_values",
]

Effect = Literal["replace", "update", "ignore"]
Kind = Literal["string", "integer", "boolean", "map", "string map", "list", "string list"]
Bounds = tuple[int, int | None]

A = TypeVar("A")


@dataclass(frozen=True, kw_only=True)
class Input:
    """A declared input of a resource.

    Attributes:
        kind: The type of its values.
        effect: The effect of a change on the resource.
        required: Whether the program must set it.
        default: Its value if the program does not set it.
        bounds: Lowest and highest number; None in place of a highest one. Default: any number.
        secret: Whether it is always secret.
        structure: Whether its keys are names of the API, in snake_case in Python. Otherwise they
            are data.
        hashed: Whether it decides what a job computes, so that it is part of the job's name.
        sent: Whether CreateJob receives it.
    """

    kind: Kind
    effect: Effect = "update"
    required: bool = False
    default: Any = None
    bounds: Bounds | None = None
    secret: bool = False
    structure: bool = False
    hashed: bool = False
    sent: bool = False


def argument(
    kind: Kind,
    *,
    default: Any = MISSING,
    effect: Effect = "update",
    bounds: Bounds | None = None,
    secret: bool = False,
    structure: bool = False,
    hashed: bool = False,
    sent: bool = False,
) -> Any:
    """Declare an argument, see ``Input``; a program must set it if it has no default."""
    required = default is MISSING
    spec = Input(
        kind=kind,
        effect=effect,
        required=required,
        default=None if required else default,
        bounds=bounds,
        secret=secret,
        structure=structure,
        hashed=hashed,
        sent=sent,
    )
    return field(default=default, repr=not secret, metadata={"input": spec})


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(argument,))
def arguments(made: type[A]) -> type[A]:
    """Make a class whose fields are declared by ``argument`` a frozen dataclass of keywords."""
    return dataclass(frozen=True, kw_only=True)(made)


def inputs_of(made: Any) -> dict[str, Input]:
    """Return the inputs that a class of arguments declares, by their wire names."""
    return {camel_case(item.name): item.metadata["input"] for item in fields(made)}


def sent_values(args: Any) -> dict[str, Any]:
    """Return the values of arguments as a program sends them, by their wire names."""
    values = {camel_case(item.name): getattr(args, item.name) for item in fields(args)}
    for name, spec in inputs_of(args).items():
        if spec.structure:
            values[name] = camel_keys(values[name])
        if spec.secret and values[name] is not None:
            values[name] = pulumi.Output.secret(values[name])
    return values


class Resource(pulumi.CustomResource, Generic[A]):
    """A resource of the plugin: its inputs are its arguments, its outputs its ``Out`` attributes.

    Attributes:
        token: The resource's type.
    """

    token = ""

    def __init__(self, name: str, args: A, opts: pulumi.ResourceOptions | None = None) -> None:
        props = {**dict.fromkeys(outputs_of(type(self))), **sent_values(args)}
        secrets = [name for name, spec in inputs_of(args).items() if spec.secret]
        secrets += secret_outputs_of(type(self))
        super().__init__(self.token, name, props, with_plugin(opts, secrets))


def outputs_of(made: type[Resource[Any]]) -> tuple[str, ...]:
    """Return the wire names of the outputs that a class of resources declares."""
    return tuple(item.wire_name for item in vars(made).values() if isinstance(item, Out))


def secret_outputs_of(made: type[Resource[Any]]) -> tuple[str, ...]:
    """Return those of its outputs that are always secret."""
    outputs = (item for item in vars(made).values() if isinstance(item, Out))
    return tuple(item.wire_name for item in outputs if item.secret)
