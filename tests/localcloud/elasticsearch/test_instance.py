"""A real instance, with its resource handler and the vendor's client."""

from __future__ import annotations

import os
import pwd
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from elasticsearch import ApiError, AuthenticationException, Elasticsearch, NotFoundError
from elasticsearch.helpers import bulk
from starlette.applications import Starlette
from starlette.testclient import TestClient

from localcloud.core import accounts
from localcloud.core.errors import CloudError
from localcloud.core.home import init_home
from localcloud.core.resources import Context
from localcloud.daemon import make_context
from localcloud.elasticsearch import distribution, resources
from localcloud.elasticsearch.resources import Instance
from localcloud.elasticsearch.routes import routes
from localcloud.elasticsearch.services import services
from tests.support.elasticsearch import INPUTS, PASSWORD, ElasticsearchServer

DEADLINE_SECONDS = 300.0
NEW_PASSWORD = "Another-test-2"


@pytest.fixture
def client(elasticsearch_server: ElasticsearchServer) -> Iterator[Elasticsearch]:
    with elasticsearch_server.client() as client:
        yield client
        for name in client.indices.get(index="test-*"):
            client.indices.delete(index=name)


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def engine_process(server: ElasticsearchServer) -> psutil.Process:
    name = f"elasticsearch/{server.instance_id}/engine"
    status = server.context.supervisor.status(name)
    assert status is not None
    launcher = psutil.Process(status.pid)
    return max(launcher.children(recursive=True), key=lambda item: item.memory_info().rss)


@pytest.mark.elasticsearch
def test_client_finds_the_version_and_name_of_the_cluster(
    client: Elasticsearch, elasticsearch_server: ElasticsearchServer
) -> None:
    root = client.info()

    assert root["version"]["number"] == distribution.VERSION
    assert root["cluster_name"] == elasticsearch_server.instance_id
    assert root["cluster_uuid"]
    assert client.ping()


@pytest.mark.elasticsearch
def test_outputs_have_the_address_and_the_status(
    elasticsearch_server: ElasticsearchServer,
) -> None:
    outputs = elasticsearch_server.outputs

    assert outputs["domain"].startswith("127.")
    assert outputs["port"] == 9200
    assert outputs["protocol"] == "HTTP"
    assert outputs["status"] == "active"
    assert outputs["publicDomain"] == ""


@pytest.mark.elasticsearch
def test_int8_hnsw_finds_nearest_neighbours(client: Elasticsearch) -> None:
    vector = {
        "type": "dense_vector",
        "dims": 3,
        "similarity": "cosine",
        "index_options": {"type": "int8_hnsw"},
    }
    client.indices.create(index="test-knn", mappings={"properties": {"embedding": vector}})
    vectors = {"east": [1.0, 0.0, 0.1], "north": [0.0, 1.0, 0.1], "up": [0.0, 0.0, 1.0]}
    bulk(
        client,
        ({"_index": "test-knn", "_id": key, "embedding": value} for key, value in vectors.items()),
        refresh=True,
    )

    answer = client.search(
        index="test-knn",
        knn={
            "field": "embedding",
            "query_vector": [0.9, 0.2, 0.0],
            "k": 2,
            "num_candidates": 3,
        },
    )

    assert [hit["_id"] for hit in answer["hits"]["hits"]] == ["east", "north"]


@pytest.mark.elasticsearch
def test_alias_moves_in_one_step(client: Elasticsearch) -> None:
    client.indices.create(index="test-a", aliases={"test-alias": {}})
    client.indices.create(index="test-b")

    client.indices.update_aliases(
        actions=[
            {"remove": {"index": "test-a", "alias": "test-alias", "must_exist": True}},
            {"add": {"index": "test-b", "alias": "test-alias"}},
        ]
    )

    assert list(client.indices.get_alias(name="test-alias")) == ["test-b"]


