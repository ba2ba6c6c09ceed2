"""What ALB refuses of a declaration, and what the local cloud does. Pure but for look-ups.

Error codes: https://api.aliyun.com/document/Alb/2020-06-16/CreateListener, .../CreateRule,
.../CreateServerGroup, .../CreateLoadBalancer (2026-11).
"""

from __future__ import annotations

from typing import Any, Final

from localcloud.alb import state
from localcloud.alb.routing import ACTIONS, CONDITIONS
from localcloud.cas.certificates import Certificates
from localcloud.core.errors import CloudError, not_supported
from localcloud.core.resources import Context, Properties
from localcloud.vpc.resources import VPCS, VSWITCHES

__all__ = [
    "SECURITY_POLICIES",
    "check_actions",
    "check_conditions",
    "check_health",
    "check_listener",
    "check_load_balancer",
    "choice",
    "number",
    "required_record",
]

SECURITY_POLICIES: Final = (
    "tls_cipher_policy_1_2",
    "tls_cipher_policy_1_2_strict",
    "tls_cipher_policy_1_2_strict_with_1_3",
)
_CODES: Final = ("http_2xx", "http_3xx", "http_4xx", "http_5xx")


def choice(name: str, value: Any, allowed: tuple[Any, ...]) -> None:
    """Refuse a value that is none of those allowed.

    Raises:
        CloudError: ``IllegalParam.<name>``.
    """
    if value not in allowed:
        raise CloudError(
            f"IllegalParam.{name[0].upper()}{name[1:]}",
            f"{name} is {value!r}; allowed are {', '.join(map(str, allowed))}.",
        )


def number(name: str, value: Any, lowest: int, highest: int) -> None:
    """Refuse a number out of bounds.

    Raises:
        CloudError: ``IllegalParam.<name>``.
    """
    if value is not None and not lowest <= int(value) <= highest:
        raise CloudError(
            f"IllegalParam.{name[0].upper()}{name[1:]}",
            f"{name} is {value}; allowed are {lowest} to {highest}.",
        )


def required_record(context: Context, table: str, key: Any, what: str) -> Properties:
    """Return the record that an input names.

    Raises:
        CloudError: ``ResourceNotFound.<what>``.
    """
    record = context.store.table(table).get(str(key or ""))
    if record is None:
        raise CloudError(f"ResourceNotFound.{what}", f"The {what} {key!r} does not exist.", 404)
    return record


def check_load_balancer(inputs: Properties, context: Context) -> None:
    """As CreateLoadBalancer."""
    choice("addressType", inputs["addressType"], ("Internet", "Intranet"))
    choice("loadBalancerEdition", inputs["loadBalancerEdition"], ("Basic", "Standard"))
    choice("payType", inputs["loadBalancerBillingConfig"]["payType"], ("PostPay", "PayAsYouGo"))
    if inputs.get("addressIpVersion") not in (None, "IPv4"):
        raise not_supported(f"addressIpVersion {inputs['addressIpVersion']!r}", "supported is IPv4")
    if context.store.table(VPCS).get(inputs["vpcId"]) is None:
        raise CloudError("ResourceNotFound.Vpc", f"The VPC {inputs['vpcId']!r} is not there.", 404)
    zones = set()
    for mapping in inputs["zoneMappings"]:
        vswitch = context.store.table(VSWITCHES).get(mapping["vswitchId"])
        if vswitch is None or vswitch["vpcId"] != inputs["vpcId"]:
            raise CloudError(
                "ResourceNotFound.VSwitch",
                f"The vSwitch {mapping['vswitchId']!r} is not in the VPC {inputs['vpcId']}.",
                404,
            )
        if vswitch["zoneId"] != mapping["zoneId"]:
            raise CloudError(
                "IllegalParam.ZoneMappings",
                f"The vSwitch {mapping['vswitchId']} is in {vswitch['zoneId']}, not in "
                f"{mapping['zoneId']}.",
            )
        zones.add(mapping["zoneId"])
    if len(zones) < 2:
        raise CloudError(
            "IllegalParam.ZoneMappings",
            f"zoneMappings has the zones {sorted(zones)}; a load balancer needs two at least.",
        )


