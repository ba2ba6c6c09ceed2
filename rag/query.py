"""The two searches as the application sends them, and the same as search templates.

Owns: the bodies of the word search and of the vector search. One function builds each of them, from
values for the application and from parameters for a template, so that the two cannot differ. Pure.
Does not own: when they are sent, and how their answers are fused (`rag.retrieve`, `rag.fuse`).

A template is in the mustache of Elasticsearch, which is not quite that of other engines:
https://www.elastic.co/guide/en/elasticsearch/reference/8.19/search-template.html (read 2026-11).

    python -m rag.query --id customrag-words "How long is it contagious?"

prints the parameters of a question for the template of the word search.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from rag.analysis import neighbors, question_terms
from rag.fuse import CANDIDATES
from rag.index import NEAR_BOOST, NEAR_SLOP, TITLE_BOOST, VECTORS_FIELD, WINDOWS_FIELD

__all__ = [
    "TEMPLATES",
    "WORDS",
    "best_window",
    "best_windows_of",
    "blended_search",
    "both_scores",
    "near_candidates",
    "nearest",
    "template_params",
    "vector_body",
    "weighted_terms",
    "with_best_windows",
    "word_body",
    "word_search",
]


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """A parameter of a template in place of a value.

    Attributes:
        name: Its name; ``.`` is the item of a list itself.
        form: ``text`` for a text, ``number`` for a number, ``json`` for anything else.
        default: The number that counts if it is not given.
    """

    name: str
    form: str
    default: int | None = None


@dataclass(frozen=True, kw_only=True)
class Each:
    """In a list: an item for each item of a parameter."""

    name: str
    item: Any


@dataclass(frozen=True, kw_only=True)
class Given:
    """Alone in a list: an item if the parameter is given."""

    name: str
    item: Any


WORDS: Final = "words"
"""Name of the word search within `both_scores`."""

# It matches nothing, and takes the place of the item after the last comma.
_NOTHING: Final[dict[str, Any]] = {"match_none": {}}
_TERM: Final = (Parameter(name="query", form="text"), Parameter(name="weight", form="number"))
_PAIR: Final = Parameter(name=".", form="text")


def weighted_terms(question: str, language: str) -> list[tuple[str, float]]:
    """Return the terms of a question, those of a weight in one text, with that weight."""
    by_weight: dict[float, list[str]] = {}
    for term, weight in question_terms(question, language).items():
        by_weight.setdefault(weight, []).append(term)
    return [(" ".join(found), weight) for weight, found in by_weight.items()]


def near_candidates(candidates: int) -> int:
    """Return how many passages the vector search looks at to return `candidates`."""
    return max(2 * candidates, 100)


def word_body(
    terms: Sequence[tuple[str, float]] | Parameter,
    pairs: Sequence[str] | Parameter,
    size: int | Parameter,
    among: Collection[str] | Parameter | None,
) -> dict[str, Any]:
    """Return the body of the word search, for ids and scores only.

    It is BM25 over the terms of the text, with less weight for those of title and heading, and for
    neighboring words of the question that are near each other in the text.

    Args:
        terms: As `weighted_terms` returns them.
        pairs: Neighboring words of the question, two to a text.
        size: Passages to return.
        among: Ids of the passages to search; None for all.
    """

    def matches(field: str) -> list[Any]:
        return _each(
            terms,
            _TERM,
            lambda term: {"match": {field: {"query": term[0], "boost": term[1]}}},
        )

    near = {"slop": NEAR_SLOP, "boost": NEAR_BOOST}
    titles = [*matches("title_terms"), *matches("heading_terms")]
    return {
        "query": {
            "bool": {
                "must": {"bool": {"should": matches("terms"), "minimum_should_match": 1}},
                "should": [
                    {"bool": {"should": titles, "boost": TITLE_BOOST}},
                    *_each(
                        pairs,
                        _PAIR,
                        lambda pair: {"match_phrase": {"terms": {"query": pair, **near}}},
                    ),
                ],
                "filter": _only(among),
            }
        },
        "size": size,
        "_source": False,
    }


def nearest(
    vector: Sequence[float] | Parameter,
    size: int | Parameter,
    candidates: int | Parameter,
    among: Collection[str] | Parameter | None,
) -> dict[str, Any]:
    """Return Elasticsearch's query for the passages with the windows nearest to a vector.

    A passage has the score of its best window.

    Args:
        vector: The question's embedding.
        size: Passages to find.
        candidates: Passages to look at, see `near_candidates`.
        among: Ids of the passages to search; None for all.
    """
    knn = {
        "field": VECTORS_FIELD,
        "query_vector": vector if isinstance(vector, Parameter) else list(vector),
        "k": size,
        "num_candidates": candidates,
        "filter": _only(among),
    }
    return best_window({"knn": knn})


def best_window(query: Mapping[str, Any]) -> dict[str, Any]:
    """Return the query that gives a passage the best score that `query` gives its windows."""
    return {"nested": {"path": WINDOWS_FIELD, "score_mode": "max", "query": dict(query)}}


def vector_body(query: Mapping[str, Any], size: int | Parameter) -> dict[str, Any]:
    """Return the body of the vector search, for ids and scores only.

    Args:
        query: As from `nearest`.
        size: Passages to return.
    """
    return {"query": dict(query), "size": size, "_source": False}


def with_best_windows(
    near: Mapping[str, Any], identifiers: Sequence[str], count: int
) -> dict[str, Any]:
    """Return the query for passages by id, whose inner hits have the best windows of each.

    `best_windows_of` reads them.

    Args:
        near: A query of the vector search among these passages, as from `SearchEngine.nearest` with
            `every_window`.
        identifiers: Ids of the passages.
        count: The most windows of a passage.
    """
    inner = {"size": count, "_source": False}
    return {
        "bool": {
            "filter": _only(identifiers),
            "should": {"nested": {**near["nested"], "inner_hits": inner}},
        }
    }


def best_windows_of(hit: Mapping[str, Any]) -> tuple[int, ...]:
    """Return the positions of a passage's best windows, best first; empty for none."""
    found = hit.get("inner_hits", {}).get(WINDOWS_FIELD, {}).get("hits", {}).get("hits", [])
    return tuple(int(window["_nested"]["offset"]) for window in found)