@pytest.mark.elasticsearch
def test_large_bulk_request_passes_the_gateway(client: Elasticsearch) -> None:
    client.indices.create(index="test-bulk")
    text = "x" * 2_000

    count, _ = bulk(
        client,
        ({"_index": "test-bulk", "text": text} for _ in range(3_000)),
        chunk_size=3_000,
        refresh=True,
    )

    assert count == 3_000
    assert client.count(index="test-bulk")["count"] == 3_000
    answer = client.search(index="test-bulk", size=1_000)
    assert len(answer["hits"]["hits"]) == 1_000


@pytest.mark.elasticsearch
@pytest.mark.parametrize("path", ["/", "/_cluster/health"])
def test_wrong_password_gives_the_engines_own_error(
    elasticsearch_server: ElasticsearchServer, path: str
) -> None:
    with (
        Elasticsearch(
            elasticsearch_server.url, basic_auth=("elastic", "wrong-Password-1")
        ) as stranger,
        pytest.raises(AuthenticationException) as caught,
    ):
        stranger.perform_request("GET", path)

    assert caught.value.error == "security_exception"
    assert f"for REST request [{path}]" in str(caught.value.info)


@pytest.mark.elasticsearch
def test_write_to_a_missing_index_does_not_create_it_as_in_the_cloud(client: Elasticsearch) -> None:
    with pytest.raises(NotFoundError, match="index_not_found"):
        client.index(index="test-unknown", document={})


@pytest.mark.elasticsearch
def test_no_file_and_no_command_line_has_the_password(
    elasticsearch_server: ElasticsearchServer,
) -> None:
    home = elasticsearch_server.context.platform.home
    files = [path for path in home.rglob("*") if path.is_file()]

    assert files
    assert not [path for path in files if PASSWORD.encode() in path.read_bytes()]
    for process in psutil.process_iter(["cmdline"]):
        assert not any(PASSWORD in part for part in process.info["cmdline"] or [])


@pytest.mark.elasticsearch
def test_processes_listen_only_on_the_instances_loopback_address(
    elasticsearch_server: ElasticsearchServer,
) -> None:
    address = elasticsearch_server.outputs["domain"]
    listening = {
        (connection.laddr.ip, connection.laddr.port)
        for connection in engine_process(elasticsearch_server).net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
    }

    assert {ip.removeprefix("::ffff:") for ip, _ in listening} == {address}
    assert {port for _, port in listening} == {19200, 19300}


@pytest.mark.elasticsearch
def test_killed_engine_restarts_with_its_data(
    client: Elasticsearch, elasticsearch_server: ElasticsearchServer
) -> None:
    client.indices.create(index="test-kept")
    client.index(index="test-kept", id="1", document={"x": 1}, refresh=True)

    engine_process(elasticsearch_server).kill()

    def away() -> bool:
        try:
            client.cluster.health()
        except ApiError as error:
            return error.status_code == 503
        return False

    until(away)
    until(client.ping)
    assert client.get(index="test-kept", id="1")["_source"] == {"x": 1}
    assert client.count(index="test-kept")["count"] == 1


@pytest.mark.elasticsearch
def test_changed_password_works_at_once_and_the_old_one_does_not(
    elasticsearch_server: ElasticsearchServer,
) -> None:
    server, handler = elasticsearch_server, Instance()

    def update(password: str) -> dict[str, Any]:
        inputs = {**INPUTS, "password": password}
        return handler.update(server.instance_id, server.outputs, inputs, server.context)

    update(NEW_PASSWORD)
    try:
        with Elasticsearch(server.url, basic_auth=("elastic", NEW_PASSWORD)) as changed:
            assert changed.info()
        with server.client() as old, pytest.raises(AuthenticationException):
            old.info()
    finally:
        assert update(PASSWORD)["status"] == "active"


@pytest.mark.elasticsearch
def test_read_returns_the_inputs_from_the_id_alone(
    elasticsearch_server: ElasticsearchServer,
) -> None:
    server = elasticsearch_server
    found = Instance().read(server.instance_id, {}, server.context)

    assert found is not None
    assert found["status"] == "active"
    assert found["version"] == INPUTS["version"]
    assert found["dataNodeConfiguration"] == INPUTS["dataNodeConfiguration"]
    assert "password" not in found


