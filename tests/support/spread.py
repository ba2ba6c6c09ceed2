"""How `make test` spreads the tests over processes: all tests of a file run in one of them.

Files that share something slow to make stay together, so that it is made once. pytest-xdist's own
groups (`--dist loadgroup`, 3.8) have no effect with pytest 9.2: they set `item._nodeid`, which is
no longer read.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Any

from xdist.scheduler import LoadScopeScheduling

__all__ = ["SEARCH_ENGINES", "SHARED", "Spread", "group"]

ROOT = Path(__file__).resolve().parents[2]
STORIES = "tests/e2e/"
SEARCH_ENGINES = "search engines"
SHARED = {
    "elasticsearch_server": SEARCH_ENGINES,
    "opensearch_server": SEARCH_ENGINES,
    "tests.support.engines": SEARCH_ENGINES,
    "tests.providers.opensearch_engine": SEARCH_ENGINES,
    "tests.support.stacks": "declarations",
}
"""Group by a name that the files of the group contain: one Elasticsearch and one OpenSearch for all
tests, and declarations that take seconds each.
"""


@cache
def group(file: str) -> str:
    """Return what the tests of a file share with those of other files, or else the file."""
    text = (ROOT / file).read_text(encoding="utf-8")
    return next((shared for name, shared in SHARED.items() if name in text), file)


class Spread(LoadScopeScheduling):  # type: ignore[misc,unused-ignore]
    """Gives each group of tests to the next process that is free, in the order of the suite.

    There may be more processes than cores, because most tests wait more than they compute. The
    stories of `tests/e2e` train and encode. Before they begin, the extra processes end.
    """

    def _split_scope(self, nodeid: str) -> str:
        return group(nodeid.partition("::")[0])

    def _reschedule(self, node: Any) -> None:
        if next(iter(self.workqueue), "").startswith(STORIES):
            active = [other for other in self.nodes if not other.shutting_down]
            if len(active) > len(os.sched_getaffinity(0)) and not node.shutting_down:
                node.shutdown()
                return
        super()._reschedule(node)
