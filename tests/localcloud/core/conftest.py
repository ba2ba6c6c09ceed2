"""A stack's home and context, without anything running."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from localcloud.core.home import init_home
from localcloud.core.resources import Context
from localcloud.daemon import make_context


@pytest.fixture
def context(tmp_path: Path) -> Iterator[Context]:
    init_home(tmp_path)
    made = make_context(tmp_path)
    yield made
    made.supervisor.stop_all()
    made.store.close()
