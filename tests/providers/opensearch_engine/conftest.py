"""A folder that the engine reads, its clients, and a cluster that allows models."""

from __future__ import annotations

import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from localcloud.opensearch.borrow import Borrowed
from opensearch_node.security import DEPLOYER
from providers.clients import opensearch
from tests.providers.fakes import Engine, FakeDlc, FakeOss, FakeServices
from tests.providers.opensearch_engine.support import engine_for, wanted


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Make a folder that the engine's account may read, unlike pytest's own."""
    with tempfile.TemporaryDirectory(prefix="models-") as name:
        path = Path(name)
        path.chmod(path.stat().st_mode | stat.S_IROTH | stat.S_IXOTH | stat.S_IXGRP)
        yield path


@pytest.fixture
def services() -> Iterator[FakeServices]:
    clients: list[Any] = []

    def connect(endpoint: str, username: str, password: str, ca: str | None, timeout: float) -> Any:
        clients.append(opensearch.client(endpoint, username, password, ca, timeout=timeout))
        return clients[-1]

    made = FakeServices(FakeOss(), FakeDlc())
    made.opensearch = connect  # type: ignore[method-assign]
    yield made
    for client in clients:
        client.close()


@pytest.fixture
def cluster(opensearch_server: Borrowed) -> dict[str, Any]:
    return {
        "endpoint": opensearch_server.url,
        "username": DEPLOYER,
        "password": opensearch_server.passwords[DEPLOYER],
        "caCertificate": opensearch_server.ca_file.read_text(encoding="utf-8"),
    }


@pytest.fixture
def client(cluster: dict[str, Any]) -> Iterator[Any]:
    made = opensearch.client(
        cluster["endpoint"], DEPLOYER, cluster["password"], cluster["caCertificate"]
    )
    yield made
    made.close()


@pytest.fixture
def settings(services: FakeServices, cluster: dict[str, Any], folder: Path) -> Iterator[Engine]:
    engine = engine_for("ClusterSettings", services)
    engine.up({**cluster, "settings": wanted(folder)})
    yield engine
    engine.destroy()


@pytest.fixture
def group(services: FakeServices, cluster: dict[str, Any]) -> Iterator[str]:
    engine = engine_for("ModelGroup", services)
    engine.up({**cluster, "groupName": "test"})
    assert engine.state is not None
    yield engine.state.outputs["modelGroupId"]
    engine.destroy()
