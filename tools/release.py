"""Releases: a version from the changelog's unreleased part, and a version's notes.

Owns CHANGELOG.md's headings and the version in pyproject.toml. It does not commit or tag; it prints
the commands. The format follows https://keepachangelog.com/en/1.1.0.

    python -m tools.release prepare --version 0.2.0     changes the changelog and pyproject.toml
    python -m tools.release notes --version 0.2.0       prints the notes, for the tag v0.2.0
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

from tools.errors import ToolError
from tools.paths import default_paths

UNRELEASED = "## Unreleased"
_VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)(-[0-9A-Za-z.-]+)?")
_IN_PROJECT = re.compile(r'^version = "([^"]*)"$', re.MULTILINE)


def parse(version: str) -> tuple[int, int, int]:
    """Return the numbers of a version.

    Raises:
        ToolError: The text is not a version.
    """
    match = _VERSION.fullmatch(version)
    if match is None:
        raise ToolError(f"VERSION={version!r} is not a version; give one like VERSION=0.2.0")
    major, minor, patch = (int(part) for part in match.groups()[:3])
    return major, minor, patch


def notes(changelog: str, version: str) -> str:
    """Return the section of a version in the changelog.

    Raises:
        ToolError: There is no such section, or it is empty.
    """
    pattern = rf"^## {re.escape(version)} - \d{{4}}-\d\d-\d\d\n(.*?)(?=^## |\Z)"
    match = re.search(pattern, changelog, re.MULTILINE | re.DOTALL)
    if match is None or not match[1].strip():
        raise ToolError(
            f"CHANGELOG.md has no version {version}: run `make release VERSION={version}`, commit, "
            "then tag"
        )
    return match[1].strip() + "\n"


def prepared(changelog: str, version: str, on: date) -> str:
    """Return the changelog with its unreleased part as a version.

    Raises:
        ToolError: There is nothing unreleased, or the version is not above every released one.
    """
    wanted = parse(version)
    for match in re.finditer(r"^## (\d+\.\d+\.\d+\S*) - ", changelog, re.MULTILINE):
        if parse(match[1]) >= wanted:
            raise ToolError(f"VERSION={version} is not above {match[1]}, which is already released")
    before, heading, after = changelog.partition(f"{UNRELEASED}\n")
    if not heading or not re.split(r"^## ", after, maxsplit=1, flags=re.MULTILINE)[0].strip():
        raise ToolError(
            f"CHANGELOG.md has nothing under {UNRELEASED!r}, so there is nothing to release"
        )
    return f"{before}{heading}\n## {version} - {on.isoformat()}\n{after}"


def _prepare(checkout: Path, version: str) -> None:
    changelog, project = checkout / "CHANGELOG.md", checkout / "pyproject.toml"
    text = prepared(changelog.read_text(encoding="utf-8"), version, datetime.now(UTC).date())
    of_project, count = _IN_PROJECT.subn(
        f'version = "{version}"', project.read_text(encoding="utf-8"), count=1
    )
    if count != 1:
        raise ToolError(f'{project} has no line `version = "…"`')
    changelog.write_text(text, encoding="utf-8")
    project.write_text(of_project, encoding="utf-8")
    print(
        f"CHANGELOG.md and pyproject.toml have version {version}. Now run:\n"
        f"  git commit -am 'release: {version}' && git tag v{version} && git push origin HEAD "
        f"v{version}"
    )


def _notes(checkout: Path, version: str) -> str:
    """Return the notes, if pyproject.toml has that version, too."""
    found = _IN_PROJECT.search((checkout / "pyproject.toml").read_text(encoding="utf-8"))
    if found is None or found[1] != version:
        raise ToolError(
            f"pyproject.toml has version {found[1] if found else 'none'}, not {version}, so the "
            "tag does not belong to this commit"
        )
    return notes((checkout / "CHANGELOG.md").read_text(encoding="utf-8"), version)


def main(arguments: Sequence[str] | None = None) -> int:
    """Prepare a release, or print a version's notes; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.release")
    parser.add_argument("what", choices=("prepare", "notes"))
    parser.add_argument("--version", required=True)
    parser.add_argument("--output", type=Path, help="a file that gets the notes as well")
    options = parser.parse_args(arguments)
    version, checkout = options.version.removeprefix("v"), default_paths().checkout
    try:
        parse(version)
        if options.what == "prepare":
            _prepare(checkout, version)
        else:
            text = _notes(checkout, version)
            print(text, end="")
            if options.output is not None:
                options.output.write_text(text, encoding="utf-8")
    except ToolError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
