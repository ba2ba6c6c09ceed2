"""Bounds of config values, and what keys must say together.

Owns: every rule about a value that is of the right type already; each gives lines, so that all that
is wrong is told at once. Does not own: keys and types (`stack_config.config`), nor what only the
cloud can tell (`guardrails.preflight`) nor what the organisation wants (`guardrails.policy`).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from rag.errors import UnknownModelError
from rag.models import CATALOGUE, model_info
from stack_config.values import (
    GN7I_REGIONS,
    AddressType,
    EdgeKind,
    Environment,
    PlatformKind,
)

if TYPE_CHECKING:
    from stack_config.config import StackConfig

__all__ = ["DIMENSIONS", "Problem", "expiry", "problems"]

DIMENSIONS = (384, 768, 1024)


@dataclass(frozen=True, kw_only=True)
class Problem:
    """What is wrong with a field: text that goes on after the key's name."""

    field: str
    text: str


def problems(config: StackConfig) -> list[Problem]:
    """All that is wrong with a configuration whose values have the right types."""
    rules: tuple[Callable[[StackConfig], Iterator[Problem]], ...] = (
        _models,
        _places,
        _bounds,
        _environment,
        _existing,
        _keys_and_data,
        _front,
        _search,
        _watch,
        _edge,
    )
    return [problem for rule in rules for problem in rule(config)]


def expiry(text: str) -> datetime:
    """`2026-11-24T12:00:00Z` -> that moment.

    Raises:
        ValueError: It is no moment in UTC.
    """
    moment = datetime.fromisoformat(text)
    if moment.utcoffset() is None or moment.utcoffset() != UTC.utcoffset(None):
        raise ValueError(f"{text!r} is not in UTC")
    return moment


def _wrong(config: StackConfig, field: str, allowed: str) -> Problem:
    value = getattr(config, field)
    shown = list(value) if isinstance(value, tuple) else value
    return Problem(field=field, text=f"is {shown!r}; {allowed}")


def _models(config: StackConfig) -> Iterator[Problem]:
    dimension, model = config.embedding_dimension, config.embedding_model
    if dimension not in DIMENSIONS:
        yield _wrong(
            config, "embedding_dimension", f"allowed are {', '.join(map(str, DIMENSIONS))}"
        )
    try:
        info = model_info(model)
    except UnknownModelError as error:
        yield _wrong(config, "embedding_model", str(error))
        return
    if info is not None and info.dimension != dimension:
        fitting = [name for name, known in CATALOGUE.items() if known.dimension == dimension]
        yield Problem(
            field="embedding_dimension",
            text=f"is {dimension}, but {model} makes embeddings of {info.dimension}; set "
            f"customrag:embeddingDimension to {info.dimension}"
            + (f", or use one of {', '.join(fitting)}" if fitting else ""),
        )


def _places(config: StackConfig) -> Iterator[Problem]:
    for zone_id in config.zone_ids:
        if not zone_id.startswith(config.region_id):
            yield Problem(
                field="zone_ids",
                text=f"has {zone_id!r}, which is not in region {config.region_id}; zones there "
                f"are named {config.region_id}-a, -b, …",
            )
    if not config.zone_ids:
        yield Problem(
            field="zone_ids", text=f"is empty; name at least one zone of {config.region_id}"
        )
    for field in ("training_ecs_spec", "embedding_instance_type"):
        spec = getattr(config, field)
        if ".gn7i" in spec and config.region_id not in GN7I_REGIONS:
            yield Problem(
                field=field,
                text=f"is {spec!r}, but {config.region_id} has no gn7i instances; regions that "
                f"do: {', '.join(sorted(GN7I_REGIONS))}",
            )


