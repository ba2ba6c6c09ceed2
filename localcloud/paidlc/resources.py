"""PAI DLC has no declared resource types: its jobs are made through the API."""

from __future__ import annotations

from localcloud.core.resources import Context, ResourceHandler
from localcloud.paidlc.workers import controller_of

HANDLERS: tuple[type[ResourceHandler], ...] = ()


def reset(context: Context) -> None:
    """Stop every job and forget all of them."""
    controller_of(context).reset()
