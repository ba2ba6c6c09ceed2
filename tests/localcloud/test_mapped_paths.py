"""Substitution of the paths of a node or job. Pure."""

from __future__ import annotations

from pathlib import Path

import pytest

from localcloud.core.mapped_paths import substitute_paths

REAL = {"/mnt/code": Path("/R/code"), "/mnt/code/deep": Path("/D"), "/opt/x": Path("/O")}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("ls /mnt/code", "ls /R/code"),
        ("--dir=/mnt/code/a.zip", "--dir=/R/code/a.zip"),
        ("PYTHONPATH=/opt/x:/mnt/code", "PYTHONPATH=/O:/R/code"),
        ("'/mnt/code';\"/opt/x\"", "'/R/code';\"/O\""),
        ("/mnt/code/deep/a", "/D/a"),
        ("/mnt/code2 /mnt/code-2 /mnt/code.bak", "/mnt/code2 /mnt/code-2 /mnt/code.bak"),
        ("/srv/mnt/code oss://bucket/mnt/code", "/srv/mnt/code oss://bucket/mnt/code"),
        ("/R/code/mnt/code", "/R/code/mnt/code"),
    ],
)
def test_path_is_replaced_only_where_it_is_a_path(text: str, found: str) -> None:
    assert substitute_paths(text, REAL) == found


def test_without_paths_nothing_changes() -> None:
    assert substitute_paths("/mnt/code", {}) == "/mnt/code"
