"""A pull request's stack comes up, stops for a night, and is swept after it expires.

What it cannot prove: see `test_rehearse`.
"""

from __future__ import annotations

import re

import pytest
import yaml

from localcloud.core.store import open_store
from localcloud.faults import Faults
from ops.account import account_in
from ops.night.nodes import Node, gpu_nodes
from tests.e2e.checkout import Checkout
from tests.e2e.rehearsal import UP_SECONDS, assert_nothing_is_left

pytestmark = pytest.mark.e2e

SWEPT = "rehearse-pr-7"
SWEEP_HERE = {"PR": "7", "REHEARSAL": "1"}
"""Sweeps the backend of that stack's own local cloud."""
LONG_AFTER = "2099-01-01T00:00:00Z"


def test_a_pull_requests_stack_comes_up_and_its_leaks_are_listed(
    private: Checkout, files: set[str]
) -> None:
    private.make(
        "pr-up", timeout_seconds=UP_SECONDS, PR="7", REHEARSAL="1", CORPUS=str(private.corpus)
    ).check()
    listed = private.make("leaks", STACK=SWEPT)
    assert listed.code != 0
    assert re.search(r"^leak +arn:acs:ecs:\S+ \(by its tags\)", listed.output, re.MULTILINE)
    assert f"OSS bucket customrag-{SWEPT}-corpus" in listed.output
    assert "left that should be gone" in listed.output


def _gpu_node(private: Checkout) -> Node:
    account = account_in("cn-hangzhou", private.paths.of(SWEPT).home)
    (node,) = gpu_nodes(account.client("ecs"), account.region_id, SWEPT)
    return node


def test_its_gpu_node_stops_by_night_and_starts_by_day(private: Checkout) -> None:
    path = private.paths.of(SWEPT).stack_file
    document = yaml.safe_load(path.read_text("utf-8"))
    document["config"]["customrag:nightHours"] = "20:00-08:00 Asia/Shanghai"
    path.write_text(yaml.safe_dump(document), "utf-8")
    assert _gpu_node(private).status == "Running"
    night = private.make("night", STACK=SWEPT, NOW="2026-11-24T22:00:00+08:00").check()
    assert "stopped, unbilled" in night.words
    assert _gpu_node(private).status == "Stopped"
    private.make("night", STACK=SWEPT, NOW="2026-11-25T09:00:00+08:00").check()
    assert _gpu_node(private).status == "Running"


def test_the_sweeper_keeps_it_before_it_expires(private: Checkout) -> None:
    swept = private.make("sweep", PR="7", REHEARSAL="1").check()
    assert f"{SWEPT}: left, because it lives until" in swept.words
    assert private.make("leaks", STACK=SWEPT).code != 0


def test_a_sweep_whose_deletions_are_refused_fails_and_lists_what_is_left(
    private: Checkout,
) -> None:
    home = private.paths.of(SWEPT).home
    store = open_store(home)
    try:
        faults = Faults(store)
        faults.inject("deletion-refused", {"type": "*", "code": "Throttling.User"})
        swept = private.make("sweep", timeout_seconds=900.0, NOW=LONG_AFTER, **SWEEP_HERE)
        faults.clear()
    finally:
        store.close()
    assert swept.code != 0
    assert "`pulumi destroy` failed" in swept.words
    assert "Throttling.User" in swept.words
    assert re.search(r"leak check: \d+ left that should be gone", swept.words)
    assert f"look at {SWEPT}" in swept.words


def test_a_sweep_with_a_killed_engine_does_not_report_the_stack_as_removed(
    private: Checkout,
) -> None:
    log = private.folder / ".customrag" / SWEPT / "logs" / "destroy.log"
    log.unlink()
    sweep = private.start_make("sweep", timeout_seconds=900.0, NOW=LONG_AFTER, **SWEEP_HERE)
    sweep.until(lambda: log.is_file() and "deleted (" in log.read_text("utf-8"), "it deletes")
    (engine,) = [
        process
        for process in private.processes()
        if process.name().startswith("pulumi") and "destroy" in process.cmdline()
    ]
    engine.kill()
    done = sweep.wait()
    assert done.code != 0
    assert "nothing is left" not in done.words
    assert re.search(r"leak check: \d+ left that should be gone", done.words)


def test_the_sweeper_removes_it_after_it_expires_and_proves_it(
    private: Checkout, files: set[str]
) -> None:
    swept = private.make(
        "sweep", timeout_seconds=900.0, PR="7", REHEARSAL="1", NOW=LONG_AFTER
    ).check()
    assert f"{SWEPT}: swept, because its time was over" in swept.words
    assert "nothing is left that should be gone" in swept.words
    proof = private.make("leaks", STACK=SWEPT).check()
    assert "leak check: nothing is left that should be gone" in proof.words
    assert (
        "there are no stacks of pull requests" in private.make("sweep", PR="7", REHEARSAL="1").words
    )
    private.make("down", STACK=SWEPT).check()
    assert_nothing_is_left(private, files)
