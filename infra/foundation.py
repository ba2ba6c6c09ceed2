"""The parts that all others rely on: key, buckets, network, secrets, roles, code and corpus."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

import providers
from components.code import CodePackage, CodePackageArgs
from components.egress import NatEgress, NatEgressArgs
from components.encryption import EncryptionKey, EncryptionKeyArgs
from components.identity import Identity, IdentityArgs, ServiceRole
from components.model_endpoint import SECRET_ROLE as MODEL_SECRET_ROLE
from components.model_endpoint import ModelEndpoint, ModelEndpointArgs
from components.network import Network, NetworkArgs
from components.nodes import Machine, Placement
from components.opensearch import INGEST, READER
from components.pai import Pods
from components.secrets import MachineSecret, MachineSecretArgs
from components.storage import BucketRole, Storage, StorageArgs
from infra.context import ELASTICSEARCH_SECRET_ROLE, ENTRY_POINTS, Context
from stack_config.kinds import EngineKind, EngineModelKind

__all__ = ["DataKey", "Foundation", "lay_foundation"]


@dataclass(frozen=True, kw_only=True)
class DataKey:
    """The KMS key that encrypts the stack's data: the stack's own, or an existing one."""

    key_id: pulumi.Input[str]
    key_arn: pulumi.Input[str]


@dataclass(frozen=True, kw_only=True)
class Foundation:
    """The parts that the rest of the system relies on.

    Attributes:
        key: Encrypts data; None where the cloud's own keys do.
        egress: The NAT gateway; None without one. Machines that reach the Internet wait for it.
        code: Entry point (`infra.context.ENTRY_POINTS`) to its code in OSS.
        elasticsearch_secret: KMS secret with the password of Elasticsearch; None without it.
        model: The language model's endpoint; its key is a KMS secret, too.
    """

    key: DataKey | None
    storage: Storage
    network: Network
    egress: NatEgress | None
    elasticsearch_secret: MachineSecret | None
    model: ModelEndpoint
    identity: Identity
    code: Mapping[str, CodePackage]
    corpus: providers.Corpus

    @property
    def key_id(self) -> pulumi.Input[str] | None:
        """Id of the KMS key that encrypts data; None for the cloud's own keys."""
        return self.key.key_id if self.key is not None else None

    def machine(
        self,
        context: Context,
        *,
        instance_type: str,
        role: ServiceRole,
        security_group_id: pulumi.Input[str],
    ) -> Machine:
        """Return what a node of the stack is made of."""
        return Machine(
            instance_type=instance_type,
            image_id=context.config.image_id,
            ram_role_name=role.role_name,
            security_group_ids=[security_group_id],
            disk_kms_key_id=self.key_id,
            log_agent=context.log_agent,
        )

    def placement(self, zone_id: str) -> Placement:
        """Return the place of a node in a zone."""
        return Placement(zone_id=zone_id, vswitch_id=self.network.vswitch_ids[zone_id])

    def pods(self, context: Context, workspace_id: pulumi.Input[str], role: ServiceRole) -> Pods:
        """Return where the pods of a DLC job run: in the VPC, without incoming connections."""
        return Pods(
            workspace_id=workspace_id,
            user_vpc={
                "vpc_id": self.network.vpc_id,
                "switch_id": self.network.vswitch_ids[context.zone_id],
                "security_group_id": self.network.job_security_group_id,
            },
            role_arn=role.role_arn,
        )

    @property
    def internet_access(self) -> list[pulumi.Resource]:
        """What a machine that connects to the Internet depends on."""
        return [self.egress] if self.egress is not None else []


