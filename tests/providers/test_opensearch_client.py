"""The OpenSearch clients against the real engine, whose certificate names its address only."""

from __future__ import annotations

import asyncio

import pytest

from localcloud.opensearch.borrow import Borrowed
from opensearch_node.security import DEPLOYER
from providers.clients import opensearch

pytestmark = pytest.mark.opensearch


def test_own_authority_is_trusted_by_any_name(opensearch_server: Borrowed) -> None:
    url = opensearch_server.url.replace("127.0.0.1", "localhost")
    assert url != opensearch_server.url
    given = (
        url,
        DEPLOYER,
        opensearch_server.passwords[DEPLOYER],
        opensearch_server.ca_file.read_text(),
    )
    with opensearch.client(*given) as client:
        assert client.cluster.health()["number_of_nodes"] == 1

    async def main() -> None:
        async with opensearch.async_client(*given) as client:
            assert (await client.cluster.health())["number_of_nodes"] == 1

    asyncio.run(main())


def test_another_authority_is_refused(opensearch_server: Borrowed) -> None:
    password = opensearch_server.passwords[DEPLOYER]
    with (
        opensearch.client(opensearch_server.url, DEPLOYER, password) as client,
        pytest.raises(opensearch.TransportError, match="CERTIFICATE_VERIFY_FAILED"),
    ):
        client.cluster.health()

    async def main() -> None:
        async with opensearch.async_client(opensearch_server.url, DEPLOYER, password) as client:
            with pytest.raises(opensearch.TransportError, match="CERTIFICATE_VERIFY_FAILED"):
                await client.cluster.health()

    asyncio.run(main())
