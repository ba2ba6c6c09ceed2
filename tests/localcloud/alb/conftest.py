"""One load balancer for the tests of this folder: each costs a process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.localcloud.alb.support import Balancer, make_balancer
from tests.localcloud.running import running_stack


@pytest.fixture(scope="module")
def balancer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Balancer]:
    """Yield a load balancer of a local cloud."""
    home = tmp_path_factory.mktemp("alb") / "home"
    with running_stack(home, ["vpc", "ecs", "cas", "alb"]) as stack:
        yield make_balancer(stack)
