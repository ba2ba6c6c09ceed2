"""Compare the readers with markitdown and docling, over documents whose right content is known.

    python -m benchmarks.readers
    python -m benchmarks.readers --peer markitdown=/tmp/markitdown/bin/python \\
        --peer docling=/tmp/docling/bin/python

A peer needs a virtual environment of its own (`python -m venv`, `pip install
"markitdown[docx,pdf]"` or `docling`). What a peer would download is not downloaded: without its
models docling reads no PDF. The columns:

    text        share of the facts that are in the text
    repeated    share of them that are there more than once
    junk        share of menus, hidden and deleted text, and running headers that are there
    headings    share of the headings that are marked as headings
    rows        share of the rows of tables that are whole, in a table that names the columns
    seconds     for the documents that were read

White space and the marks of Markdown do not count. ``--expected FILE`` adds documents of your own:
a JSON list of objects with ``path`` and lists ``facts``, ``junk``, ``headings``.
"""

from __future__ import annotations

import argparse
import html
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.reader_set import Expected, documents
from rag.documents import Document
from rag.errors import ReadError
from rag.readers import read_bytes

_MARKS = re.compile(r"\\(?=[!-/:-@\[-`{-~])|<!--.*?-->|\*\*|__|[`*]", re.DOTALL)
_RULE = re.compile(r"\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*")
_CJK_SPACE = re.compile(r"(?<=[\u3000-\u9fff\uff00-\uffef])\s+(?=[\u3000-\u9fff\uff00-\uffef])")


@dataclass(frozen=True, kw_only=True)
class Read:
    """What a reader made of a document.

    Attributes:
        text: The text without marks.
        headings: Its headings.
        tables: The rows of each table, the row of column names first; only tables that have one.
        seconds: How long it took.
        error: Why there is no text.
    """

    text: str = ""
    headings: tuple[str, ...] = ()
    tables: tuple[tuple[tuple[str, ...], ...], ...] = ()
    seconds: float = 0.0
    error: str = ""


def plain(text: str) -> str:
    """Return text without marks, with single spaces."""
    return _CJK_SPACE.sub(
        "", " ".join(_MARKS.sub("", html.unescape(text)).replace("|", " ").split())
    )


def read_own(document: Expected) -> Read:
    """Read a document with the project's reader."""
    start = time.perf_counter()
    try:
        found = read_bytes(f"docs/{document.name}", document.data)
    except ReadError as error:
        return Read(error=error.reason, seconds=time.perf_counter() - start)
    return Read(
        text=plain(found.text),
        headings=tuple(plain(s.heading.rpartition(" > ")[2]) for s in found.sections),
        tables=tuple(_own_tables(found)),
        seconds=time.perf_counter() - start,
    )


def _own_tables(document: Document) -> Iterable[tuple[tuple[str, ...], ...]]:
    for block in document.blocks:
        if block.kind == "table" and block.header:
            lines = document.text[block.start : block.end].splitlines()
            yield tuple(tuple(map(plain, line.split(" | "))) for line in lines)


def read_markdown(text: str, seconds: float, error: str) -> Read:
    """Return what a peer's Markdown says."""
    lines = text.splitlines()
    tables = []
    for number, line in enumerate(lines):
        if number and "|" in line and _RULE.fullmatch(line):
            rows = [_cells(lines[number - 1])]
            for row in lines[number + 1 :]:
                if "|" not in row:
                    break
                rows.append(_cells(row))
            if any(rows[0]):
                tables.append(tuple(rows))
    headings = (plain(line.lstrip("#")) for line in lines if re.match(r"#{1,6} ", line))
    return Read(
        text=plain("\n".join(line for line in lines if not _RULE.fullmatch(line))),
        headings=tuple(headings),
        tables=tuple(tables),
        seconds=seconds,
        error=error,
    )


def _cells(row: str) -> tuple[str, ...]:
    return tuple(plain(cell) for cell in row.strip().strip("|").split("|"))


