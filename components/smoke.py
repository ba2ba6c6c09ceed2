"""A test question to the application at the end of an update.

Owns: the hook that asks, and the client that reaches a load balancer at its address. A failed
after-hook fails the update and is not retried; `make up` asks again for its summary.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pulumi

from rag.headers import EDGE_KEY

__all__ = [
    "Door",
    "SmokeTestError",
    "ask_when_ready",
    "direct_transport",
    "smoke_hook",
]

DEADLINE_SECONDS = 300.0
PAUSE_SECONDS = 1.0
REQUEST_TIMEOUT_SECONDS = 120.0


class SmokeTestError(Exception):
    """The application did not reply, or its reply has no answer."""


@dataclass(frozen=True, kw_only=True)
class Door:
    """A way to reach a load balancer whose DNS name may not point to it yet.

    Attributes:
        address: Host, or `host:port`, to connect to instead of the URL's.
        named: Whether the certificate must have the URL's name. Otherwise only the chain is
            checked, because no certificate has a load balancer's own name.
        trusted_file: PEM file with trusted certificates; None for the public authorities.
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
    """Return a hook that asks `question` at `url` and logs the result in the update.

    Args:
        name: The hook's name, unique in the program.
        question: The question.
        url: URL of the application. It must not depend on the resource of the hook, because that
            resource completes only after the hook.
        edge_key: Key that the application requires if it is behind an edge.
        door: How to reach the application; by default at its URL.
    """

    async def ask(_args: pulumi.ResourceHookArgs) -> None:
        address = str(await url.future())
        key = "" if edge_key is None else str(await edge_key.future())
        transport = None
        if door is not None:
            transport = direct_transport(
                str(await door.address.future()), named=door.named, trusted_file=door.trusted_file
            )
        headers = {EDGE_KEY: key} if key else {}
        with httpx.Client(
            transport=transport, headers=headers, timeout=REQUEST_TIMEOUT_SECONDS
        ) as client:
            answer = await asyncio.to_thread(ask_when_ready, client, address, question)
        pulumi.log.info(f"asked {question!r}: answered with {len(answer['sources'])} sources")

    return pulumi.ResourceHook(name, ask)


def ask_when_ready(
    client: httpx.Client,
    url: str,
    question: str,
    *,
    deadline_seconds: float = DEADLINE_SECONDS,
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
) -> dict[str, Any]:
    """Wait until `url` is healthy, then ask `question`.

    Returns:
        The application's answer: `answer`, `sources`.

    Raises:
        SmokeTestError: The application was not healthy in time, or its answer has no text.
    """
    started = clock()
    while True:
        try:
            client.get(f"{url}/health").raise_for_status()
            break
        except httpx.HTTPError as error:
            if clock() - started > deadline_seconds:
                raise SmokeTestError(
                    f"{url}/health was not healthy within {deadline_seconds:.0f} s: {error}. "
                    "`make logs SERVICE=chat` shows why"
                ) from error
        pause(PAUSE_SECONDS)
    try:
        response = client.post(f"{url}/api/ask", json={"question": question, "stream": False})
        answer: dict[str, Any] = response.raise_for_status().json()
    except (httpx.HTTPError, ValueError) as error:
        raise SmokeTestError(f"{url}/api/ask failed for {question!r}: {error}") from error
    if not answer.get("answer") or "sources" not in answer:
        raise SmokeTestError(f"{url}/api/ask returned no answer to {question!r}: {answer}")
    return answer


class _DirectTransport(httpx.HTTPTransport):
    """Sends every request to one address, and checks the certificate against the URL's host."""

    def __init__(self, address: str, tls: ssl.SSLContext) -> None:
        super().__init__(verify=tls, trust_env=False)
        self._address = httpx.URL(f"https://{address}")

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.extensions = {**request.extensions, "sni_hostname": request.url.host}
        request.url = request.url.copy_with(host=self._address.host, port=self._address.port)
        return super().handle_request(request)


def direct_transport(
    address: str, *, named: bool, trusted_file: Path | None
) -> httpx.HTTPTransport:
    """Return a transport that sends all HTTPS requests to one address.

    `Door` describes the arguments.
    """
    tls = ssl.create_default_context(cafile=str(trusted_file) if trusted_file else None)
    tls.check_hostname = named
    return _DirectTransport(address, tls)
