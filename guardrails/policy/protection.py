"""Rules: resources with data are not deleted by mistake in prod.

Owns Pulumi's `protect` and the cloud's own deletion protection, which guards against a deletion
outside Pulumi. Nodes hold no data and are replaced, so they have neither.
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


def _protected(resource: Resource, setting: Setting) -> Iterator[str]:
    if setting.is_production and resource.type in _HOLDS_DATA and not resource.protect:
        yield (
            "It holds data and is not protected. Set customrag:deletionProtection to true "
            "(`make down` removes the protection, with consent)."
        )


def _deletion_protection(resource: Resource, setting: Setting) -> Iterator[str]:
    switches = _SWITCHES.get(resource.type)
    if switches is None or not setting.is_production:
        return
    if not any(is_on(value_at(resource.inputs, *path)) for path in switches):
        names = " or ".join(".".join(path) for path in switches)
        yield f"{names} is off; in prod it must be on."


def _not_forced(resource: Resource, setting: Setting) -> Iterator[str]:
    name, remedy = _FORCED.get(resource.type, ("", ""))
    if name and setting.is_production:
        value = resource.inputs.get(name)
        if value is not UNKNOWN and is_on(value):
            yield f"{name} is true, which deletes its contents with it. Set {remedy}."


RULES = (
    Rule(
        name="protected-in-prod",
        description="In prod, Pulumi refuses to delete resources with data.",
        on_resource=_protected,
    ),
    Rule(
        name="deletion-protection-in-prod",
        description="In prod, the cloud refuses to delete shared resources.",
        on_resource=_deletion_protection,
    ),
    Rule(
        name="no-forced-deletion-in-prod",
        description="In prod, nothing is deleted with its contents or without recovery.",
        on_resource=_not_forced,
    ),
)
