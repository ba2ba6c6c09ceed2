"""Resource types of DashScope: none, as the provider has none."""

from __future__ import annotations

from localcloud.resources import ResourceHandler

__all__ = ["HANDLERS"]

HANDLERS: tuple[type[ResourceHandler], ...] = ()
