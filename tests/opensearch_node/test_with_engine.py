"""The node's users and certificates on the real engine."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from localcloud.opensearch.borrow import Borrowed
from opensearch_node.errors import NodeError
from opensearch_node.security import DEPLOYER, INGEST, READER, AdminClient

pytestmark = pytest.mark.opensearch


@pytest.fixture
def index(opensearch_server: Borrowed) -> Iterator[str]:
    with client(opensearch_server, DEPLOYER) as deployer:
        deployer.put("/users-1", json={}).raise_for_status()
        yield "users-1"
        deployer.delete("/users-1").raise_for_status()


def client(cluster: Borrowed, user: str, **options: Any) -> httpx.Client:
    context = ssl.create_default_context(cafile=str(cluster.ca_file))
    auth = (user, cluster.passwords[user])
    return httpx.Client(base_url=cluster.url, verify=context, auth=auth, **options)


def test_client_without_a_user_is_refused(opensearch_server: Borrowed) -> None:
    context = ssl.create_default_context(cafile=str(opensearch_server.ca_file))
    assert httpx.get(opensearch_server.url, verify=context).status_code == 401


def test_ingest_writes_and_reader_only_reads(opensearch_server: Borrowed, index: str) -> None:
    path = f"/{index}/_doc/1?refresh=true"
    with client(opensearch_server, READER) as reader, client(opensearch_server, INGEST) as ingest:
        assert reader.put(path, json={"text": "a"}).status_code == 403
        assert ingest.put(path, json={"text": "a"}).status_code == 201
        assert reader.get(f"/{index}/_search").json()["hits"]["total"]["value"] == 1
        assert ingest.post(f"/{index}/_forcemerge?max_num_segments=1").status_code == 200
        assert ingest.delete(f"/{index}").status_code == 403


def test_new_password_replaces_the_former_one(opensearch_server: Borrowed, index: str) -> None:
    former = opensearch_server.passwords[READER]
    changed = {**opensearch_server.passwords, READER: "Kq7-vX2p-Lm94-Ztr8"}
    settings = opensearch_server.settings
    with AdminClient(opensearch_server.url, settings.configuration) as admin:
        admin.apply(settings.opensearch_index_prefix, changed)
        try:
            with client(opensearch_server, READER) as reader:
                assert reader.get(f"/{index}/_search").status_code == 401
                answer = reader.get(f"/{index}/_search", auth=(READER, changed[READER]))
                assert answer.status_code == 200
        finally:
            opensearch_server.passwords[READER] = former
            admin.apply(settings.opensearch_index_prefix, opensearch_server.passwords)


def test_a_cluster_without_models_lists_no_lapsed_one(opensearch_server: Borrowed) -> None:
    with AdminClient(opensearch_server.url, opensearch_server.settings.configuration) as admin:
        assert admin.lapsed_models() == []
        with pytest.raises(NodeError, match="OpenSearch refused to deploy model none"):
            admin.deploy("none")


def test_renewed_certificate_is_served_without_a_restart(opensearch_server: Borrowed) -> None:
    settings = opensearch_server.settings
    renewed = opensearch_server.authority.issue([settings.opensearch_address])
    before = served(opensearch_server)
    renewed.write(settings.configuration)
    with AdminClient(opensearch_server.url, settings.configuration) as admin:
        admin.reload_certificates()
    after = served(opensearch_server)
    assert after == renewed.node
    assert after != before


def served(cluster: Borrowed) -> str:
    """Return the certificate that the cluster presents, as PEM text."""
    settings = cluster.settings
    return ssl.get_server_certificate(
        (settings.opensearch_address, settings.port), ca_certs=str(cluster.ca_file)
    )
