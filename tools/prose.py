"""Check that text which people read follows docs/contributing/writing.md.

    python -m tools.prose                  every file that git tracks
    python -m tools.prose rag docs         some of them

The table "Words to avoid" of that page is the rule: this module reads it. It looks at comments,
strings, docstrings and names in Python, and at all text of other files. It also rejects lines of
Markdown over 120 columns. It does not judge grammar.

Exit status: 0 without findings, 1 with findings.
"""

from __future__ import annotations

import argparse
import ast
import io
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

__all__ = ["Finding", "Rule", "check_text", "findings", "main", "rules"]

ROOT = Path(__file__).resolve().parent.parent
WRITING = ROOT / "docs" / "contributing" / "writing.md"
MARKDOWN_COLUMNS = 120
# A link definition or a list item of one word, such as a URL, cannot be wrapped.
_UNBREAKABLE = re.compile(r"(\[[^\]]+\]: |\s*- )?\S+$")
VENDOR_MARK = "prose: vendor"
_SUFFIXES = {".md", ".py", ".yaml", ".yml", ".ts", ".mjs", ".js", ".html", ".css", ".sh", ".toml"}
_NAMES = {"Makefile"}
# Documents of the sample corpus are data; the vendor's schema is a copy; the page of rules quotes
# what it forbids.
_LEFT_OUT = (
    "docs/contributing/writing.md",
    "examples/corpus/",
    "tests/components/nodes/cloud_init/",
    "tests/tools/test_prose.py",
)
_COMMENT_PREFIX = re.compile(r"^[ \t]*(?:#+|//+|\*)?[ \t]*", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One phrase to avoid, and what to write instead."""

    phrase: str
    instead: str
    pattern: re.Pattern[str]
    accepted: tuple[re.Pattern[str], ...]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One place that breaks a rule."""

    path: str
    line: int
    problem: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.problem}"


def _words(phrase: str) -> str:
    return r"\s+".join(r"[\w'-]+" if word == "*" else re.escape(word) for word in phrase.split())


def _pattern(phrase: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w-]){_words(phrase)}(?![\w-])", re.IGNORECASE)


@cache
def rules() -> tuple[Rule, ...]:
    """Return the rules in the table "Words to avoid"."""
    _, _, section = WRITING.read_text(encoding="utf-8").partition("## Words to avoid")
    found = []
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) != 3 or "`" not in cells[0]:
            continue
        phrases, accepted = (re.findall(r"`([^`]+)`", cells[at]) for at in (0, 2))
        found += [
            Rule(
                phrase=phrase,
                instead=cells[1],
                pattern=_pattern(phrase),
                accepted=tuple(map(_pattern, accepted)),
            )
            for phrase in phrases
        ]
    return tuple(found)


@cache
def _any_phrase() -> re.Pattern[str]:
    """Return one pattern that finds every phrase, because most texts contain no phrase."""
    return re.compile("|".join(_words(rule.phrase) for rule in rules()))


def check_text(text: str) -> Iterator[tuple[int, str]]:
    """Yield the offset and the problem of each phrase to avoid in a text."""
    if not _any_phrase().search(text.lower()):
        return
    for rule in rules():
        for match in rule.pattern.finditer(text):
            accepted = (
                hit.start() <= match.start() < hit.end()
                for pattern in rule.accepted
                for hit in pattern.finditer(text)
            )
            if not any(accepted):
                shown = " ".join(match.group().split())
                yield match.start(), f'"{shown}": write instead: {rule.instead}'


def _without_prefixes(text: str) -> str:
    """Replace indentation and comment signs by spaces, so that phrases may span lines."""
    return _COMMENT_PREFIX.sub(lambda match: " " * len(match.group()), text)


def _strings(tree: ast.AST) -> Iterator[tuple[int, str]]:
    inside: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = []
            for value in node.values:
                inside.add(id(value))
                text = value.value if isinstance(value, ast.Constant) else "…"
                parts.append(str(text))
            yield node.lineno, "".join(parts)
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in inside
        ):
            yield node.lineno, node.value


def _comments(source: str) -> Iterator[tuple[int, str]]:
    """Yield blocks of comments on consecutive lines as one text each."""
    first, last, lines = 0, -1, list[str]()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type != tokenize.COMMENT:
            continue
        if token.start[0] != last + 1 and lines:
            yield first, "\n".join(lines)
            lines = []
        if not lines:
            first = token.start[0]
        lines.append(token.string)
        last = token.start[0]
    if lines:
        yield first, "\n".join(lines)


def _passages(path: Path, text: str) -> Iterator[tuple[int, str]]:
    """Yield the line and the text of each piece of prose in a file."""
    if path.suffix != ".py":
        yield 1, _without_prefixes(text)
        return
    tree = ast.parse(text, str(path))
    yield from _strings(tree)
    for line, comment in _comments(text):
        yield line, _without_prefixes(comment)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.lineno, node.name.replace("_", " ")


def _tracked(paths: Sequence[str]) -> list[str]:
    command = ["git", "ls-files", "-z", "--", *paths]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [
        name
        for name in listed.split("\0")
        if (Path(name).suffix in _SUFFIXES or Path(name).name in _NAMES)
        and not name.startswith(_LEFT_OUT)
        and (ROOT / name).is_file()
    ]


def findings(paths: Sequence[str] = ()) -> Iterator[Finding]:
    """Yield what breaks the rules in the tracked files below `paths`, or in all of them."""
    for name in _tracked(paths):
        text = (ROOT / name).read_text(encoding="utf-8")
        lines = text.splitlines()
        for first, passage in _passages(Path(name), text):
            for offset, problem in check_text(passage):
                line = first + passage.count("\n", 0, offset)
                if line > len(lines) or VENDOR_MARK not in lines[line - 1]:
                    yield Finding(path=name, line=line, problem=problem)
        if name.endswith(".md"):
            for number, line_text in enumerate(lines, 1):
                if len(line_text) > MARKDOWN_COLUMNS and not _UNBREAKABLE.match(line_text):
                    problem = f"{len(line_text)} columns; Markdown has {MARKDOWN_COLUMNS} at most"
                    yield Finding(path=name, line=number, problem=problem)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the findings; return the exit status."""
    parser = argparse.ArgumentParser(prog="tools.prose", description=__doc__.split("\n")[0])
    parser.add_argument("paths", nargs="*", help="files or folders; by default all tracked files")
    found = list(findings(parser.parse_args(arguments).paths))
    for finding in found:
        print(finding)
    if found:
        print(f"{len(found)} findings; docs/contributing/writing.md has the rules", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
