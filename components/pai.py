"""PAI: the workspace with its datasets, and an embedding model that a DLC job trains and the
registry names.

Owns: workspace, datasets, training job, model and model version. Does not own: the training code
(`training`), nor the buckets it reads and writes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi
from pulumi_alicloud import pai

import providers
from components.naming import Naming
from components.outputs import once
from training.job_specs import JobPlan

__all__ = ["PaiWorkspace", "PaiWorkspaceArgs", "TrainedEmbedding", "TrainedEmbeddingArgs"]


@dataclass(frozen=True, kw_only=True)
class PaiWorkspaceArgs:
    """Arguments of `PaiWorkspace`.

    Attributes:
        naming: Makes physical names.
        dataset_uris: Dataset role to the OSS directory it names, e.g. `corpus`.
        env_types: `prod` for a simple workspace, `dev` and `prod` for a standard one.
        existing_workspace_id: A workspace that is there: read, never changed, never deleted. Empty:
            one is made.
    """

    naming: Naming
    dataset_uris: Mapping[str, str] = field(default_factory=dict)
    env_types: tuple[str, ...] = ("prod",)
    existing_workspace_id: str = ""

    def __post_init__(self) -> None:
        if self.env_types not in (("prod",), ("dev", "prod")):
            raise ValueError(
                f"env_types is {self.env_types}; PAI allows ('prod',) and ('dev', 'prod')"
            )


class PaiWorkspace(pulumi.ComponentResource):
    """A PAI workspace and the datasets that people see in it."""

    workspace_id: pulumi.Output[str]
    dataset_ids: dict[str, pulumi.Output[str]]

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
                workspace_name=args.naming.workspace(),
                display_name=args.naming.workspace(),
                description="Custom RAG: training jobs, datasets and models",
                env_types=list(args.env_types),
                opts=child,
            )
            self.workspace_id = workspace.id
        self.dataset_ids = {
            role: pai.WorkspaceDataset(
                f"{name}-dataset-{role}",
                workspace_id=self.workspace_id,
                dataset_name=args.naming.physical(role),
                data_source_type="OSS",
                property="DIRECTORY",
                uri=uri,
                accessibility="PRIVATE",
                opts=child,
            ).id
            for role, uri in args.dataset_uris.items()
        }
        self.register_outputs({"workspace_id": self.workspace_id})


@dataclass(frozen=True, kw_only=True)
class TrainedEmbeddingArgs:
    """Arguments of `TrainedEmbedding`.

    Attributes:
        naming: Makes physical names.
        workspace_id: PAI workspace of job and model.
        plan: What the DLC job runs (`training.job_specs.train_embedding_job`).
        output_uri: OSS directory that the plan writes to, `oss://bucket/prefix/`.
        dimension: Numbers in one embedding; recorded with the model.
        triggers: What makes this training another one, by content: the job runs again when it
            changes.
        user_vpc: VPC of the job's pods: `vpc_id`, `switch_id`, `security_group_id`.
        role_arn: RAM role of the pods.
        resource_id: PAI quota; empty for the public pool.
        max_running_time_minutes: The job is stopped after this long: a hung GPU costs no more than
            that.
        lost_model_advice: What the user can do when the trained model is not in OSS any more; the
            update then fails with this advice. None: the job trains it again.
    """

    naming: Naming
    workspace_id: pulumi.Input[str]
    plan: JobPlan
    output_uri: str
    dimension: int
    triggers: Mapping[str, str]
    user_vpc: pulumi.Input[Mapping[str, pulumi.Input[str]]]
    role_arn: pulumi.Input[str]
    resource_id: str = ""
    max_running_time_minutes: int = 240
    lost_model_advice: str | None = None


class TrainedEmbedding(pulumi.ComponentResource):
    """An embedding model tuned on the corpus by a DLC job, registered as a version of a PAI model.

    Attributes:
        result: What the job measured and decided, as `training.train_embedding` writes it.
        model_version: 12 hexadecimal digits over the weights.
        model_uri: OSS directory of the model that was kept.
        job_id: The DLC job.
    """

    result: pulumi.Output[Mapping[str, Any]]
    model_version: pulumi.Output[str]
    model_uri: pulumi.Output[str]
    job_id: pulumi.Output[str]

    def __init__(
        self, name: str, args: TrainedEmbeddingArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("customrag:pai:TrainedEmbedding", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        job = providers.DlcJob(
            name,
            providers.DlcJobArgs(
                **dlc_arguments(args.plan),
                workspace_id=args.workspace_id,
                display_name=args.naming.physical("embedding"),
                triggers=dict(args.triggers),
                result_uri=args.output_uri,
                user_vpc=args.user_vpc,
                credential_config=role_credentials(args.role_arn),
                resource_id=args.resource_id or None,
                max_running_time_minutes=args.max_running_time_minutes,
                lost_result_advice=args.lost_model_advice,
            ),
            opts=child,
        )
        self.job_id = job.job_id
        # The files are for the job's own resource.
        self.result = job.result.apply(
            lambda result: {key: value for key, value in result.items() if key != "files"}
        )
        self.model_version = self.result.apply(lambda result: str(result["model_version"]))
        self.model_uri = self.result.apply(
            lambda result: f"{args.output_uri}{result['model_prefix']}"
        )
        model = pai.WorkspaceModel(
            f"{name}-model",
            model_name=args.naming.physical("embedding"),
            model_description="Embedding model tuned on the corpus",
            model_type="Checkpoint",
            domain="nlp",
            task="text-embedding",
            origin="customrag",
            accessibility="PRIVATE",
            workspace_id=args.workspace_id,
            opts=child,
        )
        self.version = pai.WorkspaceModelVersion(
            f"{name}-model-version",
            model_id=model.id,
            uri=self.model_uri,
            format_type="SavedModel",
            framework_type="Pytorch",
            source_type="TrainingService",
            source_id=pulumi.Output.concat(
                "workspaceId=", args.workspace_id, ",kind=TrainingJob,id=", job.job_id
            ),
            version_description=self.result.apply(_version_description),
            labels=[{"key": "model_version", "value": self.model_version}],
            approval_status="Approved",
            opts=child,
        )
        self.register_outputs({"model_version": self.model_version, "model_uri": self.model_uri})


def dlc_arguments(plan: JobPlan) -> dict[str, Any]:
    """The part of `providers.DlcJobArgs` that a job plan decides."""
    return {
        "job_type": plan.job_type,
        "job_specs": list(plan.job_specs),
        "data_sources": list(plan.data_sources),
        "user_command": plan.user_command,
        "envs": dict(plan.envs),
        "thirdparty_libs": list(plan.thirdparty_libs),
    }


def role_credentials(role_arn: pulumi.Input[str]) -> dict[str, Any]:
    """A DLC `CredentialConfig` that gives the pods the role's own, short-lived credentials.

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


def _version_description(result: Mapping[str, Any]) -> str:
    measured = result.get(result["kept"]) or {}
    figures = ", ".join(f"{key} {value:.3f}" for key, value in sorted(measured.items()))
    return f"{result['kept']}: {figures}" if figures else str(result["kept"])
