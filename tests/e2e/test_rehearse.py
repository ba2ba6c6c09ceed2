"""Declared environments on the local cloud, through the real engine.

`dev` goes through its whole life, with an edge before its load balancer, which then faces the
Internet. `prod` goes through a preview. What it cannot prove: that Alibaba Cloud and Cloudflare
accept the same declarations, and that quotas and stock suffice.
"""

from __future__ import annotations

import re

import pytest

from ops.rehearse.summary import WIDTH
from tests.e2e.checkout import Checkout
from tests.e2e.rehearsal import assert_nothing_is_left, assert_whole_life, rehearse, summary

pytestmark = pytest.mark.e2e

# Added to the declared values, so that a question passes the worker, load balancer and group.
BEHIND_AN_EDGE = (
    "edge=cloudflare",
    "chatAddressType=Internet",
    "chatAllowedCidrBlocks=[173.245.48.0/20]",
)


def test_dev_is_brought_up_changed_refreshed_and_destroyed_as_declared(
    private: Checkout, files: set[str]
) -> None:
    done = rehearse(private, "dev", *BEHIND_AN_EDGE)
    assert_whole_life(done, "dev")
    lines = summary(done)
    assert max(map(len, lines)) <= WIDTH
    asked = " ".join(" ".join(lines).split())
    assert re.search(r"with a token: \d+ sources, then from the cache; without one: 401", asked)
    assert "https://chat.dev.internal without the edge's key, and with a guessed one: 403" in asked
    assert_nothing_is_left(private, files)


def test_prod_previews_as_declared_with_the_policy_pack(private: Checkout, files: set[str]) -> None:
    done = rehearse(private, "prod").check()
    text = "\n".join(summary(done))
    assert "Rehearsal of prod: ended well" in text
    assert re.search(r"^ok   preview +\d+:\d\d  \d+ created", text, re.MULTILINE)
    assert "policy pack: no violation" in text
    words = " ".join(text.split())
    assert re.search(r"at list prices, cn-hangzhou: [\d.]+ CNY an hour, [\d,]+ a month", words)
    assert_nothing_is_left(private, files)
