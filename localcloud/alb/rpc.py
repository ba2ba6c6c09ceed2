"""ALB 2020-06-16 over RPC: read-only operations on load balancers and their servers.

Source: https://api.aliyun.com/document/Alb/2020-06-16/ListLoadBalancers,
.../ListServerGroups, .../ListServerGroupServers (2026-11).
"""

from __future__ import annotations

from typing import Any, Final

from localcloud.alb import state
from localcloud.alb.checks import required_record
from localcloud.core.resources import Context
from localcloud.core.rpc import RpcAction, RpcCall, numbered_names

VERSION: Final = "2020-06-16"
_MAX_IDS: Final = 20


def actions(context: Context) -> tuple[RpcAction, ...]:
    """Return the RPC operations of ALB."""
    store = context.store

    def allow(call: RpcCall, action: str) -> None:
        context.access.require(call.principal, f"alb:{action}", "acs:alb:*:*:*")

    def list_load_balancers(call: RpcCall) -> dict[str, Any]:
        allow(call, "ListLoadBalancers")
        found = [
            {
                "LoadBalancerId": key,
                "LoadBalancerName": record.get("loadBalancerName", ""),
                "LoadBalancerStatus": record["status"],
                "LoadBalancerEdition": record["loadBalancerEdition"],
                "AddressType": record["addressType"],
                "DNSName": record["dnsName"],
                "VpcId": record["vpcId"],
                "CreateTime": record["createTime"],
                "Tags": _tags(record),
            }
            for key, record in store.table(state.LOAD_BALANCERS).items()
            if _wanted(call, "LoadBalancerIds", key)
        ]
        return {"LoadBalancers": found, "TotalCount": len(found), "MaxResults": len(found)}

    def list_server_groups(call: RpcCall) -> dict[str, Any]:
        allow(call, "ListServerGroups")
        found = [
            {
                "ServerGroupId": key,
                "ServerGroupName": record["serverGroupName"],
                "ServerGroupStatus": record["status"],
                "ServerCount": len(state.servers_of(store, key)),
                "VpcId": record.get("vpcId", ""),
                "Tags": _tags(record),
            }
            for key, record in store.table(state.SERVER_GROUPS).items()
            if _wanted(call, "ServerGroupIds", key)
        ]
        return {"ServerGroups": found, "TotalCount": len(found), "MaxResults": len(found)}

    def list_server_group_servers(call: RpcCall) -> dict[str, Any]:
        allow(call, "ListServerGroupServers")
        group = call.required("ServerGroupId")
        required_record(context, state.SERVER_GROUPS, group, "ServerGroup")
        found = [
            {
                "ServerGroupId": group,
                "ServerId": server["server_id"],
                "ServerIp": server["address"],
                "ServerType": "Ecs",
                "Port": server["port"],
                "Weight": server["weight"],
                "Status": server["status"],
            }
            for _, server in state.servers_of(store, group)
        ]
        return {"Servers": found, "TotalCount": len(found), "MaxResults": len(found)}

    def listener_health(call: RpcCall) -> dict[str, Any]:
        allow(call, "GetListenerHealthStatus")
        listener_id = call.required("ListenerId")
        listener = required_record(context, state.LISTENERS, listener_id, "Listener")
        infos = []
        for group in state.targets(listener["defaultActions"]):
            not_normal = [
                {
                    "ServerId": server["server_id"],
                    "ServerIp": server["address"],
                    "Port": server["port"],
                    "Status": state.health_of(store, key),
                }
                for key, server in state.servers_of(store, group)
                if state.health_of(store, key) != "Normal"
            ]
            infos.append(
                {
                    "ServerGroupId": group,
                    "HealthCheckEnabled": "on",
                    "NonNormalServers": not_normal,
                }
            )
        return {
            "ListenerHealthStatus": [
                {
                    "ListenerId": listener_id,
                    "ListenerPort": listener["listenerPort"],
                    "ListenerProtocol": listener["listenerProtocol"],
                    "ServerGroupInfos": infos,
                }
            ]
        }

    described = {
        "ListLoadBalancers": (
            {*numbered_names("LoadBalancerIds", _MAX_IDS), "MaxResults"},
            list_load_balancers,
        ),
        "ListServerGroups": (
            {*numbered_names("ServerGroupIds", _MAX_IDS), "MaxResults"},
            list_server_groups,
        ),
        "ListServerGroupServers": ({"ServerGroupId", "MaxResults"}, list_server_group_servers),
        "GetListenerHealthStatus": ({"ListenerId", "MaxResults"}, listener_health),
    }
    return tuple(
        RpcAction(name=name, version=VERSION, parameters=frozenset(own), answer=answer)
        for name, (own, answer) in described.items()
    )


def _wanted(call: RpcCall, name: str, key: str) -> bool:
    given = call.listed(name)
    return not given or key in given


def _tags(record: dict[str, Any]) -> list[dict[str, str]]:
    return [
        {"Key": key, "Value": value} for key, value in sorted((record.get("tags") or {}).items())
    ]
