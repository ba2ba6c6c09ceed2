"""Rules: a pull request's stack is small, and every job has a time limit.

Owns instance sizes, spot and time limits. Facts: instance type names,
https://www.alibabacloud.com/help/en/ecs/user-guide/instance-family (`large` is 2 vCPUs, `xlarge` 4,
`<n>xlarge` 4n; `c8g1` in a GPU type is 8 vCPUs and 1 GPU; read 2026-11-21).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from guardrails.policy.model import UNKNOWN, Resource, Setting, listed, resource_rule, value_at

__all__ = ["MAX_JOB_MINUTES", "MAX_PR_GPUS", "MAX_PR_VCPUS", "RULES", "gpus_of", "vcpus_of"]

MAX_PR_VCPUS = 8
MAX_PR_GPUS = 1
MAX_PR_NODES = 2
MAX_PR_DISK_GIB = 40
MAX_JOB_MINUTES = 24 * 60
_JOBS = ("customrag:pai:DlcJob", "customrag:rag:IngestRun")
_INSTANCES = (
    "alicloud:ecs/instance:Instance",
    "alicloud:ecs/ecsLaunchTemplate:EcsLaunchTemplate",
    "alicloud:ess/scalingConfiguration:ScalingConfiguration",
)
_DISK = "alicloud:ecs/ecsDisk:EcsDisk"
_SEARCH = "alicloud:elasticsearch/instance:Instance"
_NODE_GROUPS = (
    "dataNodeConfiguration",
    "masterConfiguration",
    "clientNodeConfiguration",
    "warmNodeConfiguration",
)
_SCALING_GROUP = "alicloud:ess/scalingGroup:ScalingGroup"
# GPU families whose names do not contain the number of GPUs (read 2026-11-21).
_GPU_FAMILY = re.compile(r"ecs\.(gn|vgn|sgn|ebmgn)")


def vcpus_of(spec: str) -> int | None:
    """Return the vCPUs of an instance type or node specification; None if the name has no size."""
    counted = re.search(r"-c(\d+)(?:m\d+)?g\d+", spec)
    if counted:
        return int(counted[1])
    size = re.search(r"\.(\d*)x?large(?:\.\w+)?$", spec)
    if size is None:
        small = re.search(r"\.(small|medium)$", spec)
        return {"small": 1, "medium": 2}[small[1]] if small else None
    if not size[0].lstrip(".").startswith("large") and "xlarge" in size[0]:
        return 4 * int(size[1] or 1)
    return 2


def gpus_of(spec: str) -> int:
    """Return the GPUs of an instance type; 1 if a GPU family does not contain the number."""
    counted = re.search(r"-c\d+(?:m\d+)?g(\d+)", spec)
    if counted:
        return int(counted[1])
    return 1 if _GPU_FAMILY.match(spec) else 0


def _too_big(spec: Any, where: str) -> Iterator[str]:
    if not isinstance(spec, str) or not spec:
        return
    vcpus = vcpus_of(spec)
    if vcpus is None:
        yield f"{where} is {spec!r}, whose size is unknown. Use a type with a size in its name."
    elif vcpus > MAX_PR_VCPUS or gpus_of(spec) > MAX_PR_GPUS:
        yield (
            f"{where} is {spec!r} ({vcpus} vCPUs, {gpus_of(spec)} GPUs). In a pr stack, a "
            f"machine has at most {MAX_PR_VCPUS} vCPUs and {MAX_PR_GPUS} GPU."
        )


def _too_many(value: Any, where: str, most: int) -> Iterator[str]:
    if isinstance(value, int | float) and value > most:
        yield f"{where} is {value:g}. In a pr stack it is at most {most}."


def _specs(resource: Resource) -> Sequence[Mapping[str, Any]]:
    specs = resource.inputs.get("jobSpecs")
    return [s for s in specs if isinstance(s, Mapping)] if isinstance(specs, Sequence) else []


def _instance_types(resource: Resource) -> Iterator[tuple[str, Any]]:
    """Yield each property with an instance type or an alternative to it, and its value."""
    inputs = resource.inputs
    if resource.type in _INSTANCES:
        yield "instanceType", inputs.get("instanceType")
        for value in listed(inputs.get("instanceTypes")):
            yield "instanceTypes", value
    for name in ("instanceTypeOverrides", "launchTemplateOverrides"):
        for entry in listed(inputs.get(name)):
            yield f"{name}.instanceType", value_at(entry, "instanceType")


@resource_rule("pr-stack-is-small", "In a pr stack, machines are small and few.")
def _pr_is_small(resource: Resource, setting: Setting) -> Iterator[str]:
    if setting.environment != "pr":
        return
    inputs = resource.inputs
    for where, spec in _instance_types(resource):
        yield from _too_big(spec, where)
    if resource.type in _JOBS:
        for spec in _specs(resource):
            yield from _too_big(spec.get("ecsSpec"), "jobSpecs.ecsSpec")
            yield from _too_many(spec.get("podCount"), "jobSpecs.podCount", 1)
    elif resource.type == _SEARCH:
        for group in _NODE_GROUPS:
            yield from _too_big(value_at(inputs, group, "spec"), f"{group}.spec")
            amount = value_at(inputs, group, "amount")
            yield from _too_many(amount, f"{group}.amount", MAX_PR_NODES)
            disk = value_at(inputs, group, "disk")
            yield from _too_many(disk, f"{group}.disk (GiB)", MAX_PR_DISK_GIB)
        yield from _too_many(inputs.get("zoneCount"), "zoneCount", 1)
    elif resource.type == _DISK:
        yield from _too_many(inputs.get("size"), "size (GiB)", MAX_PR_DISK_GIB)
    elif resource.type == _SCALING_GROUP:
        yield from _too_many(inputs.get("maxSize"), "maxSize", MAX_PR_NODES)


@resource_rule("pr-gpu-is-spot", "In a pr stack, GPU instances are spot instances.")
def _pr_gpus_are_spot(resource: Resource, setting: Setting) -> Iterator[str]:
    if setting.environment != "pr":
        return
    strategy = resource.inputs.get("spotStrategy")
    for _, spec in _instance_types(resource):
        # A group's overrides use the strategy of its template.
        if resource.type not in _INSTANCES or not isinstance(spec, str) or not gpus_of(spec):
            continue
        if strategy in (None, "", "NoSpot"):
            yield (
                f"{spec} is not a spot instance (spotStrategy is {strategy!r}). Set "
                "customrag:embeddingSpot to true."
            )
    if resource.type in _JOBS:
        for pod in _specs(resource):
            spec = pod.get("ecsSpec")
            if isinstance(spec, str) and gpus_of(spec) and not pod.get("useSpotInstance"):
                yield f"{spec} is not a spot instance. Set customrag:trainingSpot to true."


@resource_rule(
    "pr-stack-bills-by-the-hour",
    "In a pr stack, nothing is prepaid, because it could not be removed.",
)
def _pr_bills_by_the_hour(resource: Resource, setting: Setting) -> Iterator[str]:
    if setting.environment != "pr":
        return
    for name in ("instanceChargeType", "paymentType", "chargeType"):
        value = resource.inputs.get(name)
        if value in ("PrePaid", "Prepaid", "Subscription"):
            yield (
                f"{name} is {value!r}, which is paid for at least a month and cannot be deleted "
                "earlier. Remove it."
            )


@resource_rule(
    "job-ends", "Every training and ingest job has a time limit, or runs on spot instances.", *_JOBS
)
def _job_ends(resource: Resource, _: Setting) -> Iterator[str]:
    minutes = resource.inputs.get("maxRunningTimeMinutes")
    if minutes is UNKNOWN:
        return
    if isinstance(minutes, int | float) and 1 <= minutes <= MAX_JOB_MINUTES:
        return
    specs = _specs(resource)
    if specs and all(spec.get("useSpotInstance") for spec in specs):
        return
    yield (
        f"maxRunningTimeMinutes is {minutes!r}, and the job does not use spot instances. It "
        f"must be 1 to {MAX_JOB_MINUTES}, which limits the cost of a hung job."
    )


RULES = (
    _pr_is_small,
    _pr_gpus_are_spot,
    _pr_bills_by_the_hour,
    _job_ends,
)
