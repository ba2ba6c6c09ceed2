"""The declarations of every stack of the repository, computed once in each process of tests."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from guardrails.declare import Declared, declare

__all__ = ["STACKS", "declared", "named", "of_type"]

STACKS = ("local", "dev", "prod", "pr-7")


@cache
def declared(stack: str, *, preview: bool = False) -> tuple[Declared, ...]:
    """Return the resources that a stack declares by its template, or by its file."""
    return tuple(declare(stack, preview=preview, template=True))


def of_type(resources: tuple[Declared, ...] | list[Declared], token: str) -> dict[str, Any]:
    """Return the inputs of every resource of a type, by logical name."""
    return {item.name: item.inputs for item in resources if item.type == token}


def named(
    resources: tuple[Declared, ...] | list[Declared], name: str, token: str
) -> Mapping[str, Any]:
    """Return the inputs of one resource.

    Raises:
        AssertionError: There is no such resource.
    """
    found = of_type(resources, token)
    assert name in found, f"no {token} {name!r}; there are {sorted(found)}"
    inputs: Mapping[str, Any] = found[name]
    return inputs
