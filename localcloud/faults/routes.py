"""The admin API for faults: ``/_local/faults``.

``GET`` lists the active faults, ``POST`` ``{"kind": …, "about": {…}}`` turns one on, and ``DELETE``
turns all of them off. Like the rest of the admin API, it needs the header ``X-Local-Secret``.
"""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from localcloud.core.errors import CloudError
from localcloud.core.resources import Context
from localcloud.faults.faults import FaultError, Faults


def fault_routes(context: Context, authorise: Callable[[Request], None]) -> list[BaseRoute]:
    """Return the routes of the admin API for faults.

    Args:
        context: The running local cloud.
        authorise: Refuses a request without the admin API's secret.
    """
    faults = Faults(context.store)

    async def listed(request: Request) -> Response:
        authorise(request)
        active = [{"kind": fault.kind, "about": dict(fault.about)} for fault in faults.active()]
        return JSONResponse({"faults": active})

    async def inject(request: Request) -> Response:
        authorise(request)
        document = await request.json()
        try:
            fault = faults.inject(str(document["kind"]), document.get("about", {}))
        except FaultError as error:
            raise CloudError("InvalidParameter", str(error)) from error
        return JSONResponse({"kind": fault.kind, "about": dict(fault.about)})

    async def clear(request: Request) -> Response:
        authorise(request)
        faults.clear()
        return JSONResponse({})

    return [
        Route("/_local/faults", listed, methods=["GET"]),
        Route("/_local/faults", inject, methods=["POST"]),
        Route("/_local/faults", clear, methods=["DELETE"]),
    ]