def _bounds(config: StackConfig) -> Iterator[Problem]:
    for field, fits, allowed in (
        ("training_pod_count", config.training_pod_count >= 1, "give 1 or more"),
        ("training_gpus_per_pod", 0 <= config.training_gpus_per_pod <= 8, "give 0 to 8"),
        ("training_batch_size", config.training_batch_size >= 0, "give 0 or more"),
        (
            "training_max_running_time_minutes",
            config.training_max_running_time_minutes >= 1,
            "give 1 or more minutes",
        ),
        (
            "secret_recovery_window_days",
            config.secret_recovery_window_days == 0
            or 7 <= config.secret_recovery_window_days <= 30,
            "KMS allows 7 to 30 days, or 0 to delete at once",
        ),
        (
            "index_alias",
            _matches(r"[a-z0-9][a-z0-9_-]{0,99}", config.index_alias),
            "use lower-case letters, digits, - and _",
        ),
        (
            "account_id",
            config.platform is PlatformKind.LOCAL or _matches(r"\d{16}", config.account_id),
            "a cloud stack needs the account's 16 digits, so that it lands in no other",
        ),
        ("monthly_budget_cny", config.monthly_budget_cny >= 0, "give CNY a month, 0 for none"),
        (
            "embedding_nodes",
            1 <= config.embedding_nodes <= max(1, len(set(config.zone_ids))),
            "give 1 up to the number of zones, as each is in another one; zoneIds has "
            f"{len(set(config.zone_ids))}",
        ),
    ):
        if not fits:
            yield _wrong(config, field, allowed)


def _environment(config: StackConfig) -> Iterator[Problem]:
    if config.expires_at:
        try:
            expiry(config.expires_at)
        except ValueError:
            yield _wrong(config, "expires_at", "give a moment in UTC, as 2026-11-24T12:00:00Z")
    if config.environment is Environment.LOCAL and config.platform is not PlatformKind.LOCAL:
        yield _wrong(config, "environment", "a stack in the cloud is dev, prod or pr")
    needs: dict[Environment, tuple[tuple[str, bool, str], ...]] = {
        Environment.PROD: (
            ("deletion_protection", config.deletion_protection, "prod needs true"),
            ("force_destroy", not config.force_destroy, "prod needs false"),
            ("expires_at", not config.expires_at, "prod is for good; leave it empty"),
            (
                "secret_recovery_window_days",
                config.secret_recovery_window_days > 0,
                "prod needs 7 to 30 days, so that a deleted secret can be brought back",
            ),
        ),
        Environment.PR: (
            (
                "expires_at",
                bool(config.expires_at),
                "a pr stack needs a time to live, as 2026-11-24T12:00:00Z; the sweeper goes by it",
            ),
            ("training_spot", config.training_spot, "a pr stack trains on spot instances"),
            ("embedding_spot", config.embedding_spot, "a pr stack's GPU node is a spot instance"),
            ("embedding_nodes", config.embedding_nodes == 1, "a pr stack has one; give 1"),
            (
                "deletion_protection",
                not config.deletion_protection,
                "a pr stack is deleted by the sweeper; give false",
            ),
            ("retain_data", not config.retain_data, "a pr stack leaves nothing; give false"),
        ),
    }
    for field, fits, allowed in needs.get(config.environment, ()):
        if not fits:
            yield _wrong(config, field, allowed)


def _existing(config: StackConfig) -> Iterator[Problem]:
    """What is brought along: ids as the cloud writes them."""
    if bool(config.existing_vpc_id) != bool(config.existing_vswitch_ids):
        yield _wrong(
            config,
            "existing_vswitch_ids",
            f"it goes with existingVpcId, which is {config.existing_vpc_id!r}; give both or none",
        )
    elif config.existing_vswitch_ids and len(config.existing_vswitch_ids) != len(config.zone_ids):
        yield _wrong(
            config,
            "existing_vswitch_ids",
            f"give one for each of zoneIds, in the same order: {', '.join(config.zone_ids)}",
        )
    for field, pattern, example in (
        ("existing_vpc_id", r"vpc-[a-z0-9]+", "vpc-bp1…"),
        ("existing_corpus_bucket", r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]", "a bucket's name"),
        ("existing_elasticsearch_instance_id", r"es-[a-z]{2}-[a-z0-9]+", "es-cn-…"),
        ("existing_pai_workspace_id", r"\d+", "a workspace's number"),
        ("kms_instance_id", r"kst-[a-z0-9]+", "kst-…"),
    ):
        value = getattr(config, field)
        if value and not _matches(pattern, value):
            yield _wrong(config, field, f"give an id as the cloud writes it ({example}), or none")
    for vswitch_id in config.existing_vswitch_ids:
        if not _matches(r"vsw-[a-z0-9]+", vswitch_id):
            yield Problem(
                field="existing_vswitch_ids", text=f"has {vswitch_id!r}; ids begin with vsw-"
            )


