"""What the program knows before the first resource: configuration, platform, names, corpus, URIs.

Owns: the order of those decisions. Does not own: the decisions (`stack_config.config`,
`stack_config.platforms`, `infra.corpus`).
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pulumi

from components.naming import Naming
from components.nodes import LogAgent
from components.observability import log_identity
from components.opensearch import CERTIFICATES_ROLE, USERS, secret_role
from components.retention import Retention
from components.scope import Scope
from components.secrets import SecretStorage
from components.storage import BucketRole
from components.tags import standard_tags
from infra.corpus import CorpusPlan, plan_corpus
from infra.guard import check_account
from infra.plans import training_key
from rag.engine_embedding import embedded_in_engine
from rag.index import LATE_INTERACTION, mappings
from stack_config.config import NAMESPACE, StackConfig
from stack_config.kinds import EngineKind
from stack_config.platforms import Platform, make_platform

__all__ = [
    "EDGE_SECRET_ROLE",
    "ELASTICSEARCH_SECRET_ROLE",
    "ENTRY_POINTS",
    "Context",
    "Uris",
    "load_context",
]

# The secret's name, not its value.
ELASTICSEARCH_SECRET_ROLE = "elasticsearch-password"  # noqa: S105
EDGE_SECRET_ROLE = "edge-origin-key"  # noqa: S105

ENTRY_POINTS: Mapping[str, str] = MappingProxyType(
    {
        "training": "training.train_embedding",
        "ingest": "rag.ingest",
        "embedding": "rag.serving",
        "chat": "rag.app",
        "opensearch": "opensearch_node",
    }
)


@dataclass(frozen=True, kw_only=True)
class Uris:
    """Directories in OSS, as DLC mounts them: `oss://<bucket>.<endpoint host>/<prefix>/`.

    They are plain texts, known before a bucket exists, so that a preview can show them.
    """

    corpus: str
    artifacts: str
    config: StackConfig
    training_digest: str

    def training(self, code_digest: str) -> str:
        """Return where one training run writes; no other run writes there."""
        key = training_key(
            self.config, code_digest=code_digest, training_digest=self.training_digest
        )
        return f"{self.artifacts}training/{key}/"

    @property
    def ingest(self) -> str:
        """Where ingest runs write their results."""
        return f"{self.artifacts}ingest/"


@dataclass(frozen=True, kw_only=True)
class Context:
    """What the program knows before it declares a resource."""

    root: Path
    config: StackConfig
    platform: Platform
    scope: Scope
    corpus: CorpusPlan
    uris: Uris

    @property
    def elasticsearch_secret_name(self) -> str | None:
        """KMS secret with the password of Elasticsearch; None without it."""
        if not self.config.engines.elasticsearch:
            return None
        return self.scope.naming.physical(ELASTICSEARCH_SECRET_ROLE)

    @property
    def edge_secret_name(self) -> str | None:
        """KMS secret with the key that the edge sends to the application; None without an edge."""
        if self.platform.edge is None:
            return None
        return self.scope.naming.physical(EDGE_SECRET_ROLE)

    def opensearch_user_secret(self, user: str) -> str | None:
        """KMS secret with the password of a user of OpenSearch; None without a cluster."""
        if not self.config.engines.opensearch:
            return None
        return self.scope.naming.physical(secret_role(user))

    @property
    def opensearch_secret_names(self) -> tuple[str, ...]:
        """KMS secrets that the OpenSearch nodes read; empty without a cluster."""
        if not self.config.engines.opensearch:
            return ()
        roles = (CERTIFICATES_ROLE, *(secret_role(user) for user in USERS))
        return tuple(self.scope.naming.physical(role) for role in roles)

    def bucket(self, role: BucketRole) -> str:
        """Return the name of a bucket, which is known before the bucket exists."""
        if role is BucketRole.CORPUS and self.config.existing.corpus_bucket:
            return self.config.existing.corpus_bucket
        return self.scope.naming.bucket(role)

    @property
    def log_agent(self) -> LogAgent | None:
        """The agent that sends a node's journal to the log service; None without logs."""
        if not self.config.observability.log_retention_days:
            return None
        return LogAgent(
            identity=log_identity(self.scope.naming),
            account_id=self.platform.account_id,
            installer_url=self.platform.log_agent_url,
        )

    @property
    def zone_id(self) -> str:
        """Zone of the resources that are in one zone only."""
        return self.config.zone_ids[0]

    @property
    def retention(self) -> Retention:
        """How the stack treats its data when resources are deleted."""
        protection = self.config.protection
        return Retention(
            deletion_protection=protection.deletion_protection,
            force_destroy=protection.force_destroy,
            retain=protection.retain_data,
        )

    def secret_storage(self, key_id: pulumi.Input[str] | None) -> SecretStorage:
        """Return how KMS stores the stack's secrets, encrypted with a key."""
        protection = self.config.protection
        return SecretStorage(
            recovery_window_days=protection.secret_recovery_window_days,
            kms_instance_id=protection.kms_instance_id,
            kms_key_id=key_id,
        )

    def options(self, *depends_on: pulumi.Resource) -> pulumi.ResourceOptions:
        """Return options of a top-level component: the stack's providers, and dependencies."""
        return pulumi.ResourceOptions(
            providers=self.platform.providers, depends_on=list(depends_on)
        )

    def mappings(
        self,
        model_version: str,
        model_uri: str,
        chosen: Mapping[str, Any],
        embedding_urls: Sequence[str],
        engine: EngineKind,
    ) -> dict[str, Any]:
        """Return the index's mapping, whose `_meta` names the model and the nodes that serve it.

        OpenSearch embeds the documents itself. Only the index that the application searches has
        token vectors, which the embedding nodes make, and the weight of the cross-encoder.

        Args:
            model_version: The model.
            model_uri: Its files.
            chosen: What its training chose for the ranking: `TrainedEmbedding.chosen`.
            embedding_urls: The nodes that serve it.
            engine: Kind of the cluster.
        """
        reranker, served = self.config.reranker, engine is self.config.engines.serving
        left_out: set[str] = set()
        if not (served and reranker.uses_token_vectors):
            left_out |= set(LATE_INTERACTION)
        if not (served and reranker.uses_cross_encoder):
            left_out.add("cross_encoder_weight")
        meta: dict[str, Any] = {
            "model_version": model_version,
            "model_uri": model_uri,
            "embedding_urls": list(embedding_urls),
            "model_languages": list(self.config.embedding.languages),
        }
        meta |= {name: value for name, value in chosen.items() if name not in left_out}
        made = mappings(self.config.embedding.dimension, meta, self.config.index.vectors, engine)
        return embedded_in_engine(made) if engine is EngineKind.OPENSEARCH else made


