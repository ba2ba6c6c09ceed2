"""Cases for every component, which `test_declared.py` compares with the expectations.

Plain values replace the outputs of other components. A case creates only its component, under the
name of the case.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Any

import pulumi
import pulumi_alicloud as alicloud

from components.chat_app import ChatApp, ChatAppArgs, ChatFrontArgs, SearchAccess
from components.code import CodePackage, CodePackageArgs
from components.edge import Edge, EdgeArgs
from components.egress import NatEgress, NatEgressArgs
from components.elasticsearch import ElasticsearchCluster, ElasticsearchClusterArgs
from components.embedding_node import EmbeddingNode, EmbeddingNodeArgs
from components.encryption import EncryptionKey, EncryptionKeyArgs
from components.fleet import FleetSize, ServiceFleet, ServiceFleetArgs
from components.identity import Identity, IdentityArgs, ServiceRole, ServiceRoleArgs
from components.knowledge import Knowledge, KnowledgeArgs, PinnedIndex, SearchEndpoint
from components.load_balancer import (
    Access,
    AccessLog,
    HttpsLoadBalancer,
    HttpsLoadBalancerArgs,
    Zones,
)
from components.model_endpoint import ModelEndpoint, ModelEndpointArgs
from components.naming import Naming
from components.network import Network, NetworkArgs
from components.nodes import (
    Code,
    LogAgent,
    Machine,
    Placement,
    ServiceArgs,
    ServiceNode,
    ServiceNodeArgs,
)
from components.observability import (
    Alarm,
    Alarms,
    AlarmsArgs,
    LogCollection,
    LogCollectionArgs,
)
from components.pai import (
    PaiWorkspace,
    PaiWorkspaceArgs,
    Pods,
    TrainedEmbedding,
    TrainedEmbeddingArgs,
)
from components.permissions import read_objects
from components.replication import Replication, ReplicationArgs
from components.retention import Retention
from components.scope import Scope
from components.secrets import MachineSecret, MachineSecretArgs, SecretStorage
from components.storage import (
    ExistingBucket,
    PrivateBucket,
    PrivateBucketArgs,
    Storage,
    StorageArgs,
)
from stack_config.kinds import AddressType, Protocol
from training.job_specs import JobPlan

__all__ = ["CASES", "Case"]

Case = Callable[[str], pulumi.ComponentResource]

ROOT = Path(__file__).resolve().parents[2]
# Temporary folder for zips of code.
_WORK = TemporaryDirectory()
NAMING = Naming(project="customrag", stack="dev", account_id="1234567890123456")
TAGS = {"stack": "dev"}
REGION, ZONE = "cn-hangzhou", "cn-hangzhou-h"
OSS = "https://oss-cn-hangzhou-internal.aliyuncs.com"
CODE_URI = "oss://artifacts/code/0123456789ab/customrag-0123456789ab.zip"
KEY_ARN = "acs:kms:cn-hangzhou:1234567890123456:key/key-1"
VPC = {"vpcId": "vpc-1", "switchId": "vsw-1", "securityGroupId": "sg-1"}
LOG_AGENT = LogAgent(
    identity="customrag-dev",
    account_id="1234567890123456",
    installer_url=f"{OSS}/loongcollector.sh",
)
SCOPE = Scope(naming=NAMING, region_id=REGION, tags=TAGS)
CODE = Code(uri=CODE_URI, oss_endpoint=OSS)
PLACEMENT = Placement(zone_id=ZONE, vswitch_id="vsw-1")
PODS = Pods(workspace_id="4711", user_vpc=VPC, role_arn="acs:ram::1234567890123456:role/job")


def _machine(instance_type: str, **changes: Any) -> Machine:
    return Machine(
        instance_type=instance_type,
        image_id="image",
        ram_role_name="role",
        security_group_ids=["sg-1"],
        **changes,
    )


def _plan() -> JobPlan:
    return JobPlan(
        job_type="PyTorchJob",
        job_specs=[{"type": "Worker", "podCount": 1, "image": "image", "ecsSpec": "ecs.g7.large"}],
        data_sources=[{"uri": "oss://corpus/", "mountPath": "/mnt/corpus", "mountAccess": "RO"}],
        user_command="python -m training.train_embedding",
        envs={"A": "1"},
        thirdparty_libs=["datasets"],
    )


def _bucket(name: str, **changes: Any) -> PrivateBucket:
    return PrivateBucket(name, PrivateBucketArgs(bucket_name="docs", tags=TAGS, **changes))


def _network(name: str, **changes: Any) -> Network:
    zones = (ZONE, "cn-hangzhou-i")
    return Network(name, NetworkArgs(scope=SCOPE, zone_ids=zones, **changes))


def _cluster(name: str, **changes: Any) -> ElasticsearchCluster:
    return ElasticsearchCluster(
        name,
        ElasticsearchClusterArgs(
            scope=SCOPE,
            version="8.17_with_X-Pack",
            vswitch_id="vsw-1",
            password="Secret-1234",
            private_whitelists=["10.20.0.0/16"],
            **changes,
        ),
    )


def _identity(name: str, **changes: Any) -> Identity:
    return Identity(
        name,
        IdentityArgs(
            scope=SCOPE,
            elasticsearch_secret_name="search-password",
            model_secret_name="model-key",
            corpus_bucket="docs",
            **changes,
        ),
    )


def _secret(name: str, **changes: Any) -> MachineSecret:
    return MachineSecret(
        name,
        MachineSecretArgs(scope=SCOPE, role="key", value="s3cret", description="A key", **changes),
    )


def _workspace(name: str, **changes: Any) -> PaiWorkspace:
    return PaiWorkspace(
        name, PaiWorkspaceArgs(scope=SCOPE, dataset_uris={"corpus": "oss://corpus/"}, **changes)
    )


def _trained(name: str) -> TrainedEmbedding:
    return TrainedEmbedding(
        name,
        TrainedEmbeddingArgs(
            scope=SCOPE,
            pods=PODS,
            plan=_plan(),
            output_uri="oss://artifacts.oss/training/1/",
            triggers={"questions": "q"},
        ),
    )


def _knowledge(name: str, **changes: Any) -> Knowledge:
    return Knowledge(
        name,
        KnowledgeArgs(
            scope=SCOPE,
            search=SearchEndpoint(
                instance_id="es-cn-1",
                url="https://es-1.internal:9200",
                username="elastic",
                password="Secret-1234",
            ),
            index_alias="customrag",
            index_name="customrag-1",
            mappings={"properties": {"text": {"type": "text"}}},
            settings={"number_of_replicas": 1},
            documents={"docs/a.md": "1"},
            ingest_plan=lambda *_: _plan(),
            embedding_urls=["http://10.20.0.7:8000"],
            pods=PODS,
            result_uri="oss://artifacts.oss/ingest/",
            **changes,
        ),
    )


def _model(name: str, **changes: Any) -> ModelEndpoint:
    return ModelEndpoint(
        name,
        ModelEndpointArgs(
            scope=SCOPE,
            base_url="https://dashscope.aliyuncs.com/compatible-mode/v1",
            model="qwen-plus",
            api_key="sk-1",
            **changes,
        ),
    )


def _embedding_node(name: str, **changes: Any) -> EmbeddingNode:
    return EmbeddingNode(
        name,
        EmbeddingNodeArgs(
            scope=SCOPE,
            code=CODE,
            machine=_machine("ecs.gn7i-c8g1.2xlarge"),
            placement=PLACEMENT,
            model_uri="oss://artifacts.oss/model/",
            model_version="1",
            **changes,
        ),
    )


def _chat(name: str, **changes: Any) -> ChatApp:
    return ChatApp(
        name,
        ChatAppArgs(
            scope=SCOPE,
            code=CODE,
            machine=_machine("ecs.g7.large"),
            placement=PLACEMENT,
            kms_endpoint="https://kms-vpc.cn-hangzhou.aliyuncs.com",
            search=SearchAccess(
                url="https://es-1.internal:9200",
                username="elastic",
                secret_name="search-password",
                index_alias="customrag",
            ),
            model=_model(f"{name}-model"),
            **changes,
        ),
    )


ZONES = Zones(vpc_id="vpc-1", vswitch_ids={ZONE: "vsw-1", "cn-hangzhou-i": "vsw-2"})


def _front(name: str, **changes: Any) -> HttpsLoadBalancer:
    return HttpsLoadBalancer(
        name,
        HttpsLoadBalancerArgs(
            scope=SCOPE,
            role="chat",
            zones=ZONES,
            certificate_id="1-cn-hangzhou",
            health_check_path="/ready",
            **changes,
        ),
    )


def _fleet(name: str, **changes: Any) -> ServiceFleet:
    given: dict[str, Any] = {"machine": _machine("ecs.g7.large"), **changes}
    return ServiceFleet(
        name,
        ServiceFleetArgs(
            scope=SCOPE,
            service=ServiceArgs(name="chat", module="rag.app", port=8080),
            code=CODE,
            zones=ZONES,
            server_group_id="sgp-1",
            **given,
        ),
    )


def _chat_front(**changes: Any) -> ChatFrontArgs:
    return ChatFrontArgs(zones=ZONES, certificate_id="1-cn-hangzhou", **changes)


def _service_node(name: str, **changes: Any) -> ServiceNode:
    return ServiceNode(
        name,
        ServiceNodeArgs(
            scope=SCOPE,
            service=ServiceArgs(name="embedding", module="rag.serving", port=8000),
            code=CODE,
            machine=_machine("ecs.g7.large", **changes),
            placement=PLACEMENT,
        ),
    )


def _code(name: str) -> CodePackage:
    return CodePackage(
        name,
        CodePackageArgs(
            bucket_name="artifacts",
            endpoint_host="oss-cn-hangzhou-internal.aliyuncs.com",
            work_dir=Path(_WORK.name),
            module="rag.chunk",
            root=ROOT,
        ),
    )


def _replication(name: str, **changes: Any) -> Replication:
    return Replication(
        name,
        ReplicationArgs(
            scope=SCOPE,
            bucket_names={"corpus": "docs"},
            buckets={"corpus": "docs"},
            region_id="cn-shanghai",
            region_providers=[alicloud.Provider(f"{name}-shanghai", region="cn-shanghai")],
            **changes,
        ),
    )


def _logs(name: str, **changes: Any) -> LogCollection:
    return LogCollection(
        name,
        LogCollectionArgs(
            scope=SCOPE,
            retention_days=7,
            units=["customrag-chat.service"],
            **changes,
        ),
    )


def _alarms(name: str) -> Alarms:
    disk = Alarm(
        name="disk",
        namespace="acs_elasticsearch",
        metric="NodeDiskUtilization",
        dimensions={"clusterId": "es-cn-1"},
        statistics="Average",
        operator=">",
        threshold=80,
    )
    return Alarms(name, AlarmsArgs(scope=SCOPE, emails=["a@example.com"], alarms=[disk]))


def _egress(name: str) -> NatEgress:
    return NatEgress(
        name,
        NatEgressArgs(
            scope=SCOPE,
            vpc_id="vpc-1",
            zone_id=ZONE,
            vswitch_ids={ZONE: "vsw-1", "cn-hangzhou-i": "vsw-2"},
        ),
    )


def _edge(name: str) -> Edge:
    return Edge(
        name,
        EdgeArgs(
            script_name="customrag-dev",
            content="export default {};",
            account_id="a1",
            zone_id="z1",
            url="https://rag.example.com",
            origin_url="https://alb-1.example.com",
            origin_key="00ff",
            issuer="https://issuer.example.com/",
            audience="rag",
            jwks_url="https://issuer.example.com/jwks",
            answers_version="1",
        ),
    )


def _role(name: str) -> ServiceRole:
    return ServiceRole(
        name,
        ServiceRoleArgs(
            role_name="customrag-dev-chat",
            description="The chat application",
            principal="ecs.aliyuncs.com",
            statements=[read_objects("docs", "corpus/", reason="It reads them.")],
            tags=TAGS,
        ),
    )


CASES: Mapping[str, Case] = MappingProxyType(
    {
        "bucket": _bucket,
        "bucket-kept-own-key": lambda name: _bucket(
            name, kms_key_id="key-1", retention=Retention(retain=True)
        ),
        "bucket-thrown-away": lambda name: _bucket(
            name, retention=Retention(force_destroy=True, deletion_protection=False)
        ),
        "bucket-existing": lambda name: ExistingBucket(name, "theirs"),
        "storage": lambda name: Storage(name, StorageArgs(scope=SCOPE)),
        "storage-existing-corpus": lambda name: Storage(
            name, StorageArgs(scope=SCOPE, existing_corpus_bucket="theirs")
        ),
        "network": _network,
        "network-existing": lambda name: _network(
            name,
            existing_vpc_id="vpc-1",
            existing_vswitch_ids={ZONE: "vsw-1", "cn-hangzhou-i": "vsw-2"},
        ),
        "egress": _egress,
        "identity": _identity,
        "identity-own-key": lambda name: _identity(name, key_arn=KEY_ARN),
        "role": _role,
        "secret": _secret,
        "secret-own-key": lambda name: _secret(
            name,
            storage=SecretStorage(
                recovery_window_days=0, kms_instance_id="kst-1", kms_key_id="key-1"
            ),
        ),
        "encryption": lambda name: EncryptionKey(name, EncryptionKeyArgs(scope=SCOPE)),
        "encryption-kept": lambda name: EncryptionKey(
            name,
            EncryptionKeyArgs(
                scope=SCOPE, retention=Retention(retain=True), kms_instance_id="kst-1"
            ),
        ),
        "code": _code,
        "workspace": _workspace,
        "workspace-existing": lambda name: _workspace(name, existing_workspace_id="4711"),
        "trained": _trained,
        "cluster": _cluster,
        "cluster-of-three-zones": lambda name: _cluster(
            name,
            zone_count=3,
            data_node_amount=3,
            master_node_spec="elasticsearch.sn2ne.large",
            protocol=Protocol.HTTP,
            deletion_protection=False,
        ),
        "cluster-existing": lambda name: _cluster(name, existing_instance_id="es-cn-1"),
        "knowledge": _knowledge,
        "knowledge-pinned": lambda name: _knowledge(
            name,
            keep_indices=2,
            pinned=PinnedIndex(
                index_name="customrag-0", meta={"embedding_urls": ["http://10.20.0.8:8000"]}
            ),
        ),
        "model": _model,
        "node": _service_node,
        "node-own-key-logs": lambda name: _service_node(
            name, disk_kms_key_id="key-1", log_agent=LOG_AGENT
        ),
        "embedding": _embedding_node,
        "embedding-spot": lambda name: _embedding_node(name, spot=True),
        "chat": _chat,
        "chat-behind-load-balancer": lambda name: _chat(
            name, front=_chat_front(domain_name="chat.example.com")
        ),
        "load-balancer": _front,
        "load-balancer-in-the-internet": lambda name: _front(
            name,
            access=Access(
                address_type=AddressType.INTERNET, allowed_cidr_blocks=["203.0.113.0/24"]
            ),
            access_log=AccessLog(project="logs", store="alb"),
            deletion_protection=False,
        ),
        "fleet": _fleet,
        "fleet-scaled-own-key": lambda name: _fleet(
            name,
            size=FleetSize(min_instances=2, max_instances=4),
            machine=_machine("ecs.g7.large", disk_kms_key_id="key-1"),
            deletion_protection=False,
        ),
        "logs": _logs,
        "logs-own-key-load-balancer": lambda name: _logs(
            name, load_balancer=True, kms_key_id="key-1", kms_role_arn="acs:ram::1:role/log"
        ),
        "alarms": _alarms,
        "replication": _replication,
        "replication-own-key": lambda name: _replication(
            name, key_arn=KEY_ARN, retention=Retention(retain=True)
        ),
        "edge": _edge,
    }
)
