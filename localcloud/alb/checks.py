"""Checks of declarations, for what ALB or the local cloud refuses. Only reads the store.

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

SECURITY_POLICIES: Final = (
    "tls_cipher_policy_1_2",
    "tls_cipher_policy_1_2_strict",
    "tls_cipher_policy_1_2_strict_with_1_3",
)
_CODES: Final = ("http_2xx", "http_3xx", "http_4xx", "http_5xx")


def choice(name: str, value: Any, allowed: tuple[Any, ...]) -> None:
    """Raise an error unless the value is one of those allowed.

    Raises:
        CloudError: ``IllegalParam.<name>``.
    """
    if value not in allowed:
        raise CloudError(
            f"IllegalParam.{name[0].upper()}{name[1:]}",
            f"{name} is {value!r}; it must be one of {', '.join(map(str, allowed))}.",
        )


def number(name: str, value: Any, lowest: int, highest: int) -> None:
    """Raise an error if the number is out of bounds.

    Raises:
        CloudError: ``IllegalParam.<name>``.
    """
    if value is not None and not lowest <= int(value) <= highest:
        raise CloudError(
            f"IllegalParam.{name[0].upper()}{name[1:]}",
            f"{name} is {value}; it must be {lowest} to {highest}.",
        )


def required_record(context: Context, table: str, key: Any, what: str) -> Properties:
    """Return the record that an input refers to.

    Raises:
        CloudError: ``ResourceNotFound.<what>``.
    """
    record = context.store.table(table).get(str(key or ""))
    if record is None:
        raise CloudError(f"ResourceNotFound.{what}", f"The {what} {key!r} does not exist.", 404)
    return record


def check_load_balancer(inputs: Properties, context: Context) -> None:
    """Check the inputs, as CreateLoadBalancer does."""
    choice("loadBalancerEdition", inputs["loadBalancerEdition"], ("Basic", "Standard"))
    if inputs.get("addressIpVersion") not in (None, "IPv4"):
        raise not_supported(f"addressIpVersion {inputs['addressIpVersion']!r}", "use IPv4")
    if context.store.table(VPCS).get(inputs["vpcId"]) is None:
        raise CloudError(
            "ResourceNotFound.Vpc", f"The VPC {inputs['vpcId']!r} does not exist.", 404
        )
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
            f"zoneMappings has the zones {sorted(zones)}; a load balancer needs at least two.",
        )


def check_listener(inputs: Properties, context: Context, listener_id: str | None) -> None:
    """Check the inputs, as CreateListener and UpdateListenerAttribute do."""
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
                f"{balancer} already has a listener on port {inputs['listenerPort']}: {key}.",
                409,
            )
    if inputs["listenerProtocol"] == "HTTPS":
        _check_tls(inputs, context)
    if [action["type"] for action in inputs["defaultActions"]] != ["ForwardGroup"]:
        raise CloudError(
            "IllegalParam.DefaultActions",
            "defaultActions must be one action of type ForwardGroup; use a rule for a redirect.",
        )
    check_actions(inputs["defaultActions"], context)


def _check_tls(inputs: Properties, context: Context) -> None:
    identifier = (inputs.get("certificates") or {}).get("certificateId")
    if Certificates(context).by_identifier(identifier or "") is None:
        raise CloudError(
            "ResourceNotFound.Certificate",
            f"certificates has {identifier!r}, which CAS does not have. Upload the certificate and "
            "give its CertIdentifier, such as 12345678-cn-hangzhou.",
            404,
        )
    policy = inputs.get("securityPolicyId") or "tls_cipher_policy_1_0"
    if policy not in SECURITY_POLICIES:
        raise not_supported(
            f"securityPolicyId {policy!r}", f"use one of {', '.join(SECURITY_POLICIES)}"
        )


def check_actions(actions: list[Properties], context: Context) -> None:
    """Check the actions of a rule or listener."""
    if len(actions) != 1:
        raise not_supported(f"A rule with {len(actions)} actions", "give one action")
    (action,) = actions
    if action["type"] not in ACTIONS:
        raise not_supported(f"The action {action['type']!r}", f"use {' or '.join(ACTIONS)}")
    if action["type"] == "Redirect":
        if not action.get("redirectConfig"):
            raise CloudError("IllegalParam.RuleActions", "Redirect needs a redirectConfig.")
        return
    groups = list(state.targets(actions))
    if not groups:
        raise CloudError(
            "IllegalParam.ForwardGroupConfig", "ForwardGroup has no server group; give one."
        )
    for group in groups:
        required_record(context, state.SERVER_GROUPS, group, "ServerGroup")


def check_conditions(conditions: list[Properties]) -> None:
    """Check the conditions of a rule."""
    for condition in conditions:
        if condition["type"] not in CONDITIONS:
            raise not_supported(
                f"The condition {condition['type']!r}", f"use {' or '.join(CONDITIONS)}"
            )
        config = "pathConfig" if condition["type"] == "Path" else "hostConfig"
        if not (condition.get(config) or {}).get("values"):
            raise CloudError("IllegalParam.RuleConditions", f"{condition['type']} has no values.")


def check_health(config: Properties) -> None:
    """Check the HealthCheckConfig, as CreateServerGroup does."""
    choice("healthCheckProtocol", config.get("healthCheckProtocol", "HTTP"), ("HTTP",))
    choice("healthCheckMethod", config.get("healthCheckMethod", "HEAD"), ("HEAD", "GET"))
    number("healthCheckInterval", config.get("healthCheckInterval"), 1, 50)
    number("healthCheckTimeout", config.get("healthCheckTimeout"), 1, 300)
    for code in config.get("healthCheckCodes") or ():
        choice("healthCheckCodes", code, _CODES)
