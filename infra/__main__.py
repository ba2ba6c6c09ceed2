"""The program: what a custom-RAG system is made of, in the order in which it comes to be."""

from __future__ import annotations

import sys
from pathlib import Path

# Pulumi runs this folder, not the project's.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import pulumi

import providers
from components.chat_app import ChatApp, ChatAppArgs
from components.code import CodePackage, CodePackageArgs
from components.elasticsearch import ElasticsearchCluster, ElasticsearchClusterArgs
from components.embedding_node import EmbeddingNode, EmbeddingNodeArgs
from components.identity import Identity, IdentityArgs
from components.knowledge import Knowledge, KnowledgeArgs, SearchEndpoint
from components.model_endpoint import ModelEndpoint, ModelEndpointArgs
from components.network import Network, NetworkArgs
from components.pai import PaiWorkspace, PaiWorkspaceArgs, TrainedEmbedding, TrainedEmbeddingArgs
from components.secrets import MachineSecret, MachineSecretArgs
from components.storage import Storage, StorageArgs
from infra.context import load_context
from infra.outputs import export
from infra.plans import index_name, plan_ingest, plan_training
from rag.index import SETTINGS

context = load_context()
config, platform, naming, tags = context.config, context.platform, context.naming, context.tags
corpus_plan, uris = context.corpus, context.uris
zone_id = config.zone_ids[0]


def options(*depends_on: pulumi.Resource) -> pulumi.ResourceOptions:
    return pulumi.ResourceOptions(providers=platform.providers, depends_on=list(depends_on))


storage = Storage(
    "storage",
    StorageArgs(
        naming=naming,
        tags=tags,
        force_destroy=config.force_destroy,
        deletion_protection=config.deletion_protection,
    ),
    options(),
)
network = Network(
    "network",
    NetworkArgs(naming=naming, zone_ids=config.zone_ids, cidr_block=config.cidr_block, tags=tags),
    options(),
)
cluster = ElasticsearchCluster(
    "search",
    ElasticsearchClusterArgs(
        naming=naming,
        version=config.elasticsearch_version,
        vswitch_id=network.vswitch_ids[zone_id],
        password=platform.elasticsearch_password,
        private_whitelists=[config.cidr_block],
        data_node_spec=config.elasticsearch_data_node_spec,
        data_node_amount=config.elasticsearch_data_node_amount,
        data_node_disk_gib=config.elasticsearch_data_node_disk_gib,
        protocol=config.elasticsearch_protocol,
        tags=tags,
        deletion_protection=config.deletion_protection,
    ),
    options(),
)
search_secret = MachineSecret(
    "search-password",
    MachineSecretArgs(
        naming=naming,
        role="elasticsearch-password",
        value=platform.elasticsearch_password,
        description="Password of the Elasticsearch user elastic",
        recovery_window_days=config.secret_recovery_window_days,
        tags=tags,
    ),
    options(),
)
model = ModelEndpoint(
    "model",
    ModelEndpointArgs(
        naming=naming,
        base_url=platform.llm_base_url,
        model=config.llm_model,
        api_key=platform.llm_api_key,
        secret_recovery_window_days=config.secret_recovery_window_days,
        tags=tags,
    ),
    options(),
)
identity = Identity(
    "identity",
    IdentityArgs(
        naming=naming,
        region_id=config.region_id,
        elasticsearch_secret_name=naming.physical("elasticsearch-password"),
        model_secret_name=naming.physical("model-api-key"),
        tags=tags,
    ),
    options(),
)
workspace = PaiWorkspace(
    "workspace", PaiWorkspaceArgs(naming=naming, dataset_uris={"corpus": uris.corpus}), options()
)

code = {
    name: CodePackage(
        f"code-{name}",
        CodePackageArgs(
            bucket_name=naming.bucket("artifacts"),
            endpoint_host=platform.oss_host,
            work_dir=platform.work_dir / "code",
            module=module,
            root=context.root,
        ),
        options(storage.artifacts),
    )
    for name, module in context.entry_points.items()
}
corpus = providers.Corpus(
    "corpus",
    providers.CorpusArgs(
        bucket=naming.bucket("corpus"),
        prefix="corpus/",
        source_dir=str(corpus_plan.source_dir),
        documents=dict(corpus_plan.objects),
    ),
    options(storage.corpus),
)

