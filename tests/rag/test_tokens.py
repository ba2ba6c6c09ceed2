"""Chunks measured by the tokenizer of all-MiniLM-L6-v2, and how a job gets a tokenizer."""

from __future__ import annotations

import asyncio
import gzip
import itertools
import json
import tracemalloc
from functools import cache
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import regex
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient
from tokenizers import Tokenizer

from rag.chunk import Chunk, chunk_document, embedding_text
from rag.documents import Block, Document
from rag.embed import EmbeddingClient
from rag.errors import EmbeddingError
from rag.limits import measure_for
from rag.models import resolve_model
from rag.serving import EmbeddingService, create_app
from rag.settings import EmbeddingServiceSettings
from rag.tokens import ModelTokens, load_tokens, tokens_of

READS = 256
"""Tokens that all-MiniLM-L6-v2 reads; two of them are its own."""
MOST = 315 + 2
"""Tokens of a chunk: a quarter more than the model reads of a text, and two for a cut word."""
CHINESE = "水泵连续运行不得超过十一小时，否则密封圈会过热；停机后须冷却四十分钟。"
JAPANESE = "排水ポンプの点検は年に一度、資格を持つ技術者が行う。"
ENGLISH = "The condensate valve of tray 4 is opened by the operator, e.g. after alarm W7. "
FAMILY = "👩‍👩‍👧‍👦👍🏽🇩🇪🇫🇷"


@cache
def minilm() -> ModelTokens:
    return load_tokens(resolve_model("all-MiniLM-L6-v2"))


def small(max_tokens: int) -> ModelTokens:
    return ModelTokens(minilm().tokenizer_json, max_tokens)


@cache
def _counter() -> Tokenizer:
    tokenizer = Tokenizer.from_str(minilm().tokenizer_json)
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def tokens(text: str) -> int:
    """Count the tokens of `text` as the model counts them, its own marks included."""
    return len(_counter().encode(text).ids)


def check(document: Document, chunks: list[Chunk], size: int, most: int) -> None:
    """Check what holds for the chunks of every document."""
    text = document.text
    covered = 0
    for number, chunk in enumerate(chunks):
        assert text[chunk.start : chunk.end] == chunk.text == chunk.text.strip() != ""
        assert (chunk.number, chunk.count) == (number, len(chunks))
        shown = embedding_text("Title", chunk)
        assert len(shown) <= size
        assert tokens(shown) <= most + 2
        assert not text[covered : chunk.start].strip()
        covered = max(covered, chunk.end)
    assert not text[covered:].strip()
    for left, right in itertools.pairwise(chunks):
        assert left.start < right.start
        assert left.end < right.end


def of_text(text: str, **more: Any) -> Document:
    return Document(key="docs/a.txt", title="a", text=text, **more)


@pytest.mark.parametrize(
    "text",
    [
        CHINESE * 60,
        CHINESE.replace("。", "") * 60,
        "水" * 3000,
        JAPANESE * 40,
        ENGLISH * 50,
        "ประโยคภาษาไทยไม่มีเครื่องหมายจบ " * 60,
        "ปั๊มน้ำทำงานต่อเนื่อง" * 100,
        FAMILY * 200,
        "word " + "x" * 5000 + " end",
        "e\u0301" * 3000,
        "3.14159 " * 600,
        "{[(<>)]};" * 400,
        "a\ud800b " * 300,
        "Überlauf🙂" * 300,
        "\u0e33" * 1000,
    ],
    ids=lambda text: repr(text[:12]),
)
def test_a_chunk_is_within_the_model_and_within_the_size(text: str) -> None:
    chunks = chunk_document(of_text(text), minilm())
    check(
        of_text(text.replace("\ud800", "\ufffd")),
        [_cleaned(chunk) for chunk in chunks],
        1000,
        MOST,
    )


def _cleaned(chunk: Chunk) -> Chunk:
    return Chunk(**{**vars(chunk), "text": chunk.text.replace("\ud800", "\ufffd")})