@dataclass(kw_only=True)
class Score:
    """Counts over the documents of one format: (right, possible) of each column."""

    text: tuple[int, int] = (0, 0)
    repeated: tuple[int, int] = (0, 0)
    junk: tuple[int, int] = (0, 0)
    headings: tuple[int, int] = (0, 0)
    rows: tuple[int, int] = (0, 0)
    seconds: float = 0.0
    unread: int = 0

    def add(self, expected: Expected, read: Read) -> list[str]:
        """Count one document; return what is wrong with it."""
        counts = [read.text.count(plain(fact)) for fact in expected.facts]
        junk = [text for text in expected.junk if plain(text) in read.text]
        heads = [head for head in expected.headings if plain(head) not in read.headings]
        rows = [row for row in expected.rows if not _has_row(read, *row)]
        self.text = _plus(self.text, sum(map(bool, counts)), len(counts))
        self.repeated = _plus(self.repeated, sum(count > 1 for count in counts), len(counts))
        self.junk = _plus(self.junk, len(junk), len(expected.junk))
        self.headings = _plus(
            self.headings, len(expected.headings) - len(heads), len(expected.headings)
        )
        self.rows = _plus(self.rows, len(expected.rows) - len(rows), len(expected.rows))
        self.seconds += 0.0 if read.error else read.seconds
        self.unread += bool(read.error)
        missing = [fact for fact, count in zip(expected.facts, counts, strict=True) if not count]
        return [
            *([f"error: {read.error}"] if read.error else ()),
            *(f"missing: {fact}" for fact in missing),
            *(f"junk: {text}" for text in junk),
            *(f"not a heading: {text}" for text in heads),
            *(f"not a row: {' | '.join(row)}" for _, row in rows),
        ]

    def line(self) -> str:
        """Return the columns."""
        shares = (self.text, self.repeated, self.junk, self.headings, self.rows)
        return " | ".join([*map(_share, shares), f"{self.seconds:.2f}"])


def _has_row(read: Read, names: Sequence[str], row: Sequence[str]) -> bool:
    return any(
        tuple(map(plain, names)) == tuple(table[0][: len(names)])
        and any(tuple(map(plain, row)) == tuple(line[: len(row)]) for line in table[1:])
        for table in read.tables
    )


def _plus(count: tuple[int, int], right: int, possible: int) -> tuple[int, int]:
    return count[0] + right, count[1] + possible


def _share(count: tuple[int, int]) -> str:
    return f"{count[0]} of {count[1]}" if count[1] else "-"


def read_with_peer(name: str, python: str, paths: Sequence[Path]) -> tuple[str, list[Read]]:
    """Return a peer's version and what it makes of the files."""
    script = Path(__file__).with_name("readers_peer.py")
    # A peer must not wait for downloads that are not possible or not wanted.
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
    done = subprocess.run(
        [python, str(script), name, *map(str, paths)],
        capture_output=True,
        text=True,
        env=environment,
        timeout=1800,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{name} failed: {done.stderr.strip()[-500:]}")
    result = json.loads(done.stdout.splitlines()[-1])
    files = [read_markdown(f["text"], f["seconds"], f["error"]) for f in result["files"]]
    return f"{name} {result['version']}", files


def _own_documents(path: Path) -> list[Expected]:
    listed = json.loads(path.read_text(encoding="utf-8"))
    return [
        Expected(
            name=Path(item["path"]).name,
            data=(path.parent / item["path"]).read_bytes(),
            facts=tuple(item.get("facts", ())),
            junk=tuple(item.get("junk", ())),
            headings=tuple(item.get("headings", ())),
        )
        for item in listed
    ]


def main() -> None:
    """Read the documents with each reader and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--peer",
        action="append",
        default=[],
        metavar="NAME=PYTHON",
        help="markitdown or docling, and the interpreter that has it; repeatable",
    )
    parser.add_argument("--expected", type=Path, help="documents of your own instead of the set")
    parser.add_argument("--verbose", action="store_true", help="print what is wrong")
    arguments = parser.parse_args()
    chosen = _own_documents(arguments.expected) if arguments.expected else documents()
    read_own(chosen[0])  # loads the parsers
    results = {"customrag": [read_own(document) for document in chosen]}
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder, f"{number:03}-{d.name}") for number, d in enumerate(chosen)]
        for path, document in zip(paths, chosen, strict=True):
            path.write_bytes(document.data)
        for peer in arguments.peer:
            name, equals, python = peer.partition("=")
            if not equals or name not in ("markitdown", "docling"):
                parser.error(f"--peer is {peer!r}; it must be markitdown=PYTHON or docling=PYTHON")
            version, files = read_with_peer(name, python, paths)
            results[version] = files
    print("| Format | Reader | text | repeated | junk | headings | rows | seconds |")
    print("|---|---|---|---|---|---|---|---|")
    suffixes = list(dict.fromkeys(Path(document.name).suffix for document in chosen))
    for suffix in suffixes:
        for reader, files in results.items():
            score = Score()
            for document, read in zip(chosen, files, strict=True):
                if Path(document.name).suffix != suffix:
                    continue
                problems = score.add(document, read)
                if arguments.verbose:
                    for problem in problems:
                        print(f"  {reader} {document.name}: {problem}", file=sys.stderr)
            unread = f" ({score.unread} unread)" if score.unread else ""
            print(f"| {suffix[1:].upper()} | {reader}{unread} | {score.line()} |")


if __name__ == "__main__":
    main()
