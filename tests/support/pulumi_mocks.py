"""Pulumi's mocks, tidied up after: imported by the conftest of whoever uses them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from pulumi.runtime import mocks
from pulumi.runtime.settings import SETTINGS


@pytest.fixture(autouse=True)
def closed_loops(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Close the event loops that Pulumi's mocks make in their threads and leave open.

    And forget the outputs that a program which was refused has left: the next one would wait for
    them, on a loop that is closed.
    """
    loops: set[asyncio.AbstractEventLoop] = set()
    ensure = mocks._ensure_event_loop

    def remembering() -> asyncio.AbstractEventLoop:
        loop: asyncio.AbstractEventLoop = ensure()
        if loop.is_closed():
            # A thread that outlived an earlier test still has that test's.
            loop = asyncio.new_event_loop()
            asyncio.set_event_loop(loop)
        loops.add(loop)
        return loop

    monkeypatch.setattr(mocks, "_ensure_event_loop", remembering)
    SETTINGS.outputs.clear()
    yield
    for loop in loops:
        loop.close()
