"""PAI: a workspace with its datasets, and the embedding model that a DLC job trains.

Owns: workspace, datasets, training job, model and model version. Does not own: the training code
(`training`) or its buckets.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, TypeGuard

import pulumi
from pulumi_alicloud import pai

import providers
from components.outputs import once
from components.scope import Scope
from training.job_specs import JobPlan

__all__ = [
    "CHOSEN",
    "PaiWorkspace",
    "PaiWorkspaceArgs",
    "Pods",
    "TrainedEmbedding",
    "TrainedEmbeddingArgs",
]


CHOSEN = ("search_weight", "rerank_weight", "token_vectors", "cross_encoder_weight")
"""What the training chooses for the ranking: see `rag.index.mappings`."""

# A simple workspace; ["dev", "prod"] would be a standard one.
ENV_TYPES = ["prod"]


@dataclass(frozen=True, kw_only=True)
class PaiWorkspaceArgs:
    """Arguments of `PaiWorkspace`.

    Attributes:
        scope: Names, region and tags of the stack.
        dataset_uris: Dataset role to its OSS directory, e.g. `corpus`.
        existing_workspace_id: An existing workspace, which is only read. Empty: create one.
    """

    scope: Scope
    dataset_uris: Mapping[str, str] = field(default_factory=dict)
    existing_workspace_id: str = ""


class PaiWorkspace(pulumi.ComponentResource):
    """A PAI workspace and the datasets that its members see."""

    workspace_id: pulumi.Output[str]

    def __init__(
        self, name: str, args: PaiWorkspaceArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("customrag:pai:PaiWorkspace", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        if args.existing_workspace_id:
            workspace = pai.WorkspaceWorkspace.get(name, args.existing_workspace_id, opts=child)
            self.workspace_id = once(args.existing_workspace_id, workspace.workspace_name)
        else:
            workspace = pai.WorkspaceWorkspace(
                name,
                workspace_name=args.scope.naming.workspace(),
                display_name=args.scope.naming.workspace(),
                description="Custom RAG: training jobs, datasets and models",
                env_types=ENV_TYPES,
                opts=child,
            )
            self.workspace_id = workspace.id
        for role, uri in args.dataset_uris.items():
            pai.WorkspaceDataset(
                f"{name}-dataset-{role}",
                workspace_id=self.workspace_id,
                dataset_name=args.scope.naming.physical(role),
                data_source_type="OSS",
                property="DIRECTORY",
                uri=uri,
                accessibility="PRIVATE",
                opts=child,
            )
        self.register_outputs({"workspace_id": self.workspace_id})


@dataclass(frozen=True, kw_only=True)
class Pods:
    """Where the pods of a DLC job run, and with which rights.

    Attributes:
        workspace_id: PAI workspace of the job.
        user_vpc: VPC of the pods: `vpc_id`, `switch_id`, `security_group_id`.
        role_arn: RAM role of the pods.
    """

    workspace_id: pulumi.Input[str]
    user_vpc: pulumi.Input[Mapping[str, pulumi.Input[str]]]
    role_arn: pulumi.Input[str]

    @property
    def dlc_arguments(self) -> dict[str, Any]:
        """The part of `providers.DlcJobArgs` that this decides."""
        return {
            "workspace_id": self.workspace_id,
            "user_vpc": self.user_vpc,
            "credential_config": _role_credentials(self.role_arn),
        }


@dataclass(frozen=True, kw_only=True)
class TrainedEmbeddingArgs:
    """Arguments of `TrainedEmbedding`.

    Attributes:
        scope: Names, region and tags of the stack.
        pods: Where the job runs.
        plan: The DLC job (`training.job_specs.train_embedding_job`).
        output_uri: OSS directory that the job writes to, `oss://bucket/prefix/`.
        triggers: Further values whose change starts a new training run.
        max_running_time_minutes: PAI stops the job after this time, which limits the cost of a hung
            GPU.
        lost_model_advice: If the files of the trained model are gone from OSS, the update fails
            with this advice. None: the job trains the model again.
    """

    scope: Scope
    pods: Pods
    plan: JobPlan
    output_uri: str
    triggers: Mapping[str, str]
    max_running_time_minutes: int = 240
    lost_model_advice: str | None = None


class TrainedEmbedding(pulumi.ComponentResource):
    """An embedding model tuned on the corpus by a DLC job, registered as a version of a PAI model.

    Attributes:
        result: The measures and the decision of `training.train_embedding`.
        model_version: 12 hexadecimal digits over the weights.
        model_uri: OSS directory of the kept model.
        chosen: What the training chose for the ranking, for the `_meta` of an index: the keys of
            `CHOSEN` that the result has.
        torchscript: The zip for OpenSearch's ml-commons, as `training.torchscript.job` describes
            it: `libtorch_version`, `sha256`, `model_config` and the prefixes, or `refused` with
            the reason. None if the job's `libtorch_version` is ``none``.
        torchscript_uri: The zip in OSS; None without one.
        torchscript_sha256: Its SHA-256 in hexadecimal; None without one.
    """

    result: pulumi.Output[Mapping[str, Any]]
    model_version: pulumi.Output[str]
    model_uri: pulumi.Output[str]
    chosen: pulumi.Output[Mapping[str, Any]]
    torchscript: pulumi.Output[Mapping[str, Any] | None]
    torchscript_uri: pulumi.Output[str | None]
    torchscript_sha256: pulumi.Output[str | None]

    def __init__(
        self, name: str, args: TrainedEmbeddingArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("customrag:pai:TrainedEmbedding", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        job = providers.DlcJob(
            name,
            providers.DlcJobArgs(
                **asdict(args.plan),
                **args.pods.dlc_arguments,
                display_name=args.scope.naming.physical("embedding"),
                triggers=dict(args.triggers),
                result_uri=args.output_uri,
                max_running_time_minutes=args.max_running_time_minutes,
                lost_result_advice=args.lost_model_advice,
            ),
            opts=child,
        )
        self.result = job.result.apply(_without_files)
        self.model_version = self.result.apply(lambda result: str(result["model_version"]))
        self.model_uri = self.result.apply(
            lambda result: f"{args.output_uri}{result['model_prefix']}"
        )
        self.chosen = self.result.apply(_chosen)
        self.torchscript = self.result.apply(lambda result: result.get("torchscript"))
        self.torchscript_uri = self.torchscript.apply(
            lambda written: f"{args.output_uri}{written['path']}" if _is_written(written) else None
        )
        self.torchscript_sha256 = self.torchscript.apply(
            lambda written: str(written["sha256"]) if _is_written(written) else None
        )
        model = pai.WorkspaceModel(
            f"{name}-model",
            model_name=args.scope.naming.physical("embedding"),
            model_description="Embedding model tuned on the corpus",
            model_type="Checkpoint",
            domain="nlp",
            task="text-embedding",
            origin="customrag",
            accessibility="PRIVATE",
            workspace_id=args.pods.workspace_id,
            opts=child,
        )
        pai.WorkspaceModelVersion(
            f"{name}-model-version",
            model_id=model.id,
            uri=self.model_uri,
            format_type="SavedModel",
            framework_type="Pytorch",
            source_type="TrainingService",
            source_id=pulumi.Output.concat(
                "workspaceId=", args.pods.workspace_id, ",kind=TrainingJob,id=", job.job_id
            ),
            version_description=self.result.apply(_version_description),
            labels=[{"key": "model_version", "value": self.model_version}],
            approval_status="Approved",
            opts=child,
        )
        self.register_outputs({"model_version": self.model_version, "model_uri": self.model_uri})


def _role_credentials(role_arn: pulumi.Input[str]) -> dict[str, Any]:
    """Return a DLC `CredentialConfig` that gives the pods short-lived credentials of the role.

    Source: CreateJob, CredentialConfig (alibabacloud_pai_dlc20201203 1.11.6, `CredentialConfig`,
    `CredentialConfigItem`, `CredentialRole`).
    """
    return {
        "enable_credential_inject": True,
        "credential_config_items": [
            {
                "key": "0",
                "type": "Role",
                "roles": [{"assume_role_for": "", "role_arn": role_arn, "role_type": "service"}],
            }
        ],
    }


def _without_files(result: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the result without the list of its files, which only the job's own resource reads.

    Raises:
        pulumi.RunError: The job has no result.
    """
    if result is None:
        raise pulumi.RunError(
            "the state has no result of the training job. Run `pulumi refresh`, then `pulumi up`: "
            "it trains again, or says what to restore."
        )
    return {key: value for key, value in result.items() if key != "files"}


def _is_written(torchscript: Mapping[str, Any] | None) -> TypeGuard[Mapping[str, Any]]:
    return torchscript is not None and "path" in torchscript


def _chosen(result: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keys of `CHOSEN` that a result has; an older one has fewer."""
    return {name: result[name] for name in CHOSEN if result.get(name) is not None}


def _version_description(result: Mapping[str, Any]) -> str:
    measured = result.get(result["kept"]) or {}
    figures = ", ".join(f"{key} {value:.3f}" for key, value in sorted(measured.items()))
    return f"{result['kept']}: {figures}" if figures else str(result["kept"])
