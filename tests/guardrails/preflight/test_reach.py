"""Whether this machine reaches what an update speaks to.

What it cannot prove: anything of a real VPC; loopback stands for it.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from guardrails.preflight.cloud import Cloud
from guardrails.preflight.result import Line, Verdict
from guardrails.preflight.subject import Subject
from providers.clients.offers import search_address
from stack_config.kinds import EngineKind
from tests.guardrails.preflight.conftest import Stage, only

INSTANCE = "es-cn-known"


@pytest.fixture
def port() -> Iterator[int]:
    """Return a port that accepts connections."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield int(server.getsockname()[1])


def line(stage: Stage, subject: Subject) -> Line:
    return only(stage.lines("reach", subject=subject), "reach")


@contextmanager
def cluster(monkeypatch: pytest.MonkeyPatch, address: tuple[str, int] | None) -> Iterator[None]:
    """Pretend that the Elasticsearch instance is at this address."""
    with monkeypatch.context() as patch:
        patch.setattr("guardrails.preflight.checks.reach.search_address", lambda *_: address)
        yield


def subject(stage: Stage, **changes: Any) -> Subject:
    return stage.subject(stage.config(**changes))


def test_a_reachable_elasticsearch_passes(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, port: int
) -> None:
    with cluster(monkeypatch, ("127.0.0.1", port)):
        found = line(stage, subject(stage, existingElasticsearchInstanceId=INSTANCE))
    assert (found.verdict, f"127.0.0.1:{port}" in found.found) == (Verdict.PASS, True)


def test_an_unreachable_elasticsearch_is_a_warning_with_advice(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    with cluster(monkeypatch, ("127.0.0.1", 1)):
        found = line(stage, subject(stage, existingElasticsearchInstanceId=INSTANCE))
    assert (found.verdict, "VPN" in found.do) == (Verdict.WARN, True)


def test_a_vpc_that_does_not_exist_yet_is_a_warning(stage: Stage) -> None:
    found = line(stage, subject(stage))
    assert (found.verdict, "existingVpcId" in found.do) == (Verdict.WARN, True)
    assert "does not exist yet" in found.found


def vpc(stage: Stage, block: str) -> Subject:
    """Return `dev` in an existing VPC, with one vSwitch of that block."""
    vpc_id = stage.create("vpc/network:Network", {"cidrBlock": block}).id
    zone_id = stage.config().zone_ids[0]
    inputs = {"vpcId": vpc_id, "cidrBlock": block, "zoneId": zone_id}
    vswitch_id = stage.create("vpc/switch:Switch", inputs).id
    return subject(stage, existingVpcId=vpc_id, existingVswitchIds=(vswitch_id, vswitch_id))


def test_a_machine_in_the_existing_vpc_passes(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = vpc(stage, "10.77.0.0/24")
    monkeypatch.setattr(Cloud, "own_address", lambda *_: "10.77.0.9")
    found = line(stage, inside)
    assert (found.verdict, "10.77.0.9" in found.found) == (Verdict.PASS, True)


def test_a_machine_outside_the_vpc_is_a_warning(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside = vpc(stage, "10.78.0.0/24")
    monkeypatch.setattr(Cloud, "own_address", lambda *_: "192.168.1.5")
    found = line(stage, outside)
    assert (found.verdict, "VPN or peering" in found.do) == (Verdict.WARN, True)


@pytest.mark.parametrize(
    ("there", "reached", "expected"),
    [
        ({}, False, (Verdict.WARN, "does not exist yet")),
        ({"ecs.g7.xlarge": 1}, False, (Verdict.WARN, "does not reach OpenSearch at 10.20.0.231")),
        ({"ecs.g7.xlarge": 1}, True, (Verdict.PASS, "OpenSearch answers this machine")),
    ],
)
def test_a_stack_with_opensearch_alone_is_reached_at_its_first_node(
    stage: Stage,
    monkeypatch: pytest.MonkeyPatch,
    there: dict[str, int],
    reached: bool,
    expected: tuple[Verdict, str],
) -> None:
    monkeypatch.setattr("guardrails.preflight.checks.reach.running_instances", lambda *_: there)
    monkeypatch.setattr(Cloud, "reaches", lambda *_: reached)
    found = line(stage, subject(stage, searchEngines=(EngineKind.OPENSEARCH,)))
    assert (found.verdict, expected[1] in found.found) == (expected[0], True)


def test_a_local_cloud_is_on_this_machine(stage: Stage) -> None:
    assert line(stage, stage.subject(on_local_cloud=True)).verdict is Verdict.PASS


def test_own_address_is_the_one_on_the_route_to_another(stage: Stage) -> None:
    assert stage.cloud().own_address("127.0.0.1") == "127.0.0.1"


def test_a_missing_instance_has_no_address(stage: Stage) -> None:
    assert stage.cloud().ask("elasticsearch", search_address, "es-cn-none") is None
