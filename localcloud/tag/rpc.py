"""The RPC API of Tag 2018-08-28: what carries a tag.

Looks into the records of every service, so that nothing has to be told to it. The resource types in
its ARNs are made from the records' tables (`ecs.instances` -> `instance`): assumed, as the cloud's
own names stand in each product's documents only.

Source: https://www.alibabacloud.com/help/en/resource-management/latest/listtagresources-1
(read 2026-11-21).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

import oss2

from localcloud.core.errors import CloudError, not_supported
from localcloud.core.resources import Context
from localcloud.core.rpc import RpcAction, RpcCall
from localcloud.oss.client import bucket_client, service_client

VERSION: Final = "2018-08-28"
_PAGE: Final = 50
_LARGEST_PAGE: Final = 1000
_TAGS_AT_MOST: Final = 10
# The admin API's own notes repeat what the services hold.
_NOT_RESOURCES: Final = frozenset({"resources.created"})


def tagged(context: Context) -> Iterator[tuple[str, dict[str, str]]]:
    """Return every resource that has tags: its ARN and they."""
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
        # A stack's copies lie in another region, which the signature names.
        region_id = found.location.removeprefix("oss-")
        tagging = bucket_client(platform, found.name, region_id).get_bucket_tagging()
        tags = dict(tagging.tag_set.tagging_rule)
        if tags:
            place = f"{region_id}:{platform.account_id}"
            yield f"arn:acs:oss:{place}:bucket/{found.name}", tags


def singular(table: str) -> str:
    """Return what one thing of a table is called: `vswitches` hold a `vswitch`."""
    if table.endswith("ies"):
        return f"{table.removesuffix('ies')}y"
    if table.endswith(("ches", "sses", "xes")):
        return table.removesuffix("es")
    return table.removesuffix("s")


def _tags(document: dict[str, Any]) -> dict[str, str]:
    """Return the tags of a record: of itself, or of the inputs that it keeps."""
    inputs = document.get("inputs")
    found = document.get("tags") or (inputs.get("tags") if isinstance(inputs, dict) else None)
    if not isinstance(found, dict):
        return {}
    return {str(key): str(value) for key, value in found.items()}


def actions(context: Context) -> tuple[RpcAction, ...]:
    """Return the operations."""

    def list_tag_resources(call: RpcCall) -> dict[str, Any]:
        context.access.require(call.principal, "tag:ListTagResources", "*")
        wanted = _wanted(call)
        if call.parameters.get("Category", "All") not in ("All", "Custom"):
            raise not_supported(
                f"Category={call.parameters['Category']!r}", "supported are All and Custom"
            )
        size, first = _number(call, "PageSize", _PAGE), _number(call, "NextToken", 0)
        found = [
            {
                "ResourceARN": arn,
                "Tags": [
                    {"Key": key, "Value": value, "Category": "Custom"}
                    for key, value in sorted(tags.items())
                ],
            }
            for arn, tags in tagged(context)
            if wanted.items() <= tags.items()
        ]
        last = first + size
        return {
            "TagResources": found[first:last],
            "NextToken": str(last) if last < len(found) else "",
        }

    return (
        RpcAction(
            name="ListTagResources",
            version=VERSION,
            parameters=frozenset({"Tags", "Category", "PageSize", "NextToken"}),
            answer=list_tag_resources,
        ),
    )


def _wanted(call: RpcCall) -> dict[str, str]:
    try:
        wanted = json.loads(call.parameters.get("Tags") or "{}")
    except ValueError as error:
        raise CloudError("InvalidParameter.Tags", f"Tags is no JSON: {error}.") from error
    if not isinstance(wanted, dict) or len(wanted) > _TAGS_AT_MOST:
        raise CloudError("InvalidParameter.Tags", "Tags is an object of 1 to 10 keys and values.")
    return {str(key): str(value) for key, value in wanted.items()}


def _number(call: RpcCall, name: str, default: int) -> int:
    text = call.parameters.get(name) or str(default)
    if not text.isdigit() or (name == "PageSize" and not 1 <= int(text) <= _LARGEST_PAGE):
        raise CloudError(f"InvalidParameter.{name}", f"{name} is {text!r}; give 1 to 1000.")
    return int(text)