def both_scores(
    near: Sequence[Mapping[str, Any]], words: Mapping[str, Any], size: int
) -> dict[str, Any]:
    """Return the body of a search for the passages of some queries, with two scores of each.

    The score is the best that the queries give. The score of the word search is beside it, under
    the name `WORDS`, if the passage has a word of the question. Send it with the parameter
    ``include_named_queries_score``.

    Args:
        near: Queries of the vector search, as from `nearest`.
        words: The body of the word search.
        size: Passages to return.
    """
    named = {"bool": {"must": words["query"], "_name": WORDS}}
    return vector_body(
        {
            "bool": {
                "must": {"dis_max": {"queries": list(near)}},
                # It has a name, and adds nothing.
                "should": {"constant_score": {"filter": named, "boost": 0.0}},
            }
        },
        size,
    )


def word_search(
    question: str, language: str, candidates: int, among: Collection[str] | None = None
) -> dict[str, Any]:
    """Return the body of the application's word search, for ids and scores only.

    Args:
        question: The question.
        language: Its language, of those that the index has.
        candidates: Passages to return.
        among: Ids of the passages to search; None for all.
    """
    pairs = [f"{one} {two}" for one, two in neighbors(question, language)]
    return word_body(weighted_terms(question, language), pairs, candidates, among)


def blended_search(
    words: Mapping[str, Any], vector: Sequence[float], vectors_in_scripts: str
) -> dict[str, Any]:
    """Return the body of one search that scores by 1 + cosine + half the word score.

    It compares the vector with every window of the passages that the word search finds, and with no
    other; the best window of a passage counts. The cluster needs the script language painless.

    Args:
        words: The body of the word search.
        vector: The question's embedding.
        vectors_in_scripts: `SearchEngine.vectors_in_scripts`.
    """
    # A score may not be negative.
    source = f"1 + cosineSimilarity(params.vector, {vectors_in_scripts})"
    script = {"source": source, "params": {"vector": list(vector)}}
    cosine = best_window({"script_score": {"query": {"match_all": {}}, "script": script}})
    half = {"bool": {"must": words["query"], "boost": 0.5}}
    return {**words, "query": {"bool": {"must": half, "should": cosine}}}


