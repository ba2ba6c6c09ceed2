"""A pull request's stack is rehearsed on the local cloud, through the real engine.

What it cannot prove: see `test_rehearse`.
"""

from __future__ import annotations

import pytest

from tests.e2e.checkout import Checkout
from tests.e2e.rehearsal import assert_nothing_is_left, assert_whole_life, rehearse

pytestmark = pytest.mark.e2e


def test_a_pull_requests_stack_is_brought_up_changed_refreshed_and_destroyed_as_declared(
    private: Checkout, files: set[str]
) -> None:
    assert_whole_life(rehearse(private, "pr-1"), "pr-1")
    assert_nothing_is_left(private, files)
