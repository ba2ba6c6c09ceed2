"""The RPC API of RAM 2015-05-01: reading roles.

Only the resource type creates and changes roles, so this API has no operations for that. Source:
https://api.aliyun.com/document/Ram/2015-05-01/GetRole (read 2026-11-21).
"""

from __future__ import annotations

import json
from typing import Any, Final

from localcloud.core.errors import CloudError
from localcloud.core.resources import Context
from localcloud.core.rpc import RpcApi, RpcCall
from localcloud.faults import Faults
from localcloud.ram.service_roles import SERVICE_ROLES

API: Final = RpcApi("ram", "Ram", "2015-05-01")


@API.action("GetRole", "RoleName", notes="service roles always exist, but no service uses them")
def get_role(call: RpcCall) -> dict[str, Any]:
    """Answer GetRole for the stack's own roles and for service roles."""
    context, name = call.context, call.required("RoleName")
    call.authorise("ram:GetRole", f"acs:ram:*:*:role/{name}")
    if Faults(context.store).hits("role-missing", role_name=name):
        raise CloudError("EntityNotExist.Role", f"The role not exists: {name}.", 404)
    if name in SERVICE_ROLES:
        return {"Role": _service_role(name, context)}
    role = context.access.role(name)
    return {
        "Role": {
            "RoleName": name,
            "RoleId": role["role_id"],
            "Arn": role["arn"],
            "Description": role["description"],
            "CreateDate": role["create_time"],
            "MaxSessionDuration": role["max_session_duration"],
            "AssumeRolePolicyDocument": role["trust_policy"],
        }
    }


def _service_role(name: str, context: Context) -> dict[str, Any]:
    trust = {
        "Version": "1",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": "sts:AssumeRole",
                "Principal": {"Service": [SERVICE_ROLES[name]]},
            }
        ],
    }
    return {
        "RoleName": name,
        "RoleId": "300000000000000001",
        "Arn": f"acs:ram::{context.platform.account_id}:role/{name.lower()}",
        "Description": "",
        "CreateDate": "2026-01-01T00:00:00Z",
        "MaxSessionDuration": 3600,
        "AssumeRolePolicyDocument": json.dumps(trust),
    }