def _keys_and_data(config: StackConfig) -> Iterator[Problem]:
    # Both forms of id: https://www.alibabacloud.com/help/en/kms/key-management-service/developer-reference/
    # api-kms-2016-01-20-createkey, read 2026-11-21.
    key_id = r"managed|own|key-[a-z0-9-]+|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    if not _matches(key_id, config.encryption_key):
        yield _wrong(
            config,
            "encryption_key",
            "give managed (the cloud's keys), own (a KMS key is made) or a key's id (key-…)",
        )
    if config.retain_data and config.force_destroy:
        yield _wrong(
            config, "retain_data", "that goes against forceDestroy true; set one of them to false"
        )
    if config.replication_region_id == config.region_id:
        yield _wrong(
            config, "replication_region_id", "copies belong in another region than regionId"
        )
    elif config.replication_region_id and not _matches(
        r"[a-z]{2}(-[a-z0-9]+)+", config.replication_region_id
    ):
        yield _wrong(config, "replication_region_id", "give a region, as cn-shanghai")


def _front(config: StackConfig) -> Iterator[Problem]:
    """The load balancer, and who comes through."""
    internet = config.chat_address_type is AddressType.INTERNET
    if not 1 <= config.chat_min_instances <= config.chat_max_instances:
        yield _wrong(
            config,
            "chat_min_instances",
            f"give 1 up to chatMaxInstances, which is {config.chat_max_instances}",
        )
    if config.load_balancer:
        if not config.chat_certificate_id:
            yield _wrong(
                config,
                "chat_certificate_id",
                "a load balancer speaks HTTPS; give a certificate's id from the SSL console",
            )
        # https://www.alibabacloud.com/help/en/slb/application-load-balancer/user-guide/create-an-alb-instance
        # (two zones or more where the region has them); read 2026-11-21.
        if len(set(config.zone_ids)) < 2:
            yield _wrong(config, "zone_ids", "a load balancer needs two zones")
    elif internet:
        yield _wrong(config, "chat_address_type", "only a load balancer can face the Internet")
    elif config.chat_max_instances > 1:
        yield _wrong(config, "chat_max_instances", "more than one needs loadBalancer true")
    if internet and not config.chat_allowed_cidr_blocks:
        yield _wrong(config, "chat_allowed_cidr_blocks", "name who may come in from the Internet")
    for block in config.chat_allowed_cidr_blocks:
        try:
            network = ipaddress.ip_network(block)
        except ValueError as error:
            yield Problem(field="chat_allowed_cidr_blocks", text=f"has {block!r}; {error}")
            continue
        if network.prefixlen == 0 and config.edge is EdgeKind.NONE:
            yield Problem(
                field="chat_allowed_cidr_blocks",
                text=f"has {block!r}, which is everybody; that is allowed behind an edge only, "
                "which knows who asks",
            )


