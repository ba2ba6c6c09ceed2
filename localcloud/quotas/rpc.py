"""Quota Center 2020-05-10 over RPC.

Source: https://www.alibabacloud.com/help/en/quota-center/developer-reference/api-quotas-2020-05-10-getproductquota
(read 2026-11-21); product code ``ecs-spec`` and its dimensions:
.../api-quotas-2020-05-10-listproductquotas and -listproductquotadimensions.
"""

from __future__ import annotations

from typing import Any, Final

from localcloud.core.errors import CloudError, not_supported
from localcloud.core.instance_types import INSTANCE_TYPES
from localcloud.core.rpc import RpcApi, RpcCall, numbered_names
from localcloud.ecs.catalogue import used_vcpus
from localcloud.faults import Faults

API: Final = RpcApi("quotas", "quotas", "2020-05-10")
_PRODUCT: Final = "ecs-spec"
_DIMENSIONS: Final = ("regionId", "zoneId", "chargeType", "networkType", "resourceType")
_NUMBERED: Final = numbered_names("Dimensions", 10)
# vCPUs of one instance type. Assumed, because the cloud sets it per account and type.
_TOTAL_VCPUS: Final = 512


@API.action(
    "GetProductQuota",
    *("ProductCode", "QuotaActionCode"),
    *(f"{name}.{part}" for name in _NUMBERED for part in ("Key", "Value")),
    notes="product ecs-spec: the vCPUs of one instance type in the region; totals are assumed",
)
def get_product_quota(call: RpcCall) -> dict[str, Any]:
    """Answer GetProductQuota for an instance type."""
    product, code = call.required("ProductCode"), call.required("QuotaActionCode")
    call.authorise("quotas:GetProductQuota", f"acs:quotas:*:*:quota/{product}/{code}")
    if product != _PRODUCT:
        raise not_supported(f"ProductCode={product!r}", f"use {_PRODUCT}")
    if code not in INSTANCE_TYPES:
        raise CloudError("QUOTA.NOT.FOUND", f"The quota {code} does not exist.", 404)
    dimensions = _dimensions(call)
    used = used_vcpus(call.context).get(code, 0)
    if Faults(call.context.store).hits("quota-used-up", instance_type=code):
        used = _TOTAL_VCPUS
    return {
        "Quota": {
            "ProductCode": product,
            "QuotaActionCode": code,
            "QuotaName": code,
            "QuotaUnit": "vCPU",
            "TotalQuota": float(_TOTAL_VCPUS),
            "TotalUsage": float(used),
            "Adjustable": True,
            "Dimensions": dimensions,
        }
    }


def _dimensions(call: RpcCall) -> dict[str, str]:
    found = {}
    for name in _NUMBERED:
        key = call.parameters.get(f"{name}.Key")
        if key is None:
            continue
        if key not in _DIMENSIONS:
            raise CloudError(
                "PARAMETER.ILLEGAL",
                f"{name}.Key is {key!r}; it must be one of {', '.join(_DIMENSIONS)}.",
            )
        found[key] = call.parameters.get(f"{name}.Value", "")
    region_id = call.context.platform.region_id
    if found.get("regionId") != region_id:
        raise CloudError(
            "PARAMETER.ILLEGAL",
            f"The dimension regionId is {found.get('regionId')!r}; it must be {region_id}.",
        )
    return found
