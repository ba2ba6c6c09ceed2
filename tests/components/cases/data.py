"""Cases of the components that hold, train on and search data."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Any

import pulumi_alicloud as alicloud

from components.code import CodePackage, CodePackageArgs
from components.elasticsearch import ElasticsearchCluster, ElasticsearchClusterArgs
from components.encryption import EncryptionKey, EncryptionKeyArgs
from components.engine_model import (
    EngineModel,
    EngineModelArgs,
    ServiceModel,
    TorchScriptModel,
)
from components.identity import Identity, IdentityArgs, ServiceRole, ServiceRoleArgs
from components.knowledge import Knowledge, KnowledgeArgs, PinnedIndex
from components.opensearch import OpenSearchCluster, OpenSearchClusterArgs, plan_nodes
from components.pai import (
    PaiWorkspace,
    PaiWorkspaceArgs,
    TrainedEmbedding,
    TrainedEmbeddingArgs,
)
from components.permissions import read_objects
from components.replication import Replication, ReplicationArgs
from components.retention import Retention
from components.search_endpoint import OpenSearchEndpoint, SearchAccess, SearchEndpoint
from components.search_templates import SearchTemplates, SearchTemplatesArgs
from components.secrets import MachineSecret, MachineSecretArgs, SecretStorage
from components.storage import (
    ExistingBucket,
    PrivateBucket,
    PrivateBucketArgs,
    Storage,
    StorageArgs,
)
from stack_config.kinds import EngineKind, Protocol
from tests.components.cases.support import (
    CODE,
    PODS,
    SCOPE,
    TAGS,
    ZONE,
    Case,
    machine,
    plan,
)

ROOT = Path(__file__).resolve().parents[3]
_WORK = TemporaryDirectory()
KEY_ARN = "acs:kms:cn-hangzhou:1234567890123456:key/key-1"


def _bucket(name: str, **changes: Any) -> PrivateBucket:
    return PrivateBucket(name, PrivateBucketArgs(bucket_name="docs", tags=TAGS, **changes))


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


def _opensearch(
    name: str, *, data_nodes: int = 1, ml_nodes: int = 0, **changes: Any
) -> OpenSearchCluster:
    blocks = {ZONE: "10.20.0.0/24", "cn-hangzhou-i": "10.20.1.0/24"}
    return OpenSearchCluster(
        name,
        OpenSearchClusterArgs(
            scope=SCOPE,
            nodes=plan_nodes(blocks, data_nodes=data_nodes, ml_nodes=ml_nodes),
            code=CODE,
            machine=machine("ecs.g7.xlarge"),
            vswitch_ids={ZONE: "vsw-1", "cn-hangzhou-i": "vsw-2"},
            kms_endpoint="https://kms-vpc.cn-hangzhou.aliyuncs.com",
            password="Secret-1234",
            index_prefix="knowledge",
            **changes,
        ),
    )


def _engine_model(name: str, model: TorchScriptModel | ServiceModel) -> EngineModel:
    return EngineModel(
        name,
        EngineModelArgs(
            scope=SCOPE,
            search=OPENSEARCH,
            model=model,
            model_version="0123456789ab",
            prefix="customrag",
            field_map={"windows": {"text": "embedding"}},
            search_weight=0.6,
        ),
    )


def _identity(name: str, **changes: Any) -> Identity:
    return Identity(
        name,
        IdentityArgs(
            **{
                "scope": SCOPE,
                "elasticsearch_secret_name": "search-password",
                "model_secret_name": "model-key",
                "corpus_bucket": "docs",
                **changes,
            }
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
            plan=plan(),
            output_uri="oss://artifacts.oss/training/1/",
            triggers={"questions": "q"},
        ),
    )


CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMIIB\nAQ==\n-----END CERTIFICATE-----\n"
OPENSEARCH = OpenSearchEndpoint(
    url="https://10.20.0.231:9200",
    username="deployer",
    password="Secret-1234",
    ca_certificate=CERTIFICATE,
    instance_id="i-bp1",
)


def _knowledge(name: str, **changes: Any) -> Knowledge:
    values: dict[str, Any] = {
        "search": SearchEndpoint(
            instance_id="es-cn-1",
            url="https://es-1.internal:9200",
            username="elastic",
            password="Secret-1234",
        ),
        "access": SearchAccess(
            url="https://es-1.internal:9200", username="elastic", secret_name="search-password"
        ),
        **changes,
    }
    return Knowledge(
        name,
        KnowledgeArgs(
            scope=SCOPE,
            index_alias="customrag",
            index_name="customrag-1",
            mappings={"properties": {"text": {"type": "text"}}},
            settings={"number_of_replicas": 1},
            documents={"docs/a.md": "1"},
            ingest_plan=lambda *_: plan(),
            embedding_urls=["http://10.20.0.7:8000"],
            pods=PODS,
            result_uri="oss://artifacts.oss/ingest/",
            **values,
        ),
    )


def _searches(name: str, **accepted: bool) -> SearchTemplates:
    return SearchTemplates(
        name,
        SearchTemplatesArgs(
            search=SearchEndpoint(
                instance_id="es-cn-1",
                url="https://es-1.internal:9200",
                username="elastic",
                password="Secret-1234",
            ),
            alias="customrag",
            sources={"words": '{"query": {"match_all": {}}}'},
            features={
                feature: {"available": available, "reason": ""}
                for feature, available in accepted.items()
            },
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
        "searches": lambda name: _searches(name, search_template=True, search_application=False),
        "searches-of-a-licence": lambda name: _searches(
            name, search_template=True, search_application=True
        ),
        "searches-refused": lambda name: _searches(name, search_template=False),
        "storage": lambda name: Storage(name, StorageArgs(scope=SCOPE)),
        "storage-existing-corpus": lambda name: Storage(
            name, StorageArgs(scope=SCOPE, existing_corpus_bucket="theirs")
        ),
        "identity": _identity,
        "identity-opensearch": lambda name: _identity(
            name,
            opensearch_secret_names=["customrag-dev-opensearch-reader"],
            opensearch_ingest_secret_name="customrag-dev-opensearch-ingest",
            opensearch_reader_secret_name="customrag-dev-opensearch-reader",
            opensearch_package_uri=f"oss://packages/opensearch-2.19.1-{'0' * 64}.tar.gz",
        ),
        "identity-opensearch-alone": lambda name: _identity(
            name,
            elasticsearch_secret_name=None,
            opensearch_ingest_secret_name="customrag-dev-opensearch-ingest",
            opensearch_reader_secret_name="customrag-dev-opensearch-reader",
        ),
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
        "opensearch": _opensearch,
        "opensearch-of-two-zones": lambda name: _opensearch(
            name,
            data_nodes=3,
            ml_nodes=1,
            data_disk_gib=40,
            package_uri=f"oss://packages/opensearch-2.19.1-{'0' * 64}.tar.gz",
            deletion_protection=False,
        ),
        "engine-model": lambda name: _engine_model(
            name,
            TorchScriptModel(
                uri="oss://artifacts/training/1/torchscript/model.zip",
                sha256="0" * 64,
                config={"model_type": "bert", "embedding_dimension": 384},
                oss_endpoint="https://oss-cn-hangzhou-internal.aliyuncs.com",
                trusted_url_regex="^https://artifacts[.].*$",
            ),
        ),
        "engine-model-of-a-service": lambda name: _engine_model(
            name, ServiceModel(url="http://10.20.0.7:8000")
        ),
        "knowledge": _knowledge,
        "knowledge-in-opensearch": lambda name: _knowledge(
            name,
            search=OPENSEARCH,
            access=SearchAccess(
                engine=EngineKind.OPENSEARCH,
                url="https://10.20.0.231:9200",
                username="ingest",
                secret_name="opensearch-ingest",
                ca_certificate=CERTIFICATE,
            ),
        ),
        "knowledge-pinned": lambda name: _knowledge(
            name,
            keep_indices=2,
            pinned=PinnedIndex(
                index_name="customrag-0", meta={"embedding_urls": ["http://10.20.0.8:8000"]}
            ),
        ),
        "replication": _replication,
        "replication-own-key": lambda name: _replication(
            name, key_arn=KEY_ARN, retention=Retention(retain=True)
        ),
    }
)
