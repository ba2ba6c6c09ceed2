"""Models: whether the language model is served, and whether index and embeddings match."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from os.path import commonprefix

from guardrails.preflight.cloud import Cloud
from guardrails.preflight.result import Check, Finding, Needs, failed, named, passed, warned
from guardrails.preflight.subject import Subject
from providers.clients.errors import AccessDeniedError, ClientError
from rag.hosted_models import ON_SALE
from rag.models import CATALOGUE, RETIRED

__all__ = ["CHECKS"]

_SHOWN = 6


def _language_model(subject: Subject, cloud: Cloud) -> Iterator[Finding]:
    name = subject.config.language_model.model
    retired = RETIRED.get(name)
    if retired is not None:
        since = f"{retired.offline} ({retired.source})"
        do = f"set customrag:llmModel to {retired.replacement}"
        if date.fromisoformat(retired.offline) <= subject.now.date():
            yield named(name, failed(f"has been offline since {since}", do))
            return
        yield named(name, warned(f"goes offline on {since}", f"{do} before that day"))
    base_url = cloud.own_model_url or subject.config.language_model.base_url
    yield named(name, _served(name, base_url, cloud))


def _served(name: str, base_url: str, cloud: Cloud) -> Finding:
    """Return whether the endpoint serves a model; without a key, what the table says about it."""
    if not cloud.model_api_key:
        do = "set DASHSCOPE_API_KEY so that the preflight can ask the endpoint"
        seen = ON_SALE.get(name)
        if seen is None:
            return warned("is not in the table, and there is no API key to ask the endpoint", do)
        return warned(f"was on sale on {seen.read} ({seen.source})", do)
    try:
        names = cloud.model_names(base_url)
    except AccessDeniedError:
        return failed(
            f"{base_url} refuses the key",
            "set another key: pulumi config set --secret customrag:llmApiKey",
        )
    except ClientError as error:
        return failed(
            f"{base_url} does not answer: {error.message}",
            "correct customrag:llmBaseUrl, or see https://status.alibabacloud.com",
        )
    if name in names:
        return passed(f"served by {base_url}")

    def distance(other: str) -> tuple[int, str]:
        return -len(commonprefix([other, name])), other  # noqa: RUF071  these are not paths

    near = sorted(names, key=distance)[:_SHOWN]
    return failed(
        f"is not served by {base_url}",
        f"set customrag:llmModel to one of its models: {', '.join(near) or '(it serves no model)'}",
    )


def _dimension(subject: Subject, cloud: Cloud) -> Iterator[Finding]:
    model, dimension = subject.config.embedding.model, subject.config.embedding.dimension
    finding = passed(f"embeddings and index have {dimension} numbers")
    if model not in CATALOGUE:
        finding = warned(
            f"is not in the catalogue, so its embeddings may not have {dimension} numbers",
            "compare customrag:embeddingDimension with its model card; training refuses another "
            "dimension",
        )
    yield named(model, finding)


CHECKS: tuple[Check, ...] = (
    # It needs the model's key, not the cloud's credentials.
    Check(name="language-model", needs=Needs.NOTHING, run=_language_model),
    Check(name="dimension", needs=Needs.NOTHING, run=_dimension),
)