job_vpc = {
    "vpc_id": network.vpc_id,
    "switch_id": network.vswitch_ids[zone_id],
    "security_group_id": network.job_security_group_id,
}
training_uri = uris.training(code["training"].digest)
embedding_model = TrainedEmbedding(
    "embedding-model",
    TrainedEmbeddingArgs(
        naming=naming,
        workspace_id=workspace.workspace_id,
        plan=plan_training(
            config,
            code_uri=f"{code['training'].directory_uri}{code['training'].file_name}",
            corpus_uri=uris.corpus,
            output_uri=training_uri,
        ),
        output_uri=training_uri,
        dimension=config.embedding_dimension,
        triggers={"questions": corpus_plan.training_digest, "revision": config.training_revision},
        user_vpc=job_vpc,
        role_arn=identity.training.role_arn,
        max_running_time_minutes=config.training_max_running_time_minutes,
    ),
    options(corpus, code["training"], storage.artifacts, identity.training),
)
embedding_node = EmbeddingNode(
    "embedding-node",
    EmbeddingNodeArgs(
        region_id=config.region_id,
        instance_type=config.embedding_instance_type,
        image_id=config.image_id,
        zone_id=zone_id,
        vswitch_id=network.vswitch_ids[zone_id],
        security_group_ids=[network.embedding_security_group_id],
        ram_role_name=identity.embedding.role_name,
        code_uri=code["embedding"].uri,
        oss_endpoint=platform.oss_endpoint,
        model_uri=embedding_model.model_uri,
        model_version=embedding_model.model_version,
        tags=tags,
    ),
    options(code["embedding"]),
)

mappings = pulumi.Output.all(embedding_model.model_version, embedding_node.url).apply(
    lambda values: context.mappings(*values)
)
knowledge = Knowledge(
    "knowledge",
    KnowledgeArgs(
        naming=naming,
        search=SearchEndpoint(
            url=cluster.url, username=cluster.username, password=platform.elasticsearch_password
        ),
        index_alias=config.index_alias,
        index_name=embedding_model.model_version.apply(
            lambda version: index_name(config.index_alias, version, context.mappings(version, ""))
        ),
        mappings=mappings,
        settings=SETTINGS,
        documents=corpus_plan.documents,
        ingest_plan=lambda index, elasticsearch_url, embedding_url: plan_ingest(
            config,
            index=index,
            elasticsearch_url=elasticsearch_url,
            elasticsearch_secret=naming.physical("elasticsearch-password"),
            embedding_url=embedding_url,
            code_uri=f"{code['ingest'].directory_uri}{code['ingest'].file_name}",
            corpus_uri=uris.corpus,
            output_uri=uris.ingest,
            envs={
                "CUSTOMRAG_KMS_ENDPOINT": platform.kms_endpoint,
                "CUSTOMRAG_REGION_ID": config.region_id,
            },
        ),
        embedding_url=embedding_node.url,
        workspace_id=workspace.workspace_id,
        result_uri=uris.ingest,
        triggers={},
        user_vpc=job_vpc,
        role_arn=identity.ingest.role_arn,
    ),
    options(corpus, code["ingest"], storage.artifacts, search_secret, identity.ingest),
)
chat = ChatApp(
    "chat",
    ChatAppArgs(
        region_id=config.region_id,
        instance_type=config.chat_instance_type,
        image_id=config.image_id,
        zone_id=zone_id,
        vswitch_id=network.vswitch_ids[zone_id],
        security_group_ids=[network.chat_security_group_id],
        ram_role_name=identity.chat.role_name,
        code_uri=code["chat"].uri,
        oss_endpoint=platform.oss_endpoint,
        kms_endpoint=platform.kms_endpoint,
        elasticsearch_url=cluster.url,
        elasticsearch_username=cluster.username,
        elasticsearch_secret_name=search_secret.secret_name,
        index_alias=knowledge.index_alias,
        model=model,
        smoke_question=config.smoke_question or corpus_plan.first_question,
        tags=tags,
    ),
    options(code["chat"]),
)

export(
    chat_url=chat.url,
    embedding_url=embedding_node.url,
    elasticsearch_url=cluster.url,
    index_alias=knowledge.index_alias,
    index_name=knowledge.index_name,
    buckets={
        "corpus": storage.corpus.bucket_name,
        "artifacts": storage.artifacts.bucket_name,
        "vectors": storage.vectors.bucket_name,
    },
    pai_workspace_id=workspace.workspace_id,
    training=embedding_model.result,
    model_version=embedding_model.model_version,
    corpus={"version": corpus.version, "document_count": len(corpus_plan.documents)},
    ingest=knowledge.ingest,
)
