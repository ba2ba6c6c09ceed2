"""The checks against a local cloud: all pass, and each fault fails its line.

What it cannot prove: that Alibaba Cloud answers as the local cloud does.
"""

from __future__ import annotations

import socket
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from guardrails.preflight.checks import CHECKS
from guardrails.preflight.cloud import Cloud
from guardrails.preflight.result import Verdict
from guardrails.preflight.run import run_checks
from tests.guardrails.preflight.conftest import DOMAIN, MODEL, Stage, failing, make_role, only

CHECKS_OF_MODELS = [check for check in CHECKS if check.name == "language-model"]
GPU, NODE = "ecs.gn7i-c8g1.2xlarge", "ecs.g7.large"


def wrong_key(stage: Stage, key: str = "sk-wrong") -> Cloud:
    """Return the local cloud with another key for its model endpoint."""
    return replace(stage.cloud(), model_api_key=key)


def node(instance_type: str) -> dict[str, Any]:
    """Return the record of a running instance of `dev`."""
    tags = {"project": "customrag", "stack": "dev"}
    return {
        "inputs": {"instanceType": instance_type, "imageId": "local_python", "tags": tags},
        "status": "Running",
        "created_at": "2026-11-21T00:00:00Z",
        "started_at": "2026-11-21T00:00:00Z",
        "address": "10.0.0.1",
    }


def test_every_check_passes_when_nothing_is_missing(stage: Stage) -> None:
    lines = stage.lines(subject=stage.subject(on_local_cloud=True))
    assert [line for line in lines if line.verdict is not Verdict.PASS] == []
    assert {line.check for line in lines} >= {
        *("credentials", "assume-role", "service-role", "region", "zones", "stock", "quota"),
        *("dlc-spec", "pai", "search-version", "search-node", "licence", "language-model"),
        *("dimension", "bucket", "certificate", "prices", "reach"),
    }


@pytest.mark.parametrize(
    ("fault", "about", "check", "told", "advice"),
    [
        ("sold-out", {"instance_type": GPU}, "stock", "sold out", "gn7i-c16g1"),
        ("sold-out", {"instance_type": NODE}, "stock", "sold out", "customrag:chatInstanceType"),
        (
            "sold-out",
            {"instance_type": GPU, "zone_id": "cn-hangzhou-h"},
            "stock",
            "cn-hangzhou-h",
            "cn-hangzhou-i, which has stock",
        ),
        ("quota-used-up", {"instance_type": GPU}, "quota", "0 of 512 left", "520"),
        ("ecs-spec-unavailable", {"ecs_spec": GPU}, "dlc-spec", "no capacity left", "gn7i-c16g1"),
        ("zone-closed", {"zone_id": "cn-hangzhou-h"}, "zones", "cn-hangzhou-h", "cn-hangzhou-i"),
        (
            "role-missing",
            {"role_name": "AliyunServiceRoleForBailian"},
            "service-role",
            "does not exist",
            "bailian.console",
        ),
        (
            "role-missing",
            {"role_name": "AliyunServiceRoleForAlb"},
            "service-role",
            "does not exist",
            "CreateServiceLinkedRole",
        ),
        ("pai-not-activated", {}, "pai", "not activated", "pai.console"),
        (
            "version-withdrawn",
            {"version": "8.17_with_X-Pack"},
            "search-version",
            "not on offer",
            "8.15_with_X-Pack",
        ),
        (
            "node-spec-withdrawn",
            {"spec": "elasticsearch.sn2ne.large"},
            "search-node",
            "not on offer",
            "elasticsearch.sn2ne.xlarge",
        ),
        ("model-retired", {"model": MODEL}, "language-model", "not served", "customrag:llmModel"),
        ("credentials-expired", {}, "credentials", "session has expired", "sign in"),
        ("clock-skewed", {}, "credentials", "clock", "timedatectl"),
        ("api-down", {"operation": "DescribeZones"}, "zones", "ServiceUnavailable", "try again"),
        (
            "api-down",
            {"operation": "GET /openapi/region"},
            "search-version",
            "ServiceUnavailable",
            "try again",
        ),
        ("api-throttled", {"operation": "GetRole"}, "service-role", "Throttling", "in a minute"),
        ("api-throttled", {"operation": "GetProductQuota"}, "quota", "Throttling", "in a minute"),
        ("access-denied", {"operation": "GetRole"}, "service-role", "NoPermission", "GetRole"),
        (
            "access-denied",
            {"operation": "GET /api/v1/ecsspecs"},
            "dlc-spec",
            "NoPermission",
            "ListEcsSpecs",
        ),
        ("api-down", {"operation": "*"}, "credentials", "ServiceUnavailable", "try again"),
    ],
)
def test_a_fault_fails_its_line_and_says_what_to_do(
    stage: Stage, fault: str, about: dict[str, str], check: str, told: str, advice: str
) -> None:
    lines = stage.lines(check, fault=fault, about=about)
    assert failing(lines) == [check]
    wrong = [line for line in lines if line.verdict is Verdict.FAIL]
    assert any(told in line.found and advice in line.do for line in wrong), wrong


