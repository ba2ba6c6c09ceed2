"""A scaling group behind a load balancer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.localcloud.alb.support import make_balancer
from tests.localcloud.ess.support import Fleet, make_fleet
from tests.localcloud.running import running_stack

SERVICES = ["vpc", "ecs", "cas", "alb", "ess"]


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    """A group of one member."""
    with running_stack(tmp_path / "home", SERVICES) as stack:
        yield make_fleet(make_balancer(stack))
