"""Permissions to preview or deploy a stack, for continuous integration and operators.

Owns: a table of the RAM actions that read and change each kind of resource, on which resources, and
why. Pure. Does not own: which roles get them (`bootstrap`), or the machines' own permissions
(`components.identity`).

The actions follow the API operations that the `alicloud` provider 4.0.0 and the `customrag` plugin
call. The list was not tested in an account, so it may be incomplete. If the cloud chooses the id of
a resource, the permission can only name the account and region, and the reason says so. RAM
reference of each product: `components.permissions.document_of`, read 2026-11-21.
"""

from __future__ import annotations

from dataclasses import dataclass

from components.permissions import Statement

__all__ = ["GRANTS", "DeploymentScope", "Grant", "deploy_statements", "preview_statements"]

_BY_ID = "; the cloud chooses the id, so only account and region limit this"


@dataclass(frozen=True, kw_only=True)
class DeploymentScope:
    """The stacks to which permissions apply.

    Attributes:
        account_id: Account ID, 16 digits.
        region_id: Region of the stacks.
        environment: `dev`, `prod`, or `pr` for all stacks of pull requests.
        project: The Pulumi project, with which names begin.
    """

    account_id: str
    region_id: str
    environment: str
    project: str = "customrag"

    @property
    def prefix(self) -> str:
        """Prefix of the physical names of these stacks, which no other environment uses."""
        return f"{self.project}-{self.environment}-"


@dataclass(frozen=True, kw_only=True)
class Grant:
    """The actions for one kind of resource.

    Attributes:
        types: Resource types of the program that need the actions.
        service: Service of the actions that do not name theirs.
        reads: Actions that only read, with a space between them.
        writes: Actions that create, change or delete.
        resources: RAM resource names, with `{account}`, `{region}`, `{prefix}` and `{project}`.
        reason: Why the role needs them.
    """

    types: tuple[str, ...]
    service: str = ""
    reads: str
    writes: str = ""
    resources: tuple[str, ...]
    reason: str

    def statement(self, actions: str, scope: DeploymentScope) -> Statement:
        """Return a statement that allows some of the actions."""
        values = {
            "account": scope.account_id,
            "region": scope.region_id,
            "prefix": scope.prefix,
            "project": scope.project,
        }
        return Statement(
            actions=tuple(
                name if ":" in name else f"{self.service}:{name}" for name in actions.split()
            ),
            resources=tuple(resource.format(**values) for resource in self.resources),
            reason=self.reason,
        )


def _types(package: str, names: str) -> tuple[str, ...]:
    return tuple(f"alicloud:{package}/{name[0].lower()}{name[1:]}:{name}" for name in names.split())


_TAGS = "ListTagResources"

