"""Pulumi's mocks, extended to record what a program declares, with its options.

Owns the monitor that a program talks to instead of an engine. Does not own placeholders for outputs
(`guardrails.placeholders`), or running a program (`guardrails.declare`).
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import pulumi
from google.protobuf.json_format import MessageToDict
from pulumi.runtime import mocks, rpc

from guardrails.placeholders import answer_of, load_modules, outputs_of, unknown

__all__ = ["Recorder", "RecordingMonitor"]

_STACK = "pulumi:pulumi:Stack"
_SIGNATURE = rpc._special_sig_key
_SECRET = rpc._special_secret_sig
_RESOURCE = rpc._special_resource_sig


class Recorder(mocks.Mocks):
    """Mocks that give every resource an id and outputs, and refuse unknown types and calls.

    Args:
        preview: Give neither an id nor outputs, as a first preview does.
    """

    def __init__(self, *, preview: bool) -> None:
        self.preview = preview

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        if args.custom is False:
            return None, dict(args.inputs)
        state = outputs_of(args.typ, args.name, args.inputs)
        if self.preview and not args.resource_id:
            return "", dict(args.inputs)
        return args.resource_id or unknown(args.name, "id"), state

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]]]:
        return answer_of(args.token, args.args), []


class RecordingMonitor(mocks.MockMonitor):
    """A monitor that keeps each registration as it arrives over the wire."""

    def __init__(self, recorder: Recorder) -> None:
        super().__init__(recorder)
        load_modules()
        self.recorder = recorder
        self._lock = threading.Lock()
        self._components: dict[str, str] = {}
        self._requests: list[tuple[str, Any, str]] = []

    def make_urn(self, parent: str, type_: str, name: str) -> str:
        """Return the engine's URN, with the types of all parents; the mocks leave those out."""
        above = parent.split("::")[2] if parent else _STACK
        chain = type_ if above == _STACK else f"{above}${type_}"
        return f"urn:pulumi:{pulumi.get_stack()}::{pulumi.get_project()}::{chain}::{name}"

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - gRPC's name
        response = super().RegisterResource(request)  # type: ignore[no-untyped-call] # the SDK's
        self._keep(response.urn, request, "")
        return response

    def ReadResource(self, request: Any) -> Any:  # noqa: N802
        response = super().ReadResource(request)  # type: ignore[no-untyped-call] # the SDK's
        self._keep(response.urn, request, request.id)
        return response

    def _keep(self, urn: str, request: Any, existing: str) -> None:
        with self._lock:
            self._requests.append((urn, request, existing))

    def declared(self) -> list[dict[str, Any]]:
        """Return the fields of a `Declared` for each resource that is not a component."""
        parents = {urn: request.parent for urn, request, _ in self._requests}
        names = {urn: request.name for urn, request, _ in self._requests}
        stack = {urn for urn, request, _ in self._requests if request.type == _STACK}

        def component(urn: str) -> str:
            while parents.get(urn) and parents[urn] not in stack:
                urn = parents[urn]
            return str(names[urn])

        return [
            {
                "type": request.type,
                "name": request.name,
                "urn": urn,
                "parent": "" if request.parent in stack else request.parent,
                "component": component(urn),
                **_inputs(request, existing),
            }
            for urn, request, existing in self._requests
            if urn not in stack and (existing or request.custom)
        ]


def _inputs(request: Any, existing: str) -> dict[str, Any]:
    raw = MessageToDict(request.properties if existing else request.object)
    return {
        "inputs": {key: _plain(value, request.name, key) for key, value in raw.items()},
        "secrets": tuple(sorted(key for key, value in raw.items() if _has_secret(value))),
        "protect": False if existing else bool(request.protect),
        "retain": bool(existing) or bool(request.retainOnDelete),
        "existing": existing,
    }


def _plain(value: Any, name: str, path: str) -> Any:
    """Return a plain value: secrets opened, integers, and placeholders for unknown values."""
    if value == rpc.UNKNOWN:
        return unknown(name, path)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_plain(item, name, f"{path}[{index}]") for index, item in enumerate(value)]
    if isinstance(value, Mapping):
        if value.get(_SIGNATURE) == _SECRET:
            return _plain(value["value"], name, path)
        if value.get(_SIGNATURE) == _RESOURCE:
            return value["urn"]
        return {key: _plain(item, name, f"{path}.{key}") for key, item in value.items()}
    return value


def _has_secret(value: Any) -> bool:
    if isinstance(value, list):
        return any(_has_secret(item) for item in value)
    if isinstance(value, Mapping):
        return value.get(_SIGNATURE) == _SECRET or any(map(_has_secret, value.values()))
    return False
