"""Config keys of the models: where they are trained, and where they answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import AfterValidator, Field

from rag.models import CATALOGUE, DIMENSIONS
from stack_config.group import (
    Flag,
    Group,
    Number,
    Problem,
    Whole,
    bounded,
    keys_after,
    matching,
)
from stack_config.kinds import RerankerKind
from training.bounds import BOUNDS, Bounds

__all__ = ["DASHSCOPE", "Embedding", "Ingest", "LanguageModel", "Reranker", "Training"]

DASHSCOPE = "https://dashscope.aliyuncs.com/compatible-mode/v1"
"""DashScope's OpenAI-compatible endpoint, in mainland China."""
_DIMENSIONS = ", ".join(map(str, DIMENSIONS))


def _batch_size(value: int) -> int:
    bounds = BOUNDS["per_device_train_batch_size"]
    if value and value not in bounds:
        raise ValueError(f"it must be {bounds}, or 0 for the training script's default")
    return value


def _dimension(value: int) -> int:
    if value and value not in DIMENSIONS:
        raise ValueError(f"it must be one of {_DIMENSIONS}, or 0 for a model of the catalogue")
    return value


class Training(Group, alias_generator=keys_after("training")):
    """The DLC job that tunes the embedding model."""

    ecs_spec: str
    image: str
    pod_count: Annotated[Whole, bounded(BOUNDS["pod_count"])]
    gpus_per_pod: Annotated[Whole, bounded(BOUNDS["gpus_per_pod"])]
    spot: Flag
    revision: str
    max_running_time_minutes: Annotated[Whole, bounded(Bounds(1))]
    num_train_epochs: Annotated[Number, bounded(BOUNDS["num_train_epochs"])]
    learning_rate: Annotated[Number, bounded(BOUNDS["learning_rate"])]
    batch_size: Annotated[Whole, AfterValidator(_batch_size)]
    seed: Annotated[Whole, bounded(BOUNDS["seed"])]


class Ingest(Group, alias_generator=keys_after("ingest")):
    """The DLC job that fills the index."""

    ecs_spec: str


class Embedding(Group, alias_generator=keys_after("embedding")):
    """The embedding model, and the nodes that answer with it."""

    model: str
    model_uri: Annotated[
        str,
        matching(
            r"oss://[a-z0-9][a-z0-9-]{1,61}[a-z0-9]/(?:[^/]+/)+",
            "a folder in OSS, such as oss://models/bge-m3/",
            or_empty=True,
        ),
    ]
    given_dimension: Annotated[Whole, AfterValidator(_dimension)] = Field(
        alias="embeddingDimension"
    )
    instance_type: str
    nodes: Annotated[Whole, bounded(Bounds(1))]
    spot: Flag

    @property
    def hub(self) -> str:
        """Where a job fetches the model from: `hf` or `modelscope`; empty for other sources."""
        hub = self.model.partition(":")[0]
        return hub if hub in ("hf", "modelscope") and not self.model_uri else ""

    @property
    def dimension(self) -> int:
        """Numbers in one embedding: the catalogue's, or what is given for a model outside it."""
        known = CATALOGUE.get(self.model)
        return known.dimension if known is not None else self.given_dimension

    @property
    def languages(self) -> tuple[str, ...]:
        """Languages that the model knows; empty for many, and for a model outside the catalogue."""
        known = CATALOGUE.get(self.model)
        return known.languages if known is not None else ()

    def problems(self) -> Iterator[Problem]:
        """Yield a dimension that contradicts the catalogue, or that the catalogue does not know."""
        if not self.dimension:
            yield self.wrong(
                "given_dimension",
                f"the catalogue does not list {self.model}, so give the length of its embeddings, "
                f"which its model card states: one of {_DIMENSIONS}",
            )
        elif self.given_dimension not in (0, self.dimension):
            fitting = [
                n for n, known in CATALOGUE.items() if known.dimension == self.given_dimension
            ]
            yield self.wrong(
                "given_dimension",
                f"{self.model} makes embeddings of {self.dimension}. Remove the key, or set "
                f"customrag:embeddingModel to one of {', '.join(fitting)}",
            )


class LanguageModel(Group, alias_generator=keys_after("llm")):
    """The language model that writes the answers."""

    given_base_url: Annotated[
        str,
        matching(
            # Credentials have a key of their own, because outputs and logs show the URL.
            r"https?://[^\s/@]+(/\S*)?",
            "the URL of an OpenAI-compatible API without credentials, such as "
            "http://127.0.0.1:11434/v1",
            or_empty=True,
        ),
    ] = Field(alias="llmBaseUrl")
    model: str

    @property
    def base_url(self) -> str:
        """The endpoint of a cloud stack. A local stack has its own, unless one is given."""
        return self.given_base_url or DASHSCOPE


class Reranker(Group, alias_generator=keys_after("reranker")):
    """What orders the best passages again."""

    kind: RerankerKind = Field(alias="reranker")
    base_url: Annotated[
        str, matching(r"https?://\S+/v1", "the URL of a rerank API, up to and including /v1")
    ]
    model: str

    @property
    def uses_token_vectors(self) -> bool:
        """Whether the chunks of an index get token vectors.

        The cross-encoder reads the best passages as the late interaction orders them.
        """
        return self.kind in (RerankerKind.LATE_INTERACTION, RerankerKind.CROSS_ENCODER)

    @property
    def uses_cross_encoder(self) -> bool:
        """Whether training also makes a cross-encoder, and the embedding nodes serve it."""
        return self.kind is RerankerKind.CROSS_ENCODER
