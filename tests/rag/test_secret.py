"""A password or key that was changed: what runs reads it again, and no question fails of it.

The server is a real one; that KMS gives the new value is tried against the local cloud
(`tests/localcloud/kms`).
"""

from __future__ import annotations

import asyncio
import base64
import functools
import json
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ParamSpec

import pytest
from pydantic import SecretStr

from providers.clients import elasticsearch, opensearch
from rag.engines.base import SearchEngine
from rag.engines.elasticsearch import ElasticsearchEngine
from rag.engines.opensearch import OpenSearchEngine
from rag.errors import GenerationError, SearchEngineError
from rag.generate import OpenAIModel
from rag.secret import HeldSecret
from rag.settings import SecretMissingError

P = ParamSpec("P")


class Guarded(ThreadingHTTPServer):
    """A cluster and a language model that ask for one password."""

    password = "before"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Guarded

    def do_GET(self) -> None:
        self.answer()

    def do_POST(self) -> None:
        self.answer()

    def answer(self) -> None:
        pair = base64.b64encode(f"elastic:{self.server.password}".encode()).decode()
        good = {f"Basic {pair}", f"Bearer {self.server.password}"}
        shown = self.headers["Authorization"] in good
        body = json.dumps({"count": 7, "data": []} if shown else {"error": {"message": "no"}})
        self.send_response(200 if shown else 401)
        self.send_header("X-Elastic-Product", "Elasticsearch")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *args: object) -> None:
        """Write no log."""


@contextmanager
def guarded() -> Iterator[Guarded]:
    with Guarded(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def on_a_loop(test: Callable[P, Coroutine[None, None, None]]) -> Callable[P, None]:
    @functools.wraps(test)
    def run(*args: P.args, **given: P.kwargs) -> None:
        asyncio.run(test(*args, **given))

    return run


class Kms:
    """What KMS would give, and how often it was asked."""

    def __init__(self) -> None:
        self.value = "before"
        self.asked = 0
        self.broken = False

    def __call__(self) -> SecretStr:
        self.asked += 1
        if self.broken:
            raise SecretMissingError("KMS does not answer")
        return SecretStr(self.value)


def _elasticsearch(server: Guarded, secret: HeldSecret) -> SearchEngine:
    return ElasticsearchEngine(
        elasticsearch.async_client(server.url, "elastic", secret.value, renew=secret.renewed)
    )


def _opensearch(server: Guarded, secret: HeldSecret) -> SearchEngine:
    return OpenSearchEngine(
        opensearch.async_client(server.url, "elastic", secret.value, renew=secret.renewed)
    )


@pytest.mark.parametrize("connect", [_elasticsearch, _opensearch])
@on_a_loop
async def test_a_changed_password_is_read_again_and_the_request_succeeds(
    connect: Callable[[Guarded, HeldSecret], SearchEngine],
) -> None:
    kms = Kms()
    secret = HeldSecret(kms)
    with guarded() as server:
        engine = connect(server, secret)
        try:
            assert await engine.count("a") == 7
            kms.value = server.password = "after"
            assert await engine.count("a") == 7
            assert await engine.count("a") == 7
            assert kms.asked == 2
        finally:
            await engine.close()


@pytest.mark.parametrize("connect", [_elasticsearch, _opensearch])
@on_a_loop
async def test_a_password_that_kms_has_wrong_is_refused_and_kms_left_in_peace(
    connect: Callable[[Guarded, HeldSecret], SearchEngine],
) -> None:
    kms = Kms()
    now = [0.0]
    secret = HeldSecret(kms, clock=lambda: now[0])
    with guarded() as server:
        server.password = "unknown"
        engine = connect(server, secret)
        try:
            for _ in range(3):
                with pytest.raises(SearchEngineError) as refused:
                    await engine.count("a")
                assert refused.value.status == 401
            assert kms.asked == 2
            now[0] = 6.0
            kms.value = "unknown"
            assert await engine.count("a") == 7
        finally:
            await engine.close()


@on_a_loop
async def test_a_changed_key_of_the_language_model_is_read_again() -> None:
    kms = Kms()
    secret = HeldSecret(kms)
    with guarded() as server:
        model = OpenAIModel(f"{server.url}/v1", "m", secret.value, renew=secret.renewed)
        try:
            await model.check()
            kms.value = server.password = "after"
            await model.check()
            server.password = "revoked"
            with pytest.raises(GenerationError, match="refuses the key"):
                await model.check()
        finally:
            await model.close()


@on_a_loop
async def test_a_kms_that_does_not_answer_leaves_the_secret_as_it_was() -> None:
    kms = Kms()
    secret = HeldSecret(kms)
    kms.broken = True
    assert await secret.renewed("before") is None
    assert secret.value == "before"


@on_a_loop
async def test_who_was_refused_an_older_value_gets_the_present_one_without_kms() -> None:
    kms = Kms()
    secret = HeldSecret(kms)
    assert await secret.renewed("older") == "before"
    assert kms.asked == 1
