"""What a Cloudflare API token may see: itself, a zone, an account's workers. Reads only.

Owns the typed answers. API v4, ``GET /user/tokens/verify``, ``/accounts/{id}/tokens/verify``,
``/zones/{id}``, ``/accounts/{id}/workers/scripts``
(https://developers.cloudflare.com/api/resources/user/subresources/tokens/methods/verify/,
.../zones/methods/get/, .../workers/subresources/scripts/methods/list/, read 2026-11-21). A token of
an account is unknown to the first; it has the second.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from . import bearer
from .errors import (
    AccessDeniedError,
    ClientError,
    InvalidRequestError,
    NotFoundError,
    classify,
)
from .retries import Retries

__all__ = ["Cloudflare", "Token", "Zone"]

# "Invalid request headers": a token of another format, HTTP 400
# (https://github.com/kissgyorgy/cloudflare-dyndns/issues/40, read 2026-11-21).
_NO_TOKEN = "6003"  # noqa: S105 - an error's code
_NO_ROUTE = "7003"


@dataclass(frozen=True, kw_only=True)
class Token:
    """What a token says of itself.

    Attributes:
        status: ``active`` when it works; else ``disabled`` or ``expired``.
        expires_at: When it is over; None: never.
    """

    status: str
    expires_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Zone:
    """A zone.

    Attributes:
        name: Its domain name.
        status: ``active`` once its name servers are Cloudflare's.
        paused: Whether Cloudflare is switched off for it.
        account_id: The account that it belongs to.
    """

    name: str
    status: str
    paused: bool
    account_id: str


@dataclass(frozen=True, kw_only=True, repr=False)
class Cloudflare:
    """Cloudflare's API, as one token sees it.

    Attributes:
        base_url: Such as ``https://api.cloudflare.com/client/v4``.
        token: The API token.
        retries: For each question.
    """

    base_url: str
    token: str
    retries: Retries

    def verify(self, account_id: str) -> Token:
        """Return what Cloudflare says of the token: a user's, or one of that account.

        Raises:
            ClientError: Cloudflare does not know it, or did not answer.
        """
        try:
            found = self._get("/user/tokens/verify")
        except AccessDeniedError as unknown:
            try:
                found = self._get(f"/accounts/{account_id}/tokens/verify")
            except (AccessDeniedError, NotFoundError):
                raise unknown from None
        expires = str(found.get("expires_on") or "")
        return Token(
            status=str(found.get("status", "")),
            expires_at=datetime.fromisoformat(expires) if expires else None,
        )

    def zone(self, zone_id: str) -> Zone | None:
        """Return a zone; None if there is no zone of that id.

        Raises:
            ClientError: The token may not see it, or Cloudflare did not answer.
        """
        try:
            found = self._get(f"/zones/{zone_id}")
        except NotFoundError:
            return None
        return Zone(
            name=str(found["name"]),
            status=str(found.get("status", "")),
            paused=bool(found.get("paused")),
            account_id=str((found.get("account") or {}).get("id", "")),
        )

    def see_workers(self, account_id: str) -> None:
        """Look at an account's workers.

        Raises:
            ClientError: The token may not, or there is no such account, or no answer.
        """
        self._get(f"/accounts/{account_id}/workers/scripts")

    def _get(self, path: str) -> Any:
        return self.retries.call(lambda: self._ask(path))

    def _ask(self, path: str) -> Any:
        operation = f"GET {path}"
        status, body = bearer.get(f"{self.base_url}{path}", self.token, operation)
        document = body if isinstance(body, dict) else {}
        if status == 200 and document.get("success") is True:
            return document.get("result")
        errors = document.get("errors") or [{}]
        code = str(errors[0].get("code", ""))
        message = str(errors[0].get("message", "")) or "the answer is none of Cloudflare's"
        if status == 200:
            kind: type[ClientError] = InvalidRequestError
        elif code == _NO_TOKEN:
            kind = AccessDeniedError
        elif code == _NO_ROUTE:
            kind = NotFoundError
        else:
            kind = classify(status, "")
        raise kind(message, operation=operation, code=code, http_status=status)
