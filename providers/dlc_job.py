"""``customrag:pai:DlcJob``: a PAI DLC job that runs once for its inputs, and its result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

from .declaration import Resource, argument, arguments
from .wire import Out

__all__ = ["DlcJob", "DlcJobArgs", "JobArgs"]

Structures = Sequence[pulumi.Input[Mapping[str, Any]]]
Texts = Mapping[str, pulumi.Input[str]]


@arguments
class JobArgs:
    """Arguments that every job resource has; structures have the API's field names in snake_case.

    A change of an argument that is ``hashed`` starts another job, because these decide what a job
    computes. The other arguments decide where and how it runs. A change of them must never train a
    model again.

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

    workspace_id: pulumi.Input[str] = argument("string", effect="replace", sent=True)
    display_name: pulumi.Input[str] = argument("string")
    job_type: pulumi.Input[str] = argument("string", hashed=True, sent=True)
    job_specs: pulumi.Input[Structures] = argument("list", structure=True, hashed=True, sent=True)
    user_command: pulumi.Input[str] = argument("string", hashed=True, sent=True)
    data_sources: pulumi.Input[Structures] = argument(
        "list", default=(), structure=True, hashed=True, sent=True
    )
    envs: pulumi.Input[Texts] | None = argument("string map", default=None, hashed=True, sent=True)
    user_vpc: pulumi.Input[Mapping[str, Any]] | None = argument(
        "map", default=None, structure=True, sent=True
    )
    credential_config: pulumi.Input[Mapping[str, Any]] | None = argument(
        "map", default=None, structure=True, sent=True
    )
    thirdparty_libs: pulumi.Input[Sequence[pulumi.Input[str]]] = argument(
        "string list", default=(), hashed=True, sent=True
    )
    max_running_time_minutes: pulumi.Input[int] = argument(
        "integer", default=240, bounds=(1, 60 * 24 * 30), sent=True
    )
    priority: pulumi.Input[int] = argument("integer", default=1, bounds=(1, 9), sent=True)
    resource_id: pulumi.Input[str] | None = argument("string", default=None, sent=True)
    triggers: pulumi.Input[Texts] | None = argument("string map", default=None, hashed=True)
    result_uri: pulumi.Input[str] | None = argument("string", default=None, hashed=True)
    max_attempts: pulumi.Input[int] = argument("integer", default=3, bounds=(1, 20))


@arguments
class DlcJobArgs(JobArgs):
    """Arguments of ``DlcJob``: those of every job, and what to do when its result is lost.

    Attributes:
        lost_result_advice: What the user can do when the result is not in OSS any more; the update
            then fails with this advice. Default: the job runs again.
    """

    lost_result_advice: pulumi.Input[str] | None = argument("string", effect="ignore", default=None)


class DlcJob(Resource[DlcJobArgs]):
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

    token = "customrag:pai:DlcJob"  # noqa: S105 - a type token
    job_id = Out[str]()
    job_name = Out[str]()
    status = Out[str]()
    duration_seconds = Out[int]()
    result = Out[Mapping[str, Any]]()
