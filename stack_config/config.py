"""The stack's configuration, read once into one frozen object.

Owns: names and types of every config key, and the one place where they are read. Does not own:
defaults (they stand in `Pulumi.yaml`), values (`stacks/`), how raw text becomes a value
(`stack_config.values`), nor bounds and what keys mean together (`stack_config.checks`). Everything
here is checked before anything is created.

Errors:
    ConfigError: one or several keys are wrong; the message has a line for each.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import pulumi

from components.elasticsearch import Protocol
from stack_config import checks
from stack_config.values import PARSERS, AddressType, EdgeKind, Environment, PlatformKind

__all__ = [
    "NAMESPACE",
    "SECRET_KEYS",
    "AddressType",
    "ConfigError",
    "EdgeKind",
    "Environment",
    "PlatformKind",
    "StackConfig",
    "config_key",
]

NAMESPACE = "customrag"
SECRET_KEYS = frozenset({"elasticsearchPassword", "llmApiKey", "edgeOriginKey"})


class ConfigError(pulumi.RunError):
    """The configuration cannot be used. The message says, key by key, what to change.

    A `RunError`, of which the engine shows the message without a traceback.
    """


@dataclass(frozen=True, kw_only=True)
class StackConfig:
    """One stack's configuration; `Pulumi.yaml` describes each key.

    Field `embedding_model` is config key `customrag:embeddingModel`, and so on. The two secrets are
    not here: they are read as secrets, where they are used.
    """

    platform: PlatformKind
    region_id: str
    zone_ids: tuple[str, ...]
    account_id: str
    cidr_block: str
    owner: str
    cost_center: str
    deletion_protection: bool
    force_destroy: bool
    secret_recovery_window_days: int
    corpus_dir: str
    embedding_model: str
    embedding_dimension: int
    training_ecs_spec: str
    training_image: str
    training_pod_count: int
    training_gpus_per_pod: int
    training_spot: bool
    training_revision: str
    training_max_running_time_minutes: int
    training_num_train_epochs: float | None
    training_learning_rate: float | None
    training_batch_size: int
    training_seed: int
    ingest_ecs_spec: str
    embedding_instance_type: str
    embedding_nodes: int
    chat_instance_type: str
    image_id: str
    elasticsearch_version: str
    elasticsearch_data_node_spec: str
    elasticsearch_data_node_amount: int
    elasticsearch_data_node_disk_gib: int
    elasticsearch_protocol: Protocol
    index_alias: str
    keep_indices: int
    pinned_index: str
    llm_base_url: str
    llm_model: str
    smoke_question: str
    environment: Environment
    expires_at: str
    monthly_budget_cny: int
    preflight: bool
    existing_vpc_id: str
    existing_vswitch_ids: tuple[str, ...]
    existing_corpus_bucket: str
    existing_elasticsearch_instance_id: str
    existing_pai_workspace_id: str
    encryption_key: str
    kms_instance_id: str
    nat_gateway: bool
    load_balancer: bool
    chat_certificate_id: str
    chat_domain_name: str
    chat_address_type: AddressType
    chat_allowed_cidr_blocks: tuple[str, ...]
    chat_min_instances: int
    chat_max_instances: int
    embedding_spot: bool
    elasticsearch_zone_count: int
    elasticsearch_master_node_spec: str
    elasticsearch_snapshot_schedule: str
    log_retention_days: int
    alarm_contact_emails: tuple[str, ...]
    replication_region_id: str
    retain_data: bool
    night_hours: str
    edge: EdgeKind
    edge_hostname: str
    edge_cloudflare_account_id: str
    edge_cloudflare_zone_id: str
    edge_issuer: str
    edge_audience: str
    edge_jwks_url: str
    edge_requests_per_minute: int
    edge_cache_seconds: int
    tear_down: str

    @classmethod
    def parse(cls, values: Mapping[str, str], *, stack: str) -> StackConfig:
        """Reads raw config values.

        Args:
            values: Config key without namespace to its raw text, as Pulumi hands it over.
            stack: The stack's name, for messages that say which file to edit.

        Raises:
            ConfigError: Unknown, missing or wrong keys, all of them at once.
        """
        problems: list[str] = []
        known = {config_key(field.name): field for field in fields(cls)}
        for key in sorted(values.keys() - known.keys() - SECRET_KEYS):
            near = ", ".join(sorted(known, key=lambda name: _distance(name, key))[:3])
            problems.append(f"{NAMESPACE}:{key} is no config key; near it are {near}")
        parsed: dict[str, Any] = {}
        for key, field in known.items():
            if key not in values:
                problems.append(
                    f"{NAMESPACE}:{key} is missing; set it in stacks/Pulumi.{stack}.yaml"
                )
                continue
            try:
                parsed[field.name] = PARSERS[str(field.type)](values[key])
            except ValueError as error:
                problems.append(f"{NAMESPACE}:{key} is {values[key]!r}; {error}")
        if not problems:
            config = cls(**parsed)
            problems = [
                f"{NAMESPACE}:{config_key(problem.field)} {problem.text}"
                for problem in checks.problems(config)
            ]
            if config.tear_down not in ("", stack):
                problems.append(
                    f"{NAMESPACE}:tearDown is {config.tear_down!r}; it is set by `make down` for a "
                    f"moment, to {stack!r}: remove it"
                )
            if not problems:
                return config._being_torn_down() if config.tear_down else config
        raise ConfigError(
            f"the configuration of stack {stack!r} cannot be used "
            f"(stacks/Pulumi.{stack}.yaml; every key is described in Pulumi.yaml):\n"
            + "\n".join(f"  - {problem}" for problem in problems)
        )

    def _being_torn_down(self) -> StackConfig:
        """This, without what would keep its resources from being deleted."""
        return replace(self, deletion_protection=False, force_destroy=True)

    def corpus_path(self, root: Path) -> Path:
        """The corpus folder, absolute; `root` is the project's."""
        return (root / Path(self.corpus_dir).expanduser()).resolve()


def config_key(field: str) -> str:
    """`embedding_model` -> `embeddingModel`."""
    first, *rest = field.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _distance(one: str, other: str) -> int:
    """How unlike two names are: the size of the symmetric difference of their letter pairs."""

    def pairs(text: str) -> set[str]:
        lower = text.lower()
        return {lower[i : i + 2] for i in range(len(lower) - 1)}

    return len(pairs(one) ^ pairs(other))
