"""Every field of a record is kept, and a broken part of a file costs that part."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.documents import Document
from rag.errors import ReadError
from rag.readers import read_bytes


def read(text: str | bytes, name: str = "a.json") -> Document:
    return read_bytes(f"docs/{name}", text.encode() if isinstance(text, str) else text)


def test_a_record_keeps_every_field_beside_its_title_in_the_order_of_the_file() -> None:
    record = {
        "name": "Marlow HX-2 valve",
        "subject": "Gasket shrinks in acetone",
        "text": "The gasket is replaced.",
        "title": "Notice",
        "open": False,
        "lots": [7, {"first": "A-1", "last": None}],
    }
    assert read(json.dumps(record)).text == (
        "Notice\n\nname: Marlow HX-2 valve\nsubject: Gasket shrinks in acetone\n\n"
        "The gasket is replaced.\n\nopen: false\nlots: 7\nlots.first: A-1"
    )


@pytest.mark.parametrize(
    ("title", "heading"),
    [
        ("x" * 201, "x" * 199 + "…"),
        ({"en": "Kettle K-3", "de": "Kessel K-3"}, "Kettle K-3"),
        (["First", "Second"], "First"),
        (1.10, "1.1"),
        ("two\nlines", "two lines"),
    ],
)
def test_a_title_that_is_long_or_not_a_text_is_kept_whole(title: object, heading: str) -> None:
    document = read(json.dumps({"title": title, "body": "Text."}))
    assert document.title == heading
    assert document.sections[0].heading == heading
    for value in title.values() if isinstance(title, dict) else [title]:
        for part in value if isinstance(value, list) else [value]:
            assert str(part) in document.text


def test_an_empty_title_lets_the_next_field_be_the_heading() -> None:
    document = read('[{"title": "", "Name": "Pump", "text": "a"}, {"text": "b"}]')
    assert [section.heading for section in document.sections] == ["Pump", "Record 2"]


def test_fields_of_the_same_name_and_numbers_stay_as_they_are_written() -> None:
    text = read('{"note": "a", "note": "b", "price": 1.10, "serial": 12345678901234567890}').text
    assert text == "note: a\nnote: b\nprice: 1.10\nserial: 12345678901234567890"


def test_records_inside_an_object_are_sections_below_their_field() -> None:
    document = read('{"owner": "Z", "recalls": [{"title": "A", "text": "x"}, {"title": "B"}]}')
    assert [section.heading for section in document.sections] == [
        "recalls",
        "recalls > A",
        "recalls > B",
    ]
    assert document.text == "owner: Z\n\nrecalls\n\nA\n\nx\n\nB"


def test_a_broken_line_costs_that_line() -> None:
    lines = [f'{{"n": "value {number}"}}' for number in range(30)]
    for number in range(3, 28, 2):
        lines[number] = '{"n": "cut'
    document = read("\ufeff" + "\r\n".join(lines), "a.jsonl")
    assert document.missing == (
        "13 of 30 lines are not valid JSON and were left out: 4, 6, 8, 10, 12, 14, 16, 18, 20, 22 "
        "and 3 more",
    )
    kept = [number for number, line in enumerate(lines) if line.endswith("}")]
    assert all(f"value {number}" in document.text for number in kept)


@pytest.mark.parametrize("name", ["a.json", "a.jsonl", "a.ndjson"])
@pytest.mark.parametrize(
    "text",
    [
        '[{"a": "one"}, {"a": "two"}]',
        '{"a": "one"}\n{"a": "two"}',
        '{"a": "one"},\r\n{"a": "two"},\r\n',
        '[\n{"a": "one"},\n{"a": "two"}\n]',
        '[\n{"a": "one"},\n{"a": "two"},\n]',
        '{\n  "a": "one"\n}\n{\n  "a": "two"\n}',
        '{"a": "one"}{"a": "two"}',
    ],
)
def test_records_are_read_however_they_are_put_together(text: str, name: str) -> None:
    document = read(text, name)
    assert document.text == "Record 1\n\na: one\n\nRecord 2\n\na: two"
    assert document.missing == ()


def test_a_file_that_is_cut_off_is_read_up_to_there() -> None:
    document = read('[{"a": "one"}, {"a": "two"}, {"a": "thr')
    assert "one" in document.text
    assert "two" in document.text
    assert document.missing == (
        "from character 29 of 39 on the file is not valid JSON; the 2 records before it were read",
    )


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"a":' * 100_000, "[" * 100_000 + "]" * 100_000, "nonsense", "{", "[]"]
)
def test_json_without_anything_to_read_is_skipped(text: str) -> None:
    for name in ("a.json", "a.jsonl"):
        with pytest.raises(ReadError, match=r"not valid JSON|no text"):
            read(text, name)


def test_a_line_that_is_nested_too_deep_costs_that_line() -> None:
    document = read('{"a": "one"}\n' + "[" * 100_000 + '\n{"a": "two"}', "a.jsonl")
    assert document.missing == ("1 of 3 lines are not valid JSON and were left out: 2",)


def test_half_characters_in_any_place_are_joined_or_replaced() -> None:
    text = r'{"title": "Kiln \ud83d", "\udc00": "\ud83d\ude00 980", "text": "on \u0000 \ud800"}'
    document = read(text)
    assert document.title == "Kiln \ufffd"
    assert document.text == "Kiln \ufffd\n\n\ufffd: 😀 980\n\non   \ufffd"


LEAVES = st.text(st.characters(exclude_categories=())) | st.integers() | st.booleans() | st.none()
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20
)


@given(value=VALUES)
@settings(deadline=None, max_examples=150, derandomize=True)
def test_every_text_in_any_json_is_in_the_document(value: Any) -> None:
    try:
        document = read(json.dumps(value))
    except ReadError:
        assert not list(texts(value))
        return
    plain = " ".join(document.text.split())
    for text in texts(value):
        assert text in plain
    assert document.text.encode()


def texts(value: Any) -> list[str]:
    """Return the texts in a value as a cleaned document has them."""
    if isinstance(value, str):
        joined = value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        visible = "".join(" " if c < " " or c == "\x7f" else c for c in joined).split()
        return [" ".join(visible)] if visible and "\ufffd" not in joined else []
    if isinstance(value, dict):
        return [text for item in value.values() for text in texts(item)]
    if isinstance(value, list):
        return [text for item in value for text in texts(item)]
    return []
