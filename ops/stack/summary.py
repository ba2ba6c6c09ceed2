"""The summary at the end of `make up`.

Owns the wording and the tables, from the update's outcome and the stack's outputs; at most 80
columns. Measures nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ops.events import Outcome, products
from ops.terminal import block, clock
from rag.terminal import printable

__all__ = ["render"]

METRICS = ("recall@5", "recall@10", "mrr@10", "ndcg@10")
_HEADINGS = ("recall@5", "recall@10", "MRR@10", "nDCG@10")
_MARGIN = 11
_MOST_NAMED = 5
PHASES = {
    "customrag:oss:Corpus": "upload",
    "customrag:pai:DlcJob": "training",
    "customrag:rag:IngestRun": "ingest",
    "alicloud:elasticsearch/instance:Instance": "search engine",
    "customrag:opensearch:Model": "model in OpenSearch",
}
"""Resource types whose time is shown."""


def _block(heading: str, text: str) -> str:
    return "\n".join(block(heading, text, _MARGIN))


def times(outcome: Outcome, set_up: Mapping[str, float], total_seconds: float) -> str:
    """Return the time by phase. Steps of the set-up run side by side, so they do not add up."""
    phases = {
        name: sum(change.seconds for change in outcome.changes if change.type == kind)
        for kind, name in PHASES.items()
    }
    parts = [f"{clock(total_seconds)} in all, pulumi {clock(outcome.duration_seconds)}"]
    steps = [*set_up.items(), *phases.items()]
    steps_shown = [f"{name} {clock(seconds)}" for name, seconds in steps if seconds >= 1]
    parts += [", ".join(steps_shown)] if steps_shown else []
    return _block("time", "; ".join(parts))


def changes(outcome: Outcome) -> str:
    """Return how many resources were created, updated, replaced and deleted, by product."""
    if not outcome.changes:
        return _block("resources", f"nothing has changed, {outcome.same} in place")
    created = products(outcome.changes)
    return _block("resources", outcome.counts + (f" ({created})" if created else ""))


def _metric(result: Mapping[str, Any], name: str) -> str:
    value = result.get(name)
    return f"{value:>10.3f}" if isinstance(value, int | float) else f"{'-':>10}"


def training(result: Mapping[str, Any], reranker: str) -> str:
    """Return what training achieved on held-out questions, and which model was kept."""
    if not result:
        return ""
    questions = result.get("questions") or {}
    kept = f"kept the {result.get('kept', '?')} model, version {result.get('model_version', '?')}"
    if result.get("reason"):
        kept += f": {result['reason']}"
    choosing = f"{questions['validation']} to choose by, " if questions.get("validation") else ""
    lines = [
        _block("training", kept),
        f"{'':<{_MARGIN}}{questions.get('train', '?')} questions trained on, {choosing}"
        f"{questions.get('test', '?')} held out:",
        f"{'':<{_MARGIN}}{'':<6}" + "".join(f"{heading:>10}" for heading in _HEADINGS),
    ]
    for model in ("base", "tuned"):
        figures = result.get(model)
        if isinstance(figures, Mapping):
            row = "".join(_metric(figures, name) for name in METRICS)
            lines.append(f"{'':<{_MARGIN}}{model:<6}{row}")
    weight = result.get("search_weight")
    if isinstance(weight, int | float):
        share = f"share of the vector search in the ranking: {100 * weight:.0f} %"
        lines.append(_block("", f"{share}; {result.get('search_weight_reason', '')}"))
    rerank = result.get("rerank_weight")
    if isinstance(rerank, int | float):
        share = f"share of the late interaction in the best 50: {100 * rerank:.0f} %"
        lines.append(_block("", f"{share}; {result.get('rerank_weight_reason', '')}"))
    cross = result.get("cross_encoder_weight")
    if reranker == "crossEncoder" and isinstance(cross, int | float):
        share = f"share of the cross-encoder in the best 20: {100 * cross:.0f} %"
        lines.append(_block("", f"{share}; {result.get('cross_encoder_weight_reason', '')}"))
    return "\n".join(lines)


def documents(ingest: Mapping[str, Any], corpus: Mapping[str, Any]) -> str:
    """Return what became of the files below `docs/`, and the first that were not read whole."""
    if not ingest:
        return ""
    unread, in_part = ingest.get("set_aside") or [], ingest.get("in_part") or []
    outcomes = {
        "whole": ingest.get("read_whole", ingest.get("documents", "?")),
        "in part": ingest.get("read_in_part"),
        "unread": (ingest.get("unread") or len(unread)) + (corpus.get("unread") or 0),
        "skipped": corpus.get("skipped"),
    }
    shown = [f"{count} {name}" for name, count in outcomes.items() if count or name == "whole"]
    work = [
        f"{ingest.get('chunks', '?')} chunks indexed",
        f"{ingest.get('embedded_documents', '?')} documents embedded by the last run",
    ]
    if ingest.get("removed_documents"):
        work.append(f"{ingest['removed_documents']} removed")
    lines = [_block("documents", f"{', '.join(shown)}; {', '.join(work)}; see make documents")]
    problems = [(item.get("document"), item.get("reason")) for item in unread]
    problems += [(item.get("document"), item.get("missing")) for item in in_part]
    lines += [
        _block("", f"- {printable(str(name))}: {printable(str(reason))}")
        for name, reason in problems[:_MOST_NAMED]
    ]
    left = sum(outcomes[name] or 0 for name in ("in part", "unread")) - len(problems[:_MOST_NAMED])
    if left > 0:
        lines.append(_block("", f"- {left} more: make documents ONLY=problems"))
    lines += [
        _block(
            "",
            f"- {count} in a language that the embedding model does not know ({language}): mostly "
            f"the word search finds them. A multilingual customrag:embeddingModel finds more",
        )
        for language, count in (ingest.get("unknown_languages") or {}).items()
    ]
    return "\n".join(lines)


def search(capabilities: Mapping[str, Any]) -> str:
    """Return where the two searches become one ranking, and why there."""
    if not capabilities:
        return ""
    reason = printable(str(capabilities.get("fusion_reason")))
    if capabilities.get("fusion") == "server":
        return _block("search", f"fusion: client, the default, although {reason}")
    return _block("search", f"fusion: client, because {reason}")


def engines(outputs: Mapping[str, Any]) -> str:
    """Return which engine serves, for a stack with two of them."""
    inside = outputs.get("opensearch_inside") or {}
    if not inside:
        return ""
    chunks = (inside.get("ingest") or {}).get("chunks", "?")
    return _block(
        "engines",
        f"{outputs.get('search_engine')} serves the application; OpenSearch has embedded {chunks} "
        f"chunks by its model {inside.get('model_id')}",
    )


def language_model(model: Mapping[str, Any]) -> str:
    """Return which language model writes the answers, and where it runs."""
    if not model:
        return ""
    name, url = printable(str(model.get("model"))), printable(str(model.get("base_url")))
    return _block("answers", f"by {name} at {url}")


def render(
    outcome: Outcome,
    outputs: Mapping[str, Any],
    set_up: Mapping[str, float],
    total_seconds: float,
    page: str,
) -> str:
    """Return the whole summary.

    Args:
        outcome: What the update did.
        outputs: The stack's outputs.
        set_up: Seconds by step of the set-up.
        total_seconds: Time since the command was started.
        page: The chat page's URL or sign-in link; empty without a chat page.
    """
    parts = [
        times(outcome, set_up, total_seconds),
        changes(outcome),
        training(outputs.get("training") or {}, outputs.get("reranker") or ""),
        documents(outputs.get("ingest") or {}, outputs.get("corpus") or {}),
        search(outputs.get("search_capabilities") or {}),
        engines(outputs),
        language_model(outputs.get("language_model") or {}),
    ]
    if page:
        parts.append(f"{'chat page':<{_MARGIN}}{page}")
    if "#code=" in page:
        hint = "The link signs you in, once. `make open` prints a new one."
        parts.append(f"{'':<{_MARGIN}}{hint}")
    return "\n".join(part for part in parts if part)
