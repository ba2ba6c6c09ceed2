"""The pods of a job as processes: their list, environment and command.

Owns what a pod sees. There is no container: every image is this machine's interpreter, and every
mount path in the command and in ``Envs`` is replaced with the local folder.
"""

from __future__ import annotations

import importlib.metadata
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement

from localcloud.core.home import Platform
from localcloud.core.machine_image import image_environment
from localcloud.core.mapped_paths import substitute_paths
from localcloud.paidlc.errors import JobFailureError
from localcloud.paidlc.mounts import Mount


def plan_pods(job_id: str, specs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the pods of a job by rank; rank 0 is the master, or worker 0 without a master."""
    ordered = sorted(specs, key=lambda spec: spec["Type"] != "Master")
    pods: list[dict[str, Any]] = []
    for spec in ordered:
        for index in range(spec["PodCount"]):
            pods.append(
                {
                    "pod_id": f"{job_id}-{spec['Type'].lower()}-{index}",
                    "type": spec["Type"],
                    "rank": len(pods),
                    "restart_policy": spec["RestartPolicy"],
                    "command": spec.get("UserCommand"),
                    "status": "Pending",
                    "attempts": [],
                }
            )
    return pods


def substitute(text: str, mounts: Sequence[Mount]) -> str:
    """Replace each mount path in ``text``, whole or as the start of a path."""
    return substitute_paths(text, {mount.mount_path: mount.folder for mount in mounts})


def pod_environment(
    *,
    platform: Platform,
    job: Mapping[str, Any],
    pod: Mapping[str, Any],
    mounts: Sequence[Mount],
    work: Path,
    credentials_uri: str | None,
    cores: int,
) -> dict[str, str]:
    """Return the complete environment of one pod.

    ``MASTER_ADDR``, ``MASTER_PORT``, ``WORLD_SIZE`` (pods) and ``RANK`` (of the pod) follow a
    PyTorchJob in DLC (help.aliyun.com/zh/pai/user-guide/general-environment-variables).
    """
    pods = job["pods"]
    environment = {
        **image_environment(work),
        "MASTER_ADDR": job["master_address"],
        "MASTER_PORT": str(job["master_port"]),
        "WORLD_SIZE": str(len(pods)),
        "RANK": str(pod["rank"]),
        "JOB_NAME": job["job_id"],
        "POD_NAME": pod["pod_id"],
        "REGION": platform.region_id,
        "OMP_NUM_THREADS": str(max(1, cores // len(pods))),
    }
    if credentials_uri is not None:
        environment["ALIBABA_CLOUD_CREDENTIALS_URI"] = credentials_uri
    for key, value in job["request"]["Envs"].items():
        environment[key] = substitute(value, mounts)
    return environment


def shell_command(
    job: Mapping[str, Any], pod: Mapping[str, Any], mounts: Sequence[Mount]
) -> tuple[str, ...]:
    """Return the argv of a pod: a shell that runs the user's command."""
    command = pod["command"] or job["request"]["UserCommand"]
    shell = shutil.which("bash") or "/bin/sh"
    return (shell, "-c", substitute(command, mounts))


def check_libraries(libraries: Sequence[str]) -> None:
    """Check that this machine's interpreter has every library of ``ThirdpartyLibs``.

    Raises:
        JobFailureError: A library is missing or has the wrong version. The local cloud does not
            install libraries for jobs.
    """
    problems = []
    for library in libraries:
        try:
            requirement = Requirement(library)
        except InvalidRequirement as error:
            problems.append(f"{library!r} is not a valid requirement ({error})")
            continue
        try:
            version = importlib.metadata.version(requirement.name)
        except importlib.metadata.PackageNotFoundError:
            problems.append(f"{library} is not installed")
            continue
        if not requirement.specifier.contains(version, prereleases=True):
            problems.append(f"{library} is required, but {version} is installed")
    if problems:
        raise JobFailureError(
            "ThirdpartyLibsMissing",
            f"{'; '.join(problems)}. Every image is this machine's interpreter "
            f"({sys.executable}): install it there, or remove it from ThirdpartyLibs.",
        )