GRANTS: tuple[Grant, ...] = (
    Grant(
        service="oss",
        types=(
            *_types(
                "oss",
                "Bucket BucketAcl BucketLogging BucketPublicAccessBlock BucketReplication "
                "BucketServerSideEncryption BucketVersioning BucketObject",
            ),
            "customrag:oss:Corpus",
        ),
        reads=(
            "GetBucketInfo GetBucketAcl GetBucketEncryption GetBucketLifecycle GetBucketLogging "
            "GetBucketPolicy GetBucketPublicAccessBlock GetBucketReplication GetBucketTagging "
            "GetBucketVersioning ListObjects GetObject GetObjectAcl"
        ),
        writes=(
            "PutBucket DeleteBucket PutBucketAcl PutBucketEncryption PutBucketLifecycle "
            "PutBucketLogging PutBucketPublicAccessBlock PutBucketReplication "
            "DeleteBucketReplication PutBucketTagging PutBucketVersioning PutObject DeleteObject "
            "ListObjectVersions DeleteObjectVersion AbortMultipartUpload"
        ),
        resources=("acs:oss:*:{account}:{prefix}*", "acs:oss:*:{account}:{prefix}*/*"),
        reason="manages the stack's buckets, code and documents",
    ),
    Grant(
        service="kms",
        types=_types("kms", "Secret"),
        reads=f"DescribeSecret ListSecretVersionIds GetSecretValue {_TAGS}",
        writes=(
            "CreateSecret PutSecretValue UpdateSecret UpdateSecretVersionStage DeleteSecret "
            "TagResource UntagResource"
        ),
        resources=("acs:kms:{region}:{account}:secret/{prefix}*",),
        reason="manages the stack's passwords and API keys",
    ),
    Grant(
        service="kms",
        types=_types("kms", "Key Alias"),
        reads=f"DescribeKey ListAliases ListKeys {_TAGS}",
        writes=(
            "CreateKey UpdateKeyDescription UpdateRotationPolicy SetDeletionProtection EnableKey "
            "DisableKey ScheduleKeyDeletion CancelKeyDeletion CreateAlias UpdateAlias DeleteAlias "
            "TagResource UntagResource GenerateDataKey Decrypt"
        ),
        resources=(
            "acs:kms:{region}:{account}:key",
            "acs:kms:{region}:{account}:key/*",
            "acs:kms:{region}:{account}:alias",
            "acs:kms:{region}:{account}:alias/*",
        ),
        reason="manages the stack's own encryption key" + _BY_ID,
    ),
    Grant(
        service="vpc",
        types=(
            *_types("vpc", "Network Switch NatGateway SnatEntry"),
            *_types("ecs", "EipAddress EipAssociation"),
        ),
        reads=(
            "DescribeVpcs DescribeVpcAttribute DescribeVSwitches DescribeVSwitchAttributes "
            "DescribeRouteTableList DescribeNatGateways GetNatGatewayAttribute "
            f"DescribeSnatTableEntries DescribeEipAddresses {_TAGS}"
        ),
        writes=(
            "CreateVpc ModifyVpcAttribute DeleteVpc CreateVSwitch ModifyVSwitchAttribute "
            "DeleteVSwitch CreateNatGateway ModifyNatGatewayAttribute DeleteNatGateway "
            "CreateSnatEntry ModifySnatEntry DeleteSnatEntry AllocateEipAddress "
            "ModifyEipAddressAttribute AssociateEipAddress UnassociateEipAddress ReleaseEipAddress "
            "TagResources UnTagResources"
        ),
        resources=("acs:vpc:{region}:{account}:*",),
        reason="manages the stack's network and its access to the internet" + _BY_ID,
    ),
    Grant(
        service="alb",
        types=_types(
            "alb",
            "Acl AclEntryAttachment ListenerAclAttachment LoadBalancer Listener Rule ServerGroup",
        ),
        reads=(
            "GetLoadBalancerAttribute ListLoadBalancers GetListenerAttribute ListListeners "
            "ListRules ListServerGroups ListServerGroupServers ListAcls ListAclEntries "
            f"ListAclRelations ListAsynJobs {_TAGS}"
        ),
        writes=(
            "CreateLoadBalancer UpdateLoadBalancerAttribute UpdateLoadBalancerZones "
            "EnableDeletionProtection DisableDeletionProtection EnableLoadBalancerAccessLog "
            "DisableLoadBalancerAccessLog DeleteLoadBalancer CreateListener "
            "UpdateListenerAttribute StartListener StopListener DeleteListener "
            "AssociateAclsWithListener DissociateAclsFromListener CreateRule UpdateRuleAttribute "
            "DeleteRule CreateServerGroup UpdateServerGroupAttribute DeleteServerGroup CreateAcl "
            "AddEntriesToAcl RemoveEntriesFromAcl DeleteAcl TagResources UnTagResources"
        ),
        resources=("acs:alb:{region}:{account}:*",),
        reason="manages the load balancer of the chat application" + _BY_ID,
    ),
    Grant(
        service="yundun-cert",
        types=_types("alb", "Listener"),
        reads="GetUserCertificateDetail ListUserCertificateOrder",
        resources=("*",),
        reason="finds the listener's certificate; these actions have no resource level",
    ),
    Grant(
        service="ecs",
        types=(
            *_types(
                "ecs",
                "EcsDisk EcsDiskAttachment EcsLaunchTemplate Instance RamRoleAttachment "
                "SecurityGroup SecurityGroupRule",
            ),
        ),
        reads=(
            "DescribeInstances DescribeInstanceAttribute DescribeInstanceRamRole "
            "DescribeInstanceTypes DescribeAvailableResource DescribeZones DescribeDisks "
            "DescribeImages DescribeUserData DescribeSecurityGroups DescribeSecurityGroupAttribute "
            f"DescribeLaunchTemplates DescribeLaunchTemplateVersions {_TAGS}"
        ),
        writes=(
            "RunInstances StartInstance StartInstances StopInstance StopInstances RebootInstance "
            "DeleteInstance ModifyInstanceAttribute ModifyInstanceMetadataOptions "
            "ModifyInstanceSpec AttachInstanceRamRole DetachInstanceRamRole CreateDisk AttachDisk "
            "DetachDisk ModifyDiskAttribute ModifyDiskSpec ResizeDisk DeleteDisk "
            "CreateSecurityGroup "
            "ModifySecurityGroupAttribute ModifySecurityGroupPolicy AuthorizeSecurityGroup "
            "RevokeSecurityGroup DeleteSecurityGroup CreateLaunchTemplate "
            "CreateLaunchTemplateVersion ModifyLaunchTemplateDefaultVersion "
            "DeleteLaunchTemplateVersion DeleteLaunchTemplate TagResources UntagResources"
        ),
        resources=("acs:ecs:{region}:{account}:*",),
        reason="manages the nodes and their data disks" + _BY_ID,
    ),
    Grant(
        service="ess",
        types=(
            *_types(
                "ess",
                "AlbServerGroupAttachment InstanceRefresh LifecycleHook ScalingConfiguration "
                "ScalingGroup ScalingRule",
            ),
            "customrag:ess:Rollout",
        ),
        reads=(
            "DescribeScalingGroups DescribeScalingGroupDetail DescribeScalingConfigurations "
            "DescribeScalingRules DescribeScalingInstances DescribeScalingActivities "
            f"DescribeLifecycleHooks DescribeInstanceRefreshes {_TAGS}"
        ),
        writes=(
            "CreateScalingGroup ModifyScalingGroup EnableScalingGroup DisableScalingGroup "
            "SetGroupDeletionProtection DeleteScalingGroup CreateScalingRule ModifyScalingRule "
            "ExecuteScalingRule DeleteScalingRule AttachAlbServerGroups DetachAlbServerGroups "
            "CreateLifecycleHook ModifyLifecycleHook DeleteLifecycleHook CompleteLifecycleAction "
            "StartInstanceRefresh CancelInstanceRefresh RollbackInstanceRefresh TagResources "
            "UntagResources"
        ),
        resources=("acs:ess:{region}:{account}:*",),
        reason="scales and replaces the nodes of the chat application" + _BY_ID,
    ),
    Grant(
        service="paiworkspace",
        types=_types("pai", "WorkspaceWorkspace"),
        reads="GetWorkspace ListWorkspaces ListResources",
        writes="CreateWorkspace UpdateWorkspace DeleteWorkspace",
        resources=("*",),
        reason="manages the PAI workspace; these actions have no resource level",
    ),
    Grant(
        service="paidataset",
        types=_types("pai", "WorkspaceDataset"),
        reads="GetDataset ListDatasets",
        writes="CreateDataset UpdateDataset DeleteDataset",
        resources=("acs:paidataset:{region}:{account}:*",),
        reason="registers the documents as a dataset" + _BY_ID,
    ),
    Grant(
        service="paimodel",
        types=_types("pai", "WorkspaceModel WorkspaceModelVersion"),
        reads="GetModel ListModels GetModelVersion ListModelVersions",
        writes=(
            "CreateModel UpdateModel DeleteModel CreateModelVersion UpdateModelVersion "
            "DeleteModelVersion"
        ),
        resources=("acs:paimodel:{region}:{account}:*",),
        reason="registers the trained models" + _BY_ID,
    ),
    Grant(
        service="paidlc",
        types=("customrag:pai:DlcJob", "customrag:rag:IngestRun"),
        reads="GetJob ListJobs GetPodLogs GetJobEvents ListEcsSpecs",
        writes="CreateJob StopJob DeleteJob",
        resources=("*",),
        reason="runs training and ingest jobs; these actions have no resource level",
    ),
    Grant(
        service="elasticsearch",
        types=(
            "alicloud:elasticsearch/instance:Instance",
            "customrag:elasticsearch:SnapshotSchedule",
        ),
        reads=(
            f"DescribeInstance ListInstance DescribeSnapshotSetting GetRegionConfiguration {_TAGS}"
        ),
        writes=(
            "CreateInstance UpdateInstance UpdateDescription UpdateAdminPassword "
            "UpdateInstanceSettings ModifyWhiteIps TriggerNetwork OpenHttps CloseHttps "
            "UpdateSnapshotSetting RestartInstance DeleteInstance TagResources UntagResources"
        ),
        resources=("acs:elasticsearch:{region}:{account}:*",),
        reason="manages the search cluster" + _BY_ID,
    ),
    Grant(
        service="log",
        types=_types(
            "log", "LogTailAttachment LogTailConfig MachineGroup Project Store StoreIndex"
        ),
        reads=(
            "GetProject GetLogStore GetIndex GetConfig GetMachineGroup GetAppliedConfigs "
            f"GetAppliedMachineGroups {_TAGS}"
        ),
        writes=(
            "CreateProject UpdateProject DeleteProject CreateLogStore UpdateLogStore "
            "DeleteLogStore CreateIndex UpdateIndex DeleteIndex CreateConfig UpdateConfig "
            "DeleteConfig CreateMachineGroup UpdateMachineGroup DeleteMachineGroup "
            "ApplyConfigToGroup RemoveConfigFromGroup TagResources UntagResources"
        ),
        resources=(
            "acs:log:{region}:{account}:project/{prefix}*",
            "acs:log:{region}:{account}:project/{prefix}*/*",
        ),
        reason="manages the logs of the stack",
    ),
    Grant(
        service="cms",
        types=_types("cms", "Alarm AlarmContact AlarmContactGroup"),
        reads=(
            "DescribeMetricRuleList DescribeContactList DescribeContactGroupList "
            "DescribeContactListByContactGroup"
        ),
        writes=(
            "PutResourceMetricRule EnableMetricRules DisableMetricRules DeleteMetricRules "
            "PutContact DeleteContact PutContactGroup DeleteContactGroup"
        ),
        resources=("*",),
        reason="manages alarms and their contacts; CloudMonitor has no resource level",
    ),
    Grant(
        service="ram",
        types=_types("ram", "Policy Role RolePolicyAttachment"),
        reads="GetRole GetPolicy GetPolicyVersion ListPolicyVersions ListPoliciesForRole",
        writes=(
            "CreateRole UpdateRole DeleteRole PassRole CreatePolicy CreatePolicyVersion "
            "SetDefaultPolicyVersion DeletePolicyVersion DeletePolicy AttachPolicyToRole "
            "DetachPolicyFromRole"
        ),
        resources=(
            "acs:ram:*:{account}:role/{prefix}*",
            "acs:ram:*:{account}:policy/{prefix}*",
        ),
        reason="manages the roles of the stack's machines, and no other roles",
    ),
    Grant(
        types=("pulumi:providers:alicloud", "pulumi:providers:customrag"),
        reads="sts:GetCallerIdentity quotas:GetProductQuota quotas:ListProductQuotas",
        writes="tag:ListTagResources oss:ListBuckets",
        resources=("*",),
        reason=(
            "preflight reads the identity and quotas, and the leak check lists what remains; these "
            "actions have no resource level"
        ),
    ),
    Grant(
        types=(),
        reads=(
            "ecs:DescribeAccountAttributes ecs:DescribeRegions kms:GetKmsInstance "
            "paiworkspace:ListProducts"
        ),
        resources=("*",),
        reason="preflight reads what the account supports; these actions have no resource level",
    ),
    Grant(
        types=(),
        reads="ram:GetRole",
        resources=("acs:ram:*:{account}:role/*",),
        reason="preflight checks whether the roles of the cloud services exist",
    ),
)
"""All permissions for previewing and deploying."""


def preview_statements(scope: DeploymentScope) -> list[Statement]:
    """Return the permissions to preview the stacks of an environment, which only read."""
    return [grant.statement(grant.reads, scope) for grant in GRANTS]


def deploy_statements(scope: DeploymentScope) -> list[Statement]:
    """Return the permissions to deploy and destroy the stacks of an environment."""
    return [grant.statement(f"{grant.reads} {grant.writes}", scope) for grant in GRANTS]
