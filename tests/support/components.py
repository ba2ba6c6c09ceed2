"""A component by itself under mocks, in this process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pulumi
from pulumi.runtime import mocks
from pulumi.runtime.stack import run_pulumi_func

from guardrails.declare import Declared
from guardrails.recorder import Recorder, RecordingMonitor

__all__ = ["declared_by"]


def declared_by(make: Callable[[], object], *, preview: bool = False) -> list[Declared]:
    """Return the resources that a component declares; the mocks throw on a type that no SDK has.

    Args:
        make: Makes the component, and may make the resources that it needs.
        preview: Leave every computed output unknown, as a first preview does.
    """
    monitor = RecordingMonitor(Recorder(preview=preview))

    def program() -> None:
        make()

    async def body() -> None:
        mocks.set_mocks(
            monitor.recorder, project="customrag", stack="dev", preview=preview, monitor=monitor
        )
        pulumi.runtime.set_all_config({})
        await run_pulumi_func(program)

    asyncio.run(body())
    return sorted((Declared(**item) for item in monitor.declared()), key=lambda item: item.urn)
