"""The stack that a preflight checks: its configuration and what follows from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from components.naming import Naming
from stack_config.config import StackConfig
from stack_config.kinds import PlatformKind

__all__ = ["PROJECT", "Demand", "Subject"]

PROJECT = "customrag"


@dataclass(frozen=True, kw_only=True)
class Demand:
    """ECS instances that a stack needs.

    Attributes:
        what: What they are for.
        key: Config key of the instance type.
        instance_type: Instance type, such as `ecs.g7.large`.
        count: Minimum number of instances.
        most: Maximum number of instances.
        zone_ids: Their zones. Each needs stock, unless `any_zone`.
        any_zone: Whether one zone with stock is enough.
        spot: Whether they are spot instances.
        count_key: Config key of their number; empty if fewer would not do.
    """

    what: str
    key: str
    instance_type: str
    count: int
    most: int
    zone_ids: tuple[str, ...]
    any_zone: bool = False
    spot: bool = False
    count_key: str = ""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """One stack, before it is updated.

    Attributes:
        stack: Its name.
        config: Its configuration.
        account_id: The account to deploy to; empty if it is not set yet.
        now: The present time.
        overlay: Values on top of the stack's file, for checks that run the program.
        on_local_cloud: Whether the preflight asks a local cloud instead of Alibaba Cloud.
    """

    stack: str
    config: StackConfig
    account_id: str
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    overlay: Mapping[str, str] = field(default_factory=dict)
    on_local_cloud: bool = False

    @property
    def is_local(self) -> bool:
        """Whether the preflight asks a local cloud, which has its own keys and model."""
        return self.on_local_cloud or self.config.platform is PlatformKind.LOCAL

    @property
    def naming(self) -> Naming:
        """Builds the stack's physical names."""
        return Naming(project=PROJECT, stack=self.stack, account_id=self.account_id)

    @property
    def tags(self) -> dict[str, str]:
        """Tags that identify this stack's resources."""
        return {"project": PROJECT, "stack": self.stack}

    @property
    def demands(self) -> list[Demand]:
        """The ECS instances that the stack needs."""
        config, nodes = self.config, self.config.embedding.nodes
        embedding = Demand(
            what="embedding node" if nodes == 1 else f"{nodes} embedding nodes",
            key="embeddingInstanceType",
            instance_type=config.embedding.instance_type,
            count=nodes,
            most=nodes,
            zone_ids=config.zone_ids[:nodes],
            spot=config.embedding.spot,
            count_key="embeddingNodes",
        )
        balanced = config.chat.load_balancer
        chat = Demand(
            what="chat application",
            key="chatInstanceType",
            instance_type=config.chat.instance_type,
            count=max(1, config.chat.min_instances) if balanced else 1,
            most=config.chat.max_instances if balanced else 1,
            zone_ids=config.zone_ids if balanced else config.zone_ids[:1],
            any_zone=balanced,
        )
        return [embedding, chat, *self._opensearch_demands()]

    def _opensearch_demands(self) -> list[Demand]:
        config, count = self.config, self.config.opensearch.nodes + self.config.opensearch.ml_nodes
        if not config.engines.opensearch:
            return []
        return [
            Demand(
                what="OpenSearch node" if count == 1 else f"{count} OpenSearch nodes",
                key="opensearchInstanceType",
                instance_type=config.opensearch.instance_type,
                count=count,
                most=count,
                # The nodes are in the zones in turn.
                zone_ids=config.zone_ids[:count],
            )
        ]
