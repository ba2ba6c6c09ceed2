"""Answering, the application's routes and the terminal client, over injected search and model."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from importlib import resources
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pydantic import SecretStr

from rag.answer import Answerer
from rag.app import create_app, server
from rag.app.gate import EdgeGate
from rag.app.server import surroundings
from rag.app.services import Services
from rag.ask import AskError, Wrapped, events, main, show
from rag.headers import EDGE_KEY
from rag.hits import Hit
from rag.prompt import NOT_IN_DOCUMENTS, profile_of
from rag.settings import AppSettings
from rag.terminal import columns
from tests.rag.fakes import FakeModel, FakeRetriever, hit

HITS = [
    hit(1, "The valve opens at noon. It closes at nine in the evening.", cosine=0.7),
    hit(2, "Trays weigh forty kilograms. Clean the filter.", cosine=0.3),
]
QUESTION = "When does the valve open?"


def application(
    model: FakeModel,
    hits: Sequence[Hit] = HITS,
    *,
    model_name: str = "qwen-plus",
    failing: bool = False,
    **settings: Any,
) -> TestClient:
    retriever: Any = FakeRetriever(hits, failing=failing)
    answerer = Answerer(retriever, model, profile_of(model_name))
    values = {
        "search_url": "http://search",
        "index_alias": "kestrel",
        "llm_base_url": "http://model/v1",
        "llm_model": model_name,
        **settings,
    }
    services = Services(retriever=retriever, answerer=answerer, model=model)
    given = AppSettings(**values)
    return TestClient(create_app(services, given, given.read_edge_key()))


def streamed(http: TestClient, question: str = QUESTION) -> list[tuple[str, dict[str, Any]]]:
    reply = http.post("/api/ask", json={"question": question, "stream": True})
    assert reply.headers["content-type"].startswith("text/event-stream")
    return list(events(line.encode() for line in reply.text.split("\n")))


def test_an_answer_streams_after_its_sources_and_ends_with_its_citations() -> None:
    found = streamed(application(FakeModel(["At ", "noon [1]."])))
    assert [name for name, _ in found] == ["sources", "token", "token", "done"]
    assert [source["number"] for source in found[0][1]["sources"]] == [1, 2]
    assert found[0][1]["sources"][0]["uri"] == "oss://bucket/corpus/docs/1.md"
    assert found[-1][1]["answer"] == "At noon [1]."
    assert found[-1][1]["citations"] == [1]
    assert found[-1][1]["state"] == "answered"


def test_an_answer_in_one_piece_has_the_same_parts() -> None:
    reply = application(FakeModel(["At noon [1]."])).post("/api/ask", json={"question": QUESTION})
    assert reply.status_code == 200
    assert reply.json()["answer"] == "At noon [1]."
    assert len(reply.json()["sources"]) == 2


def test_the_model_gets_the_passages_and_the_strict_rules() -> None:
    model = FakeModel(["At noon [1]."])
    application(model).post("/api/ask", json={"question": QUESTION})
    system, user = model.asked[0]
    assert all(sentence in system["content"] for sentence in NOT_IN_DOCUMENTS.values())
    assert "[2] Title 2\nTrays weigh" in user["content"]


def test_a_question_that_the_documents_do_not_answer_does_not_reach_the_model() -> None:
    model = FakeModel(["Paris."])
    found = streamed(application(model, [hit(1, "The valve.", cosine=0.1)]), "Capital of France?")
    assert found[-1][1]["state"] == "not_in_documents"
    assert found[-1][1]["answer"] == "The documents do not say."
    assert model.asked == []


def test_a_chinese_question_without_answer_gets_a_chinese_sentence() -> None:
    model = FakeModel(["巴黎。"])
    found = streamed(application(model, [hit(1, "The valve.", cosine=0.1)]), "法国的首都是哪里？")
    assert found[-1][1]["state"] == "not_in_documents"
    assert found[-1][1]["answer"] == "文档中没有提到。"
    assert model.asked == []


def test_an_empty_index_has_no_answer() -> None:
    found = streamed(application(FakeModel([]), []))
    assert found[0][1]["sources"] == []
    assert found[-1][1]["state"] == "not_in_documents"


def test_a_refusal_of_the_model_is_reported_as_a_refusal() -> None:
    found = streamed(application(FakeModel([NOT_IN_DOCUMENTS["en"]])))
    assert found[-1][1]["state"] == "not_in_documents"


def test_a_refusal_of_the_model_in_chinese_is_reported_as_a_refusal() -> None:
    found = streamed(application(FakeModel([NOT_IN_DOCUMENTS["zh"]])))
    assert found[-1][1]["state"] == "not_in_documents"


def test_chinese_sentences_are_quoted_and_a_supported_one_is_added() -> None:
    text = "青岚Q3是一台除湿机。\n\n保修四十二个月。水箱容量为四点五升。代码E7表示湿度传感器断线。"
    hits = [hit(1, text, language="zh", cosine=0.3)]
    for question, quoted, sentence in (
        ("青岚Q3的保修期有多长？", "保修四十二个月。", "保修四十二个月。"),
        ("代码E7表示什么？", "代码E7表示湿度传感器断线。", "代码E7表示湿度传感器断线。"),
    ):
        model = FakeModel([sentence, "还有。"])
        done = streamed(application(model, hits, model_name="smollm2-135m-instruct"), question)[-1][
            1
        ]
        assert done["state"] == "quoted"
        assert any(quoted in quote["text"] for quote in done["quotes"]), done
        assert done["answer"].endswith(f"简而言之：{sentence}")
    model = FakeModel(["保修五十个月。"])
    done = streamed(application(model, hits, model_name="smollm2-135m-instruct"), question)[-1][1]
    assert "五十" not in done["answer"]


def test_unsupported_text_of_a_small_model_is_not_shown() -> None:
    model = FakeModel(["The valve opens ", "on April 14th."])
    http = application(model, HITS, model_name="smollm2-135m-instruct")
    done = streamed(http)[-1][1]
    assert done["state"] == "quoted"
    assert "“The valve opens at noon. It" in done["answer"]
    assert "April" not in done["answer"]
    assert {quote["number"] for quote in done["quotes"]} <= {1, 2}


def test_a_supported_sentence_of_a_small_model_is_shown() -> None:
    model = FakeModel(["The valve opens at noon. ", "Then more."])
    http = application(model, HITS, model_name="smollm2-135m-instruct")
    assert streamed(http)[-1][1]["answer"].endswith("In short: The valve opens at noon.")


def test_sources_are_sent_even_if_the_model_fails() -> None:
    http = application(FakeModel(["At "], fails_after=0))
    found = streamed(http)
    assert [name for name, _ in found] == ["sources", "error"]
    assert "cannot be reached" in found[-1][1]["message"]
    reply = http.post("/api/ask", json={"question": QUESTION})
    assert reply.status_code == 502
    assert len(reply.json()["sources"]) == 2


def test_an_empty_answer_is_an_error() -> None:
    found = streamed(application(FakeModel([" "])))
    assert found[-1][0] == "error"
    assert "empty answer" in found[-1][1]["message"]


def test_a_failed_search_is_reported() -> None:
    http = application(FakeModel([]), failing=True)
    assert streamed(http) == [
        (
            "error",
            {"code": "search_unavailable", "message": "the search cluster does not answer"},
        )
    ]
    reply = http.post("/api/ask", json={"question": QUESTION})
    assert reply.status_code == 503
    assert reply.json()["error"]["message"] == "the search cluster does not answer"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"question": "  "}, "question"),
        ({"question": "x" * 2001}, "question"),
        ({"question": "x", "top_k": 0}, "top_k"),
        ({"question": "x", "colour": 1}, "colour"),
        ({}, "question"),
    ],
)
def test_a_bad_request_names_the_field(body: dict[str, Any], field: str) -> None:
    reply = application(FakeModel([])).post("/api/ask", json=body)
    assert reply.status_code == 422
    assert field in reply.json()["error"]["message"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (rb'{"question": "When does the valve open \ud83d?"}', 200),
        (rb'{"question": "When does the valve open \ud83d?", "stream": true}', 200),
        (rb'{"question": "\u0000"}', 422),
        (rb'{"question": "x", "\ud800": 1}', 422),
        (rb'{"question": ["\ud800"]}', 422),
        (b"[" * 100_000, 400),
    ],
)
def test_any_question_gets_an_answer_or_a_reason(body: bytes, status: int) -> None:
    http = application(FakeModel(["At noon [1]."]))
    reply = http.post("/api/ask", content=body, headers={"Content-Type": "application/json"})
    assert reply.status_code == status
    assert reply.content.decode()


def test_half_characters_of_the_model_and_of_the_index_are_joined_or_replaced() -> None:
    hits = [hit(1, "The valve opens at noon \ud83d.", title="\udc00", cosine=0.7)]
    found = streamed(application(FakeModel(["At \ud83d", "\ude00 noon \udc00", " [1]."]), hits))
    assert found[0][1]["sources"][0]["text"] == "The valve opens at noon \ufffd."
    assert found[-1][1]["answer"] == "At 😀 noon \ufffd [1]."
    http = application(FakeModel(["At noon [1].\ud83d"]), hits)
    assert http.post("/api/ask", json={"question": QUESTION}).json()["answer"] == (
        "At noon [1].\ufffd"
    )
    assert http.get("/api/passage", params={"chunk_id": "chunk-1"}).json()["title"] == "\ufffd"


def test_a_passage_has_its_place_in_the_document() -> None:
    http = application(FakeModel([]))
    passage = http.get("/api/passage", params={"chunk_id": "chunk-1"}).json()
    assert passage["text"] == HITS[0].text
    assert (passage["before"], passage["after"]) == ("", "")
    missing = http.get("/api/passage", params={"chunk_id": "nothing"})
    assert missing.status_code == 404


def test_the_text_around_a_passage_does_not_repeat_it() -> None:
    text = "0123456789abcdefghij"

    def piece(number: int, start: int, end: int) -> Hit:
        return hit(1, text[start:end], start_offset=start, end_offset=end, chunk_number=number)

    middle = piece(1, 6, 14)
    assert surroundings(middle, [piece(0, 0, 8), middle, piece(2, 12, 20)]) == ("012345", "efghij")
    assert surroundings(middle, [middle, piece(2, 16, 20)]) == ("", "\n\nghij")


def test_health_names_the_failing_dependency() -> None:
    well = application(FakeModel([])).get("/health")
    assert well.status_code == 200
    assert well.json()["status"] == "ok"
    ill = application(FakeModel([], fails_after=0)).get("/health")
    assert ill.status_code == 503
    assert ill.json()["checks"]["search"]["ok"]
    assert "cannot be reached" in ill.json()["checks"]["model"]["detail"]


def test_node_is_ready_once_every_dependency_has_answered_and_stays_so() -> None:
    model = FakeModel([], fails_after=0)
    http = application(model)
    services = http.app.state.services  # type: ignore[attr-defined]  # FastAPI's own
    assert http.get("/ready").status_code == 503
    model.fails_after = services._health = None
    assert http.get("/ready").status_code == 200
    model.fails_after, services._health = 0, None
    assert http.get("/health").status_code == 503
    assert http.get("/ready").status_code == 200


def test_the_page_runs_only_its_own_script_and_loads_nothing_from_other_hosts() -> None:
    http = application(FakeModel([]))
    page = http.get("/")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert page.headers["x-content-type-options"] == "nosniff"
    for path in ("/", "/app.js", "/messages.js", "/style.css", "/icon.svg"):
        reply = http.get(path)
        assert reply.status_code == 200
        outside = reply.text.replace("http://www.w3.org/2000/svg", "")
        assert "http://" not in outside
        assert "https://" not in outside
    assert "innerHTML" not in http.get("/app.js").text
    assert "<script>" not in page.text
    assert "style=" not in page.text


def test_the_page_says_everything_in_english_and_chinese() -> None:
    static = resources.files("rag.app").joinpath("static")
    messages = static.joinpath("messages.js").read_text("utf-8")
    english, chinese = messages.split("\n  zh: {\n")
    key = re.compile(r"^    (\w+):", re.MULTILINE)
    assert key.findall(english) == key.findall(chinese)
    page, script = (static.joinpath(name).read_text("utf-8") for name in ("index.html", "app.js"))
    used = re.findall(r'data-say(?:-\w+)?="(\w+)"', page) + re.findall(r"\bsay\.(\w+)", script)
    assert set(used) <= set(key.findall(english))
    known = set(re.findall(r"^      (\w+):", chinese, re.MULTILINE))
    assert known >= {*server._CODES.values(), "busy", "not_valid", "passage_not_found"}


def test_the_repr_of_settings_hides_secrets() -> None:
    settings = AppSettings(
        search_url="u",
        index_alias="a",
        llm_base_url="b",
        llm_model="m",
        llm_api_key="sk-very-secret",  # type: ignore[arg-type]
    )
    assert "very-secret" not in repr(settings)


def terminal(found: list[tuple[str, dict[str, Any]]]) -> str:
    out = io.StringIO()
    show(found, out)
    return out.getvalue()


def test_the_terminal_wraps_chinese_between_characters_by_their_width() -> None:
    out = io.StringIO()
    text = Wrapped(out)
    text.write("保修期为四十二个月，" * 9 + "代码 E7 表示断线。")
    text.end()
    lines = out.getvalue().splitlines()
    assert "".join(lines).replace(" ", "") == "保修期为四十二个月，" * 9 + "代码E7表示断线。"
    assert all(columns(line) <= 80 for line in lines)
    assert len(lines) == 3
    assert not any(line.startswith(("，", "。")) for line in lines)


def test_the_terminal_shows_the_answer_in_80_columns_and_the_cited_sources() -> None:
    words = ["word "] * 60 + ["end [2]."]
    shown = terminal(streamed(application(FakeModel(words))))
    answer, sources = shown.split("\nSources:\n")
    assert all(len(line) <= 80 for line in answer.splitlines())
    assert answer.rstrip().endswith("end [2].")
    assert "[2] Title 2" in sources
    assert "Title 1" not in sources
    assert "oss://bucket/corpus/docs/2.md 0-46" in sources


def test_the_terminal_shortens_chinese_titles_of_sources_by_their_width() -> None:
    hits = [replace(hit(1, "The valve opens at noon.", cosine=0.7), title="水泵手册" * 20)]
    shown = terminal(streamed(application(FakeModel(["At noon [1]."]), hits)))
    (source,) = (line for line in shown.splitlines() if line.startswith(" [1] "))
    assert source.endswith("…")
    assert 78 <= columns(source) <= 80


def test_the_terminal_lists_the_nearest_passages_if_nothing_is_cited() -> None:
    assert "Nearest passages:" in terminal(
        streamed(application(FakeModel([NOT_IN_DOCUMENTS["en"]])))
    )


def test_the_terminal_fails_if_the_answer_fails() -> None:
    with pytest.raises(AskError, match="cannot be reached"):
        terminal(streamed(application(FakeModel(["a"], fails_after=0))))
    with pytest.raises(AskError, match="closed before"):
        terminal([("sources", {"sources": []})])


def test_an_unreachable_application_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--url", "http://127.0.0.1:9", "why?"]) == 1
    assert "http://127.0.0.1:9 cannot be reached" in capsys.readouterr().err


def test_a_reader_of_the_answer_may_leave_early() -> None:
    program = (
        "import sys; from rag import ask; "
        "ask._ask = lambda *_: iter([('token', {'text': 'word ' * 99}), "
        "('done', {'citations': []})]); "
        "sys.exit(ask.main(['--url', 'http://127.0.0.1:9', 'why?']))"
    )
    reading, writing = os.pipe()
    os.close(reading)
    try:
        ended = subprocess.run(
            [sys.executable, "-c", program], stdout=writing, stderr=subprocess.PIPE, check=False
        )
    finally:
        os.close(writing)
    assert (ended.returncode, ended.stderr) == (0, b"")


def test_words_longer_than_a_line_are_not_lost() -> None:
    out = io.StringIO()
    text = Wrapped(out, width=10)
    text.write("ab " + "x" * 25 + "\n\nlast")
    text.end()
    assert out.getvalue() == "ab\n" + "x" * 25 + "\n\nlast\n"


def test_events_are_read_from_lines() -> None:
    data = {"text": "é\n"}
    lines = [b"event: token\n", b"data: " + json.dumps(data).encode() + b"\n", b"\n", b": note\n"]
    assert list(events(lines)) == [("token", data)]


def behind_an_edge(**headers: str) -> TestClient:
    http = application(FakeModel(["At noon [1]."]), edge_key="the-key")
    http.headers.update(headers)
    return http


def test_a_request_with_the_edge_key_is_answered() -> None:
    http = behind_an_edge(**{EDGE_KEY: "the-key"})
    assert http.post("/api/ask", json={"question": QUESTION}).status_code == 200


@pytest.mark.parametrize("shown", [{}, {EDGE_KEY: ""}, {EDGE_KEY: "another"}])
@pytest.mark.parametrize("path", ["/", "/api/ask", "/api/passage"])
def test_a_request_without_the_edge_key_is_refused(path: str, shown: dict[str, str]) -> None:
    reply = behind_an_edge(**shown).post(path, json={"question": QUESTION})
    assert reply.status_code == 403
    assert "edge_url" in reply.json()["error"]["message"]


def test_health_needs_no_edge_key() -> None:
    assert behind_an_edge().get("/health").status_code == 200
    assert behind_an_edge().get("/ready").status_code == 200


def test_an_empty_edge_key_is_refused() -> None:
    with pytest.raises(ValueError, match="key is empty"):
        EdgeGate(FastAPI(), SecretStr(""))


def test_a_stream_passes_the_gate_unchanged() -> None:
    http = behind_an_edge(**{EDGE_KEY: "the-key"})
    assert [name for name, _ in streamed(http)][-1] == "done"
