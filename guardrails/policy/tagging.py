"""Rules: every resource can be put on a bill, asked about, and found when it is left behind.

Owns which tags are demanded of which types. The types are those of the program that take tags; a
test compares them with the installed SDK.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from guardrails.policy.model import UNKNOWN, Resource, Rule, Setting

__all__ = ["MADE_OF_IT", "PARTS", "REQUIRED_TAGS", "RULES", "TAGGED"]

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
    # The template's own tags: see MADE_OF_IT for those of the instances made from it.
    | {"alicloud:ecs/ecsLaunchTemplate:EcsLaunchTemplate": "templateTags"}
)
"""Type to the property that holds its tags."""
MADE_OF_IT: Mapping[str, str] = MappingProxyType(
    {"alicloud:ecs/ecsLaunchTemplate:EcsLaunchTemplate": "tags"}
)
"""Type to the property with the tags of what the cloud makes of it later, as a group its nodes."""
PARTS = frozenset({"alicloud:alb/rule:Rule"})
"""Types that take tags and need none: they cost nothing, and go with what they are a part of."""


def _has_tags(resource: Resource, setting: Setting) -> Iterator[str]:
    wanted = (*REQUIRED_TAGS, _EXPIRY_TAG) if setting.environment == "pr" else REQUIRED_TAGS
    for name in (TAGGED.get(resource.type), MADE_OF_IT.get(resource.type)):
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
            f"{name} lacks {', '.join(missing)}; pass the stack's tags (components/tags.py) to the "
            "component that declares it"
        )


def _has_owner(resource: Resource, setting: Setting) -> Iterator[str]:
    tags = resource.inputs.get(TAGGED.get(resource.type, ""))
    if not setting.is_production or not isinstance(tags, Mapping):
        return
    for tag, key in (("owner", "owner"), ("cost-center", "costCenter")):
        if tags.get(tag) == "unset":
            yield f"tag {tag} is 'unset'; set customrag:{key} in the stack's file"


RULES = (
    Rule(
        name="tags-are-there",
        description="Everything that takes tags has the stack's, in a pr stack also its end.",
        on_resource=_has_tags,
    ),
    Rule(
        name="owner-is-named-in-prod",
        description="In prod, somebody is named who is asked, and somebody who pays.",
        on_resource=_has_owner,
    ),
)
