"""Arbitrary names and bytes: no file stops a run, and each has an outcome."""

from __future__ import annotations

import asyncio
import os
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from rag.corpus import sha256_of
from rag.listing import list_documents
from rag.pipeline import Pipeline, Task
from rag.readers import READERS
from tests.rag.fakes import FakeEmbedder, read_here
from tests.rag.test_refusals import MemoryWriter

names = st.binary(min_size=1, max_size=20).filter(
    lambda name: not {0, ord("/")} & set(name) and not name.startswith(b".")
)
suffixes = st.sampled_from([suffix.encode() for suffix in READERS])
contents = st.one_of(
    st.binary(max_size=300),
    st.text(max_size=300).map(str.encode),
    st.recursive(st.text(max_size=9) | st.floats() | st.none(), lambda inner: st.lists(inner)).map(
        lambda value: str(value).encode("utf-8", "replace")
    ),
    st.sampled_from([b"%PDF-1.7\n1 0 obj\n<<", b"PK\x03\x04", b"\xff\xfe\x00\xd8", b"[" * 100_000]),
)


@settings(deadline=None, max_examples=60, derandomize=True)
@given(st.dictionaries(st.tuples(names, suffixes), contents, min_size=1, max_size=4))
def test_every_file_ends_in_the_index_or_in_the_report(
    files: dict[tuple[bytes, bytes], bytes],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        docs = Path(folder) / "docs"
        docs.mkdir()
        for (name, suffix), content in files.items():
            Path(os.fsdecode(bytes(docs) + b"/" + name + suffix)).write_bytes(content)
        listing = list_documents(Path(folder))
        tasks = []
        for file in listing.files:
            sha256 = sha256_of(file.path)
            tasks.append(Task(key=file.key, path=file.path, sha256=sha256, identity=sha256))
        writer: Any = MemoryWriter()
        pipeline = Pipeline(FakeEmbedder(), writer, read_here, uri_prefix="oss://b/")
        asyncio.run(pipeline.run(tasks))
    assert pipeline.documents + len(pipeline.set_aside) == len(listing.files)
    assert len(listing.files) + len(listing.left_out) == len(files)
    for reason in pipeline.set_aside.values():
        reason.encode()
        assert len(reason.splitlines()) == 1