def lay_foundation(context: Context) -> Foundation:
    """Declare key, storage, network, secrets, identity, code and corpus."""
    scope = context.scope
    key = _key(context)
    key_id = key.key_id if key is not None else None
    storage = Storage(
        "storage",
        StorageArgs(
            scope=scope,
            existing_corpus_bucket=context.config.existing.corpus_bucket,
            kms_key_id=key_id,
            retention=context.retention,
        ),
        context.options(),
    )
    network = _network(context)
    if context.config.language_model.given_base_url:
        pulumi.log.info(
            f"the language model {context.config.language_model.model} answers at "
            f"{context.platform.llm_base_url}: questions and passages are sent there"
        )
    model = ModelEndpoint(
        "model",
        ModelEndpointArgs(
            scope=scope,
            base_url=context.platform.llm_base_url,
            model=context.config.language_model.model,
            api_key=context.platform.llm_api_key,
            storage=context.secret_storage(key_id),
        ),
        context.options(),
    )
    identity = Identity(
        "identity",
        IdentityArgs(
            scope=scope,
            elasticsearch_secret_name=context.elasticsearch_secret_name,
            model_secret_name=scope.naming.physical(MODEL_SECRET_ROLE),
            edge_secret_name=context.edge_secret_name,
            opensearch_secret_names=context.opensearch_secret_names,
            opensearch_package_uri=context.config.opensearch.package,
            opensearch_ingest_secret_name=context.opensearch_user_secret(INGEST),
            opensearch_reader_secret_name=(
                context.opensearch_user_secret(READER)
                if context.config.engines.serving is EngineKind.OPENSEARCH
                else None
            ),
            corpus_bucket=context.bucket(BucketRole.CORPUS),
            base_model_uri=context.config.embedding.model_uri,
            key_arn=key.key_arn if key is not None else None,
        ),
        context.options(),
    )
    return Foundation(
        key=key,
        storage=storage,
        network=network,
        egress=_egress(context, network),
        elasticsearch_secret=_elasticsearch_secret(context, key_id),
        model=model,
        identity=identity,
        code=_upload_code(context, storage),
        corpus=_upload_corpus(context, storage),
    )


def _key(context: Context) -> DataKey | None:
    config = context.config
    if config.protection.encryption_key == "managed":
        return None
    if config.protection.encryption_key != "own":
        account_id = context.platform.account_id
        return DataKey(
            key_id=config.protection.encryption_key,
            key_arn=f"acs:kms:{config.region_id}:{account_id}:key/{config.protection.encryption_key}",
        )
    key = EncryptionKey(
        "key",
        EncryptionKeyArgs(
            scope=context.scope,
            kms_instance_id=config.protection.kms_instance_id,
            retention=context.retention,
        ),
        context.options(),
    )
    return DataKey(key_id=key.key_id, key_arn=key.key_arn)


def _elasticsearch_secret(
    context: Context, key_id: pulumi.Input[str] | None
) -> MachineSecret | None:
    password = context.platform.elasticsearch_password
    if password is None:
        return None
    return MachineSecret(
        "search-password",
        MachineSecretArgs(
            scope=context.scope,
            role=ELASTICSEARCH_SECRET_ROLE,
            value=password,
            description="Password of the Elasticsearch user elastic",
            storage=context.secret_storage(key_id),
        ),
        context.options(),
    )


def _network(context: Context) -> Network:
    config = context.config
    return Network(
        "network",
        NetworkArgs(
            scope=context.scope,
            zone_ids=config.zone_ids,
            cidr_block=config.network.cidr_block,
            opensearch=config.engines.opensearch,
            opensearch_calls_embedding=config.opensearch.model is EngineModelKind.SERVICE,
            existing_vpc_id=config.existing.vpc_id,
            existing_vswitch_ids=dict(
                zip(config.zone_ids, config.existing.vswitch_ids, strict=False)
            ),
        ),
        context.options(),
    )


def _egress(context: Context, network: Network) -> NatEgress | None:
    if not context.config.network.nat_gateway:
        return None
    return NatEgress(
        "egress",
        NatEgressArgs(
            scope=context.scope,
            vpc_id=network.vpc_id,
            zone_id=context.zone_id,
            vswitch_ids=network.vswitch_ids,
            deletion_protection=context.config.protection.deletion_protection,
        ),
        context.options(),
    )


def _upload_code(context: Context, storage: Storage) -> dict[str, CodePackage]:
    return {
        name: CodePackage(
            f"code-{name}",
            CodePackageArgs(
                bucket_name=context.bucket(BucketRole.ARTIFACTS),
                endpoint_host=context.platform.oss_host,
                work_dir=context.platform.work_dir / "code",
                module=module,
                root=context.root,
            ),
            context.options(storage.artifacts),
        )
        for name, module in ENTRY_POINTS.items()
        if name != "opensearch" or context.config.engines.opensearch
    }


def _upload_corpus(context: Context, storage: Storage) -> providers.Corpus:
    return providers.Corpus(
        "corpus",
        providers.CorpusArgs(
            bucket=context.bucket(BucketRole.CORPUS),
            prefix="corpus/",
            source_dir=str(context.corpus.source_dir),
            documents=dict(context.corpus.objects),
            left_out={left.name: left.text for left in context.corpus.left_out},
        ),
        # A bucket that is retained keeps its documents.
        pulumi.ResourceOptions.merge(
            context.options(storage.corpus),
            pulumi.ResourceOptions(retain_on_delete=context.config.protection.retain_data),
        ),
    )
