"""What everything stands on: buckets, network, secrets, roles, the code and the corpus."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import providers
from components.code import CodePackage, CodePackageArgs
from components.identity import Identity, IdentityArgs
from components.model_endpoint import SECRET_ROLE as MODEL_SECRET_ROLE
from components.model_endpoint import ModelEndpoint, ModelEndpointArgs
from components.network import Network, NetworkArgs
from components.secrets import MachineSecret, MachineSecretArgs
from components.storage import Storage, StorageArgs
from infra.context import SEARCH_SECRET_ROLE, Context

__all__ = ["Foundation", "lay_foundation"]


@dataclass(frozen=True, kw_only=True)
class Foundation:
    """The parts that the rest of the system is put upon.

    Attributes:
        code: Entry point (`infra.context.ENTRY_POINTS`) to its code in OSS.
        search_secret: KMS secret with the search cluster's password.
        model: The language model's endpoint; its key is a KMS secret, too.
    """

    storage: Storage
    network: Network
    search_secret: MachineSecret
    model: ModelEndpoint
    identity: Identity
    code: Mapping[str, CodePackage]
    corpus: providers.Corpus


def lay_foundation(context: Context) -> Foundation:
    """Declares storage, network, secrets, identity, code and corpus."""
    config, naming, tags = context.config, context.naming, context.tags
    storage = Storage(
        "storage",
        StorageArgs(
            naming=naming,
            tags=tags,
            force_destroy=config.force_destroy,
            deletion_protection=config.deletion_protection,
        ),
        context.options(),
    )
    network = Network(
        "network",
        NetworkArgs(
            naming=naming, zone_ids=config.zone_ids, cidr_block=config.cidr_block, tags=tags
        ),
        context.options(),
    )
    search_secret = MachineSecret(
        "search-password",
        MachineSecretArgs(
            naming=naming,
            role=SEARCH_SECRET_ROLE,
            value=context.platform.elasticsearch_password,
            description="Password of the Elasticsearch user elastic",
            recovery_window_days=config.secret_recovery_window_days,
            tags=tags,
        ),
        context.options(),
    )
    model = ModelEndpoint(
        "model",
        ModelEndpointArgs(
            naming=naming,
            base_url=context.platform.llm_base_url,
            model=config.llm_model,
            api_key=context.platform.llm_api_key,
            secret_recovery_window_days=config.secret_recovery_window_days,
            tags=tags,
        ),
        context.options(),
    )
    identity = Identity(
        "identity",
        IdentityArgs(
            naming=naming,
            region_id=config.region_id,
            elasticsearch_secret_name=context.search_secret_name,
            model_secret_name=naming.physical(MODEL_SECRET_ROLE),
            tags=tags,
        ),
        context.options(),
    )
    return Foundation(
        storage=storage,
        network=network,
        search_secret=search_secret,
        model=model,
        identity=identity,
        code=_upload_code(context, storage),
        corpus=_upload_corpus(context, storage),
    )


def _upload_code(context: Context, storage: Storage) -> dict[str, CodePackage]:
    return {
        name: CodePackage(
            f"code-{name}",
            CodePackageArgs(
                bucket_name=context.naming.bucket("artifacts"),
                endpoint_host=context.platform.oss_host,
                work_dir=context.platform.work_dir / "code",
                module=module,
                root=context.root,
            ),
            context.options(storage.artifacts),
        )
        for name, module in context.entry_points.items()
    }


def _upload_corpus(context: Context, storage: Storage) -> providers.Corpus:
    return providers.Corpus(
        "corpus",
        providers.CorpusArgs(
            bucket=context.naming.bucket("corpus"),
            prefix="corpus/",
            source_dir=str(context.corpus.source_dir),
            documents=dict(context.corpus.objects),
        ),
        context.options(storage.corpus),
    )
