"""How a stack treats its data when a resource or the whole stack is deleted."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Retention"]


@dataclass(frozen=True, kw_only=True)
class Retention:
    """Protection of resources with data.

    Attributes:
        deletion_protection: Pulumi and the cloud refuse to delete the resource. Default: they do.
        force_destroy: Delete a bucket together with its objects. Default: a bucket with objects
            cannot be deleted.
        retain: Keep the resource, with its settings, when the stack is destroyed. Default: it is
            deleted.
    """

    deletion_protection: bool = True
    force_destroy: bool = False
    retain: bool = False