_WORDS = st.sampled_from(
    [
        *("tray", "Ventil", "3.5", "W3,", "x" * 90, "antidisestablishmentarianism", "한국어는"),
        *("水泵运行", "，", "。", "❄️", "👩‍👩‍👧", "e\u0301", "ポンプ", "ภาษา", "؟", "।"),
        *("!", "\n", "\n\n", " ", "\t", "|"),
    ]
)
_SEEN = st.sampled_from([*FAMILY, "e\u0301", "क्षि", "가", "\u1100\u1161", "水", "❄️", "a", " "])


@settings(deadline=None, max_examples=80, derandomize=True)
@given(
    st.lists(st.one_of(_WORDS, st.text(max_size=12)), max_size=120).map(" ".join),
    st.sampled_from([(1000, 150, 252), (300, 60, 100), (120, 0, 60)]),
)
def test_any_text_is_cut_within_both_limits(text: str, limits: tuple[int, int, int]) -> None:
    size, overlap, most = limits
    text = text.encode("utf-8", "replace").decode()
    chunks = chunk_document(of_text(text), small(most), size=size, overlap=overlap)
    # A cut within a word can change the tokens of that word's rest.
    check(of_text(text), chunks, size, most + 2)


@settings(deadline=None, max_examples=60, derandomize=True)
@given(st.lists(_SEEN, max_size=400).map("".join))
def test_no_character_that_a_reader_sees_is_cut(text: str) -> None:
    boundaries = {0, *(match.end() for match in regex.finditer(r"\X", text))}
    for chunk in chunk_document(of_text(text), size=60, overlap=20):
        assert chunk.start in boundaries
        assert chunk.end in boundaries


def test_only_languages_that_the_model_knows_are_limited_in_tokens() -> None:
    assert measure_for(minilm(), "zh", ("en",)) is None
    assert measure_for(minilm(), "en", ("en",)) is minilm()
    assert measure_for(minilm(), "und", ("en",)) is minilm()
    assert measure_for(minilm(), "zh", ()) is minilm()


def test_a_chunk_of_chinese_is_within_the_limit_and_ends_at_sentences() -> None:
    document = of_text(CHINESE * 60)
    chunks = chunk_document(document, minilm())
    assert all(chunk.text.endswith(("。", "；")) for chunk in chunks)
    assert all(chunk.text[0] in "水停" for chunk in chunks)
    filled = [tokens(chunk.text) for chunk in chunks[:-1]]
    assert min(filled) > 0.8 * MOST
    # The repetition is measured in tokens, too: a seventh, in whole sentences.
    shared = [left.end - right.start for left, right in itertools.pairwise(chunks)]
    assert all(0 < length <= 50 for length in shared)


def test_a_sentence_that_is_too_long_is_cut_after_a_clause() -> None:
    text = "水泵连续运行不得超过十一小时，" * 60
    chunks = chunk_document(of_text(text), minilm())
    assert len(chunks) > 2
    assert all(chunk.text.endswith("，") and chunk.text.startswith("水泵") for chunk in chunks)
    assert all(a.end > b.start for a, b in itertools.pairwise(chunks))


def test_english_words_in_chinese_are_not_cut() -> None:
    text = "水泵运行" * 3 + "antidisestablishmentarianism"
    words = {"antidisestablishmentarianism"}
    for chunk in chunk_document(of_text(text * 40), small(100), size=101, overlap=20):
        assert set(regex.findall("[a-z]+", chunk.text)) <= words


def table(rows: int, header: str = "Pump | Rated head | Tested head") -> Document:
    lines = [header, *(f"AW-{n:03} | {n + 20} m | {n + 18} m" for n in range(rows))]
    before = "One line for each pump.\n\n"
    text = before + "\n".join(lines) + "\n\nEnd of the register."
    end = len(before) + len("\n".join(lines))
    start = len(before)
    block = Block(kind="table", start=start, end=end, header=(start, start + len(header)))
    return of_text(text, blocks=(block,))


