"""Rules: resources with data are not deleted by mistake in prod.

Owns Pulumi's `protect` and the cloud's own deletion protection, which guards against a deletion
outside Pulumi. Nodes hold no data and are replaced, so they have neither. ECS has no such
protection for their data disks.
"""

from __future__ import annotations

from collections.abc import Iterator

from guardrails.policy.model import UNKNOWN, Resource, Setting, is_on, resource_rule, value_at

__all__ = ["RULES"]

_HOLDS_DATA = (
    "alicloud:oss/bucket:Bucket",
    "alicloud:ecs/ecsDisk:EcsDisk",
    "alicloud:elasticsearch/instance:Instance",
    "alicloud:kms/key:Key",
)
# Type to the switches of which one must be on.
_SWITCHES: dict[str, tuple[tuple[str, ...], ...]] = {
    "alicloud:alb/loadBalancer:LoadBalancer": (
        ("deletionProtectionEnabled",),
        ("deletionProtectionConfig", "enabled"),
    ),
    "alicloud:kms/key:Key": (("deletionProtection",),),
    "alicloud:ess/scalingGroup:ScalingGroup": (("groupDeletionProtection",),),
    "alicloud:vpc/natGateway:NatGateway": (("deletionProtection",),),
    # Other parties list it as the stack's address.
    "alicloud:ecs/eipAddress:EipAddress": (("deletionProtection",),),
}
_FORCED = {
    "alicloud:oss/bucket:Bucket": ("forceDestroy", "customrag:forceDestroy to false"),
    "alicloud:kms/secret:Secret": (
        "forceDeleteWithoutRecovery",
        "customrag:secretRecoveryWindowDays to 7 or more",
    ),
}


@resource_rule(
    "protected-in-prod", "In prod, Pulumi refuses to delete resources with data.", *_HOLDS_DATA
)
def _protected(resource: Resource, setting: Setting) -> Iterator[str]:
    if setting.is_production and not resource.protect:
        yield (
            "It holds data and is not protected. Set customrag:deletionProtection to true "
            "(`make down` removes the protection, with consent)."
        )


@resource_rule(
    "deletion-protection-in-prod",
    "In prod, the cloud refuses to delete shared resources.",
    *_SWITCHES,
)
def _deletion_protection(resource: Resource, setting: Setting) -> Iterator[str]:
    switches = _SWITCHES[resource.type]
    is_protected = any(is_on(value_at(resource.inputs, *path)) for path in switches)
    if setting.is_production and not is_protected:
        names = " or ".join(".".join(path) for path in switches)
        yield f"{names} is off; in prod it must be on."


@resource_rule(
    "no-forced-deletion-in-prod",
    "In prod, nothing is deleted with its contents or without recovery.",
    *_FORCED,
)
def _not_forced(resource: Resource, setting: Setting) -> Iterator[str]:
    name, remedy = _FORCED[resource.type]
    value = resource.inputs.get(name)
    if setting.is_production and value is not UNKNOWN and is_on(value):
        yield f"{name} is true, which deletes its contents with it. Set {remedy}."


RULES = (
    _protected,
    _deletion_protection,
    _not_forced,
)
