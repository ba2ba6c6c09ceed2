"""What a stack does about each type of resource that is deleted or changed by hand.

Owns the expectations, from which `docs/reference/healing.md` has its tables. A type without one
fails the tests. How the deletions are made is `behind`'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from textwrap import fill

__all__ = ["MEANINGS", "ONLY_DEV", "OPENSEARCH", "OUTCOMES", "Expected", "Outcome", "tables"]

_WIDTH = 120


class Outcome(StrEnum):
    """What comes of a deletion or a change, once `make up` has run."""

    HEALED = "healed"
    REFUSED = "refused"
    STAYS = "stays"
    KEPT = "kept"
    RERUN = "rerun"
    FIXED = "fixed"


MEANINGS: Mapping[Outcome, str] = {
    Outcome.HEALED: "`make up` creates it again, or changes it back",
    Outcome.REFUSED: "the cloud refuses while other resources use it; healed otherwise",
    Outcome.STAYS: "it is a setting that always has a value, so it cannot be deleted",
    Outcome.KEPT: "`make up` has nothing to do, because its effect is stored elsewhere",
    Outcome.RERUN: "the job runs again; a protected stack asks for a decision first",
    Outcome.FIXED: "it cannot be changed, because another value is another resource",
}


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What is expected of a type.

    Attributes:
        deleted: After it was deleted, a refresh and an update.
        changed: After it was changed, a refresh and an update.
        unrefreshed: After it was deleted and a plain `pulumi up` without a refresh.
        why: What is behind it; empty where there is nothing to say.
        is_container: Whether other resources are deleted with it, or must be deleted first.
    """

    deleted: Outcome = Outcome.HEALED
    changed: Outcome = Outcome.HEALED
    unrefreshed: str = "not noticed"
    why: str = ""
    is_container: bool = False


_REFRESH_ASKED = "asks for a refresh"
_PLAIN = Expected()
_FIXED = Expected(changed=Outcome.FIXED)
_CONTAINER = Expected(is_container=True)
_IN_USE = Expected(deleted=Outcome.REFUSED, is_container=True)
_SETTING = Expected(deleted=Outcome.STAYS)

