"""Rules: what holds data in prod is not deleted by mistake.

Owns Pulumi's `protect` and the cloud's own deletion protection, which guards against a deletion
outside Pulumi. Nodes hold nothing and are replaced, so they have neither.
"""

from __future__ import annotations

from collections.abc import Iterator

from guardrails.policy.model import UNKNOWN, Resource, Rule, Setting, is_on, value_at

__all__ = ["RULES"]

_HOLDS_DATA = (
    "alicloud:oss/bucket:Bucket",
    "alicloud:elasticsearch/instance:Instance",
    "alicloud:kms/key:Key",
)
# Type, and the switches of which one must be on.
_SWITCHES: dict[str, tuple[tuple[str, ...], ...]] = {
    "alicloud:alb/loadBalancer:LoadBalancer": (
        ("deletionProtectionEnabled",),
        ("deletionProtectionConfig", "enabled"),
    ),
    "alicloud:kms/key:Key": (("deletionProtection",),),
    "alicloud:ess/scalingGroup:ScalingGroup": (("groupDeletionProtection",),),
    "alicloud:vpc/natGateway:NatGateway": (("deletionProtection",),),
    # Others list it as the stack's address.
    "alicloud:ecs/eipAddress:EipAddress": (("deletionProtection",),),
}
_FORCED = {
    "alicloud:oss/bucket:Bucket": ("forceDestroy", "customrag:forceDestroy to false"),
    "alicloud:kms/secret:Secret": (
        "forceDeleteWithoutRecovery",
        "customrag:secretRecoveryWindowDays to 7 or more",
    ),
}


def _protected(resource: Resource, setting: Setting) -> Iterator[str]:
    if setting.is_production and resource.type in _HOLDS_DATA and not resource.protect:
        yield (
            "it holds data and is not protected; set customrag:deletionProtection to true "
            "(`make down` takes the protection off, with consent)"
        )


def _deletion_protection(resource: Resource, setting: Setting) -> Iterator[str]:
    switches = _SWITCHES.get(resource.type)
    if switches is None or not setting.is_production:
        return
    if not any(is_on(value_at(resource.inputs, *path)) for path in switches):
        names = " or ".join(".".join(path) for path in switches)
        yield f"{names} is off; in prod the cloud itself refuses to delete it"


def _not_forced(resource: Resource, setting: Setting) -> Iterator[str]:
    name, remedy = _FORCED.get(resource.type, ("", ""))
    if name and setting.is_production:
        value = resource.inputs.get(name)
        if value is not UNKNOWN and is_on(value):
            yield f"{name} is true, so that its contents go with it; set {remedy}"


RULES = (
    Rule(
        name="protected-in-prod",
        description="In prod, Pulumi refuses to delete what holds data.",
        on_resource=_protected,
    ),
    Rule(
        name="deletion-protection-in-prod",
        description="In prod, the cloud refuses to delete what many depend on.",
        on_resource=_deletion_protection,
    ),
    Rule(
        name="no-forced-deletion-in-prod",
        description="In prod, nothing is deleted together with its contents, or past recovery.",
        on_resource=_not_forced,
    ),
)
