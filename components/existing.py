"""Resources that are only read: what was there before the stack.

Owns: the id that their users take. Does not own: which resources may be brought along (each
component says so).
"""

from __future__ import annotations

from typing import Any

import pulumi

__all__ = ["id_once_read"]


def id_once_read(given: str, proof: pulumi.Output[Any]) -> pulumi.Output[str]:
    """The id that a resource was read by, for whoever must not start before it was read.

    Not the resource's own `id`: an engine older than the SDK does not send that back from a read
    (CLI 3.259 with SDK 3.272), and a preview would take it for unknown and show a replacement of
    all that names it.

    Args:
        given: The id.
        proof: An output of the resource that every such resource has.
    """
    return proof.apply(lambda _: given)
