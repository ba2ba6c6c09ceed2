"""The way in of a rehearsed stack that has an edge: a question through it, and the ways around it.

Owns what is asked and what each answer must be. Does not own when (`ops.rehearse.story`), the edge
(`components.edge`) or the gate behind it (`rag.app.gate`).
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from components.smoke import direct_transport
from ops.stack.ask import AskError, issued
from rag.headers import EDGE_KEY

__all__ = ["EdgeError", "ask_around", "ask_through", "still_answers"]

_ANSWER_SECONDS = 120.0
_KEPT_SECONDS = 10.0


class EdgeError(Exception):
    """The edge, or the application behind it, gave another answer than it must."""


def ask_through(outputs: Mapping[str, Any], home: Path, question: str) -> str:
    """Ask through the edge as people do, with a token of the local issuer; return a report.

    Args:
        outputs: The stack's outputs.
        home: The rehearsal's home.
        question: The question.

    Raises:
        EdgeError: No answer with sources came, the edge did not cache it, or it answers without a
            token.
    """
    url = str(outputs["edge_url"])
    try:
        headers = {"Authorization": f"Bearer {issued(home, 'token')}"}
    except AskError as error:
        raise EdgeError(str(error)) from error
    with _client() as client:
        response = _ask(client, url, question, headers)
        document = _document(response)
        sources = document.get("sources")
        if response.status_code != 200 or not document.get("answer") or not sources:
            raise EdgeError(
                f"{url} answered {question!r} with {response.status_code}: {document}; expected "
                "200, an answer and its sources"
            )
        deadline = time.monotonic() + _KEPT_SECONDS
        while _ask(client, url, question, headers).headers.get("X-Edge-Cache") != "hit":
            if time.monotonic() > deadline:
                raise EdgeError(f"{url} did not answer the same question from the edge's cache")
        without = _ask(client, url, question, {}).status_code
    if without != 401:
        raise EdgeError(f"{url} answered a question without a token with {without}; expected 401")
    found = f"{len(sources)} sources, then from the cache"
    return f"asked {question!r} with a token: {found}; without one: 401"


def ask_around(outputs: Mapping[str, Any], home: Path, question: str) -> str:
    """Ask the application itself, past the edge and without its key; return a report.

    Args:
        outputs: The stack's outputs.
        home: The rehearsal's home.
        question: The question.

    Raises:
        EdgeError: The application did not refuse.
    """
    url, transport = str(outputs["chat_url"]), None
    if url.startswith("https:"):
        # The certificate is checked, with its name, as for the smoke question.
        trusted = home / "cloud" / "cas" / "trusted.pem"
        transport = direct_transport(str(outputs["chat_address"]), named=True, trusted_file=trusted)
    with _client(transport) as client:
        for key in ("", "a-guess"):
            headers = {EDGE_KEY: key} if key else {}
            status = _ask(client, url, question, headers).status_code
            if status != 403:
                raise EdgeError(
                    f"{url} answered a question past the edge with {status}; expected 403"
                )
    return f"{url} without the edge's key, and with a guessed one: 403"


def still_answers(url: str) -> bool:
    """Whether a URL still answers."""
    try:
        with _client() as client:
            _ask(client, url, "", {})
    except EdgeError:
        return False
    return True


def _client(transport: httpx.HTTPTransport | None = None) -> httpx.Client:
    return httpx.Client(transport=transport, timeout=_ANSWER_SECONDS, trust_env=False)


def _ask(
    client: httpx.Client, url: str, question: str, headers: Mapping[str, str]
) -> httpx.Response:
    try:
        return client.post(f"{url}/api/ask", json={"question": question}, headers=headers)
    except httpx.HTTPError as error:
        raise EdgeError(f"{url} cannot be reached: {error}") from error


def _document(response: httpx.Response) -> dict[str, Any]:
    try:
        found: dict[str, Any] = response.json()
    except ValueError:
        return {}
    return found
