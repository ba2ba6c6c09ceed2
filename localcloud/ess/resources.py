"""Resource types of ESS: scaling groups, rules and lifecycle hooks.

Error codes: https://api.aliyun.com/document/Ess/2022-02-22/CreateScalingGroup,
.../CreateScalingRule, .../CreateLifecycleHook (2026-11).
"""

from __future__ import annotations

from typing import Any, ClassVar

from localcloud.alb.state import SERVER_GROUPS
from localcloud.core.errors import CloudError, not_supported
from localcloud.core.records import Plan, RecordHandler
from localcloud.core.resources import Context, Created, Properties, ResourceHandler
from localcloud.core.times import timestamp
from localcloud.ecs.launch_templates import instance_inputs
from localcloud.ess import state
from localcloud.ess.workers import fleets_of
from localcloud.vpc.resources import VSWITCHES

_CONFIGURATION = ("launchTemplateId", "launchTemplateVersion")


class ScalingGroupHandler(ResourceHandler):
    """``alicloud:ess/scalingGroup:ScalingGroup``; ``Fleets`` launches and removes its members."""

    token: ClassVar[str] = "alicloud:ess/scalingGroup:ScalingGroup"
    effective: ClassVar[frozenset[str]] = frozenset(
        {
            *("minSize", "maxSize", "desiredCapacity", "scalingGroupName", "vswitchIds"),
            *("launchTemplateId", "launchTemplateVersion", "albServerGroups", "healthCheckType"),
            *("groupDeletionProtection", "removalPolicies", "multiAzPolicy"),
        }
    )
    recorded: ClassVar[frozenset[str]] = frozenset(
        {"defaultCooldown", "tags", "resourceGroupId", "groupType", "stopInstanceTimeout"}
    )

    def create(self, inputs: Properties, context: Context) -> Created:
        """Create it, as CreateScalingGroup does with a launch template, which also enables it."""
        _check_group(inputs, context)
        groups = context.store.table(state.GROUPS)
        with context.store.transaction():
            name = inputs.get("scalingGroupName")
            if name and any(
                group["inputs"].get("scalingGroupName") == name for group in groups.values()
            ):
                raise CloudError(
                    "InvalidScalingGroupName.Duplicate",
                    f"scalingGroupName is {name!r}; a group with this name already exists.",
                )
            group_id = context.ids.new("asg-bp1", 17)
            group = {
                "inputs": inputs,
                "desired": int(inputs.get("desiredCapacity") or inputs["minSize"]),
                "created_at": timestamp(),
                "last_error": "",
                **_configuration(inputs),
            }
            groups.put(group_id, group)
        return Created(group_id, _outputs(group))

    def read(self, id: str, outputs: Properties, context: Context) -> Properties | None:
        """Read it, as DescribeScalingGroups does."""
        group = context.store.table(state.GROUPS).get(id)
        return None if group is None else _outputs(group)

    def update(
        self, id: str, outputs: Properties, inputs: Properties, context: Context
    ) -> Properties:
        """Change it, as ModifyScalingGroup does; existing members do not change."""
        _check_group(inputs, context)

        def change(group: dict[str, Any] | None) -> dict[str, Any]:
            if group is None:
                raise _missing(id)
            desired = int(group["desired"])
            if inputs.get("desiredCapacity") not in (None, outputs.get("desiredCapacity")):
                desired = int(inputs["desiredCapacity"])
            desired = min(max(desired, int(inputs["minSize"])), int(inputs["maxSize"]))
            changed = {**group, "inputs": inputs, "desired": desired}
            # Apply only what the declaration changed, because a refresh may have changed the rest.
            if any(inputs.get(name) != outputs.get(name) for name in _CONFIGURATION):
                changed |= _configuration(inputs)
            return changed

        with fleets_of(context).lock:
            group = context.store.table(state.GROUPS).update(id, change)
        return _outputs(group or {})

    def delete(self, id: str, outputs: Properties, context: Context) -> None:
        """Delete it with its members, as DeleteScalingGroup does with ForceDelete."""
        groups = context.store.table(state.GROUPS)
        fleets = fleets_of(context)
        with fleets.lock:
            group = groups.get(id)
            if group is None:
                return
            if group["inputs"].get("groupDeletionProtection"):
                raise CloudError(
                    "OperationDenied.GroupDeletionProtection",
                    f"{id} is protected; set groupDeletionProtection to false and try again.",
                    403,
                )
            # First, because otherwise the next daemon would launch members again after a crash.
            groups.put(id, {**group, "desired": 0})
            fleets.release_all(id)
            for table in (state.RULES, state.HOOKS):
                _drop(context, table, "scalingGroupId", id)
            _drop(context, state.REFRESHES, "group_id", id)
            groups.delete(id)


