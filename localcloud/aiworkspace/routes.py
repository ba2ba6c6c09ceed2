"""The HTTP API of AIWorkSpace 2021-02-04 (ROA), for ``alibabacloud_aiworkspace20210204``.

Owns routes, permissions, filters and paging. It does not own the work: ``models`` does.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from localcloud.aiworkspace.entities import DATASET, INVALID, MODEL, VERSION, WORKSPACE, Kind
from localcloud.aiworkspace.models import AIWorkSpace
from localcloud.core.errors import CloudError, not_supported
from localcloud.core.resources import Context
from localcloud.faults import Faults

Body = dict[str, Any]
_Operation = Callable[[Request, Body], Body]
_Endpoint = Callable[[Request], Awaitable[Response]]
_PAGING = frozenset({"PageNumber", "PageSize", "SortBy", "Order"})
_MAX_PAGE_SIZE = 100
# Pay-as-you-go PAI: https://www.alibabacloud.com/help/en/pai/developer-reference/
# api-aiworkspace-2021-02-04-listproducts, read 2026-11-21.
_PRODUCT = "PAI_share"
# Query parameters that filter a list, with the field that they compare.
_FILTERS: Mapping[str, Mapping[str, str]] = {
    "Workspace": {"WorkspaceName": "WorkspaceName", "Status": "Status"},
    "Dataset": {"WorkspaceId": "WorkspaceId", "Name": "Name"},
    "Model": {"WorkspaceId": "WorkspaceId", "ModelName": "ModelName", "ModelType": "ModelType"},
    "ModelVersion": {"VersionName": "VersionName", "ApprovalStatus": "ApprovalStatus"},
}
# These ask for more detail than the local cloud has, so they have no effect.
_IGNORED_QUERY = frozenset({"Verbose", "Fields", "Option"})


class AIWorkSpaceApi:
    """The operations of one local stack's AIWorkSpace."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._entities = AIWorkSpace(context)

    def create(self, kind: Kind) -> _Operation:
        """Return the Create operation of a kind of entity."""

        def operation(request: Request, body: Body) -> Body:
            self._authorise(request, f"Create{kind.name}", kind, "*")
            record = self._entities.create(kind, body)
            return {kind.id_field: record[kind.id_field]}

        return operation

    def get(self, kind: Kind) -> _Operation:
        """Return the Get operation of a kind of entity."""

        def operation(request: Request, _: Body) -> Body:
            identifier = _identifier(request)
            self._authorise(request, f"Get{kind.name}", kind, identifier)
            return self._entities.get(kind, identifier)

        return operation

    def update(self, kind: Kind) -> _Operation:
        """Return the Update operation of a kind of entity."""

        def operation(request: Request, body: Body) -> Body:
            identifier = _identifier(request)
            self._authorise(request, f"Update{kind.name}", kind, identifier)
            self._entities.update(kind, identifier, body)
            return {}

        return operation

    def delete(self, kind: Kind) -> _Operation:
        """Return the Delete operation of a kind of entity."""

        def operation(request: Request, _: Body) -> Body:
            identifier = _identifier(request)
            self._authorise(request, f"Delete{kind.name}", kind, identifier)
            self._entities.delete(kind, identifier)
            return {}

        return operation

    def list_of(self, kind: Kind) -> _Operation:
        """Return the List operation of a kind of entity."""

        def operation(request: Request, _: Body) -> Body:
            self._authorise(request, f"List{kind.name}s", kind, "*")
            found = self._entities.find(kind, _filters(request, kind))
            return {f"{kind.name}s": _page(request, found), "TotalCount": len(found)}

        return operation

    def create_version(self, request: Request, body: Body) -> Body:
        """Answer CreateModelVersion."""
        model_id = request.path_params["id"]
        self._authorise(request, "CreateModelVersion", VERSION, model_id)
        record = self._entities.create_version(model_id, body)
        return {"VersionName": record["VersionName"]}

    def list_versions(self, request: Request, _: Body) -> Body:
        """Answer ListModelVersions."""
        model_id = request.path_params["id"]
        self._authorise(request, "ListModelVersions", VERSION, model_id)
        self._entities.get(MODEL, model_id)
        filters = _filters(request, VERSION)
        found = [
            record
            for record in self._entities.versions(model_id)
            if all(record.get(name) == value for name, value in filters.items())
        ]
        return {"Versions": _page(request, found), "TotalCount": len(found)}

    def list_products(self, request: Request, _: Body) -> Body:
        """Answer ListProducts: PAI is activated unless a fault is active."""
        self._context.access.require(
            request.state.principal, "paiworkspace:ListProducts", "acs:paiworkspace:*:*:*"
        )
        for name in sorted(request.query_params.keys() - {"ProductCodes", "Verbose"}):
            raise not_supported(f"The parameter {name} of ListProducts", "use ProductCodes")
        codes = request.query_params.get("ProductCodes", "")
        unknown = sorted(set(codes.split(",")) - {_PRODUCT, ""})
        if unknown:
            raise not_supported(f"ProductCodes={unknown[0]!r}", f"use {_PRODUCT}")
        activated = not Faults(self._context.store).hits("pai-not-activated")
        product = {
            "ProductCode": _PRODUCT,
            "IsPurchased": activated,
            "HasPermissionToPurchase": True,
            "PurchaseUrl": "",
        }
        return {"Products": [product], "Services": []}

    def _authorise(self, request: Request, action: str, kind: Kind, identifier: str) -> None:
        what = kind.name.lower().removesuffix("version")
        self._context.access.require(
            request.state.principal,
            f"{kind.product}:{action}",
            f"acs:{kind.product}:*:*:{what}/{identifier}",
        )


