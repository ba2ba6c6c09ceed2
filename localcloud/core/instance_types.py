"""Instance types of the local cloud, for ECS instances and the pods of DLC jobs.

A small part of the cloud's offer, enough for the program and its alternatives. vCPUs, GiB and GPUs
follow from the published naming of the families (https://www.alibabacloud.com/help/en/ecs/
user-guide/overview-of-instance-families: ``c<vCPUs>g<GPUs>``; ``large`` is 2 vCPUs, ``xlarge`` 4;
g families have 4 GiB per vCPU, c families 2, r families 8). Assumed: every region offers them all.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class InstanceType:
    """One instance type.

    Attributes:
        name: Such as ``ecs.g7.large``.
        cpu: Number of vCPUs.
        memory_gib: Memory in GiB.
        gpu: Number of GPUs.
        gpu_type: NVIDIA's name of the GPU; empty without one.
        gpu_memory_gib: Memory of each GPU in GiB.
    """

    name: str
    cpu: int
    memory_gib: int
    gpu: int = 0
    gpu_type: str = ""
    gpu_memory_gib: int = 0


def _cpu(family: str, gib_per_cpu: int) -> tuple[InstanceType, ...]:
    sizes = {"large": 2, "xlarge": 4, "2xlarge": 8, "4xlarge": 16, "8xlarge": 32}
    return tuple(
        InstanceType(f"ecs.{family}.{size}", cpu, cpu * gib_per_cpu) for size, cpu in sizes.items()
    )


_TYPES = (
    InstanceType("ecs.gn7i-c8g1.2xlarge", 8, 30, 1, "NVIDIA A10", 24),
    InstanceType("ecs.gn7i-c16g1.4xlarge", 16, 60, 1, "NVIDIA A10", 24),
    InstanceType("ecs.gn7i-c32g1.8xlarge", 32, 188, 1, "NVIDIA A10", 24),
    InstanceType("ecs.gn7i-c32g1.16xlarge", 64, 376, 2, "NVIDIA A10", 24),
    InstanceType("ecs.gn7i-c32g1.32xlarge", 128, 752, 4, "NVIDIA A10", 24),
    InstanceType("ecs.gn6i-c4g1.xlarge", 4, 15, 1, "NVIDIA T4", 16),
    InstanceType("ecs.gn6i-c8g1.2xlarge", 8, 31, 1, "NVIDIA T4", 16),
    InstanceType("ecs.gn6v-c8g1.2xlarge", 8, 32, 1, "NVIDIA V100", 16),
    *_cpu("g6", 4),
    *_cpu("g7", 4),
    *_cpu("g8i", 4),
    *_cpu("c6", 2),
    *_cpu("c7", 2),
    *_cpu("r7", 8),
)

INSTANCE_TYPES: dict[str, InstanceType] = {spec.name: spec for spec in _TYPES}
"""Every known instance type by name."""
