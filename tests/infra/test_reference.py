"""The reference pages match the program."""

from __future__ import annotations

import pytest

from tools.reference import main, with_table


def test_reference_pages_are_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check"]) == 0, capsys.readouterr().err


def test_a_page_without_markers_is_an_error() -> None:
    with pytest.raises(ValueError, match="lacks the lines"):
        with_table("# Page\n", "| a |")
