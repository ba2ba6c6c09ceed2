"""What a node asks for over HTTP: its role's credentials.

In the cloud that is instance metadata (100.100.100.200); here it is a URL of the node's own, which
answers as soon as a role is attached, as metadata does.
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
    """Return the routes of ECS on the control plane's server."""
    instances = instances_of(context)

    async def credentials(request: Request) -> Response:
        token = request.path_params["token"]
        principal = await run_in_threadpool(instances.credentials, token)
        if principal is None:
            raise CloudError("NoRole", "The instance has no RAM role (yet).", 404)
        return JSONResponse(
            {
                "Code": "Success",
                "AccessKeyId": principal.access_key_id,
                "AccessKeySecret": principal.access_key_secret,
                "SecurityToken": principal.security_token,
                "Expiration": principal.expiration,
            }
        )

    return [Route("/_local/credentials/ecs/{token}", credentials)]
