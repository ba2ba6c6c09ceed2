"""Declared environments on the local cloud, through the real engine: rehearsed, swept, removed.

`dev` and a pull request's stack go through their whole life, and `prod` through a preview. The
stack of another pull request comes up, stops for a night, and is swept after it expires. `dev` has
an edge before its load balancer, which then faces the Internet. What it cannot prove: that Alibaba
Cloud and Cloudflare accept the same declarations, and that quotas and stock suffice.
"""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from localcloud.core.store import open_store
from localcloud.faults import Faults
from ops.account import account_in
from ops.night.nodes import Node, gpu_nodes
from ops.rehearse.summary import WIDTH
from tests.e2e.checkout import Checkout, Finished

pytestmark = pytest.mark.e2e

UP_SECONDS = 600.0
SHORT = "trainingNumTrainEpochs=1"
# Added to the declared values, so that a question passes the worker, load balancer and group.
BEHIND_AN_EDGE = (
    "edge=cloudflare",
    "chatAddressType=Internet",
    "chatAllowedCidrBlocks=[173.245.48.0/20]",
)
SWEPT = "rehearse-pr-7"
SWEEP_HERE = {"PR": "7", "REHEARSAL": "1"}
"""Sweeps the backend of that stack's own local cloud."""
LONG_AFTER = "2099-01-01T00:00:00Z"


@pytest.fixture(scope="module")
def facts(private: Checkout) -> dict[str, Any]:
    """Return a mapping in which a step keeps facts for a later step."""
    return {"files": private.files()}


def _rehearse(private: Checkout, stack: str, *values: str) -> Finished:
    return private.make(
        "rehearse",
        timeout_seconds=UP_SECONDS,
        STACK=stack,
        CORPUS=str(private.corpus),
        SET=" ".join((SHORT, *values)),
    )


def _summary(done: Finished) -> list[str]:
    _, rule, text = done.output.partition("=" * WIDTH)
    return (rule + text).splitlines()


def _assert_nothing_is_left(private: Checkout, facts: dict[str, Any]) -> None:
    assert [process.cmdline() for process in private.processes()] == []
    left = private.files() - facts["files"]
    # The checkout's lock and set-up logs do not belong to a stack.
    assert {
        name for name in left if not name.startswith((".customrag/lock", ".customrag/setup"))
    } == set()


def _assert_whole_life(done: Finished, stack: str) -> None:
    done.check()
    text = "\n".join(_summary(done))
    assert f"Rehearsal of {stack}: ended well" in text
    for step in ("up", "unchanged", "change", "refresh", "unchanged again", "down", "leak check"):
        assert re.search(rf"^ok   {step} +\d+:\d\d  ", text, re.MULTILINE), step
    assert "policy pack: no violation" in text
    assert "nothing of the stack is left" in text


def test_dev_is_brought_up_changed_refreshed_and_destroyed_as_declared(
    private: Checkout, facts: dict[str, Any]
) -> None:
    done = _rehearse(private, "dev", *BEHIND_AN_EDGE)
    _assert_whole_life(done, "dev")
    summary = _summary(done)
    assert max(map(len, summary)) <= WIDTH
    asked = " ".join(" ".join(summary).split())
    assert re.search(r"with a token: \d+ sources, then from the cache; without one: 401", asked)
    assert "https://chat.dev.internal without the edge's key, and with a guessed one: 403" in asked
    _assert_nothing_is_left(private, facts)


def test_a_pull_requests_stack_is_brought_up_changed_refreshed_and_destroyed_as_declared(
    private: Checkout, facts: dict[str, Any]
) -> None:
    _assert_whole_life(_rehearse(private, "pr-1"), "pr-1")
    _assert_nothing_is_left(private, facts)


def test_prod_previews_as_declared_with_the_policy_pack(
    private: Checkout, facts: dict[str, Any]
) -> None:
    done = _rehearse(private, "prod").check()
    text = "\n".join(_summary(done))
    assert "Rehearsal of prod: ended well" in text
    assert re.search(r"^ok   preview +\d+:\d\d  \d+ created", text, re.MULTILINE)
    assert "policy pack: no violation" in text
    words = " ".join(text.split())
    assert re.search(r"at list prices, cn-hangzhou: [\d.]+ CNY an hour, [\d,]+ a month", words)
    _assert_nothing_is_left(private, facts)


def test_another_pull_requests_stack_comes_up_and_its_leaks_are_listed(private: Checkout) -> None:
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
        swept = private.make("sweep", timeout_seconds=300.0, NOW=LONG_AFTER, **SWEEP_HERE)
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
    sweep = private.start_make("sweep", timeout_seconds=300.0, NOW=LONG_AFTER, **SWEEP_HERE)
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
    private: Checkout, facts: dict[str, Any]
) -> None:
    swept = private.make(
        "sweep", timeout_seconds=300.0, PR="7", REHEARSAL="1", NOW=LONG_AFTER
    ).check()
    assert f"{SWEPT}: swept, because its time was over" in swept.words
    assert "nothing is left that should be gone" in swept.words
    proof = private.make("leaks", STACK=SWEPT).check()
    assert "leak check: nothing is left that should be gone" in proof.words
    assert (
        "there are no stacks of pull requests" in private.make("sweep", PR="7", REHEARSAL="1").words
    )
    private.make("down", STACK=SWEPT).check()
    _assert_nothing_is_left(private, facts)
