"""What each environment promises: prod is guarded, dev is made again, pr leaves no trace."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Any

import pytest

from guardrails.declare import Declared, declare
from rag.index import LATE_INTERACTION
from tests.support.snapshots import assert_expected, names
from tests.support.stacks import STACKS, declared, named, of_type

EXPECTED = Path(__file__).parent / "expected"
DATA = ("alicloud:oss/bucket:Bucket", "alicloud:kms/key:Key")
CLUSTER = "alicloud:elasticsearch/instance:Instance"
INSTANCE = "alicloud:ecs/instance:Instance"
EMBEDDING_NODES = ("embedding-node", "embedding-node-2")
# What an environment has that lives for long, and one that lives for days does not.
LASTING = (
    "alicloud:cms/alarm:Alarm",
    "alicloud:kms/key:Key",
    "alicloud:log/project:Project",
    "alicloud:oss/bucketReplication:BucketReplication",
    "customrag:elasticsearch:SnapshotSchedule",
)


def of(stack: str, *types: str) -> list[Declared]:
    """Return the resources of some types, at least one of each."""
    found = [item for item in declared(stack) if item.type in types]
    assert {item.type for item in found} == set(types)
    return found


@pytest.mark.parametrize("stack", STACKS)
def test_a_stack_declares_exactly_the_expected_resources(stack: str) -> None:
    assert_expected(EXPECTED / f"{stack}.txt", names(declared(stack)))


def test_prod_protects_and_retains_all_data() -> None:
    for item in of("prod", *DATA):
        assert item.protect, item.urn
        assert item.retain, item.urn
    (cluster,) = of("prod", CLUSTER)
    assert cluster.protect


def test_prod_encrypts_every_bucket_disk_and_secret_with_its_own_key() -> None:
    encryption = "alicloud:oss/bucketServerSideEncryption:BucketServerSideEncryption"
    keys = {
        "replication": "unknown-yet.replication-key.id",
        "storage": "unknown-yet.key.id",
    }
    for item in of("prod", encryption):
        assert item.inputs["sseAlgorithm"] == "KMS"
        assert item.inputs["kmsMasterKeyId"] == keys[item.component], item.urn
    for item in of("prod", "alicloud:kms/secret:Secret"):
        assert item.inputs["encryptionKeyId"] == keys["storage"], item.urn
    for item in of("prod", INSTANCE):
        assert item.inputs["systemDiskKmsKeyId"] == keys["storage"], item.urn
    for item in of("prod", "alicloud:ecs/ecsLaunchTemplate:EcsLaunchTemplate"):
        assert item.inputs["systemDisk"]["kmsKeyId"] == keys["storage"], item.urn


def test_prod_rotates_its_keys() -> None:
    for item in of("prod", "alicloud:kms/key:Key"):
        assert item.inputs["automaticRotation"] == "Enabled", item.urn


def test_prod_copies_documents_and_models_to_another_region() -> None:
    rules = of("prod", "alicloud:oss/bucketReplication:BucketReplication")
    assert {rule.name for rule in rules} == {
        "replication-artifacts-rule",
        "replication-corpus-rule",
    }
    for rule in rules:
        assert rule.inputs["destination"]["location"] == "oss-cn-shanghai"


def test_prod_takes_snapshots_of_its_indices_every_night() -> None:
    (schedule,) = of("prod", "customrag:elasticsearch:SnapshotSchedule")
    assert "0 0 1 ? * * *" in schedule.inputs.values()


def test_prod_keeps_logs_for_half_a_year_and_alerts_its_contacts() -> None:
    for store in of("prod", "alicloud:log/store:Store"):
        assert store.inputs["retentionPeriod"] == 180
    (contact,) = of("prod", "alicloud:cms/alarmContact:AlarmContact")
    assert contact.inputs["channelsMail"] == "rag-oncall@example.com"
    alarms = of("prod", "alicloud:cms/alarm:Alarm")
    assert all(alarm.inputs["contactGroups"] for alarm in alarms)


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_clients_connect_by_https_from_inside_only(stack: str) -> None:
    (balancer,) = of(stack, "alicloud:alb/loadBalancer:LoadBalancer")
    assert balancer.inputs["addressType"] == "Intranet"
    zones = {item["zoneId"] for item in balancer.inputs["zoneMappings"]}
    assert len(zones) == len(of(stack, "alicloud:vpc/switch:Switch"))
    listeners = {
        item.inputs["listenerProtocol"]: item.inputs
        for item in of(stack, "alicloud:alb/listener:Listener")
    }
    assert listeners.keys() == {"HTTP", "HTTPS"}
    assert "1_2" in listeners["HTTPS"]["securityPolicyId"]
    (rule,) = of(stack, "alicloud:alb/rule:Rule")
    (action,) = rule.inputs["ruleActions"]
    assert action["type"] == "Redirect"


def test_prod_runs_at_least_two_protected_chat_instances() -> None:
    (group,) = of("prod", "alicloud:ess/scalingGroup:ScalingGroup")
    assert (group.inputs["minSize"], group.inputs["maxSize"]) == (2, 6)
    assert group.inputs["groupDeletionProtection"] is True
    assert len(group.inputs["vswitchIds"]) == 3
    assert group.protect


def test_prod_embeds_in_two_zones_and_clients_know_both() -> None:
    nodes = {name: of_type(declared("prod"), INSTANCE)[name] for name in EMBEDDING_NODES}
    assert {node["availabilityZone"] for node in nodes.values()} == {
        "cn-hangzhou-h",
        "cn-hangzhou-i",
    }
    assert len({node["vswitchId"] for node in nodes.values()}) == 2
    (index,) = of("prod", "customrag:elasticsearch:Index")
    (run,) = of("prod", "customrag:rag:IngestRun")
    meta = index.inputs["mappings"]["_meta"]
    for name, url in zip(EMBEDDING_NODES, meta["embedding_urls"], strict=True):
        assert f"{name}.privateIp" in url
        assert url in run.inputs["userCommand"]


def test_an_index_has_token_vectors_unless_nothing_reads_them() -> None:
    def found(reranker: str) -> tuple[dict[str, Any], str, str]:
        items = declare("dev", config={"reranker": reranker})
        (index,) = of_type(items, "customrag:elasticsearch:Index").values()
        template = named(items, "chat-template", "alicloud:ecs/ecsLaunchTemplate:EcsLaunchTemplate")
        code = base64.b64decode(template["userData"]).decode()
        return index["mappings"]["_meta"], index["indexName"], code

    meta, name, code = found("lateInteraction")
    assert meta["token_vectors"]["dimension"] > 0
    assert meta["rerank_weight"] > 0
    assert re.search(r"CUSTOMRAG_RERANKER\W+lateInteraction", code)
    for reranker in ("hosted", "none"):
        meta, other, code = found(reranker)
        assert not {*LATE_INTERACTION, "cross_encoder_weight"} & meta.keys()
        assert other != name
        assert re.search(rf"CUSTOMRAG_RERANKER\W+{reranker}", code)
        assert ("qwen3-rerank" in code) is (reranker == "hosted")


def test_a_cross_encoder_is_trained_and_served_only_if_it_is_the_reranker() -> None:
    def found(reranker: str) -> tuple[dict[str, set[str]], dict[str, Any], str]:
        engines = "opensearch,elasticsearch"
        items = declare("dev", config={"reranker": reranker, "searchEngines": engines})
        chosen = {
            engine: {*LATE_INTERACTION, "cross_encoder_weight"} & index["mappings"]["_meta"].keys()
            for engine in engines.split(",")
            for index in of_type(items, f"customrag:{engine}:Index").values()
        }
        job = named(items, "embedding-model", "customrag:pai:DlcJob")
        template = named(items, "chat-template", "alicloud:ecs/ecsLaunchTemplate:EcsLaunchTemplate")
        return chosen, job, base64.b64decode(template["userData"]).decode()

    late, trained, code = found("lateInteraction")
    assert late == {"opensearch": set(LATE_INTERACTION), "elasticsearch": set()}
    assert "cross" not in trained["userCommand"]
    assert "crossEncoder" not in code
    crossed, job, code = found("crossEncoder")
    late["opensearch"].add("cross_encoder_weight")
    assert crossed == late
    assert job["userCommand"].replace("--cross-encoder-epochs 4 ", "") == trained["userCommand"]
    assert job["userCommand"] != trained["userCommand"]
    assert job["resultUri"] != trained["resultUri"]
    assert re.search(r"CUSTOMRAG_RERANKER\W+crossEncoder", code)


def test_a_second_embedding_node_does_not_change_the_first() -> None:
    """Only the index and its ingest, which list the nodes, change."""

    def found(count: int) -> dict[str, Any]:
        items = declare("prod", config={"embeddingNodes": str(count)})
        return {item.urn: item.inputs for item in items if not item.existing}

    one, two = found(1), found(2)
    assert {urn.rpartition("::")[2] for urn in two.keys() - one.keys()} == {
        "embedding-node-2",
        "embedding-node-2-role",
        *(f"alarms-embedding-2-{what}" for what in ("cpu", "disk", "gpu-idle")),
    }
    changed = {urn.rpartition("::")[2] for urn in one if one[urn] != two[urn]}
    assert changed == {"knowledge", "knowledge-ingest"}


@pytest.mark.parametrize("stack", ["dev", "prod", "pr-7"])
def test_nodes_require_metadata_tokens_and_encrypt_their_disks(stack: str) -> None:
    nodes = of(stack, INSTANCE)
    templates = [
        item
        for item in declared(stack)
        if item.type == "alicloud:ecs/ecsLaunchTemplate:EcsLaunchTemplate"
    ]
    assert len(nodes) + len(templates) == (3 if stack == "prod" else 2)
    for item in (*nodes, *templates):
        assert item.inputs["httpTokens"] == "required", item.urn
        disk = item.inputs.get("systemDisk", {"encrypted": item.inputs.get("systemDiskEncrypted")})
        assert disk["encrypted"] is True, item.urn


@pytest.mark.parametrize("stack", ["dev", "prod", "pr-7"])
def test_nodes_reach_the_internet_through_one_address_and_are_unreachable(stack: str) -> None:
    (_address,) = of(stack, "alicloud:ecs/eipAddress:EipAddress")
    entries = of(stack, "alicloud:vpc/snatEntry:SnatEntry")
    assert len(entries) == len(of(stack, "alicloud:vpc/switch:Switch"))


@pytest.mark.parametrize("stack", ["local", "dev", "pr-7"])
def test_disposable_stacks_neither_protect_nor_retain(stack: str) -> None:
    assert [item.urn for item in declared(stack) if item.protect or item.retain] == []


@pytest.mark.parametrize("stack", ["dev", "pr-7"])
def test_gpu_nodes_and_training_outside_prod_are_spot(stack: str) -> None:
    node = of_type(declared(stack), INSTANCE)["embedding-node"]
    assert node["spotStrategy"] == "SpotAsPriceGo"
    (job,) = of(stack, "customrag:pai:DlcJob")
    assert all(spec["useSpotInstance"] for spec in job.inputs["jobSpecs"])


def test_a_pr_stack_has_no_logs_alarms_snapshots_or_copies() -> None:
    assert [item.urn for item in declared("pr-7") if item.type in LASTING] == []


def test_a_pr_stack_is_tagged_with_its_expiry() -> None:
    for item in declared("pr-7"):
        if "tags" in item.inputs:
            assert item.inputs["tags"]["expires-at"] == "2099-01-01T00:00:00Z", item.urn


def test_only_prod_keeps_buckets_that_are_not_empty() -> None:
    for stack, thrown_away in (("dev", True), ("pr-7", True), ("prod", False)):
        for item in of(stack, "alicloud:oss/bucket:Bucket"):
            assert item.inputs["forceDestroy"] is thrown_away, item.urn


def test_existing_resources_are_read_and_not_created() -> None:
    brought = declare(
        "prod",
        config={
            "existingVpcId": "vpc-1",
            "existingVswitchIds": '["vsw-1", "vsw-2", "vsw-3"]',
            "existingCorpusBucket": "their-documents",
            "existingElasticsearchInstanceId": "es-cn-1",
            "existingPaiWorkspaceId": "4711",
            "encryptionKey": "key-1",
        },
    )
    read = {(item.type.rpartition(":")[2], item.existing) for item in brought if item.existing}
    assert read == {
        ("Bucket", "their-documents"),
        ("Instance", "es-cn-1"),
        ("Network", "vpc-1"),
        ("Switch", "vsw-1"),
        ("Switch", "vsw-2"),
        ("Switch", "vsw-3"),
        ("WorkspaceWorkspace", "4711"),
    }
    made = {item.type for item in brought if not item.existing and "replication" not in item.name}
    assert not made & {
        CLUSTER,
        "alicloud:kms/key:Key",
        "alicloud:pai/workspaceWorkspace:WorkspaceWorkspace",
        "alicloud:vpc/network:Network",
        "alicloud:vpc/switch:Switch",
    }


def test_only_edge_and_application_know_the_edges_key() -> None:
    with_edge = declare(
        "prod",
        config={
            "edge": "cloudflare",
            "chatAddressType": "Internet",
            "chatAllowedCidrBlocks": '["0.0.0.0/0"]',
            "chatDomainName": "origin.example.com",
            "edgeHostname": "rag.example.com",
            "edgeCloudflareAccountId": "a1",
            "edgeCloudflareZoneId": "z1",
            "edgeIssuer": "https://issuer.example.com/",
            "edgeAudience": "rag",
            "edgeJwksUrl": "https://issuer.example.com/jwks",
        },
    )
    scripts = of_type(with_edge, "cloudflare:index/workersScript:WorkersScript")
    assert list(scripts) == ["edge"]
    assert "edge-key" in of_type(with_edge, "alicloud:kms/secret:Secret")
    (key,) = {item.inputs["secretData"] for item in with_edge if item.name == "edge-key"}
    texts = [
        base64.b64decode(item.inputs["userData"]).decode()
        for item in with_edge
        if "userData" in item.inputs
    ]
    assert any("edge-origin-key" in text for text in texts)
    assert not any(key in text for text in texts)
    (edge,) = [item for item in with_edge if item.name == "edge"]
    assert "bindings" in edge.secrets
