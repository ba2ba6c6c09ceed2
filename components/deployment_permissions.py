"""What must be allowed to whoever previews or deploys a stack: continuous integration, operators.

Owns the table: for each kind of thing that the program declares, the RAM actions that read it and
those that change it, on which resources, and why. Pure. Does not own who gets them
(`bootstrap`), nor the machines' own permissions (`components.identity`).

The actions are those of the API operations that the `alicloud` provider 4.0.0 and the `customrag`
plugin call; what was not tried in an account is the completeness of the list. Where a resource has
no name of ours (an id that the cloud gives), the account and region bound it, and the reason says
so. RAM reference of each product: `components.permissions.document_of`, read 2026-11-21.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from components.permissions import Statement

__all__ = ["GRANTS", "DeploymentScope", "Grant", "deploy_statements", "preview_statements"]

_BY_ID = "; the cloud gives it an id, so that account and region bound it"


@dataclass(frozen=True, kw_only=True)
class DeploymentScope:
    """Which stacks.

    Attributes:
        account_id: The account, 16 digits.
        region_id: The region.
        environment: `dev`, `prod`, or `pr` for all stacks of pull requests.
        project: The Pulumi project, which names begin with.
    """

    account_id: str
    region_id: str
    environment: str
    project: str = "customrag"

    @property
    def prefix(self) -> str:
        """What physical names of these stacks begin with: no other environment's do."""
        return f"{self.project}-{self.environment}-"


@dataclass(frozen=True, kw_only=True)
class Grant:
    """What one kind of thing takes.

    Attributes:
        types: Resource types of the program that need it.
        reads: Actions that only look.
        writes: Actions that make, change or remove.
        resources: RAM resource names, with `{account}`, `{region}`, `{prefix}` and `{project}`.
        reason: Why.
    """

    types: tuple[str, ...]
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    resources: tuple[str, ...]
    reason: str

    def statement(self, actions: Sequence[str], scope: DeploymentScope) -> Statement:
        """The grant of some of its actions."""
        values = {
            "account": scope.account_id,
            "region": scope.region_id,
            "prefix": scope.prefix,
            "project": scope.project,
        }
        return Statement(
            actions=tuple(actions),
            resources=tuple(resource.format(**values) for resource in self.resources),
            reason=self.reason,
        )


def _actions(service: str, names: str) -> tuple[str, ...]:
    return tuple(f"{service}:{name}" for name in names.split())


def _types(package: str, names: str) -> tuple[str, ...]:
    return tuple(f"alicloud:{package}/{name[0].lower()}{name[1:]}:{name}" for name in names.split())


_TAGS = "ListTagResources"

