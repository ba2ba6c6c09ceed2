"""Rules: tags assign every resource to a bill and an owner, and let the leak check find it.

Owns which types need which tags. These are the types of the program that accept tags; a test
compares them with the installed SDK.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from guardrails.policy.model import UNKNOWN, Resource, Setting, resource_rule

__all__ = ["INSTANCE_TAGS", "REQUIRED_TAGS", "RULES", "TAGGED"]

REQUIRED_TAGS = ("project", "stack", "environment", "owner", "cost-center", "managed-by")
_EXPIRY_TAG = "expires-at"

TAGGED: Mapping[str, str] = MappingProxyType(
    {
        f"alicloud:{token}": "tags"
        for token in (
            "alb/acl:Acl",
            "alb/listener:Listener",
            "alb/loadBalancer:LoadBalancer",
            "alb/serverGroup:ServerGroup",
            "cms/alarm:Alarm",
            "ecs/ecsDisk:EcsDisk",
            "ecs/eipAddress:EipAddress",
            "ecs/instance:Instance",
            "ecs/securityGroup:SecurityGroup",
            "elasticsearch/instance:Instance",
            "ess/scalingConfiguration:ScalingConfiguration",
            "ess/scalingGroup:ScalingGroup",
            "kms/key:Key",
            "kms/secret:Secret",
            "log/project:Project",
            "oss/bucket:Bucket",
            "ram/policy:Policy",
            "ram/role:Role",
            "vpc/natGateway:NatGateway",
            "vpc/network:Network",
            "vpc/switch:Switch",
        )
    }
    # The template's own tags. INSTANCE_TAGS has those of its instances.
    | {"alicloud:ecs/ecsLaunchTemplate:EcsLaunchTemplate": "templateTags"}
)
"""Type to the property with its tags."""
INSTANCE_TAGS: Mapping[str, str] = MappingProxyType(
    {"alicloud:ecs/ecsLaunchTemplate:EcsLaunchTemplate": "tags"}
)
"""Type to the property with the tags of the instances that the cloud creates from it."""


@resource_rule(
    "tags-are-there",
    "Every resource that accepts tags has the stack's tags; in a pr stack also its expiry.",
)
def _has_tags(resource: Resource, setting: Setting) -> Iterator[str]:
    wanted = (*REQUIRED_TAGS, _EXPIRY_TAG) if setting.environment == "pr" else REQUIRED_TAGS
    for name in (TAGGED.get(resource.type), INSTANCE_TAGS.get(resource.type)):
        if name is None:
            continue
        tags = resource.inputs.get(name)
        if tags is UNKNOWN:
            continue
        given = tags if isinstance(tags, Mapping) else {}
        missing = [tag for tag in wanted if not given.get(tag)]
        if not missing:
            continue
        yield (
            f"{name} lacks {', '.join(missing)}. Pass the stack's tags (components/tags.py) to the "
            "component that declares it."
        )


@resource_rule("owner-is-named-in-prod", "In prod, the tags name an owner and a cost centre.")
def _has_owner(resource: Resource, setting: Setting) -> Iterator[str]:
    tags = resource.inputs.get(TAGGED.get(resource.type, ""))
    if not setting.is_production or not isinstance(tags, Mapping):
        return
    for tag, key in (("owner", "owner"), ("cost-center", "costCenter")):
        if tags.get(tag) == "unset":
            yield f"The tag {tag} is 'unset'. Set customrag:{key} in the stack's file."


RULES = (
    _has_tags,
    _has_owner,
)
