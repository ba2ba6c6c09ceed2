"""What workflows tell on GitHub, against a server that keeps issues, comments and releases."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tools import github
from tools.errors import ToolError

MARKED = "<!-- customrag-preview: dev -->\n### Preview\n"


class Fake(BaseHTTPRequestHandler):
    """Lists, makes and changes entries; what it was asked is kept by the server."""

    def _answer(self) -> None:
        server = self.server
        assert isinstance(server, Server)
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        path = self.path.partition("?")[0].removeprefix("/repos/us/it")
        server.asked.append((self.command, path, body))
        if self.headers["Authorization"] != "Bearer token":
            self.send_error(401, "Bad credentials")
            return
        answer = server.entries if self.command == "GET" else {"number": 9, **(body or {})}
        content = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PATCH = _answer  # noqa: N815  its base's names

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  its base's name
        """Say nothing."""


class Server(ThreadingHTTPServer):
    """The fake's state."""

    entries: list[dict[str, Any]]
    asked: list[tuple[str, str, Any]]


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server(("127.0.0.1", 0), Fake)
    made.entries, made.asked = [], []
    thread = threading.Thread(target=made.serve_forever)
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


@pytest.fixture
def repository(server: Server) -> github.Repository:
    return github.Repository(
        name="us/it", url=f"http://127.0.0.1:{server.server_port}", token="token"
    )


def _written(server: Server) -> list[tuple[str, str, Any]]:
    return [call for call in server.asked if call[0] != "GET"]


def test_a_first_comment_is_made(server: Server, repository: github.Repository) -> None:
    server.entries = [{"id": 1, "body": "somebody's"}, {"id": 2, "body": None}]
    github.comment(repository, 7, MARKED)
    assert _written(server) == [("POST", "/issues/7/comments", {"body": MARKED})]


def test_a_later_one_takes_its_place(server: Server, repository: github.Repository) -> None:
    server.entries = [{"id": 5, "body": MARKED + "old"}]
    github.comment(repository, 7, MARKED)
    assert _written(server) == [("PATCH", "/issues/comments/5", {"body": MARKED})]


def test_one_that_says_the_same_is_left(server: Server, repository: github.Repository) -> None:
    server.entries = [{"id": 5, "body": MARKED}]
    assert github.comment(repository, 7, MARKED) == "the comment says so already"
    assert _written(server) == []


def test_a_text_without_a_marker_is_refused(repository: github.Repository) -> None:
    with pytest.raises(ToolError, match="has to be a marker"):
        github.comment(repository, 7, "### Preview")


def test_a_report_is_an_issue_kept_up_to_date(
    server: Server, repository: github.Repository
) -> None:
    assert github.report(repository, "Drift", MARKED, close=False) == "opened issue 9"
    server.entries = [{"number": 3, "body": MARKED + "old"}]
    assert github.report(repository, "Drift", MARKED, close=False) == "updated issue 3"
    assert github.report(repository, "Drift", MARKED, close=True) == "closed issue 3"
    assert _written(server)[-1][2]["state"] == "closed"


def test_nothing_to_report_opens_nothing(server: Server, repository: github.Repository) -> None:
    assert github.report(repository, "Drift", MARKED, close=True) == "nothing to report"
    assert _written(server) == []


def test_a_release_is_published_once(server: Server, repository: github.Repository) -> None:
    assert github.release(repository, "0.2.0", "notes") == "published v0.2.0"
    server.entries = [{"id": 4, "tag_name": "v0.2.0"}]
    assert github.release(repository, "0.2.0", "notes") == "updated v0.2.0"


def test_a_refusal_says_what_the_job_lacks(server: Server) -> None:
    url = f"http://127.0.0.1:{server.server_port}"
    stranger = github.Repository(name="us/it", url=url, token="another")
    with pytest.raises(ToolError, match=r"(?s)HTTP 401.*permissions:"):
        github.comment(stranger, 7, MARKED)


def test_outside_a_job_it_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("GITHUB_TOKEN", raising=False)
    assert github.main(["comment", "--file", str(tmp_path / "x"), "--pull-request", "7"]) == 1
    assert "GITHUB_TOKEN" in capsys.readouterr().err
