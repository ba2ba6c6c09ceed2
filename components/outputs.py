"""Outputs that wait for resources. Pure."""

from __future__ import annotations

from typing import Any

import pulumi

__all__ = ["once"]


def once(value: pulumi.Input[str], *proofs: pulumi.Output[Any]) -> pulumi.Output[str]:
    """Return a text that is known once some resources exist, so that its users wait for them.

    Args:
        value: The text.
        proofs: An output of each resource. `id` serves for a resource that the stack creates. For
            one that it only reads, take another output: an engine older than the SDK does not send
            back the id of a read (CLI 3.259 with SDK 3.272), so a preview would take it for unknown
            and show a replacement of everything that names it.
    """
    return pulumi.Output.all(value, *proofs).apply(lambda values: str(values[0]))
