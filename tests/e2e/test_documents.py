"""Documents as people have them: every file is accounted for, and answers come from all of them.

What it cannot prove: answers with a multilingual model, which this machine cannot fetch.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx
import pytest

from tests.e2e.checkout import Checkout
from tests.e2e.cloud import Cloud
from tests.support import hard_documents

pytestmark = pytest.mark.e2e

UP_SECONDS = 900.0
IN_PART = {
    "docs/boiler.pdf": "page 2",
    "docs/lines.jsonl": "1 of 2 lines",
}
"""Documents that are read in part, and what the list says is missing."""


@pytest.fixture(scope="module")
def chat(private: Checkout, cloud: Cloud) -> Iterator[httpx.Client]:
    """Return a client of the edge with a token."""
    token = private.make("token").check().output.strip()
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(
        base_url=cloud.outputs()["edge_url"], headers=headers, timeout=120.0
    ) as client:
        yield client


def _documents(private: Checkout) -> dict[str, dict[str, object]]:
    done = private.make("documents", JSON="1").check()
    rows = json.loads(done.output)
    return {row["document"]: row for row in rows}


def test_up_reads_everything_that_can_be_read(private: Checkout) -> None:
    hard_documents.write(private.corpus)
    hard_documents.write_odd_names(private.corpus)
    done = private.start_up(timeout_seconds=UP_SECONDS).wait().check()
    assert "2 in part" in done.words
    assert "1 unread" in done.words


def test_every_file_is_accounted_for(private: Checkout) -> None:
    rows = _documents(private)
    found = {f"docs/{path.name}" for path in (private.corpus / "docs").iterdir()}
    assert {key for key in found if key.isascii()} <= rows.keys()
    assert {key for key, row in rows.items() if row["outcome"] == "part"} == IN_PART.keys()
    for key, missing in IN_PART.items():
        assert missing in str(rows[key]), rows[key]
    (unread,) = [row for row in rows.values() if row["outcome"] == "unread"]
    assert "UTF-8" in str(unread)


def test_every_question_is_answered_from_its_document(chat: httpx.Client) -> None:
    wrong = []
    for asked in hard_documents.ASKED:
        answer = chat.post("/api/ask", json={"question": asked.question}).raise_for_status().json()
        cited = [answer["sources"][number - 1]["document_key"] for number in answer["citations"]]
        right = asked.answer in answer["answer"] and any(asked.document in key for key in cited)
        if not right:
            wrong.append((asked.question, answer["state"], answer["answer"], cited))
    assert wrong == []


def test_a_chinese_question_without_an_answer_is_refused_in_chinese(chat: httpx.Client) -> None:
    body = {"question": hard_documents.NOT_IN_DOCUMENTS}
    answer = chat.post("/api/ask", json=body).raise_for_status().json()
    assert answer["state"] == "not_in_documents"
    assert "文档" in answer["answer"]


def test_a_second_up_changes_nothing(private: Checkout) -> None:
    done = private.start_up(timeout_seconds=UP_SECONDS).wait().check()
    assert "nothing has changed" in done.output
