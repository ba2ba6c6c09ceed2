"""A release of the changelog's unreleased part, and the notes of a version."""

from __future__ import annotations

from datetime import date

import pytest

from tools import release
from tools.errors import ToolError

DAY = date(2026, 11, 21)
CHANGELOG = "# Changelog\n\n## Unreleased\n\n### Added\n\n- A thing.\n"


def test_the_unreleased_part_becomes_the_version_and_its_notes() -> None:
    text = release.prepared(CHANGELOG, "0.2.0", DAY)
    assert "## Unreleased\n\n## 0.2.0 - 2026-11-21\n" in text
    assert release.notes(text, "0.2.0") == "### Added\n\n- A thing.\n"


def test_the_notes_of_an_older_version_end_at_the_next_heading() -> None:
    first = release.prepared(CHANGELOG, "0.2.0", DAY)
    more = first.replace("## Unreleased\n", "## Unreleased\n\n- Another.\n", 1)
    second = release.prepared(more, "0.3.0", DAY)
    assert release.notes(second, "0.3.0") == "- Another.\n"
    assert release.notes(second, "0.2.0") == "### Added\n\n- A thing.\n"


def test_an_empty_unreleased_part_is_refused() -> None:
    text = release.prepared(CHANGELOG, "0.2.0", DAY)
    with pytest.raises(ToolError, match="nothing to release"):
        release.prepared(text, "0.3.0", DAY)


@pytest.mark.parametrize("version", ["0.2.0", "0.1.9"])
def test_a_version_that_is_not_the_newest_is_refused(version: str) -> None:
    text = release.prepared(CHANGELOG, "0.2.0", DAY)
    with pytest.raises(ToolError, match=r"is not above 0\.2\.0"):
        release.prepared(text, version, DAY)


@pytest.mark.parametrize("version", ["", "1", "v1.0.0", "1.0"])
def test_a_malformed_version_is_refused(version: str) -> None:
    with pytest.raises(ToolError, match=r"VERSION=0\.2\.0"):
        release.parse(version)


def test_a_version_without_notes_is_an_error_with_the_command_that_makes_them() -> None:
    with pytest.raises(ToolError, match="make release VERSION=9"):
        release.notes(CHANGELOG, "9.0.0")
