"""One question to the application once it is up: the light, idempotent kind of work that hooks are
for.

A failed after-hook fails the update and does not run again by itself; `make up` asks once more in
its summary.
"""

from __future__ import annotations

import asyncio
import functools
import http.client
import json
import socket
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pulumi

from rag.headers import EDGE_KEY

__all__ = [
    "Door",
    "SmokeTestError",
    "ask_when_ready",
    "direct_opener",
    "smoke_hook",
]

DEADLINE_SECONDS = 300.0
PAUSE_SECONDS = 1.0
REQUEST_TIMEOUT_SECONDS = 120.0

Fetch = Callable[[str, dict[str, Any] | None], dict[str, Any]]


class SmokeTestError(Exception):
    """The application did not answer, or answered without an answer."""


@dataclass(frozen=True, kw_only=True)
class Door:
    """How to reach a load balancer whose name may not point to it yet.

    Attributes:
        address: Host, or `host:port`, to connect to in place of the URL's.
        named: Whether the URL's name is the certificate's. False: no certificate has a load
            balancer's own name, so the chain is checked and the name is not.
        trusted_file: PEM file of what is trusted; the public authorities when None.
    """

    address: pulumi.Output[str]
    named: bool = True
    trusted_file: Path | None = None


def smoke_hook(
    name: str,
    question: str,
    url: pulumi.Output[str],
    edge_key: pulumi.Output[str] | None = None,
    *,
    door: Door | None = None,
) -> pulumi.ResourceHook:
    """A hook that asks `question` at `url` and says in the update's log what came back.

    Args:
        name: The hook's name, unique in the program.
        question: What to ask.
        url: The application. Must not depend on the resource that the hook is bound to: that one
            is not done before its hook is.
        edge_key: What the application wants to be shown, where it stands behind an edge.
        door: How to get there; by default as the URL says.
    """

    async def ask(_args: pulumi.ResourceHookArgs) -> None:
        address = str(await url.future())
        key = "" if edge_key is None else str(await edge_key.future())
        opener = None
        if door is not None:
            opener = direct_opener(
                str(await door.address.future()), named=door.named, trusted_file=door.trusted_file
            )
        fetch = _fetch_with({EDGE_KEY: key} if key else {}, opener)
        answer = await asyncio.to_thread(ask_when_ready, address, question, fetch=fetch)
        pulumi.log.info(f"asked {question!r}: answered with {len(answer['sources'])} sources")

    return pulumi.ResourceHook(name, ask)


def ask_when_ready(
    url: str,
    question: str,
    *,
    fetch: Fetch | None = None,
    deadline_seconds: float = DEADLINE_SECONDS,
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
) -> dict[str, Any]:
    """Waits until `url` is healthy, then asks `question`.

    Returns:
        The application's answer: `answer`, `sources`.

    Raises:
        SmokeTestError: It was not healthy in time, or the answer has no text.
    """
    fetch = fetch or _fetch_with({})
    started = clock()
    while True:
        try:
            fetch(f"{url}/health", None)
            break
        except (OSError, ValueError) as error:
            if clock() - started > deadline_seconds:
                raise SmokeTestError(
                    f"{url}/health was not well within {deadline_seconds:.0f} s: {error}; "
                    "`make logs SERVICE=chat` shows why"
                ) from error
        pause(PAUSE_SECONDS)
    try:
        answer = fetch(f"{url}/api/ask", {"question": question, "stream": False})
    except (OSError, ValueError) as error:
        raise SmokeTestError(f"{url}/api/ask failed on {question!r}: {error}") from error
    if not answer.get("answer") or "sources" not in answer:
        raise SmokeTestError(f"{url}/api/ask gave no answer to {question!r}: {answer}")
    return answer


class _DirectConnection(http.client.HTTPSConnection):
    """Asks by one name what answers at another address."""

    def __init__(self, *args: Any, address: str, tls: ssl.SSLContext, **more: Any) -> None:
        super().__init__(*args, context=tls, **more)
        self._tls = tls
        parts = urlsplit(f"//{address}")
        self._target = (parts.hostname or "", parts.port or http.client.HTTPS_PORT)

    def connect(self) -> None:
        plain = socket.create_connection(self._target, self.timeout)
        self.sock = self._tls.wrap_socket(plain, server_hostname=self.host)


class _DirectHandler(urllib.request.HTTPSHandler):
    def __init__(self, address: str, tls: ssl.SSLContext) -> None:
        super().__init__(context=tls)
        self._connect = functools.partial(_DirectConnection, address=address, tls=tls)

    def https_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(self._connect, request)


def direct_opener(
    address: str, *, named: bool, trusted_file: Path | None
) -> urllib.request.OpenerDirector:
    """Opens HTTPS URLs at one address, whatever their host; see `Door` for the rest."""
    tls = ssl.create_default_context(cafile=str(trusted_file) if trusted_file else None)
    tls.check_hostname = named
    return urllib.request.build_opener(
        urllib.request.ProxyHandler({}), _DirectHandler(address, tls)
    )


def _fetch_with(
    headers: Mapping[str, str], opener: urllib.request.OpenerDirector | None = None
) -> Fetch:
    ask = opener.open if opener is not None else urllib.request.urlopen

    def fetch(url: str, body: dict[str, Any] | None) -> dict[str, Any]:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(  # noqa: S310  the URL is the stack's own output
            url, data=data, headers={"Content-Type": "application/json", **headers}
        )
        with ask(request, timeout=REQUEST_TIMEOUT_SECONDS) as response:
            value: dict[str, Any] = json.load(response)
        return value

    return fetch
