"""Control-plane routes of DashScope: none, as it has an endpoint of its own (``server.py``)."""

from __future__ import annotations

from starlette.routing import BaseRoute

from localcloud.resources import Context

__all__ = ["routes"]


def routes(context: Context) -> list[BaseRoute]:
    """No route on the ``api`` endpoint."""
    return []
