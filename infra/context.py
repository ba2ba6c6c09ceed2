"""Everything that is decided before the first resource: configuration, platform, names, corpus,
addresses.

Owns: the order of those decisions. Does not own: the decisions (`stack_config.config`,
`stack_config.platforms`, `infra.corpus`).
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pulumi

from components.naming import Naming
from components.nodes import LogAgent
from components.observability import log_identity
from components.storage import BucketRole
from components.tags import standard_tags
from guardrails.preflight_mark import VARIABLE, holds
from infra.corpus import CorpusPlan, plan_corpus
from infra.plans import training_key
from rag.index import mappings
from stack_config.config import StackConfig
from stack_config.kinds import PlatformKind
from stack_config.platforms import Platform, make_platform

__all__ = [
    "EDGE_SECRET_ROLE",
    "ENTRY_POINTS",
    "SEARCH_SECRET_ROLE",
    "Context",
    "Uris",
    "load_context",
]

# The secret's name, not its value.
SEARCH_SECRET_ROLE = "elasticsearch-password"  # noqa: S105
EDGE_SECRET_ROLE = "edge-origin-key"  # noqa: S105

ENTRY_POINTS: Mapping[str, str] = MappingProxyType(
    {
        "training": "training.train_embedding",
        "ingest": "rag.ingest",
        "embedding": "rag.serving",
        "chat": "rag.app",
    }
)


@dataclass(frozen=True, kw_only=True)
class Uris:
    """Directories in OSS, as DLC mounts them: `oss://<bucket>.<endpoint host>/<prefix>/`.

    Plain texts, known before a bucket exists: that is what makes a preview precise.
    """

    corpus: str
    artifacts: str
    config: StackConfig
    training_digest: str

    def training(self, code_digest: str) -> str:
        """Where one training writes; another training writes elsewhere."""
        key = training_key(
            self.config, code_digest=code_digest, training_digest=self.training_digest
        )
        return f"{self.artifacts}training/{key}/"

    @property
    def ingest(self) -> str:
        """Where ingest runs leave their results."""
        return f"{self.artifacts}ingest/"


@dataclass(frozen=True, kw_only=True)
class Context:
    """What the program knows before it declares anything."""

    root: Path
    config: StackConfig
    platform: Platform
    naming: Naming
    tags: Mapping[str, str]
    corpus: CorpusPlan
    uris: Uris
    entry_points: Mapping[str, str]

    @property
    def search_secret_name(self) -> str:
        """KMS secret with the search cluster's password."""
        return self.naming.physical(SEARCH_SECRET_ROLE)

    @property
    def edge_secret_name(self) -> str | None:
        """KMS secret with the key that the edge shows the application; None without an edge."""
        return self.naming.physical(EDGE_SECRET_ROLE) if self.platform.edge is not None else None

    def bucket(self, role: BucketRole) -> str:
        """Name of a bucket, known before it is made, or the one that was brought along."""
        if role is BucketRole.CORPUS and self.config.existing.corpus_bucket:
            return self.config.existing.corpus_bucket
        return self.naming.bucket(role)

    @property
    def log_agent(self) -> LogAgent | None:
        """What sends a node's journal to the log service; None where there is none."""
        if not self.config.observability.log_retention_days:
            return None
        return LogAgent(
            identity=log_identity(self.naming),
            account_id=self.platform.account_id,
            installer_url=self.platform.log_agent_url,
        )

    @property
    def zone_id(self) -> str:
        """Where single-zone resources go."""
        return self.config.zone_ids[0]

    def options(self, *depends_on: pulumi.Resource) -> pulumi.ResourceOptions:
        """Options of a top-level component: the stack's providers, and what it waits for."""
        return pulumi.ResourceOptions(
            providers=self.platform.providers, depends_on=list(depends_on)
        )

    def mappings(
        self, model_version: str, model_uri: str, embedding_urls: Sequence[str]
    ) -> dict[str, Any]:
        """The index's mapping; `_meta` tells readers which model made it and where that answers."""
        return mappings(
            self.config.embedding.dimension,
            {
                "model_version": model_version,
                "model_uri": model_uri,
                "embedding_urls": list(embedding_urls),
            },
        )


def load_context() -> Context:
    """Reads and checks everything, creates nothing but the providers.

    Raises:
        stack_config.config.ConfigError: Something is missing or wrong.
    """
    root = Path(__file__).resolve().parent.parent
    stack, project = pulumi.get_stack(), pulumi.get_project()
    config = StackConfig.parse(_raw_config(), stack=stack)
    corpus = plan_corpus(config.corpus_path(root))
    for line in corpus.set_aside:
        pulumi.log.warn(f"questions.jsonl: {line}")
    home = Path(os.environ.get("CUSTOMRAG_HOME") or root / ".customrag" / stack)
    _preflight(stack, config, home)
    platform = make_platform(config, home=home)
    naming = Naming(project=project, stack=stack, account_id=platform.account_id)

    def directory(bucket_name: str, prefix: str) -> str:
        return f"oss://{bucket_name}.{platform.oss_host}/{prefix}"

    corpus_bucket = config.existing.corpus_bucket or naming.bucket(BucketRole.CORPUS)

    return Context(
        root=root,
        config=config,
        platform=platform,
        naming=naming,
        tags=standard_tags(
            project=project,
            stack=stack,
            environment=config.environment,
            owner=config.owner,
            cost_center=config.cost_center,
            expires_at=config.expires_at,
        ),
        corpus=corpus,
        uris=Uris(
            corpus=directory(corpus_bucket, "corpus/"),
            artifacts=directory(naming.bucket(BucketRole.ARTIFACTS), ""),
            config=config,
            training_digest=corpus.training_digest,
        ),
        entry_points=ENTRY_POINTS,
    )


def _preflight(stack: str, config: StackConfig, home: Path) -> None:
    """Asks the cloud before anything is declared; in a local stack only if it is a rehearsal."""
    local = config.platform is PlatformKind.LOCAL
    if not config.preflight or config.tear_down or (local and not stack.startswith("rehearse-")):
        return
    if holds(os.environ.get(VARIABLE, ""), stack, datetime.now(UTC)):
        return
    # Here, as its clients take half a second to load.
    from guardrails.preflight.program import check_before

    check_before(
        stack,
        config,
        model_api_key=pulumi.Config("customrag").get("llmApiKey") or "",
        platform_file=home / "platform.json" if local else None,
        warn=pulumi.log.warn,
    )


def _raw_config() -> dict[str, str]:
    """Config values of our namespace, without it. Secrets too, but they are not read from here."""
    prefix = "customrag:"
    values: Mapping[str, str] = pulumi.runtime.config.CONFIG.get()
    return {
        key.removeprefix(prefix): value for key, value in values.items() if key.startswith(prefix)
    }
