"""The operators of a TorchScript, and whether another version of libtorch has them.

Owns the comparison. A file of today's torch loads in an older libtorch only if that one has every
operator of the graph, with every argument that the file gives. The lists of the older ones
(`operators-<version>.txt`) come from `training/torchscript/list_operators.py`.
"""

from __future__ import annotations

import importlib.resources
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch

from training.bounds import LIBTORCH_VERSIONS
from training.torchscript.errors import UnsupportedOperatorError

__all__ = ["check_file_format", "check_operators", "list_operators"]

_SYNTAX = frozenset(
    f"prim::{kind}"
    for kind in (
        *("CallFunction", "CallMethod", "Constant", "DictConstruct", "GetAttr", "If"),
        *("ListConstruct", "ListUnpack", "Loop", "TupleConstruct", "TupleUnpack"),
    )
)
"""Nodes that are TorchScript's own syntax, which every libtorch reads. They have no schema."""
_NO_SCHEMA = "(no schema)"


@dataclass(frozen=True, kw_only=True)
class _Target:
    """A version of libtorch.

    Attributes:
        file_format: The highest version of the file format that it reads.
        schemas: Schemas by name and overload, as torch prints them.
    """

    file_format: int
    schemas: dict[str, str]


@lru_cache
def _target(version: str) -> _Target:
    if version not in LIBTORCH_VERSIONS:
        raise ValueError(
            f"libtorch {version!r} is not known; it must be one of {', '.join(LIBTORCH_VERSIONS)}"
        )
    file = importlib.resources.files(__package__) / f"operators-{version}.txt"
    first, *schemas = file.read_text(encoding="utf-8").splitlines()
    return _Target(
        file_format=int(first.rpartition(" ")[2]),
        schemas={schema.partition("(")[0]: schema for schema in schemas},
    )


def list_operators(module: torch.jit.ScriptModule) -> tuple[str, ...]:
    """Return name and overload of every operator of `module` and its submodules, sorted.

    Nodes of TorchScript's own syntax are left out.
    """
    return tuple(sorted({_schema(node).partition("(")[0] for node in _operators(module)}))


def check_operators(module: torch.jit.ScriptModule, version: str) -> None:
    """Check that libtorch of that version runs the graph of `module` and its submodules.

    Args:
        module: What would be saved.
        version: One of `training.bounds.LIBTORCH_VERSIONS`.

    Raises:
        UnsupportedOperatorError: The target lacks an operator, or an argument that the graph gives.
        ValueError: The version is not known.
    """
    schemas = _target(version).schemas
    lacking = sorted(
        {problem for node in _operators(module) if (problem := _problem(node, schemas))}
    )
    if lacking:
        raise UnsupportedOperatorError(
            f"libtorch {version} lacks {'; '.join(lacking)}. Trace the model with "
            f'attn_implementation="eager", choose a base model without these operators, or run '
            f"OpenSearch with a libtorch that has them and set --libtorch-version to it."
        )


def check_file_format(found: int, version: str) -> None:
    """Check that libtorch of that version reads files of format version `found`.

    Raises:
        UnsupportedOperatorError: It does not.
        ValueError: The version of libtorch is not known.
    """
    highest = _target(version).file_format
    if found > highest:
        raise UnsupportedOperatorError(
            f"the file has format version {found}, and libtorch {version} reads up to {highest}. "
            f"Write it with an older torch, or run OpenSearch with a newer libtorch."
        )


def _operators(module: torch.jit.ScriptModule) -> Iterator[Any]:
    graph: Any = module.inlined_graph
    return (node for node in _nodes(graph) if node.kind() not in _SYNTAX)


def _nodes(block: Any) -> Iterator[Any]:
    for node in block.nodes():
        yield node
        for inner in node.blocks():
            yield from _nodes(inner)


def _schema(node: Any) -> str:
    schema = str(node.schema())
    return str(node.kind()) if schema == _NO_SCHEMA else schema


def _problem(node: Any, schemas: dict[str, str]) -> str:
    """Return what the target lacks for this node; empty if it lacks nothing."""
    schema = _schema(node)
    name = schema.partition("(")[0]
    if name not in schemas:
        return f"the operator {name}"
    ours, theirs = torch._C.parse_schema(schema), torch._C.parse_schema(schemas[name])
    given = _given(node, ours)
    places = {argument.name: place for place, argument in enumerate(theirs.arguments)}
    for place, (argument, value) in enumerate(given):
        other = places.get(argument.name)
        moved = other != place and not argument.kwarg_only
        if other is None or moved or not _fits(argument, value, theirs.arguments[other]):
            return f"the argument {argument.name} of the operator {name}"
    names = {argument.name for argument, _ in given}
    for argument in theirs.arguments:
        if argument.name not in names and not argument.has_default_value():
            return f"a default for the argument {argument.name} of the operator {name}"
    return ""


def _given(node: Any, schema: Any) -> Sequence[tuple[Any, Any]]:
    """Return the arguments that the file gives, and their values.

    torch leaves out trailing arguments that have their default
    (`CalculateNecessaryArgs` in torch/csrc/jit/frontend/schema_matching, read 2026-11).
    """
    # A schema with variable arguments names none of them.
    both = list(zip(schema.arguments, node.inputs(), strict=False))
    while both and _is_default(*both[-1]):
        both.pop()
    return both


def _is_default(argument: Any, value: Any) -> bool:
    if not argument.has_default_value() or value.node().kind() != "prim::Constant":
        return False
    constant = value.toIValue()
    return not isinstance(constant, torch.Tensor) and constant == argument.default_value


def _fits(argument: Any, value: Any, other: Any) -> bool:
    return str(argument.type) == str(other.type) or value.type().isSubtypeOf(other.type)