def _identifier(request: Request) -> str:
    parameters = request.path_params
    version = parameters.get("version")
    return f"{parameters['id']}:{version}" if version else str(parameters["id"])


def _filters(request: Request, kind: Kind) -> dict[str, str]:
    known = _FILTERS[kind.name]
    query = {
        key: value
        for key, value in request.query_params.items()
        if key not in _PAGING | _IGNORED_QUERY
    }
    for name in sorted(query.keys() - known.keys()):
        raise not_supported(
            f"The filter {name}={query[name]!r} of List{kind.name}s",
            f"use only {', '.join(sorted(known))}",
        )
    return {known[name]: value for name, value in query.items()}


def _page(request: Request, found: list[Body]) -> list[Body]:
    number = _count(request, "PageNumber", 1)
    size = min(_count(request, "PageSize", 20), _MAX_PAGE_SIZE)
    order = request.query_params.get("Order", "DESC").upper()
    ordered = found if order == "ASC" else list(reversed(found))
    return ordered[(number - 1) * size : number * size]


def _count(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name, str(default))
    if not text.isdigit() or int(text) < 1:
        raise CloudError(INVALID, f"{name} is {text!r}; it must be a whole number of at least 1.")
    return int(text)


def _endpoint(operation: _Operation) -> _Endpoint:
    async def answer(request: Request) -> Response:
        raw = await request.body()
        try:
            body = json.loads(raw) if raw else {}
        except ValueError as error:
            raise CloudError(INVALID, f"The body is not valid JSON: {error}.") from error
        if not isinstance(body, dict):
            raise CloudError(INVALID, "The body must be a JSON object.")
        result = await run_in_threadpool(operation, request, body)
        return JSONResponse({**result, "RequestId": request.state.request_id})

    return answer


def routes(context: Context) -> list[BaseRoute]:
    """Return the routes of AIWorkSpace."""
    api = AIWorkSpaceApi(context)
    found: list[BaseRoute] = [
        Route("/api/v1/products", _endpoint(api.list_products), methods=["GET"])
    ]
    for kind, path in (
        (WORKSPACE, "/api/v1/workspaces"),
        (DATASET, "/api/v1/datasets"),
        (MODEL, "/api/v1/models"),
    ):
        found += [
            Route(path, _endpoint(api.create(kind)), methods=["POST"]),
            Route(path, _endpoint(api.list_of(kind)), methods=["GET"]),
            *_item_routes(api, kind, f"{path}/{{id}}"),
        ]
    versions = "/api/v1/models/{id}/versions"
    return [
        *found,
        Route(versions, _endpoint(api.create_version), methods=["POST"]),
        Route(versions, _endpoint(api.list_versions), methods=["GET"]),
        *_item_routes(api, VERSION, f"{versions}/{{version}}"),
    ]


def _item_routes(api: AIWorkSpaceApi, kind: Kind, path: str) -> list[BaseRoute]:
    return [
        Route(path, _endpoint(api.get(kind)), methods=["GET"]),
        Route(path, _endpoint(api.update(kind)), methods=["PUT"]),
        Route(path, _endpoint(api.delete(kind)), methods=["DELETE"]),
    ]