@pytest.mark.parametrize("measure", [None, minilm()], ids=["characters", "tokens"])
def test_each_chunk_of_a_long_table_names_the_columns(measure: ModelTokens | None) -> None:
    header = "Pump | Rated head | Tested head"
    document = table(200)
    chunks = chunk_document(document, measure)
    check(document, chunks, 1000, MOST if measure else 10**6)
    assert len(chunks) > 4
    for chunk in chunks:
        assert header in embedding_text("", chunk)
        assert (chunk.table_header == "") == (header in chunk.text)
        # Whole rows, and a repetition of whole rows.
        assert all(row.count(" | ") == 2 for row in chunk.text.splitlines() if "AW-" in row)


def test_a_short_table_has_its_header_once() -> None:
    assert [chunk.table_header for chunk in chunk_document(table(5))] == [""]


def test_a_chunk_after_a_table_does_not_repeat_its_header() -> None:
    document = table(30)
    text = document.text + "\n\n" + ENGLISH * 30
    chunks = chunk_document(of_text(text, blocks=document.blocks), minilm())
    assert not any(chunk.table_header for chunk in chunks if "AW-" not in chunk.text)


@pytest.mark.parametrize("measure", [None, minilm()], ids=["characters", "tokens"])
def test_a_very_wide_header_is_cut_and_the_rows_still_fit(measure: ModelTokens | None) -> None:
    document = table(60, " | ".join(f"Column number {n}" for n in range(200)))
    chunks = chunk_document(document, measure)
    check(document, chunks, 1000, MOST if measure else 10**6)
    last = chunks[-1]
    assert last.table_header.startswith("Column number 0 | Column number 1 |")
    assert last.table_header.endswith(" …")
    assert len(last.table_header) <= 250


def test_a_header_of_markdown_is_repeated_without_its_line_of_hyphens() -> None:
    header = "| Pump     | Head   |\n|----------|-------:|"
    text = header + "\n" + "\n".join(f"| AW-{n:03} | {n} |" for n in range(100))
    block = Block(kind="table", start=0, end=len(text), header=(0, len(header)))
    chunks = chunk_document(of_text(text, blocks=(block,)))
    assert {chunk.table_header for chunk in chunks[1:]} == {"| Pump | Head |"}


def test_a_sentence_over_a_page_break_is_whole_in_a_chunk_that_names_both_pages() -> None:
    before, sentence = (
        ENGLISH * 11,
        "The yearly inspection may be carried out only by a technician.",
    )
    text = before + sentence + " " + ENGLISH * 11
    document = of_text(text, pages=(0, text.index("only by")))
    chunks = chunk_document(document)
    (chunk, *_) = [chunk for chunk in chunks if sentence in chunk.text]
    assert (chunk.first_page, chunk.last_page) == (1, 2)
    assert (chunks[-1].first_page, chunks[-1].last_page) == (2, 2)


def test_offsets_of_tokens_do_not_depend_on_the_pieces_of_a_long_text() -> None:
    text = (ENGLISH + CHINESE) * 300
    found = list(minilm().starts(text))
    assert found == [
        start for start, _ in _counter().encode(text, add_special_tokens=False).offsets
    ]


def test_an_unknown_word_counts_as_its_characters_because_a_cut_may_make_it_known() -> None:
    assert list(minilm().starts("ok 🙂🙂 ok")) == [0, 3, 4, 6]


def test_the_measure_leaves_room_for_the_prefix_and_the_marks_of_the_model() -> None:
    prefixed = load_tokens(resolve_model("all-MiniLM-L6-v2"), 64, "passage: ")
    assert prefixed.max_tokens == int((64 - 2 - 2 - 2) * 1.25)
    assert minilm().max_tokens == int((256 - 2 - 2) * 1.25)


