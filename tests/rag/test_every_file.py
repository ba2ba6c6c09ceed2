"""A folder of 200 files, a tenth of them broken: every file has an outcome, and no run stops.

Goes from the listing over the upload (a bucket in memory) to an ingest into a real Elasticsearch.
"""

from __future__ import annotations

import asyncio
import io
import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import docx
import numpy as np
import numpy.typing as npt
import psutil
import pytest

from infra.corpus import plan_corpus
from rag.corpus import load_corpus
from rag.documents import Document
from rag.errors import ReadError, TextsRefusedError
from rag.index import SETTINGS, mappings
from rag.ingest import IngestResult, ingest
from rag.outcomes import DocumentOutcome, Outcome
from rag.reader_process import DocumentReader, File
from tests.providers.fakes import Engine, FakeDlc, FakeOss, FakeServices
from tests.rag.fakes import DIMENSION, META, FakeEmbedder
from tests.support.elasticsearch import ElasticsearchServer

pytestmark = pytest.mark.elasticsearch

REFUSED, ODD = "REFUSED BY THE MODEL", "WITHOUT A DIRECTION"
SENTENCES = "The boiler of house {0} has {0} valves. It is checked every spring. " * 12
Make = Callable[[int], bytes]


def word(number: int) -> bytes:
    document = docx.Document()
    document.add_heading(f"House {number}")
    document.add_paragraph(SENTENCES.format(number))
    content = io.BytesIO()
    document.save(content)
    return content.getvalue()


