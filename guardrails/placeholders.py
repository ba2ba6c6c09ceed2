"""Placeholders for outputs that only the cloud knows, for a program that runs without a cloud.

Owns the resource types that the program may declare (those of the installed SDKs, and ours), and a
placeholder for each output. Does not own running the program (`guardrails.declare`). The
placeholder of a text is `unknown-yet.<name>.<property>`. It is valid in a URL and in a shell
command, and `is_unknown` finds it in every value that is built from it. The placeholders of
numbers, flags and lists are 0, false and empty.
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
    "torchscript": {
        "path": "torchscript/model.zip",
        "sha256": "0" * 64,
        "model_config": {"model_type": "bert", "embedding_dimension": 384},
    },
    "base": {"recall@5": 0.5},
    "tuned": {"recall@5": 0.7},
    "search_weight": 0.5,
    "rerank_weight": 0.4,
    "cross_encoder_weight": 0.3,
    "token_vectors": {"dimension": 96, "pooling": 2, "code": "int8-v1"},
}
_ISSUED = {
    "certificatePem": "certificate",
    "privateKeyPem": "key",
    "notAfter": "2036-11-28T10:30:00Z",
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
        "customrag:elasticsearch:Capabilities": {
            "serverVersion": "8.17.4",
            "features": {"search_template": {"available": True, "reason": ""}},
            "vectorIndexKinds": {},
            "analyzersFound": {},
            "fusion": "client",
            "fusionReason": "the licence refuses RRF",
        },
        "customrag:elasticsearch:Index": {"uuid": "u1"},
        "customrag:elasticsearch:Alias": {"previousIndexName": "", "generations": []},
        "customrag:ess:Rollout": {"instanceIds": []},
        "customrag:elasticsearch:SearchTemplate": {},
        "customrag:elasticsearch:SnapshotSchedule": {},
        "customrag:opensearch:ClusterSettings": {},
        "customrag:opensearch:ModelGroup": {"modelGroupId": "group1"},
        "customrag:opensearch:Model": {"modelId": "model1", "state": "DEPLOYED"},
        "customrag:opensearch:Connector": {"connectorId": "connector1"},
        "customrag:opensearch:IngestPipeline": {},
        "customrag:opensearch:SearchPipeline": {},
        "customrag:opensearch:Index": {"uuid": "u2"},
        "customrag:opensearch:Alias": {"previousIndexName": "", "generations": []},
        "customrag:tls:CertificateAuthority": _ISSUED,
        "customrag:tls:Certificate": {**_ISSUED, "subject": "CN=node,O=customrag"},
    }
)
_GENERATION = {
    "modelVersion": "ba9876543210",
    "modelUri": "oss://artifacts/training/former/model/",
}
# What our functions return besides their arguments.
_ANSWERS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "customrag:elasticsearch:getGeneration": _GENERATION,
        "customrag:opensearch:getGeneration": _GENERATION,
    }
)
# Outputs that the program takes apart, or whose form another resource checks.
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
    """Load the SDK's modules, which would otherwise be loaded at their first use.

    The SDK's loader is not safe for threads (`importlib.util.LazyLoader` before Python 3.12): while
    one of the mocks' threads loads a module, another finds it empty. A warning that counts as an
    error would leave it half loaded permanently, so warnings are ignored here.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for module in _MODULES:
            # Reading any attribute loads the module.
            getattr(importlib.import_module(f"pulumi_alicloud.{module}"), "loaded", None)


def unknown(name: str, property_name: str) -> str:
    """Return the placeholder of a text output."""
    return f"{_MARK}{name}.{property_name}"


def is_unknown(value: object) -> bool:
    """Return whether a value is a placeholder, or is built from one."""
    if isinstance(value, Mapping):
        return any(is_unknown(item) for item in value.values())
    if isinstance(value, list | tuple):
        return any(is_unknown(item) for item in value)
    return isinstance(value, str) and _MARK in value


def outputs_of(token: str, name: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the outputs of a resource: its inputs, and placeholders for the rest.

    Raises:
        UnknownTypeError: The type is not known.
    """
    if token.startswith("pulumi:providers:"):
        return dict(inputs)
    if token in _OURS:
        return {**inputs, **_OURS[token]}
    placeholders = {
        property_name: _placeholder(kind, name, property_name)
        for property_name, kind in _properties(token, name).items()
        if property_name not in _INTERNAL
    }
    formed = _FORMED[token](name) if token in _FORMED else {}
    return {**placeholders, **formed, **inputs}


def answer_of(token: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the result of one of our functions: its arguments, and placeholders for the rest.

    Raises:
        NotImplementedError: The function is not one of ours, so only a cloud can answer it.
    """
    if token not in _ANSWERS:
        raise NotImplementedError(
            f"the program calls {token}, which only a cloud can answer; read the value from the "
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
        f"resource {name!r} is of type {token!r}, which is neither in the installed SDKs "
        f"({', '.join(_SDKS.values())}) nor one of ours; add a type of ours to {__name__}"
    )


def _placeholder(kind: Any, name: str, property_name: str) -> Any:
    """Return a placeholder of an output's type."""
    origin = typing.get_origin(kind)
    if origin is typing.Union:
        first = next(item for item in typing.get_args(kind) if item is not type(None))
        return _placeholder(first, name, property_name)
    if kind is str:
        return unknown(name, property_name)
    if kind in (bool, int, float):
        return kind()
    # An object of the SDK is a mapping on the wire.
    return [] if origin in (list, Sequence) else {}
