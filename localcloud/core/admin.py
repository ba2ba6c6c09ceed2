"""The daemon's admin API: ``/_local/...`` on the ``api`` endpoint.

Owns the calls by which the plugin creates, reads, updates and deletes resources, the idempotence of
creation, and the credentials URIs of nodes and pods. Every call except ``health``, ``log-agent.sh``
and ``credentials`` needs the header ``X-Local-Secret`` with the account's access key secret.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from localcloud.core.code import code_digest
from localcloud.core.errors import CloudError
from localcloud.core.resources import Context, Properties, ResourceHandler
from localcloud.faults import Faults

_SECRET_HEADER = "x-local-secret"  # noqa: S105 - a header's name

# On the cloud, a node downloads the log service's agent from this path.
_LOG_AGENT_INSTALLER = """\
#!/bin/sh
echo "the local cloud has no log agent: this node's logs are files in the stack's home"
"""


class ResourceService:
    """Creates, reads, updates and deletes declared resources through their handlers.

    Args:
        handlers: The handlers by type token.
        context: The running local cloud.
    """

    def __init__(self, handlers: Mapping[str, ResourceHandler], context: Context) -> None:
        self._handlers = handlers
        self._context = context
        self._created = context.store.table("resources.created")
        self._locks: dict[str, threading.Lock] = {}
        self._guard = threading.Lock()

    def types(self) -> dict[str, dict[str, list[str]]]:
        """Return the supported inputs of each type."""
        return {
            token: {"effective": sorted(handler.effective), "recorded": sorted(handler.recorded)}
            for token, handler in self._handlers.items()
        }

    def create(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """Create a resource, or return the one that an earlier call with the same token created.

        A killed engine asks again with the same token. A second call waits while the first is
        still running. ``known_ids`` are the resources in the engine's state: the engine replaces
        those, so they are not returned.
        """
        handler = self._handler(document["type"])
        token = str(document["client_token"])
        with self._lock(token):
            existing = self._existing(token, handler, set(document.get("known_ids", ())))
            if existing is not None:
                return self._with_current_tags(existing, handler, document)
            created = handler.create(document["inputs"], self._in_region(document))
            # Keep the inputs too: handlers read by properties that they do not compute.
            made = {**document["inputs"], **created.outputs}
            entry = {"type": handler.token, "id": created.id, "outputs": made}
            self._created.put(token, entry | {"region_id": document.get("region_id")})
            return {"id": created.id, "outputs": created.outputs}

    def _existing(
        self, token: str, handler: ResourceHandler, known_ids: set[str]
    ) -> dict[str, Any] | None:
        entry = self._created.get(token)
        if entry is None or entry["id"] in known_ids:
            return None
        outputs = handler.read(entry["id"], entry["outputs"], self._in_region(entry))
        if outputs is None:
            self._created.delete(token)
            return None
        return {"id": entry["id"], "outputs": {**entry["outputs"], **outputs}}

    def _with_current_tags(
        self, existing: dict[str, Any], handler: ResourceHandler, document: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Update the tags of an existing resource, because the client token does not cover them."""
        inputs, outputs = document["inputs"], existing["outputs"]
        if inputs.get("tags") == outputs.get("tags"):
            return existing
        context = self._in_region(document)
        changed = handler.update(existing["id"], outputs, inputs, context)
        outputs = {**outputs, "tags": inputs.get("tags"), **changed}
        entry = {"type": handler.token, "id": existing["id"], "outputs": outputs}
        token = str(document["client_token"])
        self._created.put(token, entry | {"region_id": document.get("region_id")})
        return {"id": existing["id"], "outputs": outputs}

    def read(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """Return a resource's current outputs, or None if it no longer exists."""
        handler = self._handler(document["type"])
        outputs = handler.read(document["id"], document["outputs"], self._in_region(document))
        if outputs is None:
            # The next creation must not be taken for a repetition of the one that is gone.
            self._forget(handler.token, document["id"])
        return {"outputs": outputs}

    def update(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """Update a resource in place."""
        handler = self._handler(document["type"])
        outputs: Properties = handler.update(
            document["id"], document["outputs"], document["inputs"], self._in_region(document)
        )
        return {"outputs": outputs}

    def delete(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """Delete a resource and its creation tokens."""
        handler = self._handler(document["type"])
        Faults(self._context.store).check_deletion(handler.token)
        handler.delete(document["id"], document["outputs"], self._in_region(document))
        self._forget(handler.token, document["id"])
        return {}

    def _forget(self, type_token: str, resource_id: str) -> None:
        """Drop the creation tokens of a resource that no longer exists."""
        for token, entry in self._created.items():
            if entry["type"] == type_token and entry["id"] == resource_id:
                self._created.delete(token)

    def existing(self) -> dict[str, Any]:
        """Return every resource that was created through this API and still exists."""
        found = []
        for entry in self._created.values():
            handler, context = self._handlers.get(entry["type"]), self._in_region(entry)
            if handler and handler.read(entry["id"], entry["outputs"], context) is not None:
                found.append({"type": entry["type"], "id": entry["id"]})
        return {"resources": found}

    def _in_region(self, document: Mapping[str, Any]) -> Context:
        """Return the context with the region of the provider that sent the document."""
        context = self._context
        region_id = str(document.get("region_id") or context.platform.region_id)
        if region_id == context.platform.region_id:
            return context
        return replace(context, platform=replace(context.platform, region_id=region_id))

    def _handler(self, token: str) -> ResourceHandler:
        handler = self._handlers.get(token)
        if handler is None:
            raise CloudError(
                "LocalCloud.NotSupported",
                f"The local cloud does not support {token}; it supports "
                f"{', '.join(sorted(self._handlers))}.",
                501,
            )
        return handler

    def _lock(self, token: str) -> threading.Lock:
        with self._guard:
            return self._locks.setdefault(token, threading.Lock())


def admin_routes(
    service: ResourceService,
    context: Context,
    stop: Callable[[], None],
    service_names: frozenset[str] = frozenset(),
) -> list[BaseRoute]:
    """Return the routes of the admin API.

    Args:
        service: The declared resources.
        context: The running local cloud.
        stop: Asks the daemon to stop every process and end.
        service_names: Processes that the daemon starts together with itself; ``status`` marks them.
    """
    # Compute the digest now: a later `git pull` may change the files.
    code = code_digest()
    operations = {
        "create": service.create,
        "read": service.read,
        "update": service.update,
        "delete": service.delete,
    }

    async def log_agent(_: Request) -> Response:
        return Response(_LOG_AGENT_INSTALLER, media_type="text/x-shellscript")

    async def health(_: Request) -> Response:
        return JSONResponse({"home": str(context.platform.home), "code": code})

    async def types(request: Request) -> Response:
        _authorise(request, context)
        return JSONResponse(service.types())

    async def resources(request: Request) -> Response:
        _authorise(request, context)
        operation = operations.get(request.path_params["operation"])
        if operation is None:
            raise CloudError(
                "InvalidAction.NotFound", f"The operation must be one of {sorted(operations)}.", 404
            )
        return JSONResponse(await run_in_threadpool(operation, await request.json()))

    async def existing(request: Request) -> Response:
        _authorise(request, context)
        return JSONResponse(await run_in_threadpool(service.existing))

    async def status(request: Request) -> Response:
        _authorise(request, context)
        return JSONResponse({"processes": await run_in_threadpool(_status, context, service_names)})

    async def stop_daemon(request: Request) -> Response:
        _authorise(request, context)
        stop()
        return JSONResponse({})

    async def credentials(request: Request) -> Response:
        token = request.path_params["token"]
        principal = await run_in_threadpool(context.access.credentials_of_uri, token)
        if principal is None:
            raise CloudError("InvalidCredentialsUri", "The credentials URI does not exist.", 404)
        return JSONResponse(principal.credentials_document())

    return [
        Route("/_local/health", health),
        Route("/_local/types", types),
        Route("/_local/log-agent.sh", log_agent),
        Route("/_local/resources", existing),
        Route("/_local/resources/{operation}", resources, methods=["POST"]),
        Route("/_local/status", status),
        Route("/_local/stop", stop_daemon, methods=["POST"]),
        Route("/_local/credentials/{token}", credentials),
    ]


def _authorise(request: Request, context: Context) -> None:
    given = request.headers.get(_SECRET_HEADER, "")
    if not secrets.compare_digest(given.encode(), context.platform.access_key_secret.encode()):
        raise CloudError("Forbidden", f"The header {_SECRET_HEADER} is missing or wrong.", 403)


def _status(context: Context, service_names: frozenset[str]) -> list[dict[str, Any]]:
    rows = []
    for name in context.supervisor.names():
        status = context.supervisor.status(name)
        if status is not None:
            log = context.supervisor.log_path(name)
            rows.append(
                {
                    "name": status.name,
                    "service": status.name in service_names,
                    "state": status.state,
                    "pid": status.pid,
                    "restarts": status.restarts,
                    "failed_starts": status.failed_starts,
                    "exit_code": status.exit_code,
                    "reason": status.reason,
                    "address": context.supervisor.address(name),
                    "log": str(log) if log is not None else "",
                }
            )
    return rows
