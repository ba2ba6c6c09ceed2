"""The provider on a real control plane, in process and called like by the engine."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from pulumi.provider.experimental import provider as sdk

from localcloud.alicloud.client import DaemonClient
from localcloud.alicloud.provider import AlicloudProvider
from pluginhost import DeleteRequest, DiffRequest, Host, UpdateRequest, decode_map, encode_map
from tests.localcloud.control_plane import ControlPlane

PREFIX = "urn:pulumi:test::project::"


class LoggingHost(Host):
    """A host that records the messages for the user."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def log(self, urn: str, message: str, severity: Any = "info") -> None:
        self.lines.append(f"{severity}: {message}")


class Engine:
    """The engine's requests for one resource after another."""

    def __init__(self, plane: ControlPlane) -> None:
        self.plane = plane
        self.host = LoggingHost()
        self.restart()

    def restart(self) -> None:
        """Start a new provider, like the new plugin process of each engine run."""
        self.provider = AlicloudProvider(DaemonClient(self.plane.context.platform))
        self.provider.host = self.host

    @staticmethod
    def urn(token: str, name: str) -> str:
        return f"{PREFIX}alicloud:{token}::{name}"

    def check(self, token: str, name: str, inputs: dict[str, Any]) -> sdk.CheckResponse:
        request = sdk.CheckRequest(self.urn(token, name), {}, encode_map(inputs), b"seed")
        return asyncio.run(self.provider.check(request))

    def checked(self, token: str, name: str, inputs: dict[str, Any]) -> dict[str, Any]:
        response = self.check(token, name, inputs)
        assert not response.failures, [vars(failure) for failure in response.failures]
        assert response.inputs is not None
        return response.inputs

    def create(
        self, token: str, name: str, inputs: dict[str, Any], *, preview: bool = False
    ) -> tuple[str, dict[str, Any]]:
        properties = self.checked(token, name, inputs)
        request = sdk.CreateRequest(self.urn(token, name), properties, 0, preview)
        response = asyncio.run(self.provider.create(request))
        return response.resource_id or "", response.properties

    def diff(
        self, token: str, name: str, identifier: str, old: dict[str, Any], new: dict[str, Any]
    ) -> sdk.DiffResponse:
        request = DiffRequest(
            self.urn(token, name),
            identifier,
            encode_map(old),
            encode_map(new),
            [],
            old_inputs=encode_map(old),
        )
        return asyncio.run(self.provider.diff(request))

    def update(
        self, token: str, name: str, identifier: str, old: dict[str, Any], new: dict[str, Any]
    ) -> dict[str, Any]:
        request = UpdateRequest(
            self.urn(token, name),
            identifier,
            old,
            self.checked(token, name, new),
            0,
            [],
            False,
            old_inputs={},
        )
        return asyncio.run(self.provider.update(request)).properties

    def read(self, token: str, name: str, identifier: str, **known: Any) -> sdk.ReadResponse:
        request = sdk.ReadRequest(
            self.urn(token, name), identifier, known.get("state", {}), known.get("inputs", {})
        )
        return asyncio.run(self.provider.read(request))

    def delete(self, token: str, name: str, identifier: str, state: dict[str, Any]) -> None:
        request = DeleteRequest(self.urn(token, name), identifier, state, 0, old_inputs={})
        asyncio.run(self.provider.delete(request))


@pytest.fixture
def engine(control_plane: ControlPlane) -> Iterator[Engine]:
    yield Engine(control_plane)


def plain(properties: dict[str, Any]) -> dict[str, Any]:
    """Return properties with their secrets marked."""
    return decode_map(properties, keep_secrets=True)