def test_a_model_that_reads_thousands_of_tokens_gets_chunks_of_512() -> None:
    class LongContext:
        backend_tokenizer = SimpleNamespace(to_str=lambda: minilm().tokenizer_json)

        def __call__(self, text: str, **options: object) -> dict[str, list[int]]:
            return {"input_ids": []}

        def num_special_tokens_to_add(self) -> int:
            return 2

    assert tokens_of(LongContext(), 8192, "").max_tokens == 512 - 2 - 2


def test_a_model_that_reads_too_little_is_refused_with_the_number_that_it_needs() -> None:
    with pytest.raises(ValueError, match=r"reads 3 tokens.*Raise max_seq_length to 5 at least"):
        load_tokens(resolve_model("all-MiniLM-L6-v2"), 3)


def test_memory_stays_flat_for_a_large_text() -> None:
    text = (ENGLISH * 20 + "\n\n" + CHINESE * 5) * 200
    bytes_of_text = text.__sizeof__()
    tracemalloc.start()
    chunks = chunk_document(of_text(text), minilm())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(chunks) > 400
    # The chunks' own texts, their objects, four bytes for each token.
    assert peak < 2.5 * bytes_of_text


# The service and its client


class FakeEncoder:
    dimension, device, batch_size, workers = 16, "cpu", 4, 1
    cross_encoder = None
    late_interaction = None

    def __init__(self) -> None:
        self.tokens = minilm()

    def prepare_thread(self) -> None:
        pass

    def encode_batch(self, texts: list[str], input_type: str) -> None:
        pass


def served(request: httpx.Request) -> httpx.Response:
    body = {"model": "v1", "max_tokens": 252, "tokenizer": minilm().tokenizer_json}
    return httpx.Response(
        200,
        content=gzip.compress(json.dumps(body).encode()),
        headers={"content-encoding": "gzip"},
    )


def test_the_service_hands_out_its_tokenizer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rag.serving.LocalEncoder", lambda *args, **options: FakeEncoder())
    service = EmbeddingService(EmbeddingServiceSettings(model_uri="fake", model_version="v7"))
    with TestClient(create_app(service)) as http:
        service.load()
        reply = http.get("/v1/tokenizer")
    assert reply.json()["model"] == "v7"
    assert reply.json()["max_tokens"] == 315
    received = ModelTokens(reply.json()["tokenizer"], 252)
    assert list(received.starts(CHINESE)) == list(minilm().starts(CHINESE))
    assert int(reply.headers["content-length"]) < 0.5 * len(minilm().tokenizer_json)


def test_a_client_asks_for_the_tokenizer_once() -> None:
    asked = []

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        return served(request)

    async def run() -> None:
        client = EmbeddingClient("http://a", transport=httpx.MockTransport(handler))
        first = await client.token_measure()
        assert await client.token_measure() is first
        assert list(first.starts("a tray")) == [0, 2]
        await client.close()

    asyncio.run(run())
    assert asked == ["/v1/tokenizer"]


def test_a_node_of_an_older_version_is_passed_over() -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        return httpx.Response(404) if request.url.host == "old" else served(request)

    async def run() -> None:
        client = EmbeddingClient("http://old", "http://new", transport=httpx.MockTransport(handler))
        assert (await client.token_measure()).max_tokens == 252
        await client.close()

    asyncio.run(run())


def test_nodes_of_an_older_version_are_named_at_once() -> None:
    client = EmbeddingClient(
        "http://old", transport=httpx.MockTransport(lambda request: httpx.Response(404))
    )
    with pytest.raises(EmbeddingError, match=r"http://old: 404 .*older version.*Run pulumi up"):
        asyncio.run(client.token_measure())


def test_the_tokenizer_of_another_model_is_refused() -> None:
    client = EmbeddingClient(
        "http://a",
        model_version="v2",
        retry_seconds=0.0,
        transport=httpx.MockTransport(served),
    )
    with pytest.raises(EmbeddingError, match="has model 'v1', but the index needs 'v2'"):
        asyncio.run(client.token_measure())
