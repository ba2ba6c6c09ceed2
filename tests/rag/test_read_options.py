"""Options of reading: which documents they apply to, and that an index takes only those again."""

from __future__ import annotations

import argparse
import shlex

import pytest

from rag.readers.options import DEFAULT_OPTIONS, ReadOptions

SHA256 = "ab" * 32


def test_a_document_without_options_of_its_own_is_named_by_its_file_alone() -> None:
    options = ReadOptions(encodings={"docs/old": "gb18030"}, ocr=True)
    assert DEFAULT_OPTIONS.identity("docs/old/a.txt", SHA256) == SHA256
    assert options.identity("docs/a.txt", SHA256) == SHA256
    assert options.identity("docs/older/a.txt", SHA256) == SHA256


def test_a_change_of_an_option_names_the_documents_that_it_applies_to_differently() -> None:
    names = [
        ReadOptions(encodings={"docs/old": "gb18030"}).identity("docs/old/a.txt", SHA256),
        ReadOptions(encodings={"docs/old": "big5"}).identity("docs/old/a.txt", SHA256),
        ReadOptions(ocr=True).identity("docs/old/a.pdf", SHA256),
        ReadOptions(ocr=True, ocr_languages=("deu",)).identity("docs/old/a.pdf", SHA256),
        SHA256,
    ]
    assert len(set(names)) == len(names)
    assert all(len(name) == 64 for name in names)


def test_two_names_of_one_encoding_are_the_same_option() -> None:
    one = ReadOptions(encodings={"docs": "latin-1"}).identity("docs/a.txt", SHA256)
    assert one == ReadOptions(encodings={"docs": "ISO-8859-1"}).identity("docs/a.txt", SHA256)


def test_folders_are_written_with_or_without_docs_and_slashes() -> None:
    options = ReadOptions(encodings={"old/": "big5", "/docs/new/": "cp1252", "docs": "cp1251"})
    assert options.encoding_of("docs/old/x/a.txt") == "big5"
    assert options.encoding_of("docs/new/a.txt") == "cp1252"
    assert options.encoding_of("docs/a.txt") == "cp1251"


@pytest.mark.parametrize(
    "options",
    [
        DEFAULT_OPTIONS,
        ReadOptions(encodings={"docs/a=b c": "big5", "docs/x": "cp1252"}),
        ReadOptions(ocr=True),
        ReadOptions(ocr=True, ocr_languages=("jpn", "script/Latin")),
    ],
)
def test_the_command_line_carries_every_option(options: ReadOptions) -> None:
    parser = argparse.ArgumentParser()
    ReadOptions.add_arguments(parser)
    words = [word for pair in options.arguments() for word in pair if word]
    given = parser.parse_args(shlex.split(shlex.join(words)))
    assert ReadOptions.from_arguments(given) == options


@pytest.mark.parametrize(
    ("encodings", "message"),
    [
        (["gb18030"], "'gb18030' must be FOLDER=ENCODING"),
        (["=gb18030"], "must be FOLDER=ENCODING"),
        (["docs="], "'', for docs, must be an encoding"),
        (["docs=unicode_escape"], "must be an encoding that Python knows"),
    ],
)
def test_an_encoding_that_is_not_valid_is_refused(encodings: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ReadOptions.of(encoding=encodings)
