"""Cleans up after Pulumi's mocks; import it into the conftest of tests that use them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from pulumi.runtime import mocks
from pulumi.runtime.settings import SETTINGS


@pytest.fixture(autouse=True)
def closed_loops(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Close the event loops that Pulumi's mocks leave open in their threads.

    Also forget the outputs of a program that failed: the next program would wait for them, on a
    closed loop.
    """
    loops: set[asyncio.AbstractEventLoop] = set()
    ensure = mocks._ensure_event_loop

    def remembering() -> asyncio.AbstractEventLoop:
        loop: asyncio.AbstractEventLoop = ensure()
        if loop.is_closed():
            # A thread of an earlier test still has the loop of that test.
            loop = asyncio.new_event_loop()
            asyncio.set_event_loop(loop)
        loops.add(loop)
        return loop

    monkeypatch.setattr(mocks, "_ensure_event_loop", remembering)
    SETTINGS.outputs.clear()
    yield
    for loop in loops:
        loop.close()
