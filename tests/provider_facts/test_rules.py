"""Rules that span several properties: each refuses what the cloud refuses, and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest

from provider_facts import NOT_KNOWN, Hidden, check_inputs, require_type
from provider_facts.rules import broken_rules

STATEMENT = {"Effect": "Allow", "Action": "oss:GetObject", "Resource": "acs:oss:*:*:b/*"}
TRUST = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": ["a.com"]}}


def document(statement: dict[str, Any], **changed: Any) -> str:
    return json.dumps({"Version": "1", "Statement": [{**statement, **changed}]})


def essd(size: int, level: str | None = None) -> dict[str, Any]:
    disk = {"category": "cloud_essd", "size": size}
    return disk if level is None else {**disk, "performanceLevel": level}


def node(disk: int, kind: str = "cloud_essd", **more: str) -> dict[str, Any]:
    return {"dataNodeConfiguration": {"disk": disk, "diskType": kind, **more}}


INSTANCE, TEMPLATE = "ecs/instance:Instance", "ecs/ecsLaunchTemplate:EcsLaunchTemplate"
DISK = "ecs/ecsDisk:EcsDisk"
SEARCH, EIP = "elasticsearch/instance:Instance", "ecs/eipAddress:EipAddress"
KEY, SECRET, GROUP = "kms/key:Key", "kms/secret:Secret", "ess/scalingGroup:ScalingGroup"
RULE, POLICY, ROLE = "ecs/securityGroupRule:SecurityGroupRule", "ram/policy:Policy", "ram/role:Role"
ALARM, STORE, BALANCER = "cms/alarm:Alarm", "log/store:Store", "alb/loadBalancer:LoadBalancer"

BROKEN: list[tuple[str, dict[str, Any], str, str]] = [
    (INSTANCE, {"systemDiskCategory": "cloud_essd", "systemDiskSize": 10}, "systemDiskSize",
     "is 10 GiB; a cloud_essd PL1 disk has 20 to 2048 GiB"),
    (INSTANCE, {"systemDiskCategory": "cloud", "systemDiskSize": 600}, "systemDiskSize",
     "20 to 500 GiB"),
    (INSTANCE, {"dataDisks": [essd(20), essd(400, "PL2")]}, "dataDisks[1].size",
     "is 400 GiB; a cloud_essd PL2 disk has 461 to 65536 GiB"),
    (TEMPLATE, {"systemDisk": essd(1000, "PL3")}, "systemDisk.size", "1261 to 2048 GiB"),
    (DISK, essd(400, "PL2"), "size", "is 400 GiB; a cloud_essd PL2 disk has 461 to 65536 GiB"),
    (SEARCH, node(20), "dataNodeConfiguration.performanceLevel", "needs PL1, PL2 or PL3"),
    (SEARCH, node(100, performanceLevel="PL2"), "dataNodeConfiguration.disk", "461 to 65536 GiB"),
    (SEARCH, node(10, "cloud_ssd"), "dataNodeConfiguration.disk", "20 to 2048 GiB"),
    (SEARCH, node(3000, "cloud_efficiency"), "dataNodeConfiguration.disk", "2560, 3072"),
    (EIP, {"internetChargeType": "PayByTraffic", "bandwidth": "300"}, "bandwidth", "1 to 200"),
    (KEY, {"automaticRotation": "Enabled"}, "rotationInterval", "is missing"),
    (KEY, {"rotationInterval": "366d"}, "rotationInterval", "give 7 to 365 days"),
    (KEY, {"rotationInterval": "yearly"}, "rotationInterval", "give 7 to 365 days"),
    (SECRET, {"recoveryWindowInDays": 5}, "recoveryWindowInDays", "is 5 days; give 7 to 30"),
    (GROUP, {"minSize": 3, "maxSize": 2}, "minSize", "at most maxSize, which is 2"),
    (GROUP, {"minSize": 1, "maxSize": 2, "desiredCapacity": 5}, "desiredCapacity", "1 to 2"),
    (BALANCER, {"zoneMappings": [{"zoneId": "a", "vswitchId": "v"}]}, "zoneMappings", "two zones"),
    (STORE, {"autoSplit": True}, "maxSplitShardCount", "is missing; autoSplit true needs it"),
    (RULE, {"ipProtocol": "tcp", "portRange": "8080"}, "portRange", "takes from/to"),
    (RULE, {"ipProtocol": "tcp"}, "portRange", "takes from/to"),
    (RULE, {"ipProtocol": "icmp", "portRange": "1/1"}, "portRange", "icmp takes -1/-1"),
    (ALARM, {"project": "acs_alb", "metric": "ListenerHTTPCode5XX",
             "escalationsWarn": {"statistics": "Average"}}, "escalationsWarn.statistics",
     "metric ListenerHTTPCode5XX has Value"),
    (POLICY, {"policyDocument": document(STATEMENT, Effect="allow")}, "policyDocument",
     "Statement[0].Effect is 'allow'; it must be Allow or Deny"),
    (POLICY, {"policyDocument": document(STATEMENT, Resource="b/*")}, "policyDocument", "acs:"),
    (POLICY, {"policyDocument": document(STATEMENT, Condition={"Boolean": {"a": "b"}})},
     "policyDocument", "Condition.Boolean is unknown"),
    (POLICY, {"policyDocument": json.dumps({"Version": "2", "Statement": []})}, "policyDocument",
     "Version is '2'"),
    (POLICY, {"policyDocument": document(STATEMENT, Action=["a:b"] * 2000)}, "policyDocument",
     "at most 6144"),
    (ROLE, {"assumeRolePolicyDocument": document(TRUST, Action="oss:GetObject")},
     "assumeRolePolicyDocument", "only sts:AssumeRole"),
    (ROLE, {"assumeRolePolicyDocument": document(TRUST, Principal={"User": ["x"]})},
     "assumeRolePolicyDocument", "Principal.User is unknown"),
]  # fmt: skip


@pytest.mark.parametrize(("token", "inputs", "path", "reason"), BROKEN)
def test_a_broken_rule_is_named_with_its_path_and_what_is_allowed(
    token: str, inputs: dict[str, Any], path: str, reason: str
) -> None:
    found = dict(broken_rules(f"alicloud:{token}", inputs))
    assert list(found) == [path]
    assert reason in found[path]


@pytest.mark.parametrize(
    ("token", "inputs"),
    [
        (INSTANCE, {"systemDiskCategory": "cloud_essd", "systemDiskSize": 40}),
        (INSTANCE, {"systemDiskSize": 10}),
        (INSTANCE, {"dataDisks": [essd(1, "PL0"), essd(2000, "PL3")]}),
        (SEARCH, node(20, performanceLevel="PL1")),
        (SEARCH, node(2560, "cloud_efficiency")),
        (EIP, {"internetChargeType": "PayByTraffic", "bandwidth": "200"}),
        (KEY, {"automaticRotation": "Enabled", "rotationInterval": "604800s"}),
        (SECRET, {"recoveryWindowInDays": 0, "forceDeleteWithoutRecovery": True}),
        (GROUP, {"minSize": 1, "maxSize": 2, "desiredCapacity": 2}),
        (STORE, {"autoSplit": True, "maxSplitShardCount": 16}),
        (RULE, {"ipProtocol": "tcp", "portRange": "1/65535"}),
        (RULE, {"ipProtocol": "all"}),
        (POLICY, {"policyDocument": document(STATEMENT)}),
        (ROLE, {"assumeRolePolicyDocument": document(TRUST)}),
        ("vpc/network:Network", {"cidrBlock": "anything"}),
    ],
)
def test_valid_inputs_break_no_rule(token: str, inputs: dict[str, Any]) -> None:
    assert list(broken_rules(f"alicloud:{token}", inputs)) == []


@pytest.mark.parametrize(("token", "inputs", "path", "reason"), BROKEN)
def test_a_rule_does_not_judge_what_is_not_known_yet(
    token: str, inputs: dict[str, Any], path: str, reason: str
) -> None:
    unknown = dict.fromkeys(inputs, NOT_KNOWN)
    assert list(broken_rules(f"alicloud:{token}", unknown)) == []


def test_a_rule_never_quotes_a_secret() -> None:
    kind = require_type(f"alicloud:{KEY}")
    assert check_inputs(kind, {"rotationInterval": Hidden("hush")}) == []
