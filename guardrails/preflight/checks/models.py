"""Models: whether the language model is served, and whether index and embeddings match."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from guardrails.preflight.cloud import Cloud
from guardrails.preflight.result import Check, Finding, Needs, failed, passed, warned
from guardrails.preflight.subject import Subject
from providers.clients.errors import AccessDeniedError, ClientError
from rag.hosted_models import ON_SALE
from rag.models import CATALOGUE, RETIRED

__all__ = ["CHECKS"]

_SHOWN = 6


def _language_model(subject: Subject, cloud: Cloud) -> Iterator[Finding]:
    name = subject.config.language_model.model
    retired = RETIRED.get(name)
    if retired is not None and date.fromisoformat(retired.offline) <= subject.now.date():
        yield failed(
            f"has been offline since {retired.offline} ({retired.source})",
            f"set customrag:llmModel to {retired.replacement}",
            about=name,
        )
        return
    if retired is not None:
        yield warned(
            f"goes offline on {retired.offline} ({retired.source})",
            f"set customrag:llmModel to {retired.replacement} before that day",
            about=name,
        )
    if not cloud.model_api_key:
        yield _by_table(name)
        return
    try:
        names = cloud.model_names(subject.llm_base_url)
    except AccessDeniedError:
        yield failed(
            f"{subject.llm_base_url} refuses the key",
            "set another key: pulumi config set --secret customrag:llmApiKey",
            about=name,
        )
        return
    except ClientError as error:
        yield failed(
            f"{subject.llm_base_url} does not answer: {error.message}",
            "correct customrag:llmBaseUrl, or see https://status.alibabacloud.com",
            about=name,
        )
        return
    if name in names:
        yield passed(f"served by {subject.llm_base_url}", about=name)
        return
    near = sorted(names, key=lambda other: (-_common(other, name), other))[:_SHOWN]
    yield failed(
        f"is not served by {subject.llm_base_url}",
        f"set customrag:llmModel to one of its models: {', '.join(near) or '(it serves no model)'}",
        about=name,
    )


def _by_table(name: str) -> Finding:
    do = "set DASHSCOPE_API_KEY so that the preflight can ask the endpoint"
    seen = ON_SALE.get(name)
    if seen is None:
        return warned(
            "is not in the table, and there is no API key to ask the endpoint", do, about=name
        )
    return warned(f"was on sale on {seen.read} ({seen.source})", do, about=name)


def _common(one: str, other: str) -> int:
    """Return the length of the common beginning of two names."""
    for index, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right:
            return index
    return min(len(one), len(other))


def _dimension(subject: Subject, cloud: Cloud) -> Iterator[Finding]:
    model, dimension = subject.config.embedding.model, subject.config.embedding.dimension
    if model in CATALOGUE:
        yield passed(f"embeddings and index have {dimension} numbers", about=model)
    else:
        yield warned(
            f"is not in the catalogue, so its embeddings may not have {dimension} numbers",
            "compare customrag:embeddingDimension with its model card; training refuses another "
            "dimension",
            about=model,
        )


CHECKS: tuple[Check, ...] = (
    # It needs the model's key, not the cloud's credentials.
    Check(name="language-model", needs=Needs.NOTHING, run=_language_model),
    Check(name="dimension", needs=Needs.NOTHING, run=_dimension),
)
