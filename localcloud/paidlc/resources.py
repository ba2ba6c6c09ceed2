"""PAI DLC has no declared resource types: its jobs are made through the API."""

from __future__ import annotations

from localcloud.paidlc.workers import controller_of
from localcloud.resources import Context, ResourceHandler

HANDLERS: tuple[type[ResourceHandler], ...] = ()


def reset(context: Context) -> None:
    """Stop every job and forget all of them."""
    controller_of(context).reset()
