"""Reading resource names.

Owns the parts of a URN that a provider asks for. A resource with a parent has its parents' types in
front of its own, `parent$child`, which the SDK's `request.type` (3.272) leaves there.
Format: https://www.pulumi.com/docs/iac/concepts/resources/names/ (read 2026-11).
"""

from __future__ import annotations


def type_of(urn: str) -> str:
    """The resource's own type token.

    Args:
        urn: `urn:pulumi:<stack>::<project>::<parents' types>$<type>::<name>`.

    Raises:
        ValueError: It has no type.
    """
    parts = urn.split("::", 3)
    if len(parts) < 4:
        raise ValueError(f"{urn!r} is no resource's URN: stack, project, type and name are needed")
    return parts[2].rpartition("$")[2]
