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
    """Yield a group of one member."""
    with running_stack(tmp_path / "home", SERVICES) as stack:
        yield make_fleet(make_balancer(stack))


@pytest.fixture(scope="module")
def settled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """Yield a group of one member that serves, for tests that change nothing."""
    home = tmp_path_factory.mktemp("ess") / "home"
    with running_stack(home, SERVICES) as stack:
        made = make_fleet(make_balancer(stack))
        made.serving(b"one")
        yield made
