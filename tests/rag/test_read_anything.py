"""Whatever the bytes are, a reader gives a document or a `ReadError`, and texts can be encoded."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from rag.errors import ReadError
from rag.readers import READERS, read_bytes

BEGINNINGS = (
    *(b"", b"%PDF-1.7\n", b"PK\x03\x04", b"<html><table><tr>", b"{", b"[", b'"', b"a,b\n1,"),
    *(b"---\ntitle: ", b"From: a\n\n", b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf", b"\xed\xa0\xbd"),
    b"\x1b$B",
)
BYTES = st.tuples(st.sampled_from(BEGINNINGS), st.binary(max_size=200)).map(b"".join)
LINES = st.text(st.sampled_from('a1 \n\r\t\0|#*-_`<>&;,"[]{}:\\é中😀\x0b\x0c\x1b')).map(str.encode)


@pytest.mark.parametrize("suffix", READERS)
@given(data=BYTES | LINES)
@example(data=b"[" * 100_000)
@example(data=b'{"a":' * 50_000)
@example(data=b"<div>" * 20_000)
@example(data=b"> " * 5_000)
@example(data=b"\0" * 1_000)
@example(data="\ud800".encode("utf-8", "surrogatepass") * 10)
@settings(
    deadline=None,
    max_examples=60,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_any_bytes_give_a_document_or_a_reason(suffix: str, data: bytes) -> None:
    try:
        document = read_bytes(f"docs/a{suffix}", data)
    except ReadError as error:
        assert error.reason.encode()
        assert "\n" not in error.reason
        return
    assert document.text.strip()
    assert document.title.strip() == document.title != ""
    texts = [document.text, document.title, *document.missing, *document.remarks]
    for text in (*texts, *(section.heading for section in document.sections)):
        assert text.encode()
        assert "\0" not in text
    length = len(document.text)
    for part in (*document.sections, *document.blocks):
        assert 0 <= part.start <= part.end <= length
    assert all(0 <= page <= length for page in document.pages)
