"""Lets in whom the edge sends, where there is an edge.

Owns: the check of the key that the edge shows. Does not own: who may ask at all; the edge knows
that (`edge/`). Without the gate, whoever reaches the load balancer gets around token, limit and
tenant.
"""

from __future__ import annotations

import hmac

from pydantic import SecretStr
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from rag.headers import EDGE_KEY

__all__ = ["EdgeGate"]

# The load balancer asks these from inside, without a key.
_OPEN = frozenset({"/health", "/ready"})


class EdgeGate:
    """Answers 403 to requests that do not show the key.

    Args:
        app: What stands behind the gate. Streams pass unbuffered.
        key: What the edge shows.

    Raises:
        ValueError: The key is empty: everybody could show that.
    """

    def __init__(self, app: ASGIApp, key: SecretStr) -> None:
        if not key.get_secret_value():
            raise ValueError("the edge's key is empty; give the value of its KMS secret")
        self._app = app
        self._key = key.get_secret_value().encode()
        self._header = EDGE_KEY.lower().encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] not in _OPEN and not self._shown(scope):
            message = "this application is asked through its edge; use the stack's edge_url"
            refusal = JSONResponse({"error": {"message": message}}, 403)
            await refusal(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _shown(self, scope: Scope) -> bool:
        shown = [value for name, value in scope["headers"] if name == self._header]
        return len(shown) == 1 and hmac.compare_digest(shown[0], self._key)
