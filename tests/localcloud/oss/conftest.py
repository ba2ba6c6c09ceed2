"""Fixtures of the local OSS tests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import oss2
import pytest

from tests.localcloud.oss.local_oss import LocalOss, running_oss


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalOss]:
    """Start one server for a module; each test creates its own buckets."""
    with running_oss(tmp_path_factory.mktemp("home")) as oss:
        yield oss


@pytest.fixture
def oss(running: LocalOss) -> Iterator[LocalOss]:
    """Return the module's server with its clock reset."""
    running.clock.offset_seconds = 0.0
    yield running
    running.connections.close_replies()


@pytest.fixture
def bucket(oss: LocalOss) -> Any:
    """Create a bucket."""
    return oss.make_bucket()


@pytest.fixture
def versioned(oss: LocalOss) -> Any:
    """Create a bucket with versioning enabled."""
    bucket = oss.make_bucket()
    bucket.put_bucket_versioning(oss2.models.BucketVersioningConfig("Enabled"))
    return bucket
