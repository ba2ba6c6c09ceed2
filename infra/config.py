"""The stack's configuration, read once into one frozen object.

Owns: names, types and bounds of every config key, and the one place where they are read. Does not
own: defaults (they stand in `Pulumi.yaml`) nor values (`stacks/`). Everything here is checked
before anything
is created.

Errors:
    ConfigError: one or several keys are wrong; the message has a line for each.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import Any

from components.elasticsearch import Protocol
from rag.errors import UnknownModelError
from rag.models import CATALOGUE, model_info

__all__ = ["SECRET_KEYS", "ConfigError", "PlatformKind", "StackConfig", "config_key"]

NAMESPACE = "customrag"
SECRET_KEYS = frozenset({"elasticsearchPassword", "llmApiKey"})
DIMENSIONS = (384, 768, 1024)

# Regions with gn7i instances, for PAI DLC and ECS. Source: https://www.alibabacloud.com/help/en/ecs/user-guide/
# gpu-accelerated-compute-optimized-and-vgpu-accelerated-instance-families-1 and the buy page; read
# 2026-11-21,
# not asked of the cloud itself (preflight does that per zone).
GN7I_REGIONS = frozenset(
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


class ConfigError(Exception):
    """The configuration cannot be used. The message says, key by key, what to change."""


class PlatformKind(StrEnum):
    """Where a stack lives."""

    LOCAL = "local"
    ALICLOUD = "alicloud"


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
    chat_instance_type: str
    image_id: str
    elasticsearch_version: str
    elasticsearch_data_node_spec: str
    elasticsearch_data_node_amount: int
    elasticsearch_data_node_disk_gib: int
    elasticsearch_protocol: Protocol
    index_alias: str
    llm_base_url: str
    llm_model: str
    smoke_question: str

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
                parsed[field.name] = _PARSERS[str(field.type)](values[key])
            except ValueError as error:
                problems.append(f"{NAMESPACE}:{key} is {values[key]!r}; {error}")
        if not problems:
            config = cls(**parsed)
            problems = config._problems()
            if not problems:
                return config
        raise ConfigError(
            f"the configuration of stack {stack!r} cannot be used "
            f"(stacks/Pulumi.{stack}.yaml; every key is described in Pulumi.yaml):\n"
            + "\n".join(f"  - {problem}" for problem in problems)
        )

    def _problems(self) -> list[str]:
        found = [*self._model_problems(), *self._place_problems()]

        def need(condition: bool, field: str, allowed: str) -> None:
            if not condition:
                found.append(
                    f"{NAMESPACE}:{config_key(field)} is {getattr(self, field)!r}; {allowed}"
                )

        need(self.training_pod_count >= 1, "training_pod_count", "give 1 or more")
        need(0 <= self.training_gpus_per_pod <= 8, "training_gpus_per_pod", "give 0 to 8")
        need(self.training_batch_size >= 0, "training_batch_size", "give 0 or more")
        need(
            self.training_max_running_time_minutes >= 1,
            "training_max_running_time_minutes",
            "give 1 or more minutes",
        )
        need(
            self.secret_recovery_window_days == 0 or 7 <= self.secret_recovery_window_days <= 30,
            "secret_recovery_window_days",
            "KMS allows 7 to 30 days, or 0 to delete at once",
        )
        need(
            bool(re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,99}", self.index_alias)),
            "index_alias",
            "use lower-case letters, digits, - and _",
        )
        need(
            self.platform is PlatformKind.LOCAL or bool(re.fullmatch(r"\d{16}", self.account_id)),
            "account_id",
            "a cloud stack needs the account's 16 digits, so that it lands in no other",
        )
        return found

    def _model_problems(self) -> list[str]:
        found: list[str] = []
        if self.embedding_dimension not in DIMENSIONS:
            found.append(
                f"{NAMESPACE}:embeddingDimension is {self.embedding_dimension}; "
                f"allowed are {', '.join(map(str, DIMENSIONS))}"
            )
        try:
            info = model_info(self.embedding_model)
        except UnknownModelError as error:
            return [*found, f"{NAMESPACE}:embeddingModel is {self.embedding_model!r}; {error}"]
        if info is not None and info.dimension != self.embedding_dimension:
            fitting = [n for n, i in CATALOGUE.items() if i.dimension == self.embedding_dimension]
            found.append(
                f"{NAMESPACE}:embeddingDimension is {self.embedding_dimension}, but "
                f"{self.embedding_model} makes embeddings of {info.dimension}; set "
                f"{NAMESPACE}:embeddingDimension to {info.dimension}"
                + (f", or use one of {', '.join(fitting)}" if fitting else "")
            )
        return found

    def _place_problems(self) -> list[str]:
        found = [
            f"{NAMESPACE}:zoneIds has {zone_id!r}, which is not in region {self.region_id}; zones "
            f"there are named {self.region_id}-a, -b, …"
            for zone_id in self.zone_ids
            if not zone_id.startswith(self.region_id)
        ]
        if not self.zone_ids:
            found.append(
                f"{NAMESPACE}:zoneIds is empty; name at least one zone of {self.region_id}"
            )
        for field in ("training_ecs_spec", "embedding_instance_type"):
            spec = getattr(self, field)
            if ".gn7i" in spec and self.region_id not in GN7I_REGIONS:
                found.append(
                    f"{NAMESPACE}:{config_key(field)} is {spec!r}, but {self.region_id} has "
                    f"no gn7i instances; regions that do: {', '.join(sorted(GN7I_REGIONS))}"
                )
        return found

    def corpus_path(self, root: Path) -> Path:
        """The corpus folder, absolute; `root` is the project's."""
        return (root / Path(self.corpus_dir).expanduser()).resolve()


def config_key(field: str) -> str:
    """`embedding_model` -> `embeddingModel`."""
    first, *rest = field.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _text(raw: str) -> str:
    return raw


def _integer(raw: str) -> int:
    if not re.fullmatch(r"-?\d+", raw):
        raise ValueError("give a whole number")
    return int(raw)


def _boolean(raw: str) -> bool:
    if raw not in ("true", "false"):
        raise ValueError("give true or false")
    return raw == "true"


def _optional_number(raw: str) -> float | None:
    if not raw:
        return None
    try:
        value = float(raw)
    except ValueError as error:
        raise ValueError("give a number, or nothing") from error
    if value <= 0:
        raise ValueError("give a number over 0, or nothing")
    return value


def _texts(raw: str) -> tuple[str, ...]:
    value = json.loads(raw) if raw.startswith("[") else None
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValueError("give a list of texts")
    return tuple(value)


def _platform(raw: str) -> PlatformKind:
    if raw not in tuple(PlatformKind):
        raise ValueError(f"allowed are {', '.join(PlatformKind)}")
    return PlatformKind(raw)


def _protocol(raw: str) -> Protocol:
    if raw not in tuple(Protocol):
        raise ValueError(f"allowed are {', '.join(Protocol)}")
    return Protocol(raw)


_PARSERS: Mapping[str, Any] = {
    "str": _text,
    "int": _integer,
    "bool": _boolean,
    "float | None": _optional_number,
    "tuple[str, ...]": _texts,
    "PlatformKind": _platform,
    "Protocol": _protocol,
}


def _distance(one: str, other: str) -> int:
    """How unlike two names are: the size of the symmetric difference of their letter pairs."""

    def pairs(text: str) -> set[str]:
        lower = text.lower()
        return {lower[i : i + 2] for i in range(len(lower) - 1)}

    return len(pairs(one) ^ pairs(other))