def load_context() -> Context:
    """Read and check everything; create nothing but the providers.

    Raises:
        stack_config.config.ConfigError: The configuration, the corpus or the preflight is wrong.
    """
    root = Path(__file__).resolve().parent.parent
    stack, project = pulumi.get_stack(), pulumi.get_project()
    config = StackConfig.parse(_raw_config(), stack=stack)
    corpus = plan_corpus(config.corpus_path(root))
    for line in corpus.skipped:
        pulumi.log.warn(f"questions.jsonl: {line}")
    for line in corpus.warnings:
        pulumi.log.warn(line)
    pulumi.log.info(corpus.summary)
    home = Path(os.environ.get("CUSTOMRAG_HOME") or root / ".customrag" / stack)
    check_account(stack, config, home)
    platform = make_platform(config, home=home)
    naming = Naming(project=project, stack=stack, account_id=platform.account_id)

    def directory(bucket_name: str, prefix: str) -> str:
        return f"oss://{bucket_name}.{platform.oss_host}/{prefix}"

    corpus_bucket = config.existing.corpus_bucket or naming.bucket(BucketRole.CORPUS)

    return Context(
        root=root,
        config=config,
        platform=platform,
        scope=Scope(
            naming=naming,
            region_id=config.region_id,
            tags=standard_tags(
                project=project,
                stack=stack,
                environment=config.environment,
                owner=config.owner,
                cost_center=config.cost_center,
                expires_at=config.expires_at,
            ),
        ),
        corpus=corpus,
        uris=Uris(
            corpus=directory(corpus_bucket, "corpus/"),
            artifacts=directory(naming.bucket(BucketRole.ARTIFACTS), ""),
            config=config,
            training_digest=corpus.training_digest,
        ),
    )


def _raw_config() -> dict[str, str]:
    """Return the values of our namespace, without it. Nothing reads the secrets among them."""
    prefix = f"{NAMESPACE}:"
    values: Mapping[str, str] = pulumi.runtime.config.CONFIG.get()
    return {
        key.removeprefix(prefix): value for key, value in values.items() if key.startswith(prefix)
    }
