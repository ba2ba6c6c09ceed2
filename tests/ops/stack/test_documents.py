"""The listing of `make documents`, from a report and a manifest in a bucket of the local OSS."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from ops.account import Account
from ops.stack import documents
from ops.terminal import WIDTH, block
from providers.clients.credentials import credentials_provider
from rag.outcomes import DocumentOutcome, Outcome
from rag.terminal import columns
from tests.localcloud.oss.local_oss import LocalOss, running_oss

FOUND = [
    DocumentOutcome(
        document="docs/a.md",
        outcome=Outcome.WHOLE,
        chunks=1200,
        title="A",
        first_words="The pump of hall 3 runs at 60 bar, and is checked every spring. " * 3,
    ),
    DocumentOutcome(
        document="docs/b.pdf",
        outcome=Outcome.PART,
        chunks=2,
        missing=("Page 2 has no text: it is an image, and OCR is off (customrag:ocr). " * 2,),
    ),
    DocumentOutcome(
        document="docs/c.txt", outcome=Outcome.WHOLE, chunks=1, remarks=("Read as GB18030.",)
    ),
    DocumentOutcome(document="docs/d.docx", outcome=Outcome.UNREAD, reason="it is encrypted"),
    DocumentOutcome(document="docs/gone.png", outcome=Outcome.UNREAD, reason="a former file"),
    DocumentOutcome(document="docs/\u6587" * 40 + ".md", outcome=Outcome.WHOLE, chunks=1),
    DocumentOutcome(
        document="docs/z\n\u202e.md",
        outcome=Outcome.WHOLE,
        chunks=1,
        first_words="\u6df1\u5733\u7684\u6cf5" * 40,
    ),
]
MANIFEST: dict[str, Any] = {
    "documents": {
        **{one.document: {} for one in FOUND if one.document != "docs/gone.png"},
        "docs/new.md": {},
        "questions.jsonl": {},
    },
    "left_out": {
        "docs/.DS_Store": "skipped: a hidden file",
        "docs/\\xb1.md": "unread: its name is not UTF-8; rename it",
    },
}


@pytest.fixture(scope="module")
def oss(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalOss]:
    with running_oss(tmp_path_factory.mktemp("home")) as running:
        yield running
        running.connections.close_replies()


def account(oss: LocalOss) -> Account:
    platform = oss.platform
    return Account(
        region_id=platform.region_id,
        credentials=credentials_provider(platform.access_key_id, platform.access_key_secret),
        endpoints={"oss": oss.endpoint},
        platform={},
    )


def test_the_report_and_the_manifest_are_one_list(oss: LocalOss) -> None:
    bucket = oss.make_bucket()
    buckets = {"artifacts": bucket.bucket_name, "corpus": bucket.bucket_name}
    with pytest.raises(documents.DocumentsError, match="no ingest has finished; run `make up`"):
        documents.read(account(oss), {"buckets": buckets})
    report = "\n".join(one.line() for one in FOUND)
    bucket.put_object("ingest/documents.jsonl", report.encode())
    bucket.put_object("corpus/manifest.json", json.dumps(MANIFEST))
    read = documents.read(account(oss), {"buckets": buckets})
    outcomes = {one.document: one.outcome for one in read}
    assert list(outcomes) == sorted(outcomes)
    assert len(outcomes) == 9
    assert outcomes["docs/.DS_Store"] is Outcome.SKIPPED
    assert outcomes["docs/new.md"] is Outcome.UNREAD
    assert "docs/gone.png" not in outcomes
    assert documents.counts(read) == "4 whole, 1 part, 3 unread, 1 skipped"
    bucket.put_object("ingest/documents.jsonl", b"{}")
    with pytest.raises(documents.DocumentsError, match="is damaged"):
        documents.read(account(oss), {"buckets": buckets})


def test_a_stack_that_has_no_bucket_yet_says_so(oss: LocalOss) -> None:
    with pytest.raises(documents.DocumentsError, match="run `make up`"):
        documents.read(account(oss), {})


def test_an_index_that_is_pinned_keeps_documents_that_the_corpus_lost() -> None:
    read = documents.with_manifest(FOUND[:4], {"documents": {}, "left_out": {}})
    assert [one.document for one in read] == ["docs/a.md", "docs/b.pdf", "docs/c.txt"]


@pytest.mark.parametrize(
    ("only", "names"),
    [
        ("problems", ["docs/b.pdf", "docs/c.txt", "docs/d.docx"]),
        ("part", ["docs/b.pdf"]),
        ("unread", ["docs/d.docx"]),
        ("skipped", []),
        ("", ["docs/a.md", "docs/b.pdf", "docs/c.txt", "docs/d.docx"]),
    ],
)
def test_a_part_of_the_list_can_be_chosen(only: str, names: list[str]) -> None:
    documents.check_only(only)
    assert [one.document for one in documents.selected(FOUND[:4], only)] == names


def test_another_part_is_refused_with_the_allowed_ones() -> None:
    with pytest.raises(documents.DocumentsError, match="'bad'; use one of problems, whole, part, "):
        documents.check_only("bad")


def test_the_listing_fits_80_columns_and_shows_outcome_chunks_problems_and_words() -> None:
    listing = list(documents.lines(FOUND))
    assert max(map(columns, listing)) <= WIDTH
    assert listing[0] == "whole   1,200  docs/a.md"
    assert listing[1].startswith(" " * 15 + "The pump of hall 3 runs")
    assert listing[1].endswith("\u2026")
    text = "\n".join(listing)
    assert "part        2  docs/b.pdf\n" + " " * 15 + "! Page 2 has no text" in text
    assert "unread      -  docs/d.docx\n" + " " * 15 + "! it is encrypted" in text
    assert "docs/z\\n\\u202e.md" in text


def test_json_has_every_field() -> None:
    rows = json.loads(documents.as_json(FOUND))
    assert len(rows) == len(FOUND)
    assert rows[1]["missing"] == [FOUND[1].missing[0]]
    assert rows[3] == {
        "document": "docs/d.docx",
        "outcome": "unread",
        "reason": "it is encrypted",
        "chunks": 0,
        "missing": [],
        "remarks": [],
        "title": "",
        "language": "",
        "first_words": "",
    }


def test_a_block_breaks_between_wide_characters_and_keeps_long_words() -> None:
    link = "http://127.0.0.1/" + "x" * 90
    lines = block("heading", "\u6587" * 60 + f" and {link}", 11)
    assert lines[0].startswith("heading    \u6587")
    assert all(line.startswith(" " * 11) for line in lines[1:])
    assert lines[-1].strip() == link
    assert max(map(columns, lines[:-1])) <= WIDTH
    assert "".join(lines).count("\u6587") == 60
