"""The HTTP route where a node gets the credentials of its role.

On the cloud this is the instance metadata (100.100.100.200). Here each node has its own URL, which
answers as soon as a role is attached, like the metadata.
"""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from localcloud.core.errors import CloudError
from localcloud.core.resources import Context
from localcloud.ecs.workers import instances_of


def routes(context: Context) -> list[BaseRoute]:
    """Return the ECS routes of the ``api`` endpoint."""
    instances = instances_of(context)

    async def credentials(request: Request) -> Response:
        token = request.path_params["token"]
        principal = await run_in_threadpool(instances.credentials, token)
        if principal is None:
            raise CloudError("NoRole", "The instance has no RAM role yet; attach one.", 404)
        return JSONResponse(principal.credentials_document())

    return [Route("/_local/credentials/ecs/{token}", credentials)]