class ScalingRuleHandler(RecordHandler):
    """``alicloud:ess/scalingRule:ScalingRule``: recorded, because no CloudMonitor triggers it."""

    token: ClassVar[str] = "alicloud:ess/scalingRule:ScalingRule"
    table: ClassVar[str] = state.RULES
    effective: ClassVar[frozenset[str]] = frozenset(
        {"scalingGroupId", "scalingRuleType", "scalingRuleName"}
    )
    recorded: ClassVar[frozenset[str]] = frozenset(
        {
            *("metricName", "targetValue", "estimatedInstanceWarmup", "disableScaleIn"),
            *("cooldown", "scaleInEvaluationCount", "scaleOutEvaluationCount"),
        }
    )

    def plan(self, inputs: Properties, context: Context, old: Properties | None) -> Plan:
        """Validate the inputs as CreateScalingRule and ModifyScalingRule do."""
        _require_group(inputs["scalingGroupId"], context)
        kind = inputs.get("scalingRuleType", "SimpleScalingRule")
        if kind != "TargetTrackingScalingRule":
            raise not_supported(f"scalingRuleType {kind!r}", "use TargetTrackingScalingRule")
        if not inputs.get("metricName") or inputs.get("targetValue") is None:
            raise CloudError("MissingParameter", f"{kind} needs metricName and targetValue.")
        if old is not None:
            return "", {}
        rule_id = context.ids.new("asr-bp1", 17)
        platform = context.platform
        ari = f"ari:acs:ess:{platform.region_id}:{platform.account_id}:scalingrule/{rule_id}"
        return rule_id, {"ari": ari, "scalingRuleName": inputs.get("scalingRuleName", rule_id)}


class LifecycleHookHandler(RecordHandler):
    """``alicloud:ess/lifecycleHook:LifecycleHook``."""

    token: ClassVar[str] = "alicloud:ess/lifecycleHook:LifecycleHook"
    table: ClassVar[str] = state.HOOKS
    effective: ClassVar[frozenset[str]] = frozenset(
        {"scalingGroupId", "lifecycleTransition", "heartbeatTimeout", "name", "defaultResult"}
    )
    recorded: ClassVar[frozenset[str]] = frozenset({"notificationMetadata"})

    def plan(self, inputs: Properties, context: Context, old: Properties | None) -> Plan:
        """Validate the inputs as CreateLifecycleHook and ModifyLifecycleHook do."""
        _require_group(inputs["scalingGroupId"], context)
        result = inputs.get("defaultResult", "CONTINUE")
        if result != "CONTINUE":
            raise not_supported(f"defaultResult {result!r}", "use CONTINUE")
        if old is not None:
            return "", {}
        hook_id = context.ids.new("ash-bp1", 17)
        return hook_id, {"name": inputs.get("name", hook_id)}


HANDLERS: tuple[type[ResourceHandler], ...] = (
    ScalingGroupHandler,
    ScalingRuleHandler,
    LifecycleHookHandler,
)


def _check_group(inputs: Properties, context: Context) -> None:
    if inputs.get("healthCheckType", "ECS") != "ECS":
        raise not_supported(f"healthCheckType {inputs['healthCheckType']!r}", "use ECS")
    if not inputs.get("vswitchIds"):
        raise CloudError("MissingParameter", "vswitchIds is empty; give at least one.")
    for vswitch_id in inputs["vswitchIds"]:
        if context.store.table(VSWITCHES).get(vswitch_id) is None:
            raise CloudError(
                "InvalidVSwitchId.NotFound", f"The vSwitch {vswitch_id!r} does not exist.", 404
            )
    for entry in inputs.get("albServerGroups") or ():
        if context.store.table(SERVER_GROUPS).get(entry["albServerGroupId"]) is None:
            raise CloudError(
                "InvalidAlbServerGroup.NotFound",
                f"The ALB server group {entry['albServerGroupId']!r} does not exist.",
                404,
            )
    if not inputs.get("launchTemplateId"):
        raise not_supported("A group without launchTemplateId", "give one")
    configuration = _configuration(inputs)
    instance_inputs(
        context, configuration["template_id"], configuration["version"], inputs["vswitchIds"][0]
    )


def _configuration(inputs: Properties) -> dict[str, str]:
    version = str(inputs.get("launchTemplateVersion", "Default"))
    if not version.isdigit():
        raise not_supported(
            f"launchTemplateVersion {version!r}",
            "use a number, because otherwise a refresh could not be rolled back",
        )
    return {"template_id": str(inputs["launchTemplateId"]), "version": version}


def _outputs(group: dict[str, Any]) -> Properties:
    inputs = group["inputs"]
    return {
        "groupType": "ECS",
        "healthCheckType": "ECS",
        "removalPolicies": ["OldestScalingConfiguration", "OldestInstance"],
        **inputs,
        "launchTemplateId": group["template_id"],
        "launchTemplateVersion": group["version"],
    }


def _require_group(group_id: str, context: Context) -> None:
    if context.store.table(state.GROUPS).get(group_id) is None:
        raise _missing(group_id)


def _missing(group_id: str) -> CloudError:
    return CloudError(
        "InvalidScalingGroupId.NotFound", f"The scaling group {group_id!r} does not exist.", 404
    )


def _drop(context: Context, table: str, field: str, group_id: str) -> None:
    records = context.store.table(table)
    for key, record in records.items():
        if record[field] == group_id:
            records.delete(key)
