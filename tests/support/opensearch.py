"""A real OpenSearch cluster of one node, one per test session.

Mark the tests that use `opensearch_server` `opensearch`. Tests share it: each makes indices,
pipelines and models with its own names and removes them.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from localcloud.opensearch.borrow import Borrowed, lend

__all__ = ["opensearch_server"]


@pytest.fixture(scope="session")
def opensearch_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Borrowed]:
    """Lend the cluster; it has passwords for the users deployer, ingest and reader."""
    with lend(tmp_path_factory.mktemp("opensearch") / "node") as cluster:
        yield cluster
