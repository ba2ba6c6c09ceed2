"""The check that an instance type is available when an instance is created.

Every known type is available unless a fault makes it sold out or uses up its quota. Error codes:
https://api.aliyun.com/document/Ecs/2014-05-26/RunInstances (read 2026-11-21).
"""

from __future__ import annotations

from localcloud.core.errors import CloudError
from localcloud.core.resources import Context, Properties
from localcloud.faults import Faults
from localcloud.vpc.resources import VSWITCHES


def require_stock(inputs: Properties, context: Context) -> None:
    """Raise an error if the instance type is not available.

    Args:
        inputs: The inputs of the new instance.
        context: The running local cloud.

    Raises:
        CloudError: ``OperationDenied.NoStock`` or ``QuotaExceed.ElasticQuota``.
    """
    kind, faults = str(inputs["instanceType"]), Faults(context.store)
    vswitch = context.store.table(VSWITCHES).get(str(inputs.get("vswitchId") or "")) or {}
    zone_id = str(inputs.get("availabilityZone") or vswitch.get("zoneId") or "")
    if faults.hits("sold-out", instance_type=kind, zone_id=zone_id):
        raise CloudError(
            "OperationDenied.NoStock",
            f"{kind} is sold out in {zone_id}; try other types of resources or other regions and "
            "zones.",
            403,
        )
    if faults.hits("quota-used-up", instance_type=kind):
        raise CloudError(
            "QuotaExceed.ElasticQuota",
            f"No additional quota is available for the specified ECS instance type: {kind}.",
            403,
        )
