"""The operations of the local OSS, for the coverage table: read off the server's routes."""

from __future__ import annotations

from localcloud.operations import Operation
from localcloud.oss.server import ROUTES

OPERATIONS = tuple(
    Operation(service="oss", name=route.name, api=route.api, notes=route.notes) for route in ROUTES
)
