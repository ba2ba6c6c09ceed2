"""A local cloud for the tests that talk to services over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from localcloud.core.background import worker_of
from localcloud.core.resources import Context
from localcloud.paidlc.controller import JobController
from localcloud.paidlc.settings import Settings
from providers.plugin.services import CloudServices
from tests.localcloud.running import LocalStack, running_stack


def _quick_jobs(context: Context) -> None:
    worker_of(
        context,
        JobController,
        lambda inner: JobController(inner, Settings(sync_seconds=0.1)),
    )


@pytest.fixture
def local_cloud(tmp_path: Path) -> Iterator[LocalStack]:
    """OSS, PAI DLC and KMS of a local cloud, with a bucket ``b``."""
    with running_stack(tmp_path / "home", ["paidlc", "kms"], _quick_jobs) as stack:
        stack.make_bucket("corpus-b")
        yield stack


@pytest.fixture
def cloud_services(local_cloud: LocalStack) -> CloudServices:
    """Return the plugin's own clients, configured for the local cloud."""
    return CloudServices(provider_config(local_cloud))


def provider_config(local_cloud: LocalStack) -> dict[str, str]:
    """Return the inputs of ``customrag.Provider`` for the local cloud, by their wire names."""
    platform = local_cloud.context.platform
    return {
        "regionId": platform.region_id,
        "ossEndpoint": platform.endpoints["oss"],
        "dlcEndpoint": platform.endpoints["api"],
        "accessKeyId": platform.access_key_id,
        "accessKeySecret": platform.access_key_secret,
    }