OUTCOMES: Mapping[str, Expected] = {
    "alicloud:ecs/instance:Instance": Expected(
        is_container=True,
        why="A node holds no data. The scaling group replaces a node of the fleet.",
    ),
    "alicloud:ecs/ramRoleAttachment:RamRoleAttachment": _FIXED,
    "alicloud:ecs/securityGroup:SecurityGroup": _IN_USE,
    "alicloud:ecs/securityGroupRule:SecurityGroupRule": _FIXED,
    "alicloud:elasticsearch/instance:Instance": Expected(
        is_container=True,
        unrefreshed=_REFRESH_ASKED,
        why="`make up` fills the index from the corpus again, not from a snapshot.",
    ),
    "alicloud:kms/secret:Secret": Expected(
        why=(
            "The program knows the value. While a secret waits for its deletion, the cloud refuses "
            "another one of that name (Rejected.ResourceExist): restore it, then refresh. A value "
            "that was put by hand stays current, because KMS does not accept a version twice: move "
            "the stage ACSCurrent back."
        ),
    ),
    "alicloud:oss/bucket:Bucket": Expected(
        is_container=True,
        why="`make up` uploads code and corpus again, and trains a lost model again, see DlcJob.",
    ),
    "alicloud:oss/bucketAcl:BucketAcl": Expected(
        deleted=Outcome.STAYS,
        changed=Outcome.FIXED,
        why="The public access block refuses other values.",
    ),
    "alicloud:oss/bucketObject:BucketObject": _PLAIN,
    "alicloud:oss/bucketPublicAccessBlock:BucketPublicAccessBlock": _PLAIN,
    "alicloud:oss/bucketServerSideEncryption:BucketServerSideEncryption": _PLAIN,
    "alicloud:oss/bucketVersioning:BucketVersioning": _SETTING,
    "alicloud:pai/workspaceDataset:WorkspaceDataset": _PLAIN,
    "alicloud:pai/workspaceModel:WorkspaceModel": Expected(
        deleted=Outcome.REFUSED, is_container=True, why="Its versions use it."
    ),
    "alicloud:pai/workspaceModelVersion:WorkspaceModelVersion": _PLAIN,
    "alicloud:pai/workspaceWorkspace:WorkspaceWorkspace": Expected(
        deleted=Outcome.REFUSED,
        is_container=True,
        why="Datasets and models use it. In a new workspace the training job runs again.",
    ),
    "alicloud:ram/policy:Policy": _IN_USE,
    "alicloud:ram/role:Role": _IN_USE,
    "alicloud:ram/rolePolicyAttachment:RolePolicyAttachment": _FIXED,
    "alicloud:vpc/network:Network": _IN_USE,
    "alicloud:vpc/switch:Switch": _IN_USE,
    "cloudflare:index/workersCustomDomain:WorkersCustomDomain": _FIXED,
    "cloudflare:index/workersScript:WorkersScript": _CONTAINER,
    "cloudflare:index/workersScriptSubdomain:WorkersScriptSubdomain": _FIXED,
    "customrag:elasticsearch:Alias": Expected(unrefreshed="moved back"),
    "customrag:elasticsearch:Capabilities": Expected(
        deleted=Outcome.KEPT,
        changed=Outcome.FIXED,
        why="It is what a probe found; every refresh probes again.",
    ),
    "customrag:elasticsearch:Index": Expected(
        unrefreshed=_REFRESH_ASKED, why="`make up` fills it from the corpus again."
    ),
    "customrag:elasticsearch:SearchTemplate": _PLAIN,
    "customrag:oss:Corpus": Expected(why="`make up` uploads the folder again."),
    "customrag:pai:DlcJob": Expected(
        deleted=Outcome.KEPT,
        changed=Outcome.RERUN,
        unrefreshed=_REFRESH_ASKED + ", if the model is lost",
        why="Deleted: the job's record. Changed: a file of the model is deleted.",
    ),
    "customrag:rag:IngestRun": Expected(
        deleted=Outcome.KEPT, changed=Outcome.FIXED, why="The index has its result."
    ),
}
"""By type token; every type that the local stack declares with Elasticsearch alone."""

_OF_THE_STATE = Expected(
    deleted=Outcome.KEPT, changed=Outcome.FIXED, why="It is in Pulumi's state only."
)
OPENSEARCH: Mapping[str, Expected] = {
    "alicloud:ecs/ecsDisk:EcsDisk": Expected(
        deleted=Outcome.REFUSED,
        why="Its node uses it. `make up` fills the indices of a lost disk again.",
    ),
    "alicloud:ecs/ecsDiskAttachment:EcsDiskAttachment": _FIXED,
    "customrag:opensearch:Alias": Expected(unrefreshed="moved back"),
    "customrag:opensearch:ClusterSettings": _PLAIN,
    "customrag:opensearch:Index": Expected(
        unrefreshed=_REFRESH_ASKED,
        why="`make up` fills it from the corpus again. An index that takes no writes, because a "
        "disk is full, is changed, too.",
    ),
    "customrag:opensearch:IngestPipeline": _PLAIN,
    "customrag:opensearch:Model": Expected(
        why="Deleted: it is registered and deployed again. Changed: it is undeployed."
    ),
    "customrag:opensearch:ModelGroup": Expected(
        unrefreshed="created again", why="It exists only while it has a model."
    ),
    "customrag:opensearch:SearchPipeline": _PLAIN,
    "customrag:tls:Certificate": _OF_THE_STATE,
    "customrag:tls:CertificateAuthority": _OF_THE_STATE,
}
"""By type token; the types that the local stack declares for OpenSearch besides."""

