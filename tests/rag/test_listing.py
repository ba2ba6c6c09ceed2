"""Which files below docs/ are documents, and what is reported of the others."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rag.corpus import load_corpus, load_questions
from rag.errors import CorpusError
from rag.listing import MAX_KEY_BYTES, Listing, list_documents
from rag.outcomes import DocumentOutcome, LeftOut, Outcome
from rag.readers import READERS


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    folder = tmp_path / "corpus" / "docs"
    folder.mkdir(parents=True)
    return folder


def write(path: Path, text: str = "The pump has three valves.") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def listed(docs: Path, **options: int) -> tuple[list[str], dict[str, tuple[Outcome, str]]]:
    listing = list_documents(docs.parent, **options)
    assert len({left.name for left in listing.left_out}) == len(listing.left_out)
    return (
        [file.key for file in listing.files],
        {left.name: (left.outcome, left.reason) for left in listing.left_out},
    )


@pytest.mark.parametrize(
    "name",
    [".git/", ".DS_Store", "Thumbs.db", "~$plan.docx", "desktop.ini", "__MACOSX/", ".~lock.a.md#"],
)
def test_hidden_and_system_files_are_skipped_on_purpose(docs: Path, name: str) -> None:
    write(docs / "a.md")
    write(docs / "sub" / (f"{name}b.md" if name.endswith("/") else name))
    keys, left_out = listed(docs)
    assert keys == ["docs/a.md"]
    assert {name: outcome for name, (outcome, _) in left_out.items()} == {
        f"docs/sub/{name}": Outcome.SKIPPED
    }


@pytest.mark.parametrize("name", ["Notes.MD", "a.b.txt", "$plan.md", "-rf.md", "%20.md", "~a.md"])
def test_ordinary_files_with_unusual_names_are_documents(docs: Path, name: str) -> None:
    write(docs / name)
    assert listed(docs) == ([f"docs/{name}"], {})


def test_every_supported_format_is_listed(docs: Path) -> None:
    for suffix in READERS:
        write(docs / f"a{suffix}")
    keys, left_out = listed(docs)
    assert len(keys) == len(READERS)
    assert left_out == {}


@pytest.mark.parametrize(
    ("name", "reason"), [("a.zip", "the format .zip"), ("LICENSE", r"the format \(no suffix\)")]
)
def test_a_format_that_is_not_supported_is_named(docs: Path, name: str, reason: str) -> None:
    write(docs / name)
    with pytest.raises(CorpusError, match=reason):
        load_corpus(docs.parent)
    write(docs / "a.md")
    (left,) = load_corpus(docs.parent).left_out
    assert (left.name, left.outcome) == (f"docs/{name}", Outcome.UNREAD)


def test_empty_and_too_large_files_are_unread(docs: Path) -> None:
    write(docs / "a.md", "12345")
    write(docs / "b.md", "")
    write(docs / "c.md", "123456")
    keys, left_out = listed(docs, max_bytes=5)
    assert keys == ["docs/a.md"]
    assert left_out == {
        "docs/b.md": (Outcome.UNREAD, "the file is empty"),
        "docs/c.md": (Outcome.UNREAD, "the file has more than 5 bytes"),
    }


@pytest.fixture
def special(docs: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    os.mkfifo(docs / "pipe.md")
    monkeypatch.chdir(docs)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket.md")
        yield docs


def test_pipes_and_sockets_are_named_and_never_opened(special: Path) -> None:
    # Opening the pipe would wait for a writer for ever.
    (special / "device.md").symlink_to("/dev/null")
    (special / "link.md").symlink_to("pipe.md")
    keys, left_out = listed(special)
    assert keys == []
    assert left_out == {
        "docs/pipe.md": (Outcome.SKIPPED, "a named pipe"),
        "docs/link.md": (Outcome.SKIPPED, "a named pipe"),
        "docs/socket.md": (Outcome.SKIPPED, "a socket"),
        "docs/device.md": (Outcome.SKIPPED, "a link that leads out of the corpus folder"),
    }


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_what_may_not_be_read_is_named(docs: Path) -> None:
    write(docs / "a.md").chmod(0)
    write(docs / "closed" / "b.md").parent.chmod(0)
    try:
        keys, left_out = listed(docs)
    finally:
        (docs / "closed").chmod(0o700)
    assert keys == []
    assert left_out == {
        "docs/a.md": (Outcome.UNREAD, "the file cannot be opened: Permission denied"),
        "docs/closed/": (Outcome.UNREAD, "the folder cannot be opened: Permission denied"),
    }


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (PermissionError(13, "Permission denied"), "Permission denied. Change its permissions."),
        (OSError(5, "Input/output error"), "Input/output error."),
    ],
)
def test_a_folder_docs_that_cannot_be_opened_is_an_error_with_what_to_change(
    docs: Path, monkeypatch: pytest.MonkeyPatch, error: OSError, said: str
) -> None:
    def refusing(path: str) -> None:
        raise error

    monkeypatch.setattr(os, "scandir", refusing)
    with pytest.raises(CorpusError) as caught:
        list_documents(docs.parent)
    assert str(caught.value) == f"{docs} cannot be opened: {said}"


def test_a_name_that_is_not_utf_8_is_named_escaped_and_the_rest_goes_on(docs: Path) -> None:
    write(docs / "a.md")
    write(docs / os.fsdecode(b"\xb1\xb8.md"))
    write(docs / os.fsdecode(b"caf\xe9") / "menu.md")
    keys, left_out = listed(docs)
    assert keys == ["docs/a.md"]
    assert left_out == {
        "docs/\\xb1\\xb8.md": (Outcome.UNREAD, "its name is not UTF-8; rename it"),
        "docs/caf\\xe9/menu.md": (Outcome.UNREAD, "its name is not UTF-8; rename it"),
    }


def test_a_key_is_longer_than_oss_allows_from_1017_bytes_on(docs: Path) -> None:
    deep = docs / "/".join(["d" * 200] * 4)
    room = MAX_KEY_BYTES - len(os.fsencode(deep.relative_to(docs.parent))) - len("/.md")
    fits, too_long = write(deep / f"{'x' * room}.md"), write(deep / f"{'x' * room}y.md")
    keys, left_out = listed(docs)
    assert keys == [fits.relative_to(docs.parent).as_posix()]
    ((name, (outcome, reason)),) = left_out.items()
    assert name == too_long.relative_to(docs.parent).as_posix()
    assert outcome is Outcome.UNREAD
    assert "1,016 bytes" in reason


def test_names_that_differ_by_case_or_normal_form_are_different_documents(docs: Path) -> None:
    names = ["README.md", "readme.md", "caf\u00e9.md", "cafe\u0301.md"]
    for name in names:
        write(docs / name, "the same")
    keys, left_out = listed(docs)
    assert keys == sorted(f"docs/{name}" for name in names)
    assert left_out == {}


def test_links_inside_the_corpus_are_followed(docs: Path) -> None:
    write(docs.parent / "more" / "b.md")
    (docs / "folder").symlink_to("../more")
    (docs / "file.md").symlink_to("../more/b.md")
    assert listed(docs) == (["docs/file.md", "docs/folder/b.md"], {})


def test_docs_itself_may_be_a_link_to_anywhere(tmp_path: Path, docs: Path) -> None:
    write(docs / "a.md")
    write(docs / "sub" / "b.md")
    (docs / "c").symlink_to("sub")
    pointing = tmp_path / "pointing"
    pointing.mkdir()
    (pointing / "docs").symlink_to(docs)
    assert listed(pointing / "docs") == (
        ["docs/a.md", "docs/sub/b.md"],
        {"docs/c/": (Outcome.SKIPPED, "a link to a folder that is listed in another place")},
    )


def test_links_that_leave_the_corpus_are_named_and_not_followed(docs: Path, tmp_path: Path) -> None:
    write(tmp_path / "corpus-of-others" / "secret.md")
    (docs / "folder").symlink_to(tmp_path / "corpus-of-others")
    (docs / "file.md").symlink_to("../../corpus-of-others/secret.md")
    keys, left_out = listed(docs)
    assert keys == []
    assert set(left_out) == {"docs/folder", "docs/file.md"}
    assert {outcome for outcome, _ in left_out.values()} == {Outcome.SKIPPED}


def test_links_that_lead_nowhere_or_to_themselves_are_named(docs: Path) -> None:
    (docs / "gone.md").symlink_to("nothing.md")
    (docs / "loop.md").symlink_to("loop.md")
    assert listed(docs)[1] == {
        "docs/gone.md": (Outcome.UNREAD, "a link to a file that does not exist"),
        "docs/loop.md": (Outcome.UNREAD, "a link that leads to itself"),
    }


def test_links_in_a_circle_list_every_document_once(docs: Path) -> None:
    write(docs / "a" / "a.md")
    write(docs / "b" / "b.md")
    write(docs.parent / "outside" / "c.md")
    (docs / "a" / "up").symlink_to("..")
    (docs / "a" / "other").symlink_to("../b")
    (docs / "b" / "other").symlink_to("../a")
    (docs / "corpus").symlink_to("../../corpus")
    for name in ("first", "second"):
        (docs / name).symlink_to("../outside")
    (docs.parent / "outside" / "back").symlink_to("../docs/a")
    keys, left_out = listed(docs)
    assert keys == ["docs/a/a.md", "docs/b/b.md", "docs/first/c.md"]
    listed_elsewhere = (Outcome.SKIPPED, "a link to a folder that is listed in another place")
    holds_it = (Outcome.SKIPPED, "a link to a folder that contains the link")
    assert left_out == {
        "docs/a/up": holds_it,
        "docs/corpus": holds_it,
        "docs/a/other/": listed_elsewhere,
        "docs/b/other/": listed_elsewhere,
        "docs/second/": listed_elsewhere,
        "docs/first/back/": listed_elsewhere,
    }


names = st.binary(min_size=1, max_size=60).filter(
    lambda name: not {0, ord("/")} & set(name) and name not in (b".", b"..")
)


@settings(
    deadline=None,
    max_examples=60,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.sets(names, min_size=1, max_size=6), st.sampled_from([b"", b".md", b".png"]))
def test_every_file_is_accounted_for_whatever_its_name(
    docs: Path, found: set[bytes], suffix: bytes
) -> None:
    folder = Path(os.fsdecode(bytes(docs) + b"/" + os.urandom(8).hex().encode()))
    folder.mkdir()
    for name in found:
        Path(os.fsdecode(bytes(folder) + b"/" + name + suffix)).write_bytes(b"text")
    try:
        listing = list_documents(docs.parent)
    finally:
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()
    assert accounted(listing) == len(found)
    for file in listing.files:
        file.key.encode()
    for left in listing.left_out:
        left.name.encode()
        assert LeftOut.of(left.name, left.text) == left


def accounted(listing: Listing) -> int:
    return len(listing.files) + len(listing.left_out)


def test_a_line_of_the_report_is_read_back_as_it_was() -> None:
    outcome = DocumentOutcome(
        document="docs/a\n.md",
        outcome=Outcome.PART,
        chunks=3,
        missing=("Page 2 has no text.",),
        first_words="\u8fd9\u662f",
    )
    assert "\n" not in outcome.line()
    assert DocumentOutcome.from_line(outcome.line()) == outcome
    with pytest.raises(ValueError, match="not a line"):
        DocumentOutcome.from_line('{"document": "docs/a.md"}')


@pytest.mark.parametrize(
    "line",
    [
        '{"id": 1, "document": "a.md", "question": "q", "answer": "x", "answer_start": 1e999}',
        "[" * 100_000,
        "\x00",
    ],
)
def test_a_broken_question_costs_its_line(docs: Path, line: str) -> None:
    good = '{"id": 2, "document": "a.md", "question": "q", "answer": "x"}'
    (docs.parent / "questions.jsonl").write_text(f"{line}\n{good}\n")
    problems: list[str] = []
    (question,) = load_questions(docs.parent, set_aside=problems)
    assert question.id == "2"
    assert len(problems) == 1
