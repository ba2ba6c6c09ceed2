"""``customrag:pai:DlcJob``: a PAI DLC job that runs once for its inputs, and its result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from .wire import Out, camel_keys, with_plugin

__all__ = [
    "DEFAULT_MAX_ATTEMPTS",
    "DEFAULT_MAX_RUNNING_TIME_MINUTES",
    "DlcJob",
    "DlcJobArgs",
    "JobArgs",
    "job_props",
]

DEFAULT_MAX_RUNNING_TIME_MINUTES = 240
DEFAULT_MAX_ATTEMPTS = 3


@dataclass(frozen=True, kw_only=True)
class JobArgs:
    """Arguments that every job resource has; structures have the API's field names in snake_case.

    A change of ``job_type``, ``job_specs``, ``data_sources``, ``user_command``, ``envs``,
    ``thirdparty_libs``, ``triggers`` or ``result_uri`` starts another job, because these decide
    what a job computes. The other arguments decide where and how it runs, and never start one.

    Attributes:
        workspace_id: PAI workspace; a change starts another job.
        display_name: Beginning of the job's name, which is ``<display_name>-<hash>``.
        job_type: e.g. ``PyTorchJob``.
        job_specs: One entry per kind of pod: type, pod_count, ecs_spec, image, restart_policy, …
        user_command: The command that a shell runs in each pod.
        data_sources: The mounts: uri or data_source_id, mount_path, mount_access (RO, RW).
        envs: Environment of the pods. Not for secrets, because the console shows it.
        user_vpc: vpc_id, switch_id, security_group_id of the pods.
        credential_config: RAM role whose temporary credentials the pods receive.
        thirdparty_libs: Python requirements installed before the command.
        max_running_time_minutes: The service stops the job after this long. Default 240.
        priority: 1 (lowest) to 9.
        resource_id: PAI quota; default the public pool.
        triggers: Further values whose change starts another job.
        result_uri: ``oss://bucket/prefix/``; the job writes ``result.json`` there.
        max_attempts: Jobs started at most for the same inputs, one per ``pulumi up``. Default 3.
    """

    workspace_id: pulumi.Input[str]
    display_name: pulumi.Input[str]
    job_type: pulumi.Input[str]
    job_specs: pulumi.Input[Sequence[pulumi.Input[Mapping[str, Any]]]]
    user_command: pulumi.Input[str]
    data_sources: pulumi.Input[Sequence[pulumi.Input[Mapping[str, Any]]]] = ()
    envs: pulumi.Input[Mapping[str, pulumi.Input[str]]] | None = None
    user_vpc: pulumi.Input[Mapping[str, Any]] | None = None
    credential_config: pulumi.Input[Mapping[str, Any]] | None = None
    thirdparty_libs: pulumi.Input[Sequence[pulumi.Input[str]]] = ()
    max_running_time_minutes: pulumi.Input[int] = DEFAULT_MAX_RUNNING_TIME_MINUTES
    priority: pulumi.Input[int] = 1
    resource_id: pulumi.Input[str] | None = None
    triggers: pulumi.Input[Mapping[str, pulumi.Input[str]]] | None = None
    result_uri: pulumi.Input[str] | None = None
    max_attempts: pulumi.Input[int] = DEFAULT_MAX_ATTEMPTS


@dataclass(frozen=True, kw_only=True)
class DlcJobArgs(JobArgs):
    """Arguments of ``DlcJob``: those of every job, and what to do when its result is lost.

    Attributes:
        lost_result_advice: What the user can do when the result is not in OSS any more; the update
            then fails with this advice. Default: the job runs again.
    """

    lost_result_advice: pulumi.Input[str] | None = None


def job_props(args: JobArgs) -> dict[str, Any]:
    """Return the inputs of a job resource by their wire names, and its outputs."""
    return {
        "workspaceId": args.workspace_id,
        "displayName": args.display_name,
        "jobType": args.job_type,
        "jobSpecs": camel_keys(args.job_specs),
        "userCommand": args.user_command,
        "dataSources": camel_keys(args.data_sources),
        "envs": args.envs,
        "userVpc": camel_keys(args.user_vpc),
        "credentialConfig": camel_keys(args.credential_config),
        "thirdpartyLibs": args.thirdparty_libs,
        "maxRunningTimeMinutes": args.max_running_time_minutes,
        "priority": args.priority,
        "resourceId": args.resource_id,
        "triggers": args.triggers,
        "resultUri": args.result_uri,
        "maxAttempts": args.max_attempts,
        "jobId": None,
        "jobName": None,
        "status": None,
        "durationSeconds": None,
        "result": None,
    }


class DlcJob(pulumi.CustomResource):
    """A DLC job that has succeeded, and the result it wrote.

    Why it exists: ``pulumi_alicloud`` has no resource for DLC jobs (ROS has
    ``ALIYUN::PAIDLC::Job``). The resource looks for the job by its name before it creates one. So
    after a killed engine, or in a second ``pulumi up``, it adopts the running job and never starts
    a paid job twice. The next ``up`` retries a failed job, which continues from its own output
    directory. If its result is lost, the next ``up`` runs the job again. Another
    computation is another job, which replaces the resource. Delete it to stop the job if it
    runs and to delete its record; the job's output in OSS stays.

    Attributes:
        job_id: The DLC job.
        job_name: ``<display_name>-<12 hexadecimal digits>[-<attempt>]``; known in a preview.
        status: ``Succeeded``. After a refresh ``Deleted`` if the record is gone but the result
            exists, or ``Lost`` if the result is gone.
        duration_seconds: Run time.
        result: The content of ``result.json``; ``None`` without ``result_uri``.
    """

    workspace_id = Out[str]("workspaceId")
    display_name = Out[str]("displayName")
    result_uri = Out[str]("resultUri")
    job_id = Out[str]("jobId")
    job_name = Out[str]("jobName")
    status = Out[str]("status")
    duration_seconds = Out[int]("durationSeconds")
    result = Out[Mapping[str, Any]]("result")

    def __init__(
        self, name: str, args: DlcJobArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        props = {**job_props(args), "lostResultAdvice": args.lost_result_advice}
        super().__init__("customrag:pai:DlcJob", name, props, with_plugin(opts))
