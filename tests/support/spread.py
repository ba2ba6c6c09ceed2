"""How `make test` spreads the tests over processes: all tests of a file run in one of them.

Files that share something slow to make stay together, so that it is made once. pytest-xdist's own
groups (`--dist loadgroup`, 3.8) have no effect with pytest 9.2: they set `item._nodeid`, which is
no longer read.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from xdist.scheduler import LoadScopeScheduling

__all__ = ["Spread", "group"]

ROOT = Path(__file__).resolve().parents[2]
SHARED = ("elasticsearch_server", "tests.support.stacks")
"""An engine, and declarations that take seconds each: a file that uses one contains its name."""


@cache
def group(file: str) -> str:
    """Return what the tests of a file share with those of other files, or else the file."""
    text = (ROOT / file).read_text(encoding="utf-8")
    return next((name for name in SHARED if name in text), file)


class Spread(LoadScopeScheduling):  # type: ignore[misc,unused-ignore]
    """Gives each group of tests to the next process that is free, in the order of the suite."""

    def _split_scope(self, nodeid: str) -> str:
        return group(nodeid.partition("::")[0])
