"""Automatic snapshots: set through the API, taken and restored by a real engine."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from elasticsearch import Elasticsearch
from starlette.applications import Starlette
from starlette.testclient import TestClient

from localcloud.core.errors import CloudError
from localcloud.elasticsearch.routes import routes
from localcloud.elasticsearch.snapshots import REPOSITORY, Snapshots, setting, update_setting
from tests.support.elasticsearch import ElasticsearchServer

NIGHTLY = {"enable": True, "quartzRegex": "0 0 1 ? * * *"}
DEADLINE_SECONDS = 180.0


@pytest.fixture
def server(elasticsearch_server: ElasticsearchServer) -> Iterator[ElasticsearchServer]:
    yield elasticsearch_server
    off = {"enable": False}
    update_setting(elasticsearch_server.instance_id, off, elasticsearch_server.context)


@pytest.fixture
def client(server: ElasticsearchServer) -> Iterator[Elasticsearch]:
    with server.client() as client:
        yield client
        client.indices.delete(index="kept", ignore_unavailable=True)


def later(**difference: Any) -> Callable[[], datetime]:
    """Return a clock that is ahead."""
    return lambda: datetime.now(UTC) + timedelta(**difference)


@pytest.mark.elasticsearch
def test_a_due_snapshot_is_taken_and_restores_an_index(
    server: ElasticsearchServer, client: Elasticsearch
) -> None:
    client.indices.create(index="kept")
    client.index(index="kept", document={"text": "still there"}, refresh=True)
    update_setting(server.instance_id, NIGHTLY, server.context)
    name = Snapshots(server.context, later(days=1)).take_due(server.instance_id)
    assert name is not None
    client.indices.delete(index="kept")
    client.snapshot.restore(
        repository=REPOSITORY, snapshot=name, indices="kept", wait_for_completion=True
    )
    assert client.count(index="kept")["count"] == 1


@pytest.mark.elasticsearch
def test_a_due_snapshot_is_taken_once(server: ElasticsearchServer) -> None:
    update_setting(server.instance_id, NIGHTLY, server.context)
    assert Snapshots(server.context).take_due(server.instance_id) is None
    # A different day, because the snapshots of other tests are in the same repository.
    ahead = Snapshots(server.context, later(days=3))
    assert ahead.take_due(server.instance_id) is not None
    assert ahead.take_due(server.instance_id) is None


@pytest.mark.elasticsearch
def test_snapshots_older_than_seven_days_are_deleted(
    server: ElasticsearchServer, client: Elasticsearch
) -> None:
    update_setting(server.instance_id, NIGHTLY, server.context)
    old = Snapshots(server.context, later(days=2)).take_due(server.instance_id)
    Snapshots(server.context, later(days=10)).take_due(server.instance_id)
    listed = client.snapshot.get(repository=REPOSITORY, snapshot="*")["snapshots"]
    assert old not in [item["snapshot"] for item in listed]


@pytest.mark.elasticsearch
def test_the_daemons_worker_takes_a_due_snapshot(
    server: ElasticsearchServer, client: Elasticsearch
) -> None:
    update_setting(
        server.instance_id, {"enable": True, "quartzRegex": "* * * * * ?"}, server.context
    )
    worker = Snapshots(server.context)
    worker.start()
    try:
        deadline = time.monotonic() + DEADLINE_SECONDS
        while (
            not client.options(ignore_status=404)
            .snapshot.get(
                repository=REPOSITORY, snapshot=f"{server.instance_id}_*", ignore_unavailable=True
            )
            .body.get("snapshots")
        ):
            assert time.monotonic() < deadline
            time.sleep(0.1)
    finally:
        worker.close()


@pytest.mark.elasticsearch
def test_the_setting_is_read_and_changed_over_http(server: ElasticsearchServer) -> None:
    path = f"/openapi/instances/{server.instance_id}/snapshot-setting"
    with TestClient(Starlette(routes=routes(server.context))) as http:
        assert http.post(path, json=NIGHTLY).json()["Result"]["Enable"] is True
        found = http.get(path).json()["Result"]
    assert found == {"Enable": True, "QuartzRegex": "0 0 1 ? * * *"}


@pytest.mark.elasticsearch
def test_an_invalid_schedule_is_refused(server: ElasticsearchServer) -> None:
    with pytest.raises(CloudError, match="quartzRegex"):
        update_setting(
            server.instance_id, {"enable": True, "quartzRegex": "every day"}, server.context
        )
    assert setting(server.instance_id, server.context)["Enable"] is False
