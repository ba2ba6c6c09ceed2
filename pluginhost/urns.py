"""Read resource names.

Owns the parts of a URN that a provider needs. A resource with a parent has its parents' types
before its own, `parent$child`, and the SDK's `request.type` (3.272) does not remove them.
Format: https://www.pulumi.com/docs/iac/concepts/resources/names/ (read 2026-11).
"""

from __future__ import annotations

__all__ = ["type_of"]


def type_of(urn: str) -> str:
    """Return the resource's type token, without those of its parents.

    Args:
        urn: `urn:pulumi:<stack>::<project>::<parents' types>$<type>::<name>`.

    Raises:
        ValueError: It is not a resource's URN.
    """
    parts = urn.split("::", 3)
    if len(parts) < 4:
        raise ValueError(
            f"{urn!r} is not the URN of a resource: it must have a stack, project, type and name"
        )
    return parts[2].rpartition("$")[2]
