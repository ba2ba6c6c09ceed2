"""Plans: what jobs run and what things are called, from the configuration. Pure.

Owns: job settings, the training's identity, index names. Does not own: resources.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from providers.clients.oss_uri import parse_oss_uri
from rag.index import ANALYSER, CHUNKER, SETTINGS
from stack_config.config import StackConfig
from training.bounds import CROSS_ENCODER_EPOCHS
from training.job_specs import (
    JobPlan,
    PodSettings,
    TrainingSettings,
    train_embedding_job,
)

__all__ = ["index_name", "plan_embedding_nodes", "plan_training", "training_key"]


def training_key(config: StackConfig, *, code_digest: str, training_digest: str) -> str:
    """Return 12 hexadecimal digits that identify a training run by everything that affects it."""
    identity: dict[str, Any] = {
        "code": code_digest,
        "questions": training_digest,
        "revision": config.training.revision,
        "model": config.embedding.model,
        "model_uri": config.embedding.model_uri,
        "dimension": config.embedding.dimension,
        "num_train_epochs": config.training.num_train_epochs,
        "learning_rate": config.training.learning_rate,
        "batch_size": config.training.batch_size,
        "workers": config.training.pod_count * max(1, config.training.gpus_per_pod),
        "seed": config.training.seed,
    }
    if reading := config.documents.read_options.arguments():
        identity["reading"] = reading
    if epochs := _cross_encoder_epochs(config):
        identity["cross_encoder_epochs"] = epochs
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:12]


def plan_training(
    config: StackConfig, *, code_uri: str, corpus_uri: str, output_uri: str, oss_host: str
) -> JobPlan:
    """Return the DLC job that tunes the embedding model.

    Args:
        config: The stack's configuration.
        code_uri, corpus_uri, output_uri: As in `train_embedding_job`.
        oss_host: Host of the region's OSS, for the folder of the base model.
    """
    settings = TrainingSettings(
        pods=PodSettings(
            ecs_spec=config.training.ecs_spec,
            image=config.training.image,
            pod_count=config.training.pod_count,
            gpus_per_pod=config.training.gpus_per_pod,
            use_spot_instance=config.training.spot,
        ),
        base_model=config.embedding.model,
        dimension=config.embedding.dimension,
        base_model_uri=_mountable(config.embedding.model_uri, oss_host),
        num_train_epochs=config.training.num_train_epochs,
        learning_rate=config.training.learning_rate,
        per_device_train_batch_size=config.training.batch_size or None,
        cross_encoder_epochs=_cross_encoder_epochs(config),
        seed=config.training.seed,
        read_options=config.documents.read_options,
    )
    return train_embedding_job(settings, code_uri, corpus_uri, output_uri)


def _cross_encoder_epochs(config: StackConfig) -> int | None:
    """Return the passes of the cross-encoder; None if the stack's reranker is another."""
    return CROSS_ENCODER_EPOCHS if config.reranker.uses_cross_encoder else None


def _mountable(uri: str, oss_host: str) -> str:
    """Return an OSS URI as PAI mounts it, with the endpoint's host; empty if `uri` is."""
    if not uri:
        return ""
    folder = parse_oss_uri(uri)
    return f"oss://{folder.bucket}.{oss_host}/{folder.key}"


def plan_embedding_nodes(config: StackConfig) -> dict[str, str]:
    """Return the logical name of each embedding node, and its zone.

    The first has the same name as an only node, so that adding nodes does not replace it.
    """
    return {
        "embedding-node" if number == 1 else f"embedding-node-{number}": zone_id
        for number, zone_id in enumerate(config.zone_ids[: config.embedding.nodes], start=1)
    }


def index_name(alias: str, model_version: str, mappings: Mapping[str, Any]) -> str:
    """Return `<alias>-<model version>-<digest>`: another model, mapping or setting is a new index.

    Of `_meta` only the chunker, the analyser and the form of the token vectors count: the address
    of the embedder may change for the same index.
    """
    shape = {
        "properties": mappings.get("properties"),
        "dynamic": mappings.get("dynamic"),
        "source": mappings.get("_source"),
        "settings": dict(SETTINGS),
        "chunker": CHUNKER,
        "analyser": ANALYSER,
        "token_vectors": mappings.get("_meta", {}).get("token_vectors"),
    }
    digest = hashlib.sha256(json.dumps(shape, sort_keys=True).encode()).hexdigest()[:6]
    return f"{alias}-{model_version}-{digest}"
