"""The HTTP API of AIWorkSpace 2021-02-04 (ROA), for ``alibabacloud_aiworkspace20210204``.

Owns routes, permissions and filters. It does not own the work: ``models`` does.
"""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from localcloud.aiworkspace.entities import WORKSPACE
from localcloud.aiworkspace.models import AIWorkSpace
from localcloud.core.errors import not_supported
from localcloud.core.resources import Context
from localcloud.faults import Faults

# Pay-as-you-go PAI: https://www.alibabacloud.com/help/en/pai/developer-reference/
# api-aiworkspace-2021-02-04-listproducts, read 2026-11-21.
_PRODUCT = "PAI_share"


def routes(context: Context) -> list[BaseRoute]:
    """Return the routes of AIWorkSpace."""
    entities = AIWorkSpace(context)

    def authorise(request: Request, action: str, resource: str) -> None:
        context.access.require(
            request.state.principal, f"paiworkspace:{action}", f"acs:paiworkspace:*:*:{resource}"
        )

    def get_workspace(request: Request) -> Response:
        identifier = request.path_params["id"]
        authorise(request, "GetWorkspace", f"workspace/{identifier}")
        return _answer(request, entities.get(WORKSPACE, identifier))

    def list_workspaces(request: Request) -> Response:
        authorise(request, "ListWorkspaces", "workspace/*")
        _refuse_others(request, "ListWorkspaces", "WorkspaceName")
        name = request.query_params.get("WorkspaceName")
        found = [
            record
            for record in entities.table(WORKSPACE).values()
            if name in (None, record["WorkspaceName"])
        ]
        return _answer(request, {"Workspaces": found, "TotalCount": len(found)})

    def list_products(request: Request) -> Response:
        """Answer ListProducts: PAI is activated unless a fault is active."""
        authorise(request, "ListProducts", "*")
        _refuse_others(request, "ListProducts", "ProductCodes", "Verbose")
        codes = request.query_params.get("ProductCodes", "")
        unknown = sorted(set(codes.split(",")) - {_PRODUCT, ""})
        if unknown:
            raise not_supported(f"ProductCodes={unknown[0]!r}", f"use {_PRODUCT}")
        activated = not Faults(context.store).hits("pai-not-activated")
        product = {"ProductCode": _PRODUCT, "IsPurchased": activated}
        return _answer(request, {"Products": [product], "Services": []})

    return [
        Route("/api/v1/products", list_products, methods=["GET"]),
        Route("/api/v1/workspaces", list_workspaces, methods=["GET"]),
        Route("/api/v1/workspaces/{id}", get_workspace, methods=["GET"]),
    ]


def _refuse_others(request: Request, operation: str, *allowed: str) -> None:
    for name in sorted(request.query_params.keys() - set(allowed)):
        value = request.query_params[name]
        raise not_supported(
            f"The parameter {name}={value!r} of {operation}", f"use only {', '.join(allowed)}"
        )


def _answer(request: Request, body: dict[str, Any]) -> Response:
    return JSONResponse({**body, "RequestId": request.state.request_id})