def template_params(question: str, language: str, size: int = CANDIDATES) -> dict[str, Any]:
    """Return the parameters of the template `words` for a question."""
    return {
        "terms": [
            {"query": text, "weight": weight} for text, weight in weighted_terms(question, language)
        ],
        "near": [f"{one} {two}" for one, two in neighbors(question, language)],
        "size": size,
    }


def _each(
    items: Sequence[Any] | Parameter, placeholder: Any, make: Callable[[Any], Any]
) -> list[Any]:
    if isinstance(items, Parameter):
        return [Each(name=items.name, item=make(placeholder))]
    return [make(item) for item in items]


def _only(among: Collection[str] | Parameter | None) -> list[Any]:
    """Return the filter on ids; empty for all passages."""
    if isinstance(among, Parameter):
        ids = Parameter(name="ids", form="json")
        return [Given(name=among.name, item={"ids": {"values": ids}})]
    return [] if among is None else [{"ids": {"values": list(among)}}]


def _rendered(node: Any) -> str:
    """Return a body with parameters as the source of a template."""
    if isinstance(node, Mapping):
        inner = [f"{json.dumps(key)}: {_rendered(value)}" for key, value in node.items()]
        return "{" + ", ".join(inner) + "}"
    if isinstance(node, list):
        return f"[{_rendered_items(node)}]"
    if isinstance(node, Parameter):
        return _rendered_parameter(node)
    return json.dumps(node)


def _rendered_items(items: list[Any]) -> str:
    conditional = [_section(item.name, item.item) for item in items if isinstance(item, Given)]
    if conditional:
        return "".join(conditional)
    repeated = [_section(item.name, item.item, ", ") for item in items if isinstance(item, Each)]
    fixed = [item for item in items if not isinstance(item, Each)]
    # JSON has no comma after the last item, so that a fixed item is the last.
    if repeated and not fixed:
        fixed = [_NOTHING]
    return "".join(repeated) + ", ".join(map(_rendered, fixed))


def _section(name: str, item: Any, end: str = "") -> str:
    return f"{{{{#{name}}}}}{_rendered(item)}{end}{{{{/{name}}}}}"


def _rendered_parameter(parameter: Parameter) -> str:
    name = parameter.name
    if parameter.form == "text":
        return f'"{{{{{name}}}}}"'
    if parameter.form == "json":
        return f"{{{{#toJson}}}}{name}{{{{/toJson}}}}"
    if parameter.default is None:
        return f"{{{{{name}}}}}"
    return f"{{{{{name}}}}}{{{{^{name}}}}}{parameter.default}{{{{/{name}}}}}"


_SIZE: Final = Parameter(name="size", form="number", default=CANDIDATES)
_AMONG: Final = Parameter(name="among", form="json")

TEMPLATES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "words": _rendered(
            word_body(
                Parameter(name="terms", form="json"),
                Parameter(name="near", form="json"),
                _SIZE,
                _AMONG,
            )
        ),
        "vectors": _rendered(
            vector_body(
                nearest(
                    Parameter(name="vector", form="json"),
                    _SIZE,
                    Parameter(
                        name="candidates", form="number", default=near_candidates(CANDIDATES)
                    ),
                    _AMONG,
                ),
                _SIZE,
            )
        ),
    }
)
"""The source of a search template for each search.

`words` takes ``terms`` (a list of ``{"query", "weight"}``), ``near`` (a list of texts of two words)
and ``size``; `vectors` takes ``vector``, ``size`` and ``candidates``. Both take ``among``
(``{"ids": [...]}``, the passages to search). ``size``, ``candidates`` and ``among`` may be left
out."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a question as the body of a request to the template `words`."""
    parser = argparse.ArgumentParser(prog="python -m rag.query")
    parser.add_argument("question")
    parser.add_argument("--id", required=True, help="id of the stored template")
    parser.add_argument("--language", default="en", help="language of the question")
    parser.add_argument("--size", type=int, default=10, help="passages to return")
    options = parser.parse_args(arguments)
    params = template_params(options.question, options.language, options.size)
    print(json.dumps({"id": options.id, "params": params}, ensure_ascii=False))


if __name__ == "__main__":
    main()