@pytest.mark.elasticsearch
def test_control_plane_lists_and_describes_the_instance(
    elasticsearch_server: ElasticsearchServer,
) -> None:
    server = elasticsearch_server
    with TestClient(Starlette(routes=routes(server.context))) as api:
        listed = api.get("/openapi/instances").json()
        described = api.get(f"/openapi/instances/{server.instance_id}").json()
        missing = api.get("/openapi/instances/es-cn-none")

    assert [item["instanceId"] for item in listed["Result"]] == [server.instance_id]
    assert listed["Headers"]["X-Total-Count"] == 1
    assert described["Result"]["status"] == "active"
    assert described["Result"]["esVersion"] == INPUTS["version"]
    assert missing.status_code == 404
    assert missing.json()["Code"] == "InstanceNotFound"


@pytest.mark.elasticsearch
def test_daemon_runs_two_processes_per_instance(
    elasticsearch_server: ElasticsearchServer,
) -> None:
    server = elasticsearch_server

    names = [spec.name for spec in services(server.context)]

    assert names == [
        f"elasticsearch/{server.instance_id}/gateway",
        f"elasticsearch/{server.instance_id}/engine",
    ]


@pytest.fixture
def context(tmp_path: Path) -> Iterator[Context]:
    home = tmp_path / "home"
    init_home(home)
    context = make_context(home)
    yield context
    context.supervisor.stop_all()
    context.store.close()


@pytest.mark.elasticsearch
@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the engine as another user")
def test_root_without_user_namespaces_runs_the_engine_unprivileged(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accounts, "_namespace_works", lambda *_: False)
    handler = Instance()

    created = handler.create(INPUTS, context)

    url = f"http://{created.outputs['domain']}:9200"
    with Elasticsearch(url, basic_auth=("elastic", PASSWORD)) as client:
        assert client.ping()
    status = context.supervisor.status(f"elasticsearch/{created.id}/engine")
    assert status is not None
    assert psutil.Process(status.pid).uids().real == pwd.getpwnam(accounts._UNPRIVILEGED).pw_uid
    handler.delete(created.id, created.outputs, context)
    assert handler.read(created.id, created.outputs, context) is None
    assert not (Path("/var/tmp/customrag-engines") / created.id).exists()


def fake_distribution(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    for name in ("jvm.options", "log4j2.properties", "role_mapping.yml"):
        (folder / "config").mkdir(parents=True, exist_ok=True)
        (folder / "config" / name).touch()
    (folder / "bin").mkdir()
    program = folder / "bin" / "elasticsearch"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setattr(distribution, "installed", lambda: folder)
    monkeypatch.setattr(distribution, "find_java_home", lambda: folder)


def test_failed_start_leaves_nothing_behind(
    context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_distribution(tmp_path / "es", monkeypatch, "echo cannot start; exit 1")

    with pytest.raises(CloudError, match=r"InstanceCreateFailed(.|\n)*cannot start"):
        Instance().create(INPUTS, context)

    assert context.store.table(resources.TABLE).items() == []
    assert context.store.table("addresses").items() == []
    assert list((context.platform.home / "cloud" / "elasticsearch").iterdir()) == []
    assert context.supervisor.names() == ()


def test_instance_of_an_interrupted_create_is_removed_at_the_next_start(
    context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_distribution(tmp_path / "es", monkeypatch, "exec sleep 60")

    def cut_off(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(resources, "start", cut_off)
    with pytest.raises(KeyboardInterrupt):
        Instance().create(INPUTS, context)
    assert len(context.store.table(resources.TABLE).items()) == 1

    assert services(context) == ()

    assert context.store.table(resources.TABLE).items() == []
    assert list((context.platform.home / "cloud" / "elasticsearch").iterdir()) == []


def test_read_of_a_missing_instance_returns_none_and_delete_is_success(context: Context) -> None:
    handler = Instance()

    assert handler.read("es-cn-none", {}, context) is None
    handler.delete("es-cn-none", {}, context)
    with pytest.raises(CloudError, match="InstanceNotFound"):
        handler.update("es-cn-none", {}, INPUTS, context)
