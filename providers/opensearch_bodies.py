"""Bodies of settings and pipelines of OpenSearch, from typed arguments. Pure.

Owns the names of the API. Values may be Outputs; only plain ones are checked.
https://docs.opensearch.org/latest/search-plugins/search-pipelines/search-processors/ (read 2026-11)
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import pulumi

__all__ = [
    "ingest_pipeline",
    "model_settings",
    "normalization",
    "openai_embedding",
    "rerank",
    "retrieval_augmented_generation",
    "score_ranker",
    "search_pipeline",
    "text_embedding",
]

_MOST_RANK_CONSTANT: Final = 10_000


def model_settings(
    *,
    trusted_url_regex: pulumi.Input[str],
    only_run_on_ml_node: pulumi.Input[bool] = True,
    jvm_heap_memory_threshold: pulumi.Input[int] | None = None,
    disk_free_space_threshold: pulumi.Input[str] | None = None,
    trusted_connector_endpoints_regex: pulumi.Input[Sequence[str]] | None = None,
    private_connectors: pulumi.Input[bool] | None = None,
) -> dict[str, Any]:
    """Return the settings of ml-commons that models need, for ``ClusterSettings``.

    Args:
        trusted_url_regex: What the URL of a model's zip must match as a whole.
        only_run_on_ml_node: Whether only nodes with the role ``ml`` run models.
        jvm_heap_memory_threshold: Percentage of the Java heap in use above which no model is
            registered, deployed or used. 100 switches the limit off. Default: the cluster's, 85.
        disk_free_space_threshold: Free disk below which the same holds, e.g. ``5gb``. Default: the
            cluster's, 5 GB.
        trusted_connector_endpoints_regex: What the URL of a connector must match, one of them.
            Default: the cluster's list of public services.
        private_connectors: Whether connectors may call private addresses. Default: they may not.
    """
    settings = {
        "allow_registering_model_via_url": True,
        "trusted_url_regex": trusted_url_regex,
        "only_run_on_ml_node": only_run_on_ml_node,
        "jvm_heap_memory_threshold": jvm_heap_memory_threshold,
        "disk_free_space_threshold": disk_free_space_threshold,
        "trusted_connector_endpoints_regex": trusted_connector_endpoints_regex,
        "connector.private_ip_enabled": private_connectors,
    }
    return {
        f"plugins.ml_commons.{name}": value for name, value in settings.items() if value is not None
    }


def openai_embedding(
    url: pulumi.Input[str], *, model: str | None = None, with_key: bool = True
) -> dict[str, Any]:
    """Return the action of a connector that embeds texts by OpenAI's API, for ``Connector``.

    Args:
        url: Of the embeddings, e.g. ``http://10.0.0.5:8000/v1/embeddings``, or DashScope's
            ``https://dashscope.aliyuncs.com/compatible-mode/v1/embeddings``.
        model: Name of the model in the request. Default: no name is sent.
        with_key: Whether to send ``credential["key"]`` as bearer token.
    """
    headers = {"Content-Type": "application/json"}
    if with_key:
        headers["Authorization"] = "Bearer ${credential.key}"
    name = f', "model": {json.dumps(model)}' if model is not None else ""
    return {
        "action_type": "predict",
        "method": "POST",
        "url": url,
        "headers": headers,
        "request_body": f'{{ "input": ${{parameters.input}}{name} }}',
        "pre_process_function": "connector.pre_process.openai.embedding",
        "post_process_function": "connector.post_process.openai.embedding",
    }


def ingest_pipeline(
    *processors: Mapping[str, Any], description: str | None = None
) -> dict[str, Any]:
    """Return the body of an ingest pipeline with these processors, in order."""
    return _without_none({"description": description, "processors": list(processors)})


def text_embedding(
    model_id: pulumi.Input[str], field_map: Mapping[str, Any], batch_size: int = 16
) -> dict[str, Any]:
    """Return an ingest processor that writes the vectors of texts.

    Args:
        model_id: ``Model.model_id``.
        field_map: Field of the vector by field of the text; of objects, such a mapping by field.
        batch_size: Texts per call of the model. DashScope's text-embedding-v4 takes 10 at most.
    """
    if batch_size < 1:
        raise ValueError(f"batch_size is {batch_size}; allowed is 1 or more")
    body = {"model_id": model_id, "field_map": dict(field_map), "batch_size": batch_size}
    return {"text_embedding": body}


def search_pipeline(
    *,
    request: Sequence[Mapping[str, Any]] = (),
    phase_results: Sequence[Mapping[str, Any]] = (),
    response: Sequence[Mapping[str, Any]] = (),
    description: str | None = None,
) -> dict[str, Any]:
    """Return the body of a search pipeline.

    Args:
        request: Processors of the request.
        phase_results: Processors of the scores, such as `normalization` or `score_ranker`.
        response: Processors of the hits, such as `rerank`.
        description: Default: none.
    """
    body = {
        "description": description,
        "request_processors": list(request) or None,
        "phase_results_processors": list(phase_results) or None,
        "response_processors": list(response) or None,
    }
    return _without_none(body)


def normalization(
    technique: str = "min_max",
    combination: str = "arithmetic_mean",
    weights: Sequence[float] | None = None,
) -> dict[str, Any]:
    """Return the processor that fuses the scores of a hybrid query.

    Args:
        technique: ``min_max``, ``l2``, or from OpenSearch 3.0 ``z_score``.
        combination: ``arithmetic_mean``, ``geometric_mean`` or ``harmonic_mean``.
        weights: One of each sub-query, in order; together 1. Default: equal ones.

    Raises:
        ValueError: A technique is unknown, or the weights are not weights.
    """
    _one_of("technique", technique, ("min_max", "l2", "z_score"))
    _one_of("combination", combination, ("arithmetic_mean", "geometric_mean", "harmonic_mean"))
    body: dict[str, Any] = {"technique": combination}
    if weights is not None:
        body["parameters"] = {"weights": _weights(weights)}
    return {
        "normalization-processor": {"normalization": {"technique": technique}, "combination": body}
    }


def score_ranker(rank_constant: int = 60, weights: Sequence[float] | None = None) -> dict[str, Any]:
    """Return the processor that fuses the ranks of a hybrid query (RRF), from OpenSearch 2.19.

    ``SearchPipeline`` writes it in the form that the cluster's version reads.

    Args:
        rank_constant: 1 to 10,000.
        weights: As for `normalization`; from OpenSearch 3.1.

    Raises:
        ValueError: A value is not allowed.
    """
    if not 1 <= rank_constant <= _MOST_RANK_CONSTANT:
        raise ValueError(f"rank_constant is {rank_constant}; allowed is 1 to {_MOST_RANK_CONSTANT}")
    body: dict[str, Any] = {"technique": "rrf", "rank_constant": rank_constant}
    if weights is not None:
        body["parameters"] = {"weights": _weights(weights)}
    return {"score-ranker-processor": {"combination": body}}


def rerank(model_id: pulumi.Input[str], document_fields: Sequence[str]) -> dict[str, Any]:
    """Return the response processor that orders the hits again by a model of text pairs.

    The query must have ``ext.rerank.query_context``. Every hit is scored, so ``size`` decides what
    a search costs.
    """
    body = {
        "ml_opensearch": {"model_id": model_id},
        "context": {"document_fields": list(document_fields)},
    }
    return {"rerank": body}


def retrieval_augmented_generation(
    model_id: pulumi.Input[str],
    context_fields: Sequence[str],
    *,
    system_prompt: str | None = None,
    user_instructions: str | None = None,
) -> dict[str, Any]:
    """Return the response processor that lets a language model answer from the hits.

    The query must have ``ext.generative_qa_parameters``. The answer has no citations and is not
    streamed, unlike that of the chat application.
    """
    body = {
        "model_id": model_id,
        "context_field_list": list(context_fields),
        "system_prompt": system_prompt,
        "user_instructions": user_instructions,
    }
    return {"retrieval_augmented_generation": _without_none(body)}


def _without_none(body: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in body.items() if value is not None}


def _one_of(name: str, value: str, allowed: Sequence[str]) -> None:
    if value not in allowed:
        raise ValueError(f"{name} is {value!r}; allowed are {', '.join(allowed)}")


def _weights(weights: Sequence[float]) -> list[float]:
    if any(not 0 <= weight <= 1 for weight in weights) or not math.isclose(sum(weights), 1):
        raise ValueError(
            f"weights are {list(weights)}; allowed are numbers from 0 to 1 that add up to 1"
        )
    return list(weights)