def test_a_bucket_of_another_account_fails_its_line(stage: Stage) -> None:
    name = stage.subject().naming.bucket("artifacts")
    lines = stage.lines("bucket", fault="bucket-taken", about={"bucket": name})
    assert only(lines, "bucket", name).verdict is Verdict.FAIL
    assert [line.about for line in lines if line.verdict is Verdict.FAIL] == [name]


def test_a_fault_of_one_resource_leaves_the_others_alone(stage: Stage) -> None:
    lines = stage.lines(fault="sold-out", about={"instance_type": GPU})
    assert failing(lines) == ["stock"]


def test_checks_that_need_credentials_say_that_there_are_no_working_ones(stage: Stage) -> None:
    lines = stage.lines(fault="credentials-expired")
    assert failing(lines) == ["credentials"]
    assert only(lines, "zones").found.startswith("not checked")
    assert only(lines, "dimension").verdict is Verdict.PASS


def test_credentials_of_another_account_fail_and_other_checks_run(stage: Stage) -> None:
    other = stage.subject(account_id="1111222233334444")
    lines = stage.lines("zones", subject=other)
    assert failing(lines) == ["credentials"]
    assert only(lines, "zones").verdict is Verdict.PASS


def test_the_accounts_own_key_is_a_warning(stage: Stage) -> None:
    lines = stage.lines("assume-role", principal=stage.context.access.account)
    assert only(lines, "credentials").verdict is Verdict.WARN
    assert only(lines, "assume-role").verdict is Verdict.WARN


def test_a_named_role_is_assumed(stage: Stage) -> None:
    account_id = stage.context.platform.account_id
    role_arn = f"acs:ram::{account_id}:role/operator"
    account = stage.context.access.account
    lines = stage.lines("assume-role", "zones", principal=account, role_arn=role_arn)
    assert only(lines, "assume-role").verdict is Verdict.PASS
    assert only(lines, "zones").verdict is Verdict.PASS


def test_a_role_that_cannot_be_assumed_fails(stage: Stage) -> None:
    account_id = stage.context.platform.account_id
    role_arn = f"acs:ram::{account_id}:role/missing"
    lines = stage.lines("assume-role", "zones", role_arn=role_arn)
    assert failing(lines) == ["assume-role"]
    assert only(lines, "zones").found.startswith("not checked")


def test_a_role_without_some_permissions_fails_those_lines_and_names_them(
    stage: Stage,
) -> None:
    role_arn = make_role(
        stage,
        "narrow",
        {"Effect": "Allow", "Action": "*", "Resource": "*"},
        {"Effect": "Deny", "Action": ["oss:GetBucketInfo", "ram:GetRole"], "Resource": "*"},
    )
    lines = stage.lines(
        *("assume-role", "service-role", "zones", "bucket", "pai"),
        principal=stage.context.access.account,
        role_arn=role_arn,
    )
    assert failing(lines) == ["bucket", "service-role"]
    assert all("GetBucketInfo" in line.do for line in lines if line.check == "bucket")
    assert "GetRole" in only(lines, "service-role").do


def test_a_token_with_a_line_break_fails_and_is_not_shown(stage: Stage) -> None:
    # What signs quotes a header that it cannot send.
    broken = replace(stage.operator, security_token="first-part\nsecond-part")
    line = only(stage.lines("zones", principal=broken), "credentials")
    assert (line.verdict, "line break" in line.found) == (Verdict.FAIL, True)
    assert not any(part in line.found + line.do for part in ("first-part", "second-part"))


def test_a_deleted_key_is_reported_as_refused(stage: Stage) -> None:
    deleted = replace(stage.operator, access_key_id="LTAI5tDeleted", security_token="")
    lines = stage.lines("zones", principal=deleted)
    line = only(lines, "credentials")
    assert ("InvalidAccessKeyId.NotFound" in line.found, "sign in" in line.do) == (True, True)
    assert deleted.access_key_secret not in repr(lines)


