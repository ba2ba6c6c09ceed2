"""Refuses requests that did not come through the edge, if the stack has one.

Owns the check of the edge's key. Does not own the check of tokens, limits and tenants: the edge
does that (`edge/`). Without this gate, a client that reaches the load balancer directly avoids them
all.
"""

from __future__ import annotations

import hmac

from pydantic import SecretStr
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from rag.headers import EDGE_KEY

__all__ = ["EdgeGate"]

# The load balancer requests these from inside, without a key.
_OPEN = frozenset({"/health", "/ready"})


class EdgeGate:
    """Answers 403 to requests without the key.

    Args:
        app: The application. Streams pass unbuffered.
        key: The key that the edge sends with each request.

    Raises:
        ValueError: The key is empty, so any client could send it.
    """

    def __init__(self, app: ASGIApp, key: SecretStr) -> None:
        if not key.get_secret_value():
            raise ValueError("The edge's key is empty. Set its KMS secret to a value.")
        self._app = app
        self._key = key.get_secret_value().encode()
        self._header = EDGE_KEY.lower().encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] not in _OPEN and not self._shown(scope):
            message = (
                "This application answers only through its edge. Use the stack output edge_url."
            )
            refusal = JSONResponse({"error": {"message": message}}, 403)
            await refusal(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _shown(self, scope: Scope) -> bool:
        shown = [value for name, value in scope["headers"] if name == self._header]
        return len(shown) == 1 and hmac.compare_digest(shown[0], self._key)
