"""Comments, issues and releases that workflows write, on a fake GitHub."""

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
    """Lists, creates and changes entries; the server keeps the requests."""

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
        """Log nothing."""


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


def _comment(number: int, body: str | None, author: str = "github-actions[bot]") -> dict[str, Any]:
    return {"id": number, "body": body, "user": {"login": author}}


def _preview(repository: github.Repository, *texts: str, stacks: str = "dev") -> list[str]:
    return github.comments(repository, 7, texts, stacks=stacks.split(), commit="c0ffee")


def test_the_first_preview_creates_a_comment(server: Server, repository: github.Repository) -> None:
    server.entries = [_comment(1, "a person's", "eve"), _comment(2, None)]
    _preview(repository, MARKED)
    assert _written(server) == [("POST", "/issues/7/comments", {"body": MARKED})]


def test_a_later_preview_replaces_the_comment(
    server: Server, repository: github.Repository
) -> None:
    server.entries = [_comment(5, MARKED + "old")]
    _preview(repository, MARKED)
    assert _written(server) == [("PATCH", "/issues/comments/5", {"body": MARKED})]


def test_an_equal_comment_is_kept(server: Server, repository: github.Repository) -> None:
    server.entries = [_comment(5, MARKED)]
    assert _preview(repository, MARKED) == ["customrag-preview: dev: the comment is up to date"]
    assert _written(server) == []


def test_a_persons_comment_with_the_marker_is_not_changed(
    server: Server, repository: github.Repository
) -> None:
    server.entries = [_comment(5, MARKED, "eve")]
    _preview(repository, MARKED)
    assert _written(server) == [("POST", "/issues/7/comments", {"body": MARKED})]


def test_the_comment_of_an_unchanged_stack_says_that_nothing_changes(
    server: Server, repository: github.Repository
) -> None:
    server.entries = [_comment(5, MARKED + "old")]
    _preview(repository, stacks="")
    ((method, path, body),) = _written(server)
    assert (method, path) == ("PATCH", "/issues/comments/5")
    assert body["body"].startswith(MARKED.partition("\n")[0])
    assert "nothing changes" in body["body"]
    assert "c0ffee" in body["body"]


def test_a_failed_preview_replaces_an_old_comment(
    server: Server, repository: github.Repository
) -> None:
    server.entries = [_comment(5, MARKED + "old")]
    _preview(repository, stacks="dev prod")
    bodies = {path: body["body"] for _, path, body in _written(server)}
    assert bodies.keys() == {"/issues/comments/5", "/issues/7/comments"}
    assert all("failed" in text for text in bodies.values())


def test_a_text_without_a_marker_is_refused(repository: github.Repository) -> None:
    with pytest.raises(ToolError, match="must be a marker"):
        _preview(repository, "### Preview")


def test_a_text_with_another_marker_is_refused(
    server: Server, repository: github.Repository
) -> None:
    with pytest.raises(ToolError, match="is not the marker of a preview"):
        _preview(repository, "<!-- customrag-drift: dev -->\n")
    assert _written(server) == []


def test_a_text_is_cut_to_the_longest_that_github_accepts() -> None:
    assert github.fitting(MARKED) == MARKED
    cut = github.fitting(MARKED + "- a line\n" * 10_000)
    assert len(cut) <= github.LONGEST
    assert cut.startswith(MARKED)
    assert "and more" in cut[-60:]


def test_the_comments_of_a_folder_are_posted(
    server: Server, repository: github.Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", repository.token)
    monkeypatch.setenv("GITHUB_REPOSITORY", repository.name)
    monkeypatch.setenv("GITHUB_API_URL", repository.url)
    file = tmp_path / "comment-dev" / "comment.md"
    file.parent.mkdir()
    file.write_text(MARKED)
    words = ["comments", "--folder", str(tmp_path), "--pull-request", "7", "--stacks", "dev prod"]
    assert github.main(words) == 0
    assert [body["body"].partition("\n")[0] for _, _, body in _written(server)] == [
        "<!-- customrag-preview: dev -->",
        "<!-- customrag-preview: prod -->",
    ]


def test_a_report_is_an_issue_kept_up_to_date(
    server: Server, repository: github.Repository
) -> None:
    assert github.report(repository, "Drift", MARKED, close=False) == "opened issue 9"
    server.entries = [{"number": 3, **_comment(0, MARKED + "old")}]
    assert github.report(repository, "Drift", MARKED, close=False) == "updated issue 3"
    assert github.report(repository, "Drift", MARKED, close=True) == "closed issue 3"
    assert _written(server)[-1][2]["state"] == "closed"


def test_an_empty_report_opens_no_issue(server: Server, repository: github.Repository) -> None:
    assert github.report(repository, "Drift", MARKED, close=True) == "nothing to report"
    assert _written(server) == []


def test_a_release_is_published_once(server: Server, repository: github.Repository) -> None:
    assert github.release(repository, "0.2.0", "notes") == "published v0.2.0"
    server.entries = [{"id": 4, "tag_name": "v0.2.0"}]
    assert github.release(repository, "0.2.0", "notes") == "updated v0.2.0"


def test_a_refusal_names_the_missing_permissions(server: Server) -> None:
    url = f"http://127.0.0.1:{server.server_port}"
    stranger = github.Repository(name="us/it", url=url, token="another")
    with pytest.raises(ToolError, match=r"(?s)HTTP 401.*permissions:"):
        _preview(stranger, MARKED)


def test_a_missing_token_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("GITHUB_TOKEN", raising=False)
    assert github.main(["comments", "--folder", str(tmp_path), "--pull-request", "7"]) == 1
    assert "GITHUB_TOKEN" in capsys.readouterr().err
