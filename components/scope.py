"""What all components of one stack share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from components.naming import Naming

__all__ = ["Scope"]


@dataclass(frozen=True, kw_only=True)
class Scope:
    """Names, region and tags of one stack.

    Attributes:
        naming: Builds physical names.
        region_id: Region of the stack.
        tags: Tags of every resource that accepts tags.
    """

    naming: Naming
    region_id: str
    tags: Mapping[str, str] = field(default_factory=dict)
