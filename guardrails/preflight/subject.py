"""What is checked: a stack's configuration, and what follows from it without asking anybody."""

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
    """ECS instances that a stack wants.

    Attributes:
        what: What they are for.
        key: The config key that says which instance type.
        instance_type: Such as `ecs.g7.large`.
        count: How many it cannot do without.
        most: How many at most.
        zone_ids: Where they go. Each zone must have it, unless `any_zone`.
        any_zone: One zone with stock is enough.
        spot: Whether they are spot instances.
    """

    what: str
    key: str
    instance_type: str
    count: int
    most: int
    zone_ids: tuple[str, ...]
    any_zone: bool = False
    spot: bool = False


@dataclass(frozen=True, kw_only=True)
class Subject:
    """One stack, before it is updated.

    Attributes:
        stack: Its name.
        config: Its configuration.
        account_id: The account that it is to land in; empty if that is not said yet.
        now: The present time.
        llm_base_url: Where the language model answers.
        overlay: Values on top of the stack's file, for what runs the program again.
        on_local_cloud: Whether a local cloud is asked in the cloud's place.
    """

    stack: str
    config: StackConfig
    account_id: str
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    llm_base_url: str = ""
    overlay: Mapping[str, str] = field(default_factory=dict)
    on_local_cloud: bool = False

    @property
    def is_local(self) -> bool:
        """Whether a local cloud is asked: its keys and its model are its own."""
        return self.on_local_cloud or self.config.platform is PlatformKind.LOCAL

    @property
    def naming(self) -> Naming:
        """Makes the stack's physical names."""
        return Naming(project=PROJECT, stack=self.stack, account_id=self.account_id)

    @property
    def tags(self) -> dict[str, str]:
        """Tags that tell this stack's resources from others."""
        return {"project": PROJECT, "stack": self.stack}

    @property
    def demands(self) -> list[Demand]:
        """The ECS instances it wants, at their most."""
        config, nodes = self.config, self.config.embedding.nodes
        embedding = Demand(
            what="embedding node" if nodes == 1 else f"{nodes} embedding nodes",
            key="embeddingInstanceType",
            instance_type=config.embedding.instance_type,
            count=nodes,
            most=nodes,
            zone_ids=config.zone_ids[:nodes],
            spot=config.embedding.spot,
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
        return [embedding, chat]
