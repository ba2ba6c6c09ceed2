"""Tag 2018-08-28 over RPC: list tagged resources.

It searches the records of every service, so services do not register their tags. The resource types
in its ARNs come from the names of the tables (`ecs.instances` -> `instance`). They are assumed,
because the cloud documents its names only per product.

Source: https://www.alibabacloud.com/help/en/resource-management/latest/listtagresources-1
(read 2026-11-21).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any, Final

import oss2

from localcloud.core.errors import CloudError, not_supported
from localcloud.core.resources import Context
from localcloud.core.rpc import RpcApi, RpcCall
from localcloud.oss.client import bucket_client, service_client

API: Final = RpcApi("tag", "Tag", "2018-08-28")
_PAGE: Final = 50
_MAX_PAGE_SIZE: Final = 1000
_MAX_TAGS: Final = 10
# The admin API's table repeats the records of the services.
_NOT_RESOURCES: Final = frozenset({"resources.created"})


def tagged(context: Context) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the ARN and tags of every resource that has tags."""
    platform = context.platform
    rows = context.store.rows("SELECT name, key, document FROM documents ORDER BY name, key", ())
    for table, key, text in rows:
        tags = {} if table in _NOT_RESOURCES else _tags(json.loads(text))
        if tags:
            product, _, kind = table.partition(".")
            name = singular(kind.rpartition(".")[2]) or product
            place = f"{product}:{platform.region_id}:{platform.account_id}"
            yield f"arn:acs:{place}:{name.replace('_', '')}/{key}", tags
    for found in oss2.BucketIterator(service_client(platform)):
        # A stack may have replicas in another region, which the signature must name.
        region_id = found.location.removeprefix("oss-")
        tagging = bucket_client(platform, found.name, region_id).get_bucket_tagging()
        tags = dict(tagging.tag_set.tagging_rule)
        if tags:
            place = f"{region_id}:{platform.account_id}"
            yield f"arn:acs:oss:{place}:bucket/{found.name}", tags


def singular(table: str) -> str:
    """Return the singular of a table name, such as `vswitch` for `vswitches`."""
    if table.endswith("ies"):
        return f"{table.removesuffix('ies')}y"
    if table.endswith(("ches", "sses", "xes")):
        return table.removesuffix("es")
    return table.removesuffix("s")


def _tags(document: dict[str, Any]) -> dict[str, str]:
    """Return the tags of a record or of its inputs."""
    inputs = document.get("inputs")
    found = document.get("tags") or (inputs.get("tags") if isinstance(inputs, dict) else None)
    if not isinstance(found, dict):
        return {}
    return {str(key): str(value) for key, value in found.items()}


@API.action(
    "ListTagResources",
    *("Tags", "Category", "PageSize", "NextToken"),
    notes="by Tags, Category Custom; no ResourceARN",
)
def list_tag_resources(call: RpcCall) -> dict[str, Any]:
    """Answer ListTagResources."""
    call.authorise("tag:ListTagResources", "*")
    wanted = _wanted(call)
    if call.parameters.get("Category", "All") not in ("All", "Custom"):
        raise not_supported(f"Category={call.parameters['Category']!r}", "use All or Custom")
    size = call.number("PageSize", _PAGE, 1, _MAX_PAGE_SIZE)
    first = call.number("NextToken", 0, 0, sys.maxsize)
    found = [
        {
            "ResourceARN": arn,
            "Tags": [
                {"Key": key, "Value": value, "Category": "Custom"}
                for key, value in sorted(tags.items())
            ],
        }
        for arn, tags in tagged(call.context)
        if wanted.items() <= tags.items()
    ]
    last = first + size
    return {
        "TagResources": found[first:last],
        "NextToken": str(last) if last < len(found) else "",
    }


def _wanted(call: RpcCall) -> dict[str, str]:
    try:
        wanted = json.loads(call.parameters.get("Tags") or "{}")
    except ValueError as error:
        raise CloudError("InvalidParameter.Tags", f"Tags is not valid JSON: {error}.") from error
    if not isinstance(wanted, dict) or len(wanted) > _MAX_TAGS:
        raise CloudError(
            "InvalidParameter.Tags", "Tags must be a JSON object of 1 to 10 keys and values."
        )
    return {str(key): str(value) for key, value in wanted.items()}
