"""GET requests that show a bearer token, and answers in JSON.

Owns that the token is in no message: an HTTP library quotes a header that it cannot send.
"""

from __future__ import annotations

import re
from typing import Any, Final

import httpx

from .errors import AccessDeniedError, ConnectionFailedError

__all__ = ["get"]

_TIMEOUT: Final = httpx.Timeout(15.0, connect=3.0)
# RFC 6750, 2.1.
_TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/-]+=*")


def get(url: str, token: str, operation: str) -> tuple[int, Any]:
    """Return the status and the JSON of a reply; None for a body that is not valid JSON.

    Args:
        url: What is asked for.
        token: Shown as `Authorization: Bearer`; spaces around it are dropped.
        operation: For messages.

    Raises:
        AccessDeniedError: The token has characters that no header can carry.
        ConnectionFailedError: There was no answer.
    """
    shown = token.strip()
    if not _TOKEN.fullmatch(shown):
        raise AccessDeniedError("the key has characters that no key has", operation=operation)
    try:
        answer = httpx.get(url, headers={"Authorization": f"Bearer {shown}"}, timeout=_TIMEOUT)
    except httpx.HTTPError as error:
        raise ConnectionFailedError(str(error) or repr(error), operation=operation) from error
    try:
        return answer.status_code, answer.json()
    except ValueError:
        return answer.status_code, None
