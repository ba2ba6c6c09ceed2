"""`make down` after a killed update, with a dead daemon of the local cloud.

`make down` after a successful update is the last step of `test_loop`.
"""

from __future__ import annotations

import os
import signal
from typing import Any

import pytest

from localcloud.daemon import daemon_pid
from tests.e2e.checkout import Checkout, wait_until
from tests.e2e.cloud import Cloud
from tests.e2e.network import listening

pytestmark = pytest.mark.e2e

UP_SECONDS = 1800.0


@pytest.fixture(scope="module")
def facts() -> dict[str, Any]:
    """Return a mapping in which a step keeps facts for a later step."""
    return {}


def _kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def test_down_without_a_stack_is_success(private: Checkout, facts: dict[str, Any]) -> None:
    facts["files"] = private.files()
    private.make("down").check()
    assert private.files() == facts["files"]


def test_down_after_a_killed_up_leaves_no_process_no_port_and_no_file(
    private: Checkout, cloud: Cloud, facts: dict[str, Any]
) -> None:
    up = private.start_up(timeout_seconds=UP_SECONDS)
    up.until(
        lambda: any(row["name"].startswith("elasticsearch/") for row in cloud.supervised()),
        "Elasticsearch is being started",
    )
    engine = private.engine()
    _kill(engine.pid)
    assert up.wait().code != 0
    prefix = private.platform().loopback_prefix
    daemon = daemon_pid(private.paths.home)
    assert daemon is not None
    _kill(daemon)
    wait_until(lambda: daemon_pid(private.paths.home) is None, "the daemon is dead", 180.0)
    assert listening(prefix), "no process is left for `make down` to stop"
    private.make("down", timeout_seconds=900.0).check()
    assert [process.cmdline() for process in private.processes()] == []
    assert listening(prefix) == []
    assert private.files() == facts["files"]


def test_down_a_second_time_is_success(private: Checkout, facts: dict[str, Any]) -> None:
    private.make("down").check()
    assert private.files() == facts["files"]