GRANTS: tuple[Grant, ...] = (
    Grant(
        types=(
            *_types(
                "oss",
                "Bucket BucketAcl BucketLogging BucketPublicAccessBlock BucketReplication "
                "BucketServerSideEncryption BucketVersioning BucketObject",
            ),
            "customrag:oss:Corpus",
        ),
        reads=_actions(
            "oss",
            "GetBucketInfo GetBucketAcl GetBucketEncryption GetBucketLifecycle GetBucketLogging "
            "GetBucketPolicy GetBucketPublicAccessBlock GetBucketReplication GetBucketTagging "
            "GetBucketVersioning ListObjects GetObject GetObjectAcl",
        ),
        writes=_actions(
            "oss",
            "PutBucket DeleteBucket PutBucketAcl PutBucketEncryption PutBucketLifecycle "
            "PutBucketLogging PutBucketPublicAccessBlock PutBucketReplication "
            "DeleteBucketReplication PutBucketTagging PutBucketVersioning PutObject DeleteObject "
            "ListObjectVersions DeleteObjectVersion AbortMultipartUpload",
        ),
        resources=("acs:oss:*:{account}:{prefix}*", "acs:oss:*:{account}:{prefix}*/*"),
        reason="keeps the stack's buckets, its code and its documents",
    ),
    Grant(
        types=_types("kms", "Secret"),
        reads=_actions("kms", f"DescribeSecret ListSecretVersionIds GetSecretValue {_TAGS}"),
        writes=_actions(
            "kms",
            "CreateSecret PutSecretValue UpdateSecret UpdateSecretVersionStage DeleteSecret "
            "TagResource UntagResource",
        ),
        resources=("acs:kms:{region}:{account}:secret/{prefix}*",),
        reason="keeps the stack's passwords and keys of services",
    ),
    Grant(
        types=_types("kms", "Key Alias"),
        reads=_actions("kms", f"DescribeKey ListAliases ListKeys {_TAGS}"),
        writes=_actions(
            "kms",
            "CreateKey UpdateKeyDescription UpdateRotationPolicy SetDeletionProtection EnableKey "
            "DisableKey ScheduleKeyDeletion CancelKeyDeletion CreateAlias UpdateAlias DeleteAlias "
            "TagResource UntagResource GenerateDataKey Decrypt",
        ),
        resources=(
            "acs:kms:{region}:{account}:key",
            "acs:kms:{region}:{account}:key/*",
            "acs:kms:{region}:{account}:alias",
            "acs:kms:{region}:{account}:alias/*",
        ),
        reason="keeps the stack's own encryption key" + _BY_ID,
    ),
    Grant(
        types=(
            *_types("vpc", "Network Switch NatGateway SnatEntry"),
            *_types("ecs", "EipAddress EipAssociation"),
        ),
        reads=_actions(
            "vpc",
            "DescribeVpcs DescribeVpcAttribute DescribeVSwitches DescribeVSwitchAttributes "
            "DescribeRouteTableList DescribeNatGateways GetNatGatewayAttribute "
            f"DescribeSnatTableEntries DescribeEipAddresses {_TAGS}",
        ),
        writes=_actions(
            "vpc",
            "CreateVpc ModifyVpcAttribute DeleteVpc CreateVSwitch ModifyVSwitchAttribute "
            "DeleteVSwitch CreateNatGateway ModifyNatGatewayAttribute DeleteNatGateway "
            "CreateSnatEntry ModifySnatEntry DeleteSnatEntry AllocateEipAddress "
            "ModifyEipAddressAttribute AssociateEipAddress UnassociateEipAddress "
            "ReleaseEipAddress TagResources UnTagResources",
        ),
        resources=("acs:vpc:{region}:{account}:*",),
        reason="lays the stack's network and its way out" + _BY_ID,
    ),
    Grant(
        types=_types(
            "alb",
            "Acl AclEntryAttachment ListenerAclAttachment LoadBalancer Listener Rule ServerGroup",
        ),
        reads=_actions(
            "alb",
            "GetLoadBalancerAttribute ListLoadBalancers GetListenerAttribute ListListeners "
            "ListRules ListServerGroups ListServerGroupServers ListAcls ListAclEntries "
            f"ListAclRelations ListAsynJobs {_TAGS}",
        ),
        writes=_actions(
            "alb",
            "CreateLoadBalancer UpdateLoadBalancerAttribute UpdateLoadBalancerZones "
            "EnableDeletionProtection DisableDeletionProtection EnableLoadBalancerAccessLog "
            "DisableLoadBalancerAccessLog DeleteLoadBalancer CreateListener "
            "UpdateListenerAttribute StartListener StopListener DeleteListener "
            "AssociateAclsWithListener DissociateAclsFromListener CreateRule UpdateRuleAttribute "
            "DeleteRule CreateServerGroup "
            "UpdateServerGroupAttribute DeleteServerGroup CreateAcl AddEntriesToAcl "
            "RemoveEntriesFromAcl DeleteAcl TagResources UnTagResources",
        ),
        resources=("acs:alb:{region}:{account}:*",),
        reason="puts the load balancer before the chat application" + _BY_ID,
    ),
    Grant(
        types=_types("alb", "Listener"),
        reads=_actions("yundun-cert", "GetUserCertificateDetail ListUserCertificateOrder"),
        writes=(),
        resources=("*",),
        reason="finds the listener's certificate; the service has no resource level",
    ),
    Grant(
        types=(
            *_types(
                "ecs",
                "EcsLaunchTemplate Instance RamRoleAttachment SecurityGroup SecurityGroupRule",
            ),
        ),
        reads=_actions(
            "ecs",
            "DescribeInstances DescribeInstanceAttribute DescribeInstanceRamRole "
            "DescribeInstanceTypes DescribeAvailableResource DescribeZones DescribeDisks "
            "DescribeImages DescribeUserData DescribeSecurityGroups "
            "DescribeSecurityGroupAttribute DescribeLaunchTemplates "
            f"DescribeLaunchTemplateVersions {_TAGS}",
        ),
        writes=_actions(
            "ecs",
            "RunInstances StartInstance StartInstances StopInstance StopInstances RebootInstance "
            "DeleteInstance "
            "ModifyInstanceAttribute ModifyInstanceMetadataOptions ModifyInstanceSpec "
            "AttachInstanceRamRole DetachInstanceRamRole CreateSecurityGroup "
            "ModifySecurityGroupAttribute ModifySecurityGroupPolicy AuthorizeSecurityGroup "
            "RevokeSecurityGroup DeleteSecurityGroup CreateLaunchTemplate "
            "CreateLaunchTemplateVersion ModifyLaunchTemplateDefaultVersion "
            "DeleteLaunchTemplateVersion DeleteLaunchTemplate TagResources UntagResources",
        ),
        resources=("acs:ecs:{region}:{account}:*",),
        reason="runs the embedding and chat nodes" + _BY_ID,
    ),
    Grant(
        types=(
            *_types(
                "ess",
                "AlbServerGroupAttachment InstanceRefresh LifecycleHook ScalingConfiguration "
                "ScalingGroup ScalingRule",
            ),
            "customrag:ess:Rollout",
        ),
        reads=_actions(
            "ess",
            "DescribeScalingGroups DescribeScalingGroupDetail DescribeScalingConfigurations "
            "DescribeScalingRules DescribeScalingInstances DescribeScalingActivities "
            "DescribeLifecycleHooks "
            f"DescribeInstanceRefreshes {_TAGS}",
        ),
        writes=_actions(
            "ess",
            "CreateScalingGroup ModifyScalingGroup EnableScalingGroup DisableScalingGroup "
            "SetGroupDeletionProtection DeleteScalingGroup CreateScalingRule ModifyScalingRule "
            "ExecuteScalingRule DeleteScalingRule AttachAlbServerGroups DetachAlbServerGroups "
            "CreateLifecycleHook ModifyLifecycleHook DeleteLifecycleHook CompleteLifecycleAction "
            "StartInstanceRefresh CancelInstanceRefresh RollbackInstanceRefresh TagResources "
            "UntagResources",
        ),
        resources=("acs:ess:{region}:{account}:*",),
        reason="scales and rolls the chat application's nodes" + _BY_ID,
    ),
    Grant(
        types=_types("pai", "WorkspaceWorkspace"),
        reads=_actions("paiworkspace", "GetWorkspace ListWorkspaces ListResources"),
        writes=_actions("paiworkspace", "CreateWorkspace UpdateWorkspace DeleteWorkspace"),
        resources=("*",),
        reason="keeps the PAI workspace; these actions have no resource level",
    ),
    Grant(
        types=_types("pai", "WorkspaceDataset"),
        reads=_actions("paidataset", "GetDataset ListDatasets"),
        writes=_actions("paidataset", "CreateDataset UpdateDataset DeleteDataset"),
        resources=("acs:paidataset:{region}:{account}:*",),
        reason="shows the documents as a dataset" + _BY_ID,
    ),
    Grant(
        types=_types("pai", "WorkspaceModel WorkspaceModelVersion"),
        reads=_actions("paimodel", "GetModel ListModels GetModelVersion ListModelVersions"),
        writes=_actions(
            "paimodel",
            "CreateModel UpdateModel DeleteModel CreateModelVersion UpdateModelVersion "
            "DeleteModelVersion",
        ),
        resources=("acs:paimodel:{region}:{account}:*",),
        reason="registers the trained models" + _BY_ID,
    ),
    Grant(
        types=("customrag:pai:DlcJob", "customrag:rag:IngestRun"),
        reads=_actions("paidlc", "GetJob ListJobs GetPodLogs GetJobEvents ListEcsSpecs"),
        writes=_actions("paidlc", "CreateJob StopJob DeleteJob"),
        resources=("*",),
        reason="runs training and ingest; these actions have no resource level",
    ),
    Grant(
        types=(
            "alicloud:elasticsearch/instance:Instance",
            "customrag:elasticsearch:SnapshotSchedule",
        ),
        reads=_actions(
            "elasticsearch",
            f"DescribeInstance ListInstance DescribeSnapshotSetting GetRegionConfiguration {_TAGS}",
        ),
        writes=_actions(
            "elasticsearch",
            "CreateInstance UpdateInstance UpdateDescription UpdateAdminPassword "
            "UpdateInstanceSettings ModifyWhiteIps TriggerNetwork OpenHttps CloseHttps "
            "UpdateSnapshotSetting RestartInstance DeleteInstance TagResources UntagResources",
        ),
        resources=("acs:elasticsearch:{region}:{account}:*",),
        reason="runs the search cluster" + _BY_ID,
    ),
    Grant(
        types=_types(
            "log", "LogTailAttachment LogTailConfig MachineGroup Project Store StoreIndex"
        ),
        reads=_actions(
            "log",
            "GetProject GetLogStore GetIndex GetConfig GetMachineGroup "
            f"GetAppliedConfigs GetAppliedMachineGroups {_TAGS}",
        ),
        writes=_actions(
            "log",
            "CreateProject UpdateProject DeleteProject CreateLogStore UpdateLogStore "
            "DeleteLogStore CreateIndex UpdateIndex DeleteIndex CreateConfig UpdateConfig "
            "DeleteConfig CreateMachineGroup UpdateMachineGroup DeleteMachineGroup "
            "ApplyConfigToGroup RemoveConfigFromGroup TagResources UntagResources",
        ),
        resources=(
            "acs:log:{region}:{account}:project/{prefix}*",
            "acs:log:{region}:{account}:project/{prefix}*/*",
        ),
        reason="keeps the logs of the stack",
    ),
    Grant(
        types=_types("cms", "Alarm AlarmContact AlarmContactGroup"),
        reads=_actions(
            "cms",
            "DescribeMetricRuleList DescribeContactList DescribeContactGroupList "
            "DescribeContactListByContactGroup",
        ),
        writes=_actions(
            "cms",
            "PutResourceMetricRule EnableMetricRules DisableMetricRules DeleteMetricRules "
            "PutContact DeleteContact PutContactGroup DeleteContactGroup",
        ),
        resources=("*",),
        reason="tells people when something is wrong; CloudMonitor has no resource level",
    ),
    Grant(
        types=_types("ram", "Policy Role RolePolicyAttachment"),
        reads=_actions(
            "ram", "GetRole GetPolicy GetPolicyVersion ListPolicyVersions ListPoliciesForRole"
        ),
        writes=_actions(
            "ram",
            "CreateRole UpdateRole DeleteRole PassRole CreatePolicy CreatePolicyVersion "
            "SetDefaultPolicyVersion DeletePolicyVersion DeletePolicy AttachPolicyToRole "
            "DetachPolicyFromRole",
        ),
        resources=(
            "acs:ram:*:{account}:role/{prefix}*",
            "acs:ram:*:{account}:policy/{prefix}*",
        ),
        reason="gives the stack's own machines their roles, and no others",
    ),
    Grant(
        types=("pulumi:providers:alicloud", "pulumi:providers:customrag"),
        reads=("sts:GetCallerIdentity", "quotas:GetProductQuota", "quotas:ListProductQuotas"),
        writes=("tag:ListTagResources", "oss:ListBuckets"),
        resources=("*",),
        reason=(
            "preflight asks who it is and what the quotas leave, and the leak check what is left; "
            "these have no resource level"
        ),
    ),
    Grant(
        types=(),
        reads=(
            *_actions("ecs", "DescribeAccountAttributes DescribeRegions"),
            "kms:GetKmsInstance",
            "paiworkspace:ListProducts",
        ),
        writes=(),
        resources=("*",),
        reason="preflight asks what the account may have; these have no resource level",
    ),
    Grant(
        types=(),
        reads=("ram:GetRole",),
        writes=(),
        resources=("acs:ram:*:{account}:role/*",),
        reason="preflight asks whether the roles that services act in are there",
    ),
)
"""Everything that previewing and deploying takes."""


def preview_statements(scope: DeploymentScope) -> list[Statement]:
    """What previewing the stacks of an environment takes: nothing is changed by it."""
    return [grant.statement(grant.reads, scope) for grant in GRANTS]


def deploy_statements(scope: DeploymentScope) -> list[Statement]:
    """What deploying and destroying the stacks of an environment takes."""
    return [grant.statement((*grant.reads, *grant.writes), scope) for grant in GRANTS]
