"""Corpus, metrics, fusion, mapping, model names and words: plain functions on plain values."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rag import errors
from rag.answerable import judge
from rag.corpus import key_finder, load_corpus, load_questions
from rag.errors import CorpusError, UnknownModelError
from rag.fuse import Fusion, fuse, min_max, rrf, weighted_z
from rag.index import chunk_id, mappings
from rag.language import UNDETERMINED
from rag.locate import Searchable
from rag.metrics import (
    mrr_at_k,
    ndcg_at_k,
    recall_at_k,
    relevant_chunks,
    retrieval_metrics,
)
from rag.models import CATALOGUE, resolve_model
from rag.prompt import (
    SYSTEM_PROMPT,
    citations,
    estimate_tokens,
    is_refusal,
    is_supported,
    messages_for_passages,
    profile_of,
)
from rag.settings import region_of
from tests.rag.fakes import META, hit


def corpus(folder: Path, **documents: str) -> Path:
    (folder / "docs").mkdir()
    for name, text in documents.items():
        (folder / "docs" / f"{name}.txt").write_text(text, encoding="utf-8")
    return folder


def test_a_corpus_lists_its_documents_by_key_and_leaves_hidden_files_out(tmp_path: Path) -> None:
    corpus(tmp_path, b="2", a="1")
    (tmp_path / "docs" / ".DS_Store").write_text("x")
    assert [file.key for file in load_corpus(tmp_path).files] == ["docs/a.txt", "docs/b.txt"]


def test_a_corpus_without_documents_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="no folder docs/"):
        load_corpus(tmp_path)
    corpus(tmp_path)
    with pytest.raises(CorpusError, match="has no documents"):
        load_corpus(tmp_path)


def test_a_manifest_that_names_a_missing_file_is_refused(tmp_path: Path) -> None:
    corpus(tmp_path, a="1")
    manifest = {"version": "v", "documents": {"docs/a.txt": {"sha256": "s"}, "docs/b.txt": {}}}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(CorpusError, match=r"lists 'docs/b.txt'"):
        load_corpus(tmp_path)


def test_a_manifest_gives_the_digests_and_the_version(tmp_path: Path) -> None:
    corpus(tmp_path, a="1", unlisted="2")
    manifest = {
        "version": "v9",
        "documents": {"docs/a.txt": {"sha256": "s"}, "questions.jsonl": {}},
    }
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    loaded = load_corpus(tmp_path)
    assert loaded.version == "v9"
    assert [(file.key, file.sha256) for file in loaded.files] == [("docs/a.txt", "s")]


def test_a_question_without_split_or_offset_gets_both(tmp_path: Path) -> None:
    row = {"id": 1, "document": "a.txt", "question": "q?", "answer": "two"}
    (tmp_path / "questions.jsonl").write_text(json.dumps(row) + "\n\n")
    (question,) = load_questions(tmp_path)
    assert question.document == "docs/a.txt"
    assert question.split == load_questions(tmp_path)[0].split
    assert question.span(Searchable("one two")) == (4, 7)
    assert question.span(Searchable("nothing")) is None


def test_a_malformed_question_names_its_line(tmp_path: Path) -> None:
    (tmp_path / "questions.jsonl").write_text('\n{"id": 1}\n')
    with pytest.raises(CorpusError, match="line 2 is not a valid question"):
        load_questions(tmp_path)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("answer", ""),
        ("answer", None),
        ("question", " \n"),
        ("document", {}),
        ("answer_start", "x"),
    ],
)
def test_a_question_with_an_unusable_field_is_skipped_and_the_others_stay(
    tmp_path: Path, field: str, value: object
) -> None:
    good = {"id": 1, "document": "a.txt", "question": "q?", "answer": "two"}
    lines = [{**good, "id": 2, field: value}, good]
    (tmp_path / "questions.jsonl").write_text("\n".join(map(json.dumps, lines)))
    reasons: list[str] = []
    assert [question.id for question in load_questions(tmp_path, set_aside=reasons)] == ["1"]
    assert "line 1 is not a valid question" in reasons[0]


@pytest.mark.parametrize("line", ["[" * 100_000, '{"id": 2, "answer_start": 1e999}', "\udcff"])
def test_a_line_that_breaks_a_parser_costs_that_line_alone(tmp_path: Path, line: str) -> None:
    start = {"id": 2, "document": "a", "question": "q", "answer": "x"}
    if line.startswith("{"):
        line = json.dumps(start)[:-1] + ', "answer_start": 1e999}'
    good = json.dumps({"id": 1, "document": "a.txt", "question": "q?", "answer": "two"})
    (tmp_path / "questions.jsonl").write_bytes(
        f"{line}\n{good}\n".encode("utf-8", "surrogateescape")
    )
    reasons: list[str] = []
    assert [question.id for question in load_questions(tmp_path, set_aside=reasons)] == ["1"]
    assert len(reasons) == 1


def test_half_a_surrogate_pair_in_a_question_is_replaced(tmp_path: Path) -> None:
    line = '{"id": 1, "document": "a.txt", "question": "why \\ud83d?", "answer": "\\ud83d\\ude00"}'
    (tmp_path / "questions.jsonl").write_text(line)
    (question,) = load_questions(tmp_path)
    assert (question.question, question.answer) == ("why \ufffd?", "\U0001f600")


@pytest.mark.parametrize(
    "written", ["docs/café Menü.md", "docs/cafe\u0301 Menu\u0308.md", "docs/CAFÉ MENÜ.MD"]
)
def test_a_document_is_found_under_a_name_that_a_copy_changed(written: str) -> None:
    find = key_finder(["docs/café Menü.md", "docs/other.md"])
    assert find(written) == "docs/café Menü.md"


def test_a_name_that_fits_two_documents_finds_neither() -> None:
    find = key_finder(["docs/A.md", "docs/a.md"])
    assert find("docs/a.md") == "docs/a.md"
    assert find("docs/ａ.md") is None


def test_only_chunks_with_the_whole_answer_are_relevant() -> None:
    assert relevant_chunks([(0, 10), (8, 20), (18, 30)], 8, 10) == {0, 1}


def test_the_chunk_with_the_largest_part_counts_if_none_has_the_whole_answer() -> None:
    assert relevant_chunks([(0, 10), (10, 20)], 8, 15) == {1}
    assert relevant_chunks([(0, 10), (20, 30)], 12, 15) == frozenset()


def test_measures_of_one_ranking() -> None:
    ranked, relevant = ["a", "b", "c", "d"], {"b", "d"}
    assert recall_at_k(ranked, relevant, 1) == 0.0
    assert recall_at_k(ranked, relevant, 2) == 1.0
    assert mrr_at_k(ranked, relevant, 10) == 0.5
    ideal = 1 + 1 / math.log2(3)
    assert ndcg_at_k(ranked, relevant, 4) == pytest.approx(
        (1 / math.log2(3) + 1 / math.log2(5)) / ideal
    )
    assert ndcg_at_k(ranked, set(), 4) == 0.0


def test_means_over_questions_need_a_question() -> None:
    assert retrieval_metrics([(["a"], {"a"}), (["a"], {"b"})])["recall@5"] == 0.5
    with pytest.raises(ValueError, match="results is empty"):
        retrieval_metrics([])


def test_reciprocal_ranks_add_up() -> None:
    assert rrf([["a", "b"], ["b"]]) == pytest.approx({"a": 1 / 61, "b": 1 / 62 + 1 / 61})


def test_the_weighted_sum_gives_an_absent_id_the_lowest_score_there() -> None:
    scores = weighted_z({"a": 0.9, "b": 0.1}, {"b": 5.0, "c": 1.0}, weight=0.5)
    assert scores == pytest.approx({"a": 0.0, "b": 0.0, "c": -1.0})


def test_fusion_works_with_one_empty_search_and_breaks_ties_by_id() -> None:
    assert fuse({}, {"b": 1.0, "a": 1.0}) == [("a", 0.0), ("b", 0.0)]
    assert fuse({}, {}) == []
    assert [i for i, _ in fuse({"a": 2, "b": 1}, {"b": 9}, method=Fusion.RRF)] == ["b", "a"]


@pytest.mark.parametrize("weight", [0.0, 1.0])
def test_with_all_weight_on_one_search_its_ranking_stays_and_the_rest_follows(
    weight: float,
) -> None:
    one = {"d": 3.0, "a": 2.0, "c": 1.0}
    other = {"b": 0.2, "e": 0.9, "a": 0.1}
    vector, words = (one, other) if weight else (other, one)
    assert [item for item, _ in fuse(vector, words, weight=weight)] == ["d", "a", "c", "e", "b"]


@pytest.mark.parametrize("weight", [0.0, 1.0])
def test_if_the_only_search_finds_nothing_the_other_one_ranks(weight: float) -> None:
    found = {"b": 0.2, "e": 0.9}
    vector, words = ({}, found) if weight else (found, {})
    assert [item for item, _ in fuse(vector, words, weight=weight)] == ["e", "b"]


def test_scaled_scores_are_weighted_and_a_missing_one_counts_nothing() -> None:
    found = min_max({"a": 0.9, "b": 0.7, "c": 0.5}, {"b": 12.0, "d": 3.0}, weight=0.4)
    assert found == pytest.approx(
        {"a": 0.4, "b": 0.4 * 0.5 + 0.6, "c": 0.4 * 0.001, "d": 0.6 * 0.001}
    )


def test_equal_scores_are_all_the_best() -> None:
    assert min_max({"a": 0.5, "b": 0.5}, {}, weight=0.4) == {"a": 0.4, "b": 0.4}


def test_a_ranking_by_scaled_scores_is_the_order_of_their_sums() -> None:
    found = fuse({"a": 0.9, "b": 0.5}, {"b": 9.0, "c": 1.0}, method=Fusion.MIN_MAX, weight=0.3)
    assert [item for item, _ in found] == ["b", "a", "c"]


@pytest.mark.parametrize("method", [weighted_z, min_max])
def test_a_weight_out_of_bounds_is_refused(method: Callable[..., Any]) -> None:
    with pytest.raises(ValueError, match=r"weight is 1\.5"):
        method({}, {}, weight=1.5)


def test_a_mapping_has_everything_that_readers_need() -> None:
    mapping = mappings(384, {"model_version": "v", "embedding_urls": ["http://e"]})
    embedding = mapping["properties"]["windows"]["properties"]["embedding"]
    assert mapping["_meta"]["dimension"] == embedding["dims"] == 384
    assert mapping["_meta"]["chunker"]
    assert mapping["dynamic"] == "strict"


@pytest.mark.parametrize(
    ("dimension", "meta", "message"),
    [
        (0, {}, "dimension is 0"),
        (4097, {}, "between 1 and 4096"),
        (384, {"dimension": 768}, "meta\\['dimension'\\] is 768"),
        (384, {"colour": 1}, "unknown keys \\['colour'\\]"),
    ],
)
def test_an_impossible_mapping_is_refused(
    dimension: int, meta: dict[str, int], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        mappings(dimension, meta)


def test_a_chunk_id_changes_with_document_content_and_number() -> None:
    ids = {
        chunk_id("a", "s", 0),
        chunk_id("b", "s", 0),
        chunk_id("a", "t", 0),
        chunk_id("a", "s", 1),
    }
    assert len(ids) == 4
    assert chunk_id("a", "s", 0) in ids


def test_model_names_resolve_to_loadable_models(tmp_path: Path) -> None:
    assert Path(resolve_model("all-MiniLM-L6-v2"), "model.safetensors").is_file()
    assert resolve_model("hf:BAAI/bge-m3") == "BAAI/bge-m3"
    assert resolve_model(str(tmp_path)) == str(tmp_path)
    assert CATALOGUE["all-MiniLM-L6-v2"].dimension == 384
    assert CATALOGUE["all-MiniLM-L6-v2"].languages == ("en",)
    assert CATALOGUE["hf:BAAI/bge-base-en-v1.5"].languages == ("en",)
    assert CATALOGUE["modelscope:BAAI/bge-m3"].languages == ()


@pytest.mark.parametrize("name", ["no-such-model", "hf:", "hf:only", "hf:a/../b", "modelscope:a/b"])
def test_an_unknown_model_is_refused_with_what_is_allowed(name: str) -> None:
    with pytest.raises(UnknownModelError, match=r"all-MiniLM-L6-v2|pip install modelscope"):
        resolve_model(name)


def test_every_public_error_is_one_of_ours() -> None:
    assert all(issubclass(getattr(errors, name), errors.RagError) for name in errors.__all__)


def test_evidence_weighs_rare_words_more() -> None:
    hits = [hit(1, "The valve opens at noon.", cosine=0.4)]
    common = judge("Which valve?", "en", hits, 100, {"valv": 90})
    rare = judge("Which valve plays music?", "en", hits, 100, {"valv": 90, "play": 0, "music": 0})
    assert common.coverage == 1.0
    assert rare.coverage < 0.1
    assert rare.unknown == ("play", "music")
    assert common.answerable
    assert not rare.answerable


def test_cosines_of_a_model_that_does_not_know_the_language_do_not_count() -> None:
    hits = [hit(1, "保修四十二个月。水箱容量为四点五升。", language="zh", cosine=0.9)]
    counts = {"保修": 3, "修期": 0, "噪音": 0, "分贝": 0}
    arguments = ("zh", hits, 100, counts)
    assert judge("水箱容量？", *arguments, cosine_counts=False).answerable
    assert not judge("噪音是多少分贝？", *arguments, cosine_counts=False).answerable
    assert judge("噪音是多少分贝？", *arguments).answerable


def test_a_model_knows_the_languages_of_its_meta_or_many() -> None:
    assert META.knows("zh")
    english = replace(META, model_languages=("en",))
    assert english.knows("en")
    assert english.knows(UNDETERMINED)
    assert not english.knows("zh")


def test_citations_are_read_once_each_and_only_real_ones() -> None:
    assert citations("A [2]. B [1][2], not [9] or [0].", 3) == [2, 1]


def test_a_refusal_is_recognised_and_an_answer_is_not() -> None:
    assert is_refusal("The documents do not say.")
    assert is_refusal("The text does not mention the price.")
    assert is_refusal("文档中没有提到。")
    assert is_refusal("根据提供的资料，无法回答这个问题。")
    assert is_refusal("文中並未提及價格。")
    assert not is_refusal("该文件规定水泵不得连续运行超过十一小时 [1]。")
    assert not is_refusal("保修四十二个月。")
    assert not is_refusal("The valve does not open by itself [1].")


def test_a_sentence_is_supported_only_by_the_quotes() -> None:
    quotes = ["The last fourteen backups are kept on the card for 36 months."]
    question = "How many backups are kept?"
    assert is_supported("The last fourteen backups are kept.", quotes, question, "en")
    assert not is_supported("The last 40 backups are kept.", quotes, question, "en")
    assert not is_supported("The backups are kept.", quotes, question, "en")
    assert not is_supported(
        "Fourteen engineers in Berlin keep backups safely.", quotes, question, "en"
    )


def test_a_chinese_sentence_is_supported_only_by_the_quotes() -> None:
    quotes = ["保修四十二个月。", "水箱容量为四点五升。"]
    question = "保修期有多长？"
    assert is_supported("保修期为四十二个月。", quotes, question, "zh")
    assert not is_supported("保修期为五十个月。", quotes, question, "zh")
    assert not is_supported("保修期。", quotes, question, "zh")


def test_passages_are_left_out_when_the_context_is_full() -> None:
    hits = [hit(number, "word " * 400) for number in range(10)]
    profile = profile_of("unknown-model", context_tokens=2048)
    system, user = messages_for_passages("Why?", hits, profile)
    assert system["content"] == SYSTEM_PROMPT
    assert "[1]" in user["content"]
    assert "[9]" not in user["content"]
    total = estimate_tokens(system["content"]) + estimate_tokens(user["content"])
    assert total + profile.answer_tokens <= 2048


def test_a_single_passage_that_is_too_long_is_cut() -> None:
    profile = profile_of("unknown-model", context_tokens=1024)
    _, user = messages_for_passages("Why?", [hit(1, "word " * 5000)], profile)
    assert estimate_tokens(user["content"]) < 1024


def test_profiles_go_by_the_beginning_of_the_name() -> None:
    assert profile_of("smollm2-135m-instruct").quotes
    assert not profile_of("qwen-plus").quotes
    assert not profile_of("anything").quotes


@pytest.mark.parametrize(
    ("endpoint", "region_id"),
    [
        ("https://oss-cn-hangzhou-internal.aliyuncs.com", "cn-hangzhou"),
        ("kms.ap-southeast-1.aliyuncs.com", "ap-southeast-1"),
        ("http://127.0.0.1:9000", "cn-hangzhou"),
    ],
)
def test_a_region_is_read_from_an_endpoint(endpoint: str, region_id: str) -> None:
    assert region_of(endpoint) == region_id


def test_a_document_that_has_only_the_name_of_the_subject_does_not_count() -> None:
    title = "File of the Cragside boiler"
    built = "The Cragside boiler was built in 2024 and stands in cellar 2."
    valve = "The safety valve of the Cragside boiler opens at 6.4 bar."
    question = "At what pressure does the safety valve of the Cragside boiler open?"
    counts = {"pressur": 20, "safeti": 9, "valv": 40, "cragsid": 1, "boiler": 1, "open": 30}
    without = judge(question, "en", [hit(1, built, cosine=0.5, title=title)], 300, counts)
    with_it = judge(question, "en", [hit(1, valve, cosine=0.5, title=title)], 300, counts)
    assert (without.answerable, with_it.answerable) == (False, True)


def test_words_far_apart_support_less_than_words_in_one_place() -> None:
    asked = ("How often is the filter of the pump cleaned?", "en")
    near = "It is red. The filter of the pump is cleaned every week. It is loud."
    far = "The filter is red. It hums. It is loud. The pump runs. It is new. Trays are cleaned."
    support = [judge(*asked, [hit(1, text, cosine=0.4)], 100, {}).support for text in (near, far)]
    assert support[0] > support[1]
