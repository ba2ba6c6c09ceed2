"""Every check passes when nothing is wrong, and fails otherwise.

What it cannot prove: that Alibaba Cloud answers as the local cloud does. `budget` runs the whole
program, and is tried in `test_command`.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from guardrails.preflight.checks import CHECKS
from guardrails.preflight.cloud import Cloud
from guardrails.preflight.report import as_json
from guardrails.preflight.result import Line, Verdict
from guardrails.preflight.subject import Subject
from stack_config.config import StackConfig
from stack_config.kinds import EdgeKind
from tests.guardrails.preflight.conftest import MODEL, Stage, only
from tests.support.configuration import with_values

GPU = "ecs.gn7i-c8g1.2xlarge"
# How to make each check fail: a fault of the cloud, a value of the stack, or a later day.
FAULTS: dict[str, tuple[str, dict[str, str]]] = {
    "credentials": ("credentials-expired", {}),
    "service-role": ("role-missing", {"role_name": "AliyunServiceRoleForNatgw"}),
    "region": ("api-down", {"operation": "DescribeRegions"}),
    "zones": ("zone-closed", {"zone_id": "cn-hangzhou-h"}),
    "image": ("api-throttled", {"operation": "DescribeImages"}),
    "stock": ("sold-out", {"instance_type": GPU}),
    "quota": ("quota-used-up", {"instance_type": GPU}),
    "dlc-spec": ("ecs-spec-unavailable", {"ecs_spec": GPU}),
    "pai": ("pai-not-activated", {}),
    "search-version": ("version-withdrawn", {"version": "8.17_with_X-Pack"}),
    "search-node": ("node-spec-withdrawn", {"spec": "elasticsearch.sn2ne.large"}),
    "language-model": ("model-retired", {"model": MODEL}),
    "kms-instance": ("kms-instance-missing", {"instance_id": "kst-1"}),
    "cloudflare": ("cloudflare-token-unknown", {}),
    "key": ("access-denied", {"operation": "DescribeKey"}),
    "vswitch": ("access-denied", {"operation": "DescribeVSwitches"}),
    "certificate": ("api-down", {"operation": "GetUserCertificateDetail"}),
}
VALUES: dict[str, dict[str, Any]] = {
    "placeholder": {"alarmContactEmails": ("on-call@example.com",)},
    "licence": {"elasticsearchVersion": "8.17"},
    "bucket": {"existingCorpusBucket": "not-there-at-all"},
}
ELSEWHERE = {
    "assume-role": "test_against_local_cloud.test_a_role_that_cannot_be_assumed_fails",
    "prices": "test_old_prices_are_reported",
    "dimension": "test_a_model_outside_the_catalogue_is_a_warning",
    "reach": "test_reach",
    "budget": "test_command.test_an_exceeded_budget_fails",
}


def whole(stage: Stage) -> StackConfig:
    """Return `dev` with everything that checks concern: a VPC, a key, a KMS instance, an edge."""
    vpc_id = stage.create("vpc/network:Network", {"cidrBlock": "10.0.0.0/8"}).id
    vswitches = tuple(
        stage.create(
            "vpc/switch:Switch",
            {"vpcId": vpc_id, "cidrBlock": f"10.{number}.0.0/24", "zoneId": zone_id},
        ).id
        for number, zone_id in enumerate(stage.config().zone_ids)
    )
    return stage.config(
        existingVpcId=vpc_id,
        existingVswitchIds=vswitches,
        encryptionKey=stage.create("kms/key:Key", {}).id,
        kmsInstanceId="kst-1",
        edge=EdgeKind.CLOUDFLARE,
    )


def lines(stage: Stage, config: StackConfig, **more: Any) -> list[Line]:
    return stage.lines(subject=stage.subject(config), **more)


def test_every_check_passes_when_nothing_is_wrong(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Cloud, "own_address", lambda *_: "10.0.0.9")
    found = lines(stage, whole(stage))
    assert [line for line in found if line.verdict is not Verdict.PASS] == []
    assert {line.check for line in found} == {check.name for check in CHECKS} - {"budget"}


@pytest.mark.parametrize("check", FAULTS)
def test_every_fault_of_the_cloud_fails_its_check(stage: Stage, check: str) -> None:
    fault, about = FAULTS[check]
    found = lines(stage, whole(stage), fault=fault, about=about)
    assert Verdict.FAIL in {line.verdict for line in found if line.check == check}
    assert all(line.do for line in found if line.verdict is Verdict.FAIL)


@pytest.mark.parametrize("check", VALUES)
def test_every_wrong_value_fails_its_check(stage: Stage, check: str) -> None:
    found = lines(stage, with_values(whole(stage), VALUES[check]))
    assert Verdict.FAIL in {line.verdict for line in found if line.check == check}


def test_every_check_has_a_failing_case() -> None:
    assert sorted([*FAULTS, *VALUES, *ELSEWHERE]) == sorted(check.name for check in CHECKS)


@pytest.mark.parametrize(
    ("days", "verdict"), [(0, Verdict.PASS), (200, Verdict.WARN), (400, Verdict.FAIL)]
)
def test_old_prices_are_reported(stage: Stage, days: int, verdict: Verdict) -> None:
    subject = stage.subject(now=datetime.now(UTC) + timedelta(days=days))
    assert only(stage.lines("prices", subject=subject), "prices").verdict is verdict


def test_existing_resources_that_work_pass(stage: Stage) -> None:
    name = "existing-bucket"
    stage.create("oss/bucket:Bucket", {"bucket": name})
    workspace_id = stage.create(
        "pai/workspaceWorkspace:WorkspaceWorkspace",
        {"workspaceName": "existing", "description": "there before", "envTypes": ["prod"]},
    ).id
    config = stage.config(existingCorpusBucket=name, existingPaiWorkspaceId=workspace_id)
    found = stage.lines("bucket", "pai", subject=stage.subject(config))
    assert {line.verdict for line in found} == {Verdict.PASS}
    assert only(found, "bucket", name).found == "exists"


def test_a_model_outside_the_catalogue_is_a_warning(stage: Stage) -> None:
    config = stage.config(embeddingModel="hf:org/model", embeddingDimension=768)
    line = only(stage.lines("dimension", subject=stage.subject(config)), "dimension")
    assert (line.verdict, "768 numbers" in line.found) == (Verdict.WARN, True)


def test_the_bucket_of_the_base_model_must_be_ours(stage: Stage) -> None:
    config = stage.config(embeddingModelUri="oss://not-there-at-all/bge-m3/")
    lines = stage.lines("bucket", subject=stage.subject(config))
    (line,) = [line for line in lines if line.about == "not-there-at-all"]
    assert (line.verdict, "customrag:embeddingModelUri" in line.do) == (Verdict.FAIL, True)


def test_a_load_balancer_without_a_name_is_a_warning(stage: Stage) -> None:
    subject: Subject = stage.subject(stage.config(chatDomainName=""))
    line = only(stage.lines("certificate", subject=subject), "certificate")
    assert (line.verdict, "chatDomainName" in line.do) == (Verdict.WARN, True)


def test_no_secret_is_in_any_line(stage: Stage) -> None:
    """No line contains a key, whatever the cloud refuses."""
    stage.inject("access-denied", {"operation": "*"})
    platform = stage.context.platform
    told = json.dumps(as_json("dev", lines(stage, whole(stage))))
    for secret in (platform.access_key_secret, platform.dashscope_api_key):
        assert secret not in told
