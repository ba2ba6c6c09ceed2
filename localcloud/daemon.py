"""The daemon of the local cloud: the ``api`` endpoint and the supervisor, in one process.

Owns the process: its web application, the signature check, start and stop. It does not own the
operations: those come from the services (``registry``) and the admin API (``admin``).
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from localcloud import registry
from localcloud.core.access import AccessControl
from localcloud.core.admin import ResourceService, admin_routes
from localcloud.core.errors import CloudError, HomeError
from localcloud.core.home import data_dir, load_platform
from localcloud.core.ids import Ids
from localcloud.core.resources import Addresses, Context
from localcloud.core.rpc import RpcEndpoint
from localcloud.core.signing import SignedRequest, authenticate
from localcloud.core.store import Store, open_store
from localcloud.core.supervisor import Supervisor
from localcloud.faults import Faults

_MAX_BODY_BYTES = 16 * 1024 * 1024
_LOCK_SECONDS = 1.0
_LOCK_POLL_SECONDS = 0.02
# The admin API and Cloudflare's API authenticate requests themselves.
_UNSIGNED = ("/_local/", "/client/v4/")


def make_context(home: Path, *, watch: bool = True) -> Context:
    """Return the context of a stack.

    Args:
        home: The stack's home folder.
        watch: Whether to adopt and watch the processes that an earlier daemon started.
    """
    platform = load_platform(home)
    store = open_store(home)
    return Context(
        platform=platform,
        store=store,
        supervisor=Supervisor(store, data_dir(home, "processes"), watch=watch),
        ids=Ids(platform.account_id, lambda: _next_number(store)),
        access=AccessControl(home, store),
        addresses=Addresses(store, platform.loopback_prefix),
    )


def _next_number(store: Store) -> int:
    document = store.table("ids").update(
        "counter", lambda entry: {"value": 1 if entry is None else entry["value"] + 1}
    )
    if document is None:
        raise RuntimeError("the id counter vanished")
    return int(document["value"])


class SignatureMiddleware:
    """Rejects requests without a valid signature, and sets ``request.state.principal``.

    Also sets ``request.state.signed`` (the request as the client signed it) and
    ``request.state.request_id``. The admin API and Cloudflare's API authenticate requests
    themselves.
    """

    def __init__(self, app: ASGIApp, access: AccessControl, host_id: str, faults: Faults) -> None:
        self._app = app
        self._access = access
        self._host_id = host_id
        self._faults = faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(_UNSIGNED):
            await self._app(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        state["request_id"] = str(uuid.uuid4()).upper()
        try:
            body = await _body(receive)
            signed = _signed_request(scope, body)
            state["signed"] = signed
            state["principal"] = await run_in_threadpool(authenticate, signed, self._access)
            await run_in_threadpool(self._faults.check_call, signed.operation())
        except CloudError as error:
            response = JSONResponse(
                error.envelope(state["request_id"], self._host_id), error.http_status
            )
            await response(scope, receive, send)
            return
        await self._app(scope, _replay(body, receive), send)


async def _body(receive: Receive) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > _MAX_BODY_BYTES:
            raise CloudError(
                "RequestEntityTooLarge", f"The body exceeds {_MAX_BODY_BYTES} bytes.", 413
            )
        if not message.get("more_body", False):
            return b"".join(chunks)


def _replay(body: bytes, receive: Receive) -> Receive:
    pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return pending.pop() if pending else await receive()

    return replayed


def _signed_request(scope: Scope, body: bytes) -> SignedRequest:
    return SignedRequest(
        method=scope["method"],
        path=scope.get("raw_path", b"").decode("ascii") or scope["path"],
        query=scope["query_string"].decode("ascii"),
        headers={key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]},
        body=body,
    )


def application(
    context: Context,
    stop: Callable[[], None],
    process_names: frozenset[str] = frozenset(),
    services: Sequence[str] = registry.SERVICES,
) -> ASGIApp:
    """Return the web application of the ``api`` endpoint.

    Args:
        context: The running local cloud.
        stop: Called when a client asks the admin API to stop the daemon.
        process_names: Processes that the daemon starts together with itself.
        services: The services to serve.
    """
    host_id = urlsplit(context.platform.endpoints["api"]).netloc

    async def cloud_error(request: Request, error: Exception) -> Response:
        if not isinstance(error, CloudError):
            raise error
        request_id = getattr(request.state, "request_id", "")
        return JSONResponse(error.envelope(request_id, host_id), error.http_status)

    async def not_found(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 404
        refusal = CloudError(
            "InvalidAction.NotFound",
            f"{request.method} {request.url.path} is not an operation of the local cloud; the "
            "supported operations are in docs/reference/local-cloud-coverage.md",
            status,
        )
        return await cloud_error(request, refusal)

    service = ResourceService(registry.handlers(services), context)
    endpoint = RpcEndpoint(context, registry.rpc_actions(services))

    async def rpc(request: Request) -> Response:
        return await endpoint(request)

    app = Starlette(
        routes=[
            *admin_routes(service, context, stop, process_names),
            Route("/", rpc, methods=["GET", "POST"]),
            *registry.routes(context, services),
        ],
        exception_handlers={CloudError: cloud_error, HTTPException: not_found},
    )
    return SignatureMiddleware(app, context.access, host_id, Faults(context.store))


@contextmanager
def daemon_lock(home: Path) -> Iterator[None]:
    """Hold the stack's daemon lock; the kernel releases it however the process ends.

    Raises:
        HomeError: Another daemon of this stack is running.
    """
    path = data_dir(home, "daemon") / "pid"
    with path.open("a+", encoding="ascii") as file:
        deadline = time.monotonic() + _LOCK_SECONDS
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                # `daemon_pid` holds the lock for a moment while it reads the process id.
                if time.monotonic() > deadline:
                    raise HomeError(f"a daemon of {home} is already running ({path})") from None
                time.sleep(_LOCK_POLL_SECONDS)
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


class _Server(uvicorn.Server):
    """A server that leaves signals to the daemon: uvicorn would raise them again and end it."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@dataclass
class Daemon:
    """The daemon of one stack.

    Attributes:
        context: The running local cloud.
        services: The services to run; tests run only some of them.
    """

    context: Context
    services: Sequence[str] = registry.SERVICES

    def run(self) -> None:
        """Serve until a signal or the admin API asks to stop, then stop every process."""
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        address = urlsplit(self.context.platform.endpoints["api"])
        specs = registry.services(self.context, self.services)
        names = frozenset(spec.name for spec in specs)
        config = uvicorn.Config(
            application(self.context, self._stop, names, self.services),
            host=address.hostname or "",
            port=address.port or 0,
            log_level="warning",
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=5,
        )
        self._server = _Server(config)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stop)
        for spec in specs:
            await asyncio.to_thread(self.context.supervisor.start, spec)
        workers = registry.workers(self.context, self.services)
        try:
            for worker in workers:
                await asyncio.to_thread(worker.start)
            await self._server.serve()
        finally:
            # Workers first: they would restart the processes that the next line stops.
            for worker in workers:
                await asyncio.to_thread(worker.close)
            await asyncio.to_thread(self.context.supervisor.stop_all)

    def _stop(self) -> None:
        self._server.should_exit = True


def daemon_pid(home: Path) -> int | None:
    """Return the process id of the stack's daemon, or None if it is not running."""
    path = home / "cloud" / "daemon" / "pid"
    if not path.exists():
        return None
    with path.open("r+", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            text = file.read().strip()
            return int(text) if text else None
    return None