def pdf(number: int) -> bytes:
    text = f"BT /F1 12 Tf 72 720 Td (House {number} has a red door and a bell.) Tj ET"
    page = "<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R"
    objects = [
        "<</Type/Catalog/Pages 2 0 R>>",
        "<</Type/Pages/Kids[3 0 R]/Count 1>>",
        f"{page}/Resources<</Font<</F1 5 0 R>>>>>>",
        f"<</Length {len(text)}>>stream\n{text}\nendstream",
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    body, offsets = "%PDF-1.4\n", []
    for index, content in enumerate(objects, start=1):
        offsets.append(len(body))
        body += f"{index} 0 obj\n{content}\nendobj\n"
    table = "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    end = f"trailer<</Size 6/Root 1 0 R>>\nstartxref\n{len(body)}\n%%EOF\n"
    return f"{body}xref\n0 6\n0000000000 65535 f \n{table}{end}".encode()


WHOLE: dict[str, Make] = {
    "text/{}.txt": lambda n: SENTENCES.format(n).encode(),
    "markdown/{}.md": lambda n: f"# House {n}\n\n{SENTENCES.format(n)}".encode(),
    "pages/{}.html": lambda n: f"<h1>House {n}</h1><p>{SENTENCES.format(n)}".encode(),
    "data/{}.json": lambda n: json.dumps({"title": f"House {n}", "text": "Red."}).encode(),
    "data/{}.jsonl": lambda n: b'{"title": "House %d", "text": "Blue."}\n' % n,
    "word/{}.docx": word,
    "scans/{}.pdf": pdf,
    "\u4e2d\u6587/\u7b2c{}\u53f7\u623f\u5c4b.md": lambda n: (
        f"\u7b2c{n}\u53f7\u623f\u5c4b\u3002".encode()
    ),
    'odd names/-{} %41 \\\\ "x".txt': lambda n: SENTENCES.format(n).encode(),
}
BROKEN: dict[str, Make] = {
    "empty-{}.md": lambda n: b"",
    "blank-{}.txt": lambda n: b" \n\t\n",
    "archive-{}.zip": lambda n: b"PK\x05\x06" + bytes(18),
    "damaged-{}.docx": lambda n: word(n)[: 1000 + n],
    "cut-off-{}.pdf": lambda n: pdf(n)[:80],
    "refused-{}.txt": lambda n: f"{SENTENCES.format(n)} {REFUSED}.".encode(),
    "odd-vector-{}.txt": lambda n: f"{SENTENCES.format(n)} {ODD}.".encode(),
}
IN_PART = "in-part-{}.md"


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Return a folder of 200 files: 168 whole, 6 in part, 20 broken, 6 to skip."""
    docs = tmp_path / "corpus" / "docs"
    kinds = list(WHOLE.items())
    for number in range(168):
        name, make = kinds[number % len(kinds)]
        _write(docs / name.format(number), make(number))
    for number in range(6):
        _write(docs / IN_PART.format(number), SENTENCES.format(number).encode())
    for name, make in BROKEN.items():
        for number in range(2):
            _write(docs / "broken" / name.format(number), make(number))
    for number in range(2):
        with (docs / "broken" / f"large-{number}.txt").open("wb") as large:
            large.truncate(64 * 2**20 + 1)
        _write(docs / os.fsdecode(b"\xb1\xb8%d.md" % number), b"Not UTF-8.")
        (docs / "broken" / f"gone-{number}.md").symlink_to("nothing.md")
    for number in range(2):
        _write(docs / f".hidden-{number}", b"x")
        os.mkfifo(docs / f"pipe-{number}.md")
        (docs / f"outside-{number}.md").symlink_to("/etc/hostname")
    return docs.parent


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


class Embedder(FakeEmbedder):
    async def embed(self, texts: Sequence[str], input_type: str) -> npt.NDArray[np.float32]:
        if any(REFUSED in text for text in texts):
            raise TextsRefusedError("embedding service http://one: 400 the text is not valid")
        vectors = await super().embed(texts, input_type)
        for row, text in enumerate(texts):
            if ODD in text:
                vectors[row] = 0.0
        return vectors


@pytest.fixture
def index(elasticsearch_server: ElasticsearchServer) -> Iterator[str]:
    name = f"every-file-{os.getpid()}"
    meta = {"model_version": META.model_version, "embedding_urls": ["http://embedder"]}
    with elasticsearch_server.client() as client:
        client.indices.create(
            index=name, mappings=mappings(DIMENSION, meta), settings=dict(SETTINGS)
        )
        yield name
        client.indices.delete(index=name)


def upload(corpus: Path, copy: Path) -> None:
    """Copy a corpus as the deployment does: plan, Corpus resource, mount."""
    plan, oss = plan_corpus(corpus), FakeOss("b")
    Engine("customrag:oss:Corpus", FakeServices(oss, FakeDlc())).up(
        {
            "bucket": "b",
            "sourceDir": str(corpus),
            "documents": plan.objects,
            "leftOut": {left.name: left.text for left in plan.left_out},
        }
    )
    for key, content in oss.buckets["b"].items():
        _write(copy / key.removeprefix("corpus/"), content)


def run(
    server: ElasticsearchServer, index: str, folder: Path
) -> tuple[IngestResult, dict[str, DocumentOutcome]]:
    lines: list[str] = []

    async def main() -> IngestResult:
        async with server.engine() as engine:
            return await ingest(
                engine,
                Embedder(),
                reader,
                load_corpus(folder),
                index=index,
                corpus_uri="oss://b/corpus/",
                record=lambda outcome: lines.append(outcome.line()),
                report=lambda line: None,
            )

    with DocumentReader() as reader:
        result = asyncio.run(main())
    made = [DocumentOutcome.from_line(line) for line in lines]
    assert [one.document for one in made] == sorted(one.document for one in made)
    return result, {one.document: one for one in made}


@pytest.fixture
def read_in_part(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the reader of some documents report a missing page."""
    read = DocumentReader.read

    def reading(reader: DocumentReader, files: Iterable[File]) -> Iterator[Document | ReadError]:
        for document in read(reader, files):
            if isinstance(document, Document) and "in-part" in document.key:
                yield replace(
                    document, missing=("Page 2 has no text.",), remarks=("Read as\nGBK.",)
                )
            else:
                yield document

    monkeypatch.setattr(DocumentReader, "read", reading)


def test_every_file_of_a_folder_of_all_kinds_is_accounted_for(
    elasticsearch_server: ElasticsearchServer,
    index: str,
    corpus: Path,
    tmp_path: Path,
    read_in_part: None,
) -> None:
    upload(corpus, tmp_path / "mount")
    result, made = run(elasticsearch_server, index, tmp_path / "mount")
    assert Counter(one.outcome for one in made.values()) == {
        Outcome.WHOLE: 168,
        Outcome.PART: 6,
        Outcome.UNREAD: 20,
        Outcome.SKIPPED: 6,
    }
    for one in made.values():
        indexed = one.outcome in (Outcome.WHOLE, Outcome.PART)
        assert bool(one.chunks) is bool(one.first_words) is bool(one.title) is indexed, one
        assert bool(one.reason) is not indexed, one
        assert indexed or one.outcome is Outcome.SKIPPED or _is_broken(one.document), one
    assert made["docs/in-part-3.md"].missing == ("Page 2 has no text.",)
    assert made["docs/in-part-3.md"].remarks == ("Read as GBK.",)
    assert made["docs/text/0.txt"].first_words.startswith("The boiler of house 0 has 0 valves.")
    assert "400 the text is not valid" in made["docs/broken/refused-0.txt"].reason
    assert (result.read_whole, result.read_in_part, result.documents) == (168, 6, 174)
    # Ten of the broken files and the six to skip need not be opened, so they are not uploaded.
    assert (result.unread, result.left_out) == (10, 16)
    assert len(result.set_aside) == 10
    assert result.in_part[0] == {"document": "docs/in-part-0.md", "missing": "Page 2 has no text."}

    process = psutil.Process()
    before = process.memory_info().rss
    again, same = run(elasticsearch_server, index, tmp_path / "mount")
    # Nothing is read again, and the report is complete all the same.
    assert same == made
    assert (again.unchanged_documents, again.embedded_documents) == (174, 0)
    assert process.memory_info().rss - before < 64 * 2**20


def _is_broken(name: str) -> bool:
    return name.startswith(("docs/broken/", "docs/\\xb1\\xb8"))


def test_a_run_in_which_the_index_takes_no_document_fails(
    elasticsearch_server: ElasticsearchServer, index: str, tmp_path: Path
) -> None:
    from rag.errors import IngestError

    _write(tmp_path / "docs" / "a.txt", ODD.encode())
    with pytest.raises(IngestError, match=r"No document can be indexed; the first is docs/a.txt"):
        run(elasticsearch_server, index, tmp_path)
    _write(tmp_path / "docs" / "b.txt", b"Fine.")
    result, _ = run(elasticsearch_server, index, tmp_path)
    assert (result.documents, result.unread) == (1, 1)
