"""Fixtures: the built worker, and an application behind it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.edge.origin import Application
from tools.paths import Paths


@pytest.fixture(scope="session")
def edge_folder(checkout: Paths) -> str:
    """Return the folder `edge/`; fail if the worker is not built."""
    folder = checkout.checkout / "edge"
    if not (folder / "dist" / "worker.js").is_file() or not (folder / "node_modules").is_dir():
        pytest.fail("the edge's worker is not built: `make test` does that")
    return str(folder)


@pytest.fixture
def origin() -> Iterator[Application]:
    with Application.running() as application:
        yield application
