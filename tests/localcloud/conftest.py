"""A running control plane without OSS, for the tests of its services through the vendors' SDKs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.localcloud.control_plane import ControlPlane, control_plane_at


@pytest.fixture(scope="session")
def control_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """VPC, RAM, STS, KMS and AIWorkSpace; shared, so each test uses its own names."""
    with control_plane_at(tmp_path_factory.mktemp("control-plane")) as made:
        yield made
