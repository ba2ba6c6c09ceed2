"""A stack's configuration, read once into one frozen object.

Owns: how raw values become that object, rules between groups, and the message about everything
that is wrong. Does not own: defaults (`Pulumi.yaml`), values (`stacks/`), or the keys and rules of
one group (`stack_config.documents`, `.models`, `.search`, `.front`, `.operations`). The whole
configuration is checked before anything is created.

Errors:
    ConfigError: one or several keys are wrong; the message has a line for each.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any

import pulumi
from pydantic import AfterValidator, ValidationError

from stack_config.documents import Documents
from stack_config.front import Chat, Edge
from stack_config.group import Flag, Group, Problem, Texts, keys_after
from stack_config.kinds import Environment, PlatformKind, RerankerKind
from stack_config.models import Embedding, Ingest, LanguageModel, Reranker, Training
from stack_config.operations import Cost, Existing, Network, Observability, Protection
from stack_config.search import Engines, Index, OpenSearch, Search

__all__ = ["NAMESPACE", "SECRET_KEYS", "ConfigError", "StackConfig"]

NAMESPACE = "customrag"
SECRET_KEYS = frozenset(
    {"elasticsearchPassword", "opensearchPassword", "llmApiKey", "edgeOriginKey"}
)

# Regions with gn7i instances, for PAI DLC and ECS. Source: https://www.alibabacloud.com/help/en/ecs/user-guide/
# gpu-accelerated-compute-optimized-and-vgpu-accelerated-instance-families-1 and the buy page; read
# 2026-11-21. The preflight asks the cloud itself, zone by zone.
_GN7I_REGIONS = frozenset(
    {
        "ap-northeast-1",
        "ap-southeast-1",
        "ap-southeast-3",
        "ap-southeast-5",
        "cn-beijing",
        "cn-chengdu",
        "cn-guangzhou",
        "cn-hangzhou",
        "cn-heyuan",
        "cn-hongkong",
        "cn-nanjing",
        "cn-qingdao",
        "cn-shanghai",
        "cn-shenzhen",
        "cn-wulanchabu",
        "cn-zhangjiakou",
        "eu-central-1",
        "us-east-1",
        "us-west-1",
    }
)
_HONG_KONG = "cn-hongkong"


class ConfigError(pulumi.RunError):
    """The configuration is not valid. The message says, key by key, what to change.

    The engine shows the message of a `RunError` without a traceback.
    """


def _expiry(text: str) -> str:
    try:
        if text and datetime.fromisoformat(text).utcoffset() != timedelta():
            raise ValueError(text)
    except ValueError as error:
        raise ValueError("give a time in UTC, such as 2026-11-24T12:00:00Z") from error
    return text


def _zones(zone_ids: tuple[str, ...]) -> tuple[str, ...]:
    if not zone_ids:
        raise ValueError("give at least one zone of the region")
    return zone_ids


class StackConfig(Group, alias_generator=keys_after()):
    """One stack's configuration; `Pulumi.yaml` describes each key.

    The secrets (`SECRET_KEYS`) are not part of it: they are read, as secrets, where they are used.
    """

    platform: PlatformKind
    environment: Environment
    region_id: str
    zone_ids: Annotated[Texts, AfterValidator(_zones)]
    account_id: str
    owner: str
    cost_center: str
    expires_at: Annotated[str, AfterValidator(_expiry)]
    corpus_dir: str
    image_id: str
    preflight: Flag
    tear_down: str
    network: Network
    existing: Existing
    protection: Protection
    documents: Documents
    training: Training
    ingest: Ingest
    embedding: Embedding
    language_model: LanguageModel
    reranker: Reranker
    engines: Engines
    search: Search
    opensearch: OpenSearch
    index: Index
    chat: Chat
    edge: Edge
    observability: Observability
    cost: Cost

    @classmethod
    def parse(cls, values: Mapping[str, str], *, stack: str) -> StackConfig:
        """Read raw config values.

        Args:
            values: Config key without namespace to its raw text, as Pulumi passes it.
            stack: The stack's name, for messages that say which file to edit.

        Raises:
            ConfigError: Keys are unknown, missing or wrong; the message names all of them.
        """
        known = {key for _, key in cls.all_keys()}
        problems = [_unknown(key, known) for key in sorted(values.keys() - known - SECRET_KEYS)]
        config = None
        try:
            config = cls.model_validate(cls._by_group(values))
        except ValidationError as error:
            problems += _problems_of(error, values, stack)
        else:
            problems += config.problems()
            if config.tear_down not in ("", stack):
                allowed = f"only `make down` sets it, briefly, to {stack!r}; remove it"
                problems.append(config.wrong("tear_down", allowed))
        if config is None or problems:
            raise ConfigError(
                f"The configuration of stack {stack!r} is not valid. Edit "
                f"stacks/Pulumi.{stack}.yaml; Pulumi.yaml describes every key.\n"
                + "\n".join(f"  - {NAMESPACE}:{item.key} {item.text}" for item in problems)
            )
        return config._without_protection() if config.tear_down else config

    @classmethod
    def all_keys(cls) -> Iterator[tuple[str, str]]:
        """Yield the group's name (empty for a key outside any group) and key of every value."""
        for name, field in cls.model_fields.items():
            group = field.annotation
            if isinstance(group, type) and issubclass(group, Group):
                for inner in group.model_fields.values():
                    yield name, str(inner.alias)
            else:
                yield "", str(field.alias)

    @classmethod
    def _by_group(cls, values: Mapping[str, str]) -> dict[str, Any]:
        groups: dict[str, Any] = {}
        for group, key in cls.all_keys():
            into = groups.setdefault(keys_after()(group), {}) if group else groups
            if key in values:
                into[key] = values[key]
        return groups

    def _without_protection(self) -> StackConfig:
        """Return a copy whose resources can be deleted."""
        unprotected = {"deletion_protection": False, "force_destroy": True}
        return self.model_copy(
            update={"protection": self.protection.model_copy(update=unprotected)}
        )

    def corpus_path(self, root: Path) -> Path:
        """Return the corpus folder as an absolute path; `root` is the project's folder."""
        return (root / Path(self.corpus_dir).expanduser()).resolve()

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong between keys, once the value of each is valid."""
        for name in type(self).model_fields:
            group = getattr(self, name)
            if isinstance(group, Group):
                yield from group.problems()
        yield from self._place_problems()
        yield from self._model_problems()
        yield from self._environment_problems()
        yield from self._existing_problems()
        yield from self._engine_problems()
        yield from self._front_problems()

    def _place_problems(self) -> Iterator[Problem]:
        if self.platform is PlatformKind.ALICLOUD and not (
            len(self.account_id) == 16 and self.account_id.isdecimal()
        ):
            yield self.wrong(
                "account_id",
                "give the 16 digits of the account, so that the stack cannot end up in another one",
            )
        for zone_id in self.zone_ids:
            if not zone_id.startswith(self.region_id):
                yield self.wrong(
                    "zone_ids",
                    f"{zone_id!r} is not in region {self.region_id}, whose zones are named "
                    f"{self.region_id}-a, {self.region_id}-b and so on",
                )
        for group, field in ((self.training, "ecs_spec"), (self.embedding, "instance_type")):
            if ".gn7i" in getattr(group, field) and self.region_id not in _GN7I_REGIONS:
                yield group.wrong(
                    field,
                    f"region {self.region_id} has no gn7i instances; these regions have: "
                    f"{', '.join(sorted(_GN7I_REGIONS))}",
                )
        zones = len(set(self.zone_ids))
        if self.embedding.nodes > max(1, zones):
            yield self.embedding.wrong(
                "nodes",
                f"each node is in a zone of its own, so it must be from 1 to {zones}, the number "
                "of zones in zoneIds",
            )
        if self.protection.replication_region_id == self.region_id:
            yield self.protection.wrong(
                "replication_region_id", "copies must be in another region than regionId"
            )

    def _model_problems(self) -> Iterator[Problem]:
        for engine in self.engines.engines:
            if problem := self.index.vectors.problem(self.embedding.dimension, engine):
                yield self.index.wrong(*problem)
        hosted = self.reranker.kind is RerankerKind.HOSTED
        if hosted and self.platform is PlatformKind.LOCAL:
            yield self.reranker.wrong(
                "kind",
                "a local stack has no hosted reranker; give lateInteraction, crossEncoder or none",
            )
        hub = self.embedding.hub
        if not hub or self.platform is not PlatformKind.ALICLOUD:
            return
        staged = "or put the model's files into OSS and give the folder in embeddingModelUri"
        if not (self.network.nat_gateway or self.existing.vpc_id):
            yield self.embedding.wrong(
                "model", f"the training pods cannot reach the hub; set natGateway to true, {staged}"
            )
        elif hub == "hf" and self.region_id.startswith("cn-") and self.region_id != _HONG_KONG:
            yield self.embedding.wrong(
                "model",
                f"huggingface.co cannot be reached from region {self.region_id}; give the model "
                f"of ModelScope, modelscope:{self.embedding.model.partition(':')[2]}, {staged}",
            )

    def _environment_problems(self) -> Iterator[Problem]:
        if self.environment is Environment.LOCAL and self.platform is not PlatformKind.LOCAL:
            yield self.wrong("environment", "it must be dev, prod or pr for a stack in the cloud")
        if self.environment is Environment.PROD:
            yield from self._prod_problems()
        if self.environment is Environment.PR:
            yield from self._pr_problems()

    def _prod_problems(self) -> Iterator[Problem]:
        if not self.protection.deletion_protection:
            yield self.protection.wrong("deletion_protection", "prod needs true")
        if self.protection.force_destroy:
            yield self.protection.wrong("force_destroy", "prod needs false")
        if self.expires_at:
            yield self.wrong("expires_at", "prod never expires; leave it empty")
        if not self.protection.secret_recovery_window_days:
            yield self.protection.wrong(
                "secret_recovery_window_days",
                "prod needs 7 to 30 days, so that a deleted secret can be restored",
            )

    def _pr_problems(self) -> Iterator[Problem]:
        if not self.expires_at:
            yield self.wrong(
                "expires_at",
                "a pr stack needs a time in UTC after which the sweeper destroys it, such as "
                "2026-11-24T12:00:00Z",
            )
        if not self.training.spot:
            yield self.training.wrong("spot", "a pr stack trains on spot instances; give true")
        if not self.embedding.spot:
            yield self.embedding.wrong("spot", "a pr stack embeds on a spot instance; give true")
        if self.embedding.nodes != 1:
            yield self.embedding.wrong("nodes", "a pr stack has one embedding node; give 1")
        if self.protection.deletion_protection:
            yield self.protection.wrong(
                "deletion_protection", "the sweeper deletes a pr stack; give false"
            )
        if self.protection.retain_data:
            yield self.protection.wrong("retain_data", "a pr stack keeps no data; give false")

    def _existing_problems(self) -> Iterator[Problem]:
        vswitch_ids = self.existing.vswitch_ids
        if vswitch_ids and len(vswitch_ids) != len(self.zone_ids):
            yield self.existing.wrong(
                "vswitch_ids",
                f"give one for each of zoneIds, in the same order: {', '.join(self.zone_ids)}",
            )

    def _engine_problems(self) -> Iterator[Problem]:
        if not self.engines.elasticsearch:
            without = "the stack has no Elasticsearch; leave it empty, or add it to searchEngines"
            if self.search.snapshot_schedule:
                yield self.search.wrong("snapshot_schedule", without)
            if self.existing.elasticsearch_instance_id:
                yield self.existing.wrong("elasticsearch_instance_id", without)
        if self.engines.opensearch and self.existing.vpc_id:
            yield self.existing.wrong(
                "vpc_id",
                "the OpenSearch nodes have fixed addresses, which the program chooses in its own "
                "vSwitches only; leave it empty, or give elasticsearch in searchEngines",
            )

    def _front_problems(self) -> Iterator[Problem]:
        chat, edge = self.chat, self.edge
        # https://www.alibabacloud.com/help/en/slb/application-load-balancer/user-guide/create-an-alb-instance
        # (two zones or more where the region has them); read 2026-11-21.
        if chat.load_balancer and len(set(self.zone_ids)) < 2:
            yield self.wrong("zone_ids", "a load balancer needs two zones")
        if not edge.exists and any(block.endswith("/0") for block in chat.allowed_cidr_blocks):
            yield chat.wrong(
                "allowed_cidr_blocks",
                "a block that ends in /0 admits everyone, which is allowed only behind an edge, "
                "where users sign in",
            )
        # The local cloud has an issuer and a hostname of its own.
        if edge.exists and self.platform is not PlatformKind.LOCAL:
            for field in edge.NEEDED:
                if not getattr(edge, field):
                    yield edge.wrong(field, f"edge {edge.kind} needs it")
            if not chat.faces_internet:
                yield chat.wrong(
                    "address_type",
                    "the edge connects from the Internet; give Internet, with loadBalancer true",
                )
            if not chat.domain_name:
                yield chat.wrong(
                    "domain_name",
                    "the edge checks the load balancer's certificate; give the certificate's name",
                )


def _unknown(key: str, known: set[str]) -> Problem:
    near = get_close_matches(key, sorted(known), n=3)
    rest = f"did you mean {' or '.join(near)}?" if near else "Pulumi.yaml lists every key"
    return Problem(key, f"is not a config key; {rest}")


def _problems_of(error: ValidationError, values: Mapping[str, str], stack: str) -> list[Problem]:
    problems: list[Problem] = []
    for item in error.errors(include_url=False):
        key = str(item["loc"][-1]) if item["loc"] else ""
        context = item.get("ctx", {})
        if item["type"] == "missing":
            problems.append(Problem(key, f"is missing; set it in stacks/Pulumi.{stack}.yaml"))
        else:
            allowed = str(context.get("error", item["msg"]))
            if item["type"] == "enum":
                allowed = f"it must be {context['expected'].replace(chr(39), '')}"
            problems.append(Problem(key, f"is {_shown(values[key])}; {allowed}"))
    return problems


def _shown(raw: str) -> str:
    """Return a raw value as people write it: numbers, flags and lists without quotes."""
    try:
        return repr(raw) if isinstance(json.loads(raw), str) else raw
    except ValueError:
        return repr(raw)
