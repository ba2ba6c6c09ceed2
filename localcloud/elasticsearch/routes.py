"""The control-plane API of Elasticsearch (2017-06-13) on the ``api`` endpoint.

Owns: reading instances, and their snapshot settings. Only the resource type creates and changes
instances, so the router answers those operations as unknown.

Source: https://help.aliyun.com/zh/es/developer-reference/
api-elasticsearch-2017-06-13-describeinstance and -listinstance (read 2026-11).
"""

from __future__ import annotations

import json
import uuid
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route

from localcloud.core.resources import Context, Properties
from localcloud.elasticsearch.checks import engine_settings
from localcloud.elasticsearch.offer import region_configuration
from localcloud.elasticsearch.resources import TABLE, Instance
from localcloud.elasticsearch.snapshots import setting, update_setting

__all__ = ["routes"]

_PAGE_SIZE = 10


def routes(context: Context) -> list[BaseRoute]:
    """Return the routes of the operations in ``operations.py``."""

    def list_instance(request: Request) -> JSONResponse:
        query = request.query_params
        page, size = int(query.get("page", 1)), int(query.get("size", _PAGE_SIZE))
        found = [
            _view(instance_id, context)
            for instance_id, _ in context.store.table(TABLE).items()
            if query.get("instanceId", instance_id) == instance_id
        ]
        views = [view for view in found if view is not None]
        chosen = views[(page - 1) * size : page * size]
        return _answer(chosen, {"Headers": {"X-Total-Count": len(views)}})

    def describe_instance(request: Request) -> JSONResponse:
        instance_id = request.path_params["instance_id"]
        view = _view(instance_id, context)
        if view is None:
            return JSONResponse(
                {
                    "RequestId": _request_id(),
                    "HostId": request.url.hostname,
                    "Code": "InstanceNotFound",
                    "Message": f"The instanceId {instance_id} provided does not exist.",
                },
                status_code=404,
            )
        return _answer(view, {})

    def get_region_configuration(request: Request) -> JSONResponse:
        return _answer(region_configuration(context), {})

    async def snapshot_setting(request: Request) -> JSONResponse:
        instance_id = request.path_params["instance_id"]
        if request.method == "GET":
            return _answer(setting(instance_id, context), {})
        body = json.loads(await request.body() or b"null")
        return _answer(await run_in_threadpool(update_setting, instance_id, body, context), {})

    return [
        Route("/openapi/region", get_region_configuration, methods=["GET"]),
        Route("/openapi/instances", list_instance, methods=["GET"]),
        Route("/openapi/instances/{instance_id}", describe_instance, methods=["GET"]),
        Route(
            "/openapi/instances/{instance_id}/snapshot-setting",
            snapshot_setting,
            methods=["GET", "POST"],
        ),
    ]


def _view(instance_id: str, context: Context) -> dict[str, Any] | None:
    properties = Instance().read(instance_id, {}, context)
    return None if properties is None else _wire(instance_id, properties)


def _wire(instance_id: str, properties: Properties) -> dict[str, Any]:
    configuration = properties.get("dataNodeConfiguration") or {}
    return {
        "instanceId": instance_id,
        "description": properties["description"],
        "domain": properties["domain"],
        "port": properties["port"],
        "protocol": properties["protocol"],
        "status": properties["status"],
        "esVersion": properties["version"],
        "paymentType": "postpaid" if properties["paymentType"] == "PayAsYouGo" else "prepaid",
        "createdAt": properties["createTime"],
        "nodeAmount": configuration.get("amount"),
        "nodeSpec": {
            "spec": configuration.get("spec"),
            "disk": configuration.get("disk"),
            "diskType": configuration.get("diskType"),
            "diskEncryption": configuration.get("diskEncryption"),
        },
        "esConfig": engine_settings(properties),
        "privateNetworkIpWhiteList": properties.get("privateWhitelists") or [],
        "networkConfig": {"type": "vpc", "vswitchId": properties.get("vswitchId")},
        "enablePublic": False,
        "enableKibanaPublicNetwork": False,
        "enableKibanaPrivateNetwork": False,
        "tags": [
            {"tagKey": key, "tagValue": value}
            for key, value in (properties.get("tags") or {}).items()
        ],
    }


def _answer(result: Any, more: dict[str, Any]) -> JSONResponse:
    return JSONResponse({"RequestId": _request_id(), **more, "Result": result})


def _request_id() -> str:
    return str(uuid.uuid4()).upper()
