"""What a rehearsal asks of an edge, against servers that answer well and that do not."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ops.rehearse import edge, overlay
from rag.headers import EDGE_KEY

ANSWER = {"answer": "40 bar", "sources": [{"number": 1}]}


@dataclass
class Door:
    """A server that stands for the edge, or for the application behind it.

    Attributes:
        without: Status to a request without a token.
        answer: What it answers with, to a token.
        keeps: Whether it answers the second time from its cache.
        keys: Keys that it was shown.
    """

    without: int = 401
    answer: dict[str, Any] = field(default_factory=lambda: dict(ANSWER))
    keeps: bool = True
    keys: list[str | None] = field(default_factory=list)
    url: str = ""
    asked: int = 0


@pytest.fixture
def door(monkeypatch: pytest.MonkeyPatch) -> Iterator[Door]:
    made = Door()

    class Handler(http.server.BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            """Say nothing."""

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            made.keys.append(self.headers[EDGE_KEY])
            known = self.headers["Authorization"] == "Bearer token"
            made.asked += known
            body = json.dumps(made.answer if known else {}).encode()
            self.send_response(200 if known else made.without)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("X-Edge-Cache", "hit" if made.keeps and made.asked > 1 else "miss")
            self.end_headers()
            self.wfile.write(body)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    monkeypatch.setattr(edge, "issued", lambda _home, what: what)
    monkeypatch.setattr(edge, "_KEPT_SECONDS", 0.1)
    yield made
    server.shutdown()
    server.server_close()
    thread.join()


def through(door: Door) -> str:
    return edge.ask_through({"edge_url": door.url}, Path(), "How high?")


def around(door: Door) -> str:
    return edge.ask_around({"chat_url": door.url, "chat_address": "127.0.0.1"}, Path(), "How high?")


def test_edge_that_answers_caches_and_refuses_passes(door: Door) -> None:
    assert "1 sources, then from the cache; without one: 401" in through(door)
    assert door.asked == 2


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"answer": {"answer": "40 bar", "sources": []}}, "an answer and its sources"),
        ({"answer": {"answer": "", "sources": [1]}}, "an answer and its sources"),
        ({"keeps": False}, "from the edge.s cache"),
        ({"without": 200}, "expected 401"),
        ({"without": 500}, "expected 401"),
    ],
)
def test_edge_with_a_wrong_answer_is_reported(
    door: Door, changes: dict[str, Any], said: str
) -> None:
    for name, value in changes.items():
        setattr(door, name, value)
    with pytest.raises(edge.EdgeError, match=said):
        through(door)


def test_application_that_refuses_requests_past_the_edge_passes(door: Door) -> None:
    door.without = 403
    assert "with a guessed one: 403" in around(door)
    assert door.keys == [None, "a-guess"]


@pytest.mark.parametrize("status", [200, 401, 503])
def test_application_that_answers_past_the_edge_is_reported(door: Door, status: int) -> None:
    door.without = status
    with pytest.raises(edge.EdgeError, match="expected 403"):
        around(door)


def test_removed_edge_does_not_answer(door: Door) -> None:
    assert edge.still_answers(door.url)
    assert not edge.still_answers("http://127.0.0.1:9")


def replaced(**changes: Any) -> dict[str, Any]:
    found = overlay.replacements(
        {"customrag:loadBalancer": True},
        **{
            "account_id": "1",
            "certificate_id": "2-cn-hangzhou",
            "corpus_dir": "/corpus",
            "overrides": {},
            **changes,
        },
    )
    return {item.key: item.value for item in found}


def test_application_behind_an_edge_has_the_name_of_the_certificate() -> None:
    assert "chatDomainName" not in replaced()
    assert replaced(certificate_host="chat.dev.internal")["chatDomainName"] == "chat.dev.internal"


def test_value_in_brackets_is_a_list() -> None:
    key, value = overlay._override("customrag:chatAllowedCidrBlocks=[10.0.0.0/8,192.0.2.0/24]")
    assert replaced(overrides={key: value})[key] == ["10.0.0.0/8", "192.0.2.0/24"]
    assert overlay._override("edge=cloudflare") == ("edge", "cloudflare")