def check_listener(inputs: Properties, context: Context, listener_id: str | None) -> None:
    """As CreateListener and UpdateListenerAttribute."""
    balancer = inputs["loadBalancerId"]
    required_record(context, state.LOAD_BALANCERS, balancer, "LoadBalancer")
    choice("listenerProtocol", inputs["listenerProtocol"], ("HTTP", "HTTPS"))
    number("listenerPort", inputs["listenerPort"], 1, 65535)
    number("requestTimeout", inputs.get("requestTimeout"), 1, 180)
    number("idleTimeout", inputs.get("idleTimeout"), 1, 60)
    for key, other in context.store.table(state.LISTENERS).items():
        if (
            key != listener_id
            and other["loadBalancerId"] == balancer
            and other["listenerPort"] == inputs["listenerPort"]
        ):
            raise CloudError(
                "ResourceAlreadyExist.Listener",
                f"{balancer} has a listener of port {inputs['listenerPort']} already: {key}.",
                409,
            )
    if inputs["listenerProtocol"] == "HTTPS":
        _check_tls(inputs, context)
    if [action["type"] for action in inputs["defaultActions"]] != ["ForwardGroup"]:
        raise CloudError(
            "IllegalParam.DefaultActions",
            "defaultActions takes one action of type ForwardGroup; a redirect is a rule's.",
        )
    check_actions(inputs["defaultActions"], context)


def _check_tls(inputs: Properties, context: Context) -> None:
    identifier = (inputs.get("certificates") or {}).get("certificateId")
    if Certificates(context).by_identifier(identifier or "") is None:
        raise CloudError(
            "ResourceNotFound.Certificate",
            f"certificates has {identifier!r}; no such certificate was uploaded to CAS. Give its "
            "CertIdentifier, such as 12345678-cn-hangzhou.",
            404,
        )
    policy = inputs.get("securityPolicyId") or "tls_cipher_policy_1_0"
    if policy not in SECURITY_POLICIES:
        raise not_supported(
            f"securityPolicyId {policy!r}", f"supported are {', '.join(SECURITY_POLICIES)}"
        )


def check_actions(actions: list[Properties], context: Context) -> None:
    """Return what rules and listeners may do."""
    if len(actions) != 1:
        raise not_supported(f"a rule of {len(actions)} actions", "supported is one")
    (action,) = actions
    if action["type"] not in ACTIONS:
        raise not_supported(f"the action {action['type']!r}", f"supported are {', '.join(ACTIONS)}")
    if action["type"] == "Redirect":
        if not action.get("redirectConfig"):
            raise CloudError("IllegalParam.RuleActions", "Redirect needs a redirectConfig.")
        code = str(action["redirectConfig"].get("httpCode") or "301")
        choice("httpCode", code, ("301", "302", "303", "307", "308"))
        return
    groups = list(state.targets(actions))
    if not groups:
        raise CloudError("IllegalParam.ForwardGroupConfig", "ForwardGroup names no server group.")
    for group in groups:
        required_record(context, state.SERVER_GROUPS, group, "ServerGroup")


def check_conditions(conditions: list[Properties]) -> None:
    """Return what rules may look at."""
    for condition in conditions:
        if condition["type"] not in CONDITIONS:
            raise not_supported(
                f"the condition {condition['type']!r}", f"supported are {', '.join(CONDITIONS)}"
            )
        config = "pathConfig" if condition["type"] == "Path" else "hostConfig"
        if not (condition.get(config) or {}).get("values"):
            raise CloudError("IllegalParam.RuleConditions", f"{condition['type']} has no values.")


def check_health(config: Properties) -> None:
    """As CreateServerGroup, HealthCheckConfig."""
    choice("healthCheckProtocol", config.get("healthCheckProtocol", "HTTP"), ("HTTP",))
    choice("healthCheckMethod", config.get("healthCheckMethod", "HEAD"), ("HEAD", "GET"))
    number("healthCheckInterval", config.get("healthCheckInterval"), 1, 50)
    number("healthCheckTimeout", config.get("healthCheckTimeout"), 1, 300)
    number("healthyThreshold", config.get("healthyThreshold"), 2, 10)
    number("unhealthyThreshold", config.get("unhealthyThreshold"), 2, 10)
    number("healthCheckConnectPort", config.get("healthCheckConnectPort"), 0, 65535)
    for code in config.get("healthCheckCodes") or ():
        choice("healthCheckCodes", code, _CODES)