def _search(config: StackConfig) -> Iterator[Problem]:
    zones, nodes = config.elasticsearch_zone_count, config.elasticsearch_data_node_amount
    if not 1 <= zones <= 3:
        yield _wrong(config, "elasticsearch_zone_count", "Elasticsearch takes 1, 2 or 3 zones")
    elif nodes % zones:
        # The nodes are spread evenly over the zones (`components.elasticsearch`).
        yield _wrong(
            config,
            "elasticsearch_data_node_amount",
            f"give a multiple of elasticsearchZoneCount, which is {zones}",
        )
    if zones > 1 and not config.elasticsearch_master_node_spec:
        # https://www.alibabacloud.com/help/en/es/user-guide/migrate-the-zone-of-the-node, read
        # 2026-11-21.
        yield _wrong(
            config,
            "elasticsearch_master_node_spec",
            "several zones need dedicated master nodes; give their size, as "
            "elasticsearch.sn2ne.large",
        )
    if not 0 <= config.keep_indices <= 5:
        yield _wrong(config, "keep_indices", "each takes as much disk as the present one: 0 to 5")
    if config.pinned_index and not config.pinned_index.startswith(f"{config.index_alias}-"):
        yield _wrong(
            config,
            "pinned_index",
            f"an index of alias {config.index_alias} begins with {config.index_alias}-; output "
            "index_generations names those that are there",
        )
    if config.pinned_index and not config.keep_indices:
        yield _wrong(
            config,
            "keep_indices",
            "with pinnedIndex the present index is a former one: give 1 or more, or it is deleted",
        )
    schedule = config.elasticsearch_snapshot_schedule
    if schedule and len(schedule.split()) not in (6, 7):
        yield _wrong(
            config,
            "elasticsearch_snapshot_schedule",
            "give six or seven fields as Quartz has them, seconds first, as 0 0 1 ? * * *",
        )


def _watch(config: StackConfig) -> Iterator[Problem]:
    if not 0 <= config.log_retention_days <= 3650:
        yield _wrong(config, "log_retention_days", "give 1 to 3650 days, or 0 for no log service")
    for address in config.alarm_contact_emails:
        if not _matches(r"[^@\s]+@[^@\s]+\.[^@\s]+", address):
            yield Problem(
                field="alarm_contact_emails", text=f"has {address!r}, which is no address"
            )
    if config.night_hours and not _is_night(config.night_hours):
        yield _wrong(
            config, "night_hours", "give from-to and a time zone, as 20:00-08:00 Asia/Shanghai"
        )


def _edge(config: StackConfig) -> Iterator[Problem]:
    texts = (
        "edge_hostname",
        "edge_cloudflare_account_id",
        "edge_cloudflare_zone_id",
        "edge_issuer",
        "edge_audience",
        "edge_jwks_url",
    )
    if config.edge_requests_per_minute < 1:
        yield _wrong(config, "edge_requests_per_minute", "give 1 or more")
    if config.edge_cache_seconds < 0:
        yield _wrong(config, "edge_cache_seconds", "give seconds, 0 to keep no answer")
    if config.edge is EdgeKind.NONE:
        for field in texts:
            if getattr(config, field):
                yield _wrong(config, field, "it goes with an edge, and customrag:edge is none")
        return
    if config.platform is PlatformKind.LOCAL:
        return  # The local cloud has an issuer and a name of its own.
    for field in texts:
        if not getattr(config, field):
            yield _wrong(config, field, f"edge {config.edge} needs it")
    for field in ("edge_issuer", "edge_jwks_url"):
        value = getattr(config, field)
        if value and not value.startswith("https://"):
            yield _wrong(config, field, "tokens are trusted by it: give an https:// URL")
    if not (config.load_balancer and config.chat_address_type is AddressType.INTERNET):
        yield _wrong(
            config,
            "chat_address_type",
            "the edge comes from the Internet: give Internet, with loadBalancer true",
        )
    if not config.chat_domain_name:
        yield _wrong(
            config,
            "chat_domain_name",
            "the edge checks the load balancer's certificate: give the certificate's name",
        )


def _matches(pattern: str, text: str) -> bool:
    return re.fullmatch(pattern, text) is not None


def _is_night(text: str) -> bool:
    clock = r"([01]\d|2[0-3]):[0-5]\d"
    found = re.fullmatch(rf"(?P<start>{clock})-(?P<end>{clock}) (?P<zone>\S+)", text)
    if not found or found["start"] == found["end"]:
        return False
    try:
        ZoneInfo(found["zone"])
    except (KeyError, ValueError, OSError):  # KeyError: no such zone
        return False
    return True
