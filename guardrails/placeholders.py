"""Outputs that stand in for what only the cloud can tell, when the program runs without one.

Owns: which types of resource the program may declare (those that the installed SDKs have, and
ours), and an output for everything that another resource may be made of. Does not own: running the
program (`guardrails.declare`). A made-up text says so, `unknown-yet.<name>.<property>`. It can
stand in a URL or a shell command as what it stands for can, and `is_unknown` finds it in whatever
was built of it. Made-up numbers, flags and lists are 0, false and empty.
"""

from __future__ import annotations

import importlib
import typing
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import Any

from pulumi import _types

__all__ = [
    "UnknownTypeError",
    "answer_of",
    "is_unknown",
    "load_modules",
    "outputs_of",
    "unknown",
]

ACCOUNT_ID = "1234567890123456"
_MARK = "unknown-yet."
_SDKS = MappingProxyType({"alicloud": "pulumi_alicloud", "cloudflare": "pulumi_cloudflare"})
_INTERNAL = frozenset({"id", "urn"})

_RESULT = {
    "kept": "tuned",
    "model_version": "0123456789ab",
    "model_prefix": "model/",
    "dimension": 384,
    "base": {"recall@5": 0.5},
    "tuned": {"recall@5": 0.7},
}
_OURS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "customrag:oss:Corpus": {"version": "v", "documentCount": 1},
        "customrag:pai:DlcJob": {"jobId": "dlc1", "jobName": "job", "result": _RESULT},
        "customrag:rag:IngestRun": {
            "documentCount": 1,
            "chunks": 3,
            "embeddedDocuments": 1,
            "unchangedDocuments": 0,
            "removedDocuments": 0,
            "setAside": [],
        },
        "customrag:elasticsearch:Index": {"uuid": "u1"},
        "customrag:elasticsearch:Alias": {"previousIndexName": "", "generations": []},
        "customrag:ess:Rollout": {"instanceIds": []},
        "customrag:elasticsearch:SnapshotSchedule": {},
    }
)
# What functions answer besides their arguments.
_ANSWERS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "customrag:elasticsearch:getGeneration": {
            "modelVersion": "ba9876543210",
            "modelUri": "oss://artifacts/training/former/model/",
        },
    }
)
# Where the program takes an output apart, or another resource is checked by its form.
_FORMED: Mapping[str, Callable[[str], Mapping[str, Any]]] = MappingProxyType(
    {
        "alicloud:ram/role:Role": lambda name: {"arn": f"acs:ram::{ACCOUNT_ID}:role/{name}"},
        "alicloud:elasticsearch/instance:Instance": lambda _: {"port": 9200},
    }
)


class UnknownTypeError(Exception):
    """The program declares a type that neither the installed SDKs nor `providers` have."""


# Modules of pulumi_alicloud that the components use.
_MODULES = (
    *("alb", "cms", "ecs", "elasticsearch", "ess", "ims"),
    *("kms", "log", "oss", "pai", "ram", "vpc"),
)


@cache
def load_modules() -> None:
    """Loads what the SDK would load when it is first used.

    Its loader is not made for threads (`importlib.util.LazyLoader` before Python 3.12): while one
    of the mocks' threads loads a module, another finds it empty; and a warning that is an error
    leaves it half loaded for good. So they are loaded before, whatever they warn of.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for module in _MODULES:
            # To ask for a name is what loads it.
            getattr(importlib.import_module(f"pulumi_alicloud.{module}"), "loaded", None)


def unknown(name: str, property_name: str) -> str:
    """The text that stands for an output that is not known."""
    return f"{_MARK}{name}.{property_name}"


def is_unknown(value: object) -> bool:
    """Whether a value is, or was built of, something that is not known."""
    if isinstance(value, Mapping):
        return any(is_unknown(item) for item in value.values())
    if isinstance(value, list | tuple):
        return any(is_unknown(item) for item in value)
    return isinstance(value, str) and _MARK in value


def outputs_of(token: str, name: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The outputs of a resource: its inputs, and something in place of all else.

    Raises:
        UnknownTypeError: No such type is known.
    """
    if token.startswith("pulumi:providers:"):
        return dict(inputs)
    if token in _OURS:
        return {**inputs, **_OURS[token]}
    made_up = {
        property_name: _in_place_of(kind, name, property_name)
        for property_name, kind in _properties(token, name).items()
        if property_name not in _INTERNAL
    }
    formed = _FORMED[token](name) if token in _FORMED else {}
    return {**made_up, **formed, **inputs}


def answer_of(token: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """What a function of ours answers: its arguments, and something in place of all else.

    Raises:
        NotImplementedError: There is none of that name.
    """
    if token not in _ANSWERS:
        raise NotImplementedError(
            f"the program calls {token}, which only a cloud can answer; take it from the "
            "configuration, or check it in preflight"
        )
    return {**arguments, **_ANSWERS[token]}


@cache
def _properties(token: str, name: str) -> Mapping[str, Any]:
    package, _, rest = token.partition(":")
    module_path, _, class_name = rest.partition(":")
    module_name = module_path.partition("/")[0]
    sdk = _SDKS.get(package)
    if sdk is not None:
        full = sdk if module_name == "index" else f"{sdk}.{module_name}"
        try:
            found = getattr(importlib.import_module(full), class_name, None)
        except ModuleNotFoundError:
            found = None
        if isinstance(found, type):
            types: Mapping[str, Any] = _types.resource_types(found)
            return types
    raise UnknownTypeError(
        f"resource {name!r} is of type {token!r}, which is none of the installed SDKs' "
        f"({', '.join(_SDKS.values())}) nor of ours; one of ours is made known in {__name__}"
    )


def _in_place_of(kind: Any, name: str, property_name: str) -> Any:
    """A value of an output's type."""
    origin = typing.get_origin(kind)
    if origin is typing.Union:
        first = next(item for item in typing.get_args(kind) if item is not type(None))
        return _in_place_of(first, name, property_name)
    if kind is str:
        return unknown(name, property_name)
    if kind in (bool, int, float):
        return kind()
    # An object of the SDK's is a mapping on the wire.
    return [] if origin in (list, Sequence) else {}