def test_an_api_that_does_not_answer_fails_its_own_line_only(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("guardrails.preflight.cloud._READ_MS", 200)
    chosen = [check for check in CHECKS if check.name in ("credentials", "zones", "pai", "quota")]
    cloud = stage.cloud()
    with socket.create_server(("127.0.0.1", 0)) as silent:  # It accepts, and says nothing.
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        asked = replace(cloud, endpoints={**cloud.endpoints, "quotas": address})
        lines = run_checks(chosen, stage.subject(), asked)
    assert failing(lines) == ["quota"]
    (line,) = [line for line in lines if line.verdict is Verdict.FAIL]
    assert "GetProductQuota" in line.found
    assert "the network" in line.do


def test_a_fleet_with_stock_in_only_one_zone_is_a_warning(stage: Stage) -> None:
    about = {"instance_type": NODE, "zone_id": "cn-hangzhou-h"}
    lines = stage.lines("stock", fault="sold-out", about=about)
    assert only(lines, "stock", NODE).verdict is Verdict.WARN


def test_every_embedding_node_needs_stock_in_its_own_zone(stage: Stage) -> None:
    about = {"instance_type": GPU, "zone_id": "cn-hangzhou-i"}
    line = only(stage.lines("stock", fault="sold-out", about=about), "stock", GPU)
    assert line.verdict is Verdict.PASS
    subject = stage.subject(stage.config(embeddingNodes=2))
    line = only(stage.lines("stock", subject=subject), "stock", GPU)
    assert (line.verdict, "2 embedding nodes" in line.about) == (Verdict.FAIL, True)
    assert "sold out in cn-hangzhou-i" in line.found
    assert "set customrag:embeddingNodes to 1" in line.do
    # No two zones have it.
    assert "zoneIds" not in line.do


def test_the_zones_of_opensearch_nodes_need_stock_of_their_type(stage: Stage) -> None:
    both = stage.config(
        searchEngines="elasticsearch,opensearch",
        opensearchNodes=3,
        opensearchInstanceType="ecs.g7.xlarge",
    )
    about = {"instance_type": "ecs.g7.xlarge", "zone_id": "cn-hangzhou-i"}
    lines = stage.lines("stock", fault="sold-out", about=about, subject=stage.subject(both))
    line = only(lines, "stock", "3 OpenSearch nodes")
    assert line.verdict is Verdict.FAIL
    assert "sold out in cn-hangzhou-i" in line.found
    assert "opensearchInstanceType" in line.do
    assert "embeddingNodes" not in line.do


def test_every_embedding_node_counts_in_the_quota(stage: Stage) -> None:
    def wanted(nodes: int) -> str:
        subject = stage.subject(stage.config(embeddingNodes=nodes))
        return only(stage.lines("quota", subject=subject), "quota", GPU).found

    assert wanted(1).startswith("needs 8 vCPU")
    assert wanted(2).startswith("needs 16 vCPU")


@pytest.mark.parametrize(
    ("changes", "check"),
    [
        ({"regionId": "cn-nowhere"}, "region"),
        ({"zoneIds": ("cn-hangzhou-z",)}, "zones"),
        ({"embeddingInstanceType": "ecs.gn99.large"}, "quota"),
        ({"trainingEcsSpec": "ecs.gn99.large"}, "dlc-spec"),
        ({"elasticsearchVersion": "7.10_with_X-Pack"}, "search-version"),
        ({"elasticsearchVersion": "8.17"}, "licence"),
        ({"elasticsearchDataNodeDiskGib": 9000}, "search-node"),
        ({"elasticsearchMasterNodeSpec": "elasticsearch.tiny"}, "search-node"),
        ({"existingElasticsearchInstanceId": "es-cn-none"}, "search-version"),
        ({"existingPaiWorkspaceId": "999"}, "pai"),
        ({"existingCorpusBucket": "not-there-at-all"}, "bucket"),
        ({"existingVpcId": "vpc-1", "existingVswitchIds": ("vsw-1", "vsw-2")}, "vswitch"),
        ({"encryptionKey": "key-not-there"}, "key"),
        ({"kmsInstanceId": "not-there"}, "kms-instance"),
        ({"imageId": "m-not-there"}, "image"),
        ({"chatCertificateId": "1-cn-hangzhou"}, "certificate"),
        ({"chatDomainName": "other.example.com"}, "certificate"),
        ({"llmModel": "qwen-turbo"}, "language-model"),
    ],
)
def test_a_value_that_the_cloud_does_not_offer_fails(
    stage: Stage, changes: dict[str, Any], check: str
) -> None:
    lines = stage.lines(check, subject=stage.subject(stage.config(**changes)))
    assert failing(lines) == [check]


def test_a_key_that_the_model_endpoint_refuses_fails(stage: Stage) -> None:
    lines = run_checks(CHECKS_OF_MODELS, stage.subject(), wrong_key(stage))
    line = only(lines, "language-model")
    assert (line.verdict, "llmApiKey" in line.do) == (Verdict.FAIL, True)
    assert "sk-wrong" not in line.found


def test_a_key_that_is_not_valid_in_a_header_is_not_shown(stage: Stage) -> None:
    # An HTTP library quotes a header that it cannot send.
    (line,) = run_checks(CHECKS_OF_MODELS, stage.subject(), wrong_key(stage, "sk-first\nsk-second"))
    assert line.verdict is Verdict.FAIL
    assert "sk-" not in line.found + line.do


def test_a_model_endpoint_that_does_not_answer_fails(stage: Stage) -> None:
    silent = replace(stage.cloud(), own_model_url="http://127.0.0.1:1/v1")
    (line,) = run_checks(CHECKS_OF_MODELS, stage.subject(), silent)
    assert (line.verdict, "does not answer" in line.found) == (Verdict.FAIL, True)


def test_without_an_api_key_the_model_is_looked_up_in_the_table(stage: Stage) -> None:
    known = stage.subject(stage.config(llmModel="qwen-plus"))
    unknown = stage.subject(stage.config(llmModel="no-such-model"))
    for subject, told in ((known, "was on sale on"), (unknown, "is not in the table")):
        (line,) = run_checks(CHECKS_OF_MODELS, subject, wrong_key(stage, ""))
        assert (line.verdict, told in line.found) == (Verdict.WARN, True)


def test_an_expired_certificate_fails(stage: Stage) -> None:
    later = datetime.now(UTC) + timedelta(days=366)
    lines = stage.lines("certificate", subject=stage.subject(now=later))
    assert only(lines, "certificate").verdict is Verdict.FAIL


def test_a_certificate_that_expires_soon_is_a_warning(stage: Stage) -> None:
    config = stage.config(chatCertificateId=stage.upload(DOMAIN, days=10))
    lines = stage.lines("certificate", subject=stage.subject(config))
    assert only(lines, "certificate").verdict is Verdict.WARN


def test_an_enabled_key_passes(stage: Stage) -> None:
    key_id = stage.create("kms/key:Key", {}).id
    config = stage.config(encryptionKey=key_id)
    assert only(stage.lines("key", subject=stage.subject(config)), "key").verdict is Verdict.PASS


def test_a_disabled_key_fails(stage: Stage) -> None:
    key_id = stage.create("kms/key:Key", {"status": "Disabled"}).id
    config = stage.config(encryptionKey=key_id)
    assert only(stage.lines("key", subject=stage.subject(config)), "key").verdict is Verdict.FAIL


def test_existing_vswitches_are_looked_up(stage: Stage) -> None:
    vpc_id = stage.create("vpc/network:Network", {"cidrBlock": "10.0.0.0/8"}).id
    first, second = (
        stage.create(
            "vpc/switch:Switch",
            {"vpcId": vpc_id, "cidrBlock": f"10.{number}.0.0/24", "zoneId": zone_id},
        ).id
        for number, zone_id in enumerate(stage.config().zone_ids)
    )
    right = stage.config(existingVpcId=vpc_id, existingVswitchIds=(first, second))
    wrong = stage.config(existingVpcId=vpc_id, existingVswitchIds=(second, first))
    assert failing(stage.lines("vswitch", subject=stage.subject(right))) == []
    assert failing(stage.lines("vswitch", subject=stage.subject(wrong))) == ["vswitch"]


def test_running_nodes_need_neither_stock_nor_quota(stage: Stage) -> None:
    instances = stage.context.store.table("ecs.instances")
    instances.put("i-there", node(GPU))
    stage.faults.inject("quota-used-up", {"instance_type": GPU})
    try:
        lines = stage.lines("stock", "quota", fault="sold-out", about={"instance_type": GPU})
    finally:
        instances.delete("i-there")
    assert failing(lines) == []
    assert only(lines, "stock", GPU).found == "already running"


def test_a_fleet_at_its_minimum_size_needs_no_stock(stage: Stage) -> None:
    instances = stage.context.store.table("ecs.instances")
    instances.put("i-chat", node(NODE))
    config = stage.config(chatMinInstances=1, chatMaxInstances=3)
    about = {"instance_type": NODE}
    try:
        lines = stage.lines("stock", subject=stage.subject(config), fault="sold-out", about=about)
    finally:
        instances.delete("i-chat")
    line = only(lines, "stock", NODE)
    assert (line.verdict, "1 running suffice" in line.found) == (Verdict.WARN, True)


def test_a_kms_instance_that_works_passes(stage: Stage) -> None:
    subject = stage.subject(stage.config(kmsInstanceId="kst-1"))
    assert only(stage.lines("kms-instance", subject=subject), "kms-instance").verdict == "PASS"
    gone = {"instance_id": "kst-1"}
    lines = stage.lines("kms-instance", subject=subject, fault="kms-instance-missing", about=gone)
    assert failing(lines) == ["kms-instance"]


def test_existing_buckets_of_this_account_pass(stage: Stage) -> None:
    subject = stage.subject(stack="again")
    name = subject.naming.bucket("corpus")
    stage.create("oss/bucket:Bucket", {"bucket": name})
    line = only(stage.lines("bucket", subject=subject), "bucket", name)
    assert (line.verdict, line.found) == (Verdict.PASS, "already belongs to this account")