_DELETED_FIRST = Expected(deleted=Outcome.REFUSED, changed=Outcome.FIXED)
ONLY_DEV: Mapping[str, Expected] = {
    "alicloud:alb/listener:Listener": Expected(is_container=True, why="Its rules go with it."),
    "alicloud:alb/loadBalancer:LoadBalancer": Expected(
        is_container=True,
        why="Its listeners and rules go with it. The new one has another DNS name.",
    ),
    "alicloud:alb/rule:Rule": _PLAIN,
    "alicloud:alb/serverGroup:ServerGroup": _IN_USE,
    "alicloud:cms/alarm:Alarm": _PLAIN,
    "alicloud:cms/alarmContact:AlarmContact": Expected(
        why="The contact must confirm the address again."
    ),
    "alicloud:cms/alarmContactGroup:AlarmContactGroup": _CONTAINER,
    "alicloud:ecs/ecsLaunchTemplate:EcsLaunchTemplate": Expected(
        why="The new one has another id, so the instances are replaced one after another."
    ),
    "alicloud:ecs/eipAddress:EipAddress": Expected(
        deleted=Outcome.REFUSED,
        is_container=True,
        why="A new address is another one: change it in lists of allowed addresses.",
    ),
    "alicloud:ecs/eipAssociation:EipAssociation": _DELETED_FIRST,
    "alicloud:ess/lifecycleHook:LifecycleHook": _PLAIN,
    "alicloud:ess/scalingGroup:ScalingGroup": Expected(
        is_container=True, why="Its instances, rule and hooks go with it."
    ),
    "alicloud:ess/scalingRule:ScalingRule": _PLAIN,
    "alicloud:log/logTailAttachment:LogTailAttachment": _FIXED,
    "alicloud:log/logTailConfig:LogTailConfig": _PLAIN,
    "alicloud:log/machineGroup:MachineGroup": _PLAIN,
    "alicloud:log/project:Project": Expected(
        is_container=True, why="Everything in it goes with it. The logs are lost."
    ),
    "alicloud:log/store:Store": Expected(
        is_container=True, why="Its index goes with it. The logs are lost."
    ),
    "alicloud:log/storeIndex:StoreIndex": _PLAIN,
    "alicloud:vpc/natGateway:NatGateway": _IN_USE,
    "alicloud:vpc/snatEntry:SnatEntry": _PLAIN,
    "customrag:ess:Rollout": Expected(
        deleted=Outcome.KEPT,
        why="Changed: a group that was refreshed to another version gets the declared one.",
    ),
}
"""By type token; the types that `dev` declares and the local stack does not."""


def _table(outcomes: Mapping[str, Expected]) -> str:
    """Return a Markdown table of the expectations, with notes below that keep its lines short."""
    rows = ["| type | deleted | changed | plain `pulumi up` | note |", "|---|---|---|---|---|"]
    notes: list[str] = []
    for name, item in outcomes.items():
        if item.why:
            notes.append(f"{len(notes) + 1}. {item.why}")
        note = str(len(notes)) if item.why else ""
        package, module, kind = name.split(":")
        shown = f"{package}:{module.partition('/')[0]}:{kind}"
        rows.append(
            f"| `{shown}` | {item.deleted} | {item.changed} | {item.unrefreshed} | {note} |"
        )
    wrapped = [fill(note, width=_WIDTH, subsequent_indent="   ") for note in notes]
    return "\n".join([*rows, "", *wrapped])


def tables() -> str:
    """Return the meanings of the outcomes, and Markdown tables of the types."""
    meanings = "\n".join(f"- *{outcome}*: {meaning}." for outcome, meaning in MEANINGS.items())
    return "\n\n".join(
        [
            meanings,
            "## Types of the local stack",
            _table(OUTCOMES),
            "## Types of OpenSearch",
            _table(OPENSEARCH),
            "## Types that only dev has",
            _table(ONLY_DEV),
        ]
    )
