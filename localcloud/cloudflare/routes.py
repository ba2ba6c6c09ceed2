"""The operations of Cloudflare's API v4 that preflight checks call, below ``/client/v4``.

Owns verifying a token, reading a zone and listing an account's workers. The token is the local
account's secret key. The stack has one account and one zone, whose ids are derived from the local
account's id. Envelope, statuses and codes:
https://developers.cloudflare.com/api/resources/user/subresources/tokens/methods/verify/ and
.../zones/methods/get/, read 2026-11-21; 1000 ``Invalid API Token`` and 7003 from users' reports.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route

from localcloud.cloudflare.workers import SCRIPTS
from localcloud.core.errors import CloudError
from localcloud.core.resources import Context
from localcloud.faults import Faults

__all__ = ["PREFIX", "cloudflare_id", "routes"]

PREFIX: Final = "/client/v4"
_BEARER: Final = "Bearer "
_REFUSALS: Final = {
    403: (10000, "Authentication error"),
    429: (971, "Please wait and consider throttling your request speed"),
}


def cloudflare_id(context: Context, what: str) -> str:
    """Return the id of the stack's own account or zone."""
    text = f"{context.platform.account_id} {what}"
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def routes(context: Context) -> list[BaseRoute]:
    """Return the routes of the operations in ``operations.py``."""
    faults = Faults(context.store)

    def verify(request: Request) -> JSONResponse:
        own = request.path_params.get("account_id", cloudflare_id(context, "account"))
        if own != cloudflare_id(context, "account"):
            return _refusal(403, 10000, "Authentication error")
        over = faults.hits("cloudflare-token-expired")
        result = {"id": cloudflare_id(context, "token"), "status": "active"}
        if over:
            result |= {"status": "expired", "expires_on": "2026-01-01T00:00:00Z"}
        return _answer(result)

    def zone(request: Request) -> JSONResponse:
        zone_id = request.path_params["zone_id"]
        if zone_id != cloudflare_id(context, "zone"):
            return _refusal(
                404,
                7003,
                f"Could not route to {request.url.path}, perhaps your object identifier is "
                "invalid?",
            )
        pending = faults.hits("cloudflare-zone-pending")
        return _answer(
            {
                "id": zone_id,
                "name": urlsplit(context.platform.endpoints["edge"]).hostname,
                "status": "pending" if pending else "active",
                "paused": False,
                "type": "full",
                "account": {"id": cloudflare_id(context, "account"), "name": "local"},
            }
        )

    def scripts(request: Request) -> JSONResponse:
        if request.path_params["account_id"] != cloudflare_id(context, "account"):
            return _refusal(403, 10000, "Authentication error")
        return _answer([{"id": name} for name, _ in context.store.table(SCRIPTS).items()])

    def guarded(
        answer: Callable[[Request], JSONResponse],
    ) -> Callable[[Request], JSONResponse]:
        def checked(request: Request) -> JSONResponse:
            if faults.hits("cloudflare-token-unknown") or not _is_token(request, context):
                return _refusal(401, 1000, "Invalid API Token")
            try:
                faults.check_call(f"{request.method} {request.url.path}")
            except CloudError as error:
                code, message = _REFUSALS.get(error.http_status, (10001, "Service unavailable"))
                return _refusal(error.http_status, code, message)
            return answer(request)

        return checked

    return [
        Route(f"{PREFIX}/user/tokens/verify", guarded(verify), methods=["GET"]),
        Route(f"{PREFIX}/accounts/{{account_id}}/tokens/verify", guarded(verify), methods=["GET"]),
        Route(f"{PREFIX}/zones/{{zone_id}}", guarded(zone), methods=["GET"]),
        Route(f"{PREFIX}/accounts/{{account_id}}/workers/scripts", guarded(scripts)),
    ]


def _is_token(request: Request, context: Context) -> bool:
    shown = request.headers.get("authorization", "")
    own = f"{_BEARER}{context.platform.access_key_secret}"
    return hmac.compare_digest(shown.encode(), own.encode())


def _answer(result: Any) -> JSONResponse:
    return JSONResponse({"success": True, "errors": [], "messages": [], "result": result})


def _refusal(status: int, code: int, message: str) -> JSONResponse:
    errors = [{"code": code, "message": message}]
    body = {"success": False, "errors": errors, "messages": [], "result": None}
    return JSONResponse(body, status)
