"""Quota Center 2020-05-10 over RPC.

Source: https://www.alibabacloud.com/help/en/quota-center/developer-reference/api-quotas-2020-05-10-getproductquota
(read 2026-11-21); product code ``ecs-spec`` and its dimensions:
.../api-quotas-2020-05-10-listproductquotas and -listproductquotadimensions.
"""

from __future__ import annotations

from typing import Any, Final

from localcloud.core.errors import CloudError, not_supported
from localcloud.core.instance_types import INSTANCE_TYPES
from localcloud.core.resources import Context
from localcloud.core.rpc import RpcAction, RpcCall
from localcloud.ecs.catalogue import used_vcpus
from localcloud.faults import Faults

VERSION: Final = "2020-05-10"
_PRODUCT: Final = "ecs-spec"
_DIMENSIONS: Final = ("regionId", "zoneId", "chargeType", "networkType", "resourceType")
_MAX_DIMENSIONS: Final = 10
# vCPUs of one instance type. Assumed, because the cloud sets it per account and type.
_TOTAL_VCPUS: Final = 512


class QuotasApi:
    """The operations of one local stack's Quota Center."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._faults = Faults(context.store)

    def get_product_quota(self, call: RpcCall) -> dict[str, Any]:
        """Answer GetProductQuota for an instance type."""
        product, code = call.required("ProductCode"), call.required("QuotaActionCode")
        self._context.access.require(
            call.principal, "quotas:GetProductQuota", f"acs:quotas:*:*:quota/{product}/{code}"
        )
        if product != _PRODUCT:
            raise not_supported(f"ProductCode={product!r}", f"use {_PRODUCT}")
        if code not in INSTANCE_TYPES:
            raise CloudError("QUOTA.NOT.FOUND", f"The quota {code} does not exist.", 404)
        dimensions = self._dimensions(call)
        used = used_vcpus(self._context).get(code, 0)
        if self._faults.hits("quota-used-up", instance_type=code):
            used = _TOTAL_VCPUS
        return {
            "Quota": {
                "ProductCode": product,
                "QuotaActionCode": code,
                "QuotaName": code,
                "QuotaUnit": "vCPU",
                "QuotaType": "normal",
                "QuotaCategory": "CommonQuota",
                "TotalQuota": float(_TOTAL_VCPUS),
                "TotalUsage": float(used),
                "Consumable": True,
                "Adjustable": True,
                "Dimensions": dimensions,
            }
        }

    def _dimensions(self, call: RpcCall) -> dict[str, str]:
        found = {}
        for number in range(1, _MAX_DIMENSIONS + 1):
            key = call.parameters.get(f"Dimensions.{number}.Key")
            if key is None:
                continue
            if key not in _DIMENSIONS:
                raise CloudError(
                    "PARAMETER.ILLEGAL",
                    f"Dimensions.{number}.Key is {key!r}; it must be one of "
                    f"{', '.join(_DIMENSIONS)}.",
                )
            found[key] = call.parameters.get(f"Dimensions.{number}.Value", "")
        region_id = self._context.platform.region_id
        if found.get("regionId") != region_id:
            raise CloudError(
                "PARAMETER.ILLEGAL",
                f"The dimension regionId is {found.get('regionId')!r}; it must be {region_id}.",
            )
        return found


def actions(context: Context) -> tuple[RpcAction, ...]:
    """Return the RPC operations of Quota Center."""
    api = QuotasApi(context)
    dimensions = {
        f"Dimensions.{number}.{part}"
        for number in range(1, _MAX_DIMENSIONS + 1)
        for part in ("Key", "Value")
    }
    return (
        RpcAction(
            name="GetProductQuota",
            version=VERSION,
            parameters=frozenset({"ProductCode", "QuotaActionCode"} | dimensions),
            answer=api.get_product_quota,
        ),
    )
