"""Instance types that ``ListEcsSpecs`` tells and ``CreateJob`` takes.

A small part of what PAI offers, enough for the program and its alternatives. vCPUs, GiB and GPUs
follow from the published family naming (https://www.alibabacloud.com/help/en/ecs/user-guide/
overview-of-instance-families: ``c<vCPUs>g<GPUs>``; ``large`` is 2 vCPUs, ``xlarge`` 4; g families
have 4 GiB a vCPU, c families 2). That each is offered in every region of PAI is assumed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class EcsSpec:
    """One instance type.

    Attributes:
        instance_type: Its name.
        cpu: vCPUs.
        memory_gib: Memory in GiB.
        gpu: Number of GPUs.
        gpu_type: NVIDIA's name; empty without a GPU.
        gpu_memory_gib: Of each GPU, in GiB.
    """

    instance_type: str
    cpu: int
    memory_gib: int
    gpu: int = 0
    gpu_type: str = ""
    gpu_memory_gib: int = 0

    def describe(self) -> dict[str, Any]:
        """As ``ListEcsSpecs`` answers."""
        return {
            "InstanceType": self.instance_type,
            "AcceleratorType": "GPU" if self.gpu else "CPU",
            "Cpu": self.cpu,
            "Memory": self.memory_gib,
            "Gpu": self.gpu,
            "GpuType": self.gpu_type,
            "GpuMemory": self.gpu_memory_gib,
            "IsAvailable": True,
            "ResourceType": "ECS",
            "PaymentTypes": ["PostPaid", "Spot"],
            "SpotStockStatus": "WithStock",
        }


def _gpu(name: str, cpu: int, memory_gib: int, gpu: int, kind: str, gib: int) -> EcsSpec:
    return EcsSpec(
        instance_type=name,
        cpu=cpu,
        memory_gib=memory_gib,
        gpu=gpu,
        gpu_type=kind,
        gpu_memory_gib=gib,
    )


def _cpu(family: str, gib_per_cpu: int) -> tuple[EcsSpec, ...]:
    sizes = {"large": 2, "xlarge": 4, "2xlarge": 8, "4xlarge": 16, "8xlarge": 32}
    return tuple(
        EcsSpec(instance_type=f"ecs.{family}.{size}", cpu=cpu, memory_gib=cpu * gib_per_cpu)
        for size, cpu in sizes.items()
    )


_SPECS = (
    _gpu("ecs.gn7i-c8g1.2xlarge", 8, 30, 1, "NVIDIA A10", 24),
    _gpu("ecs.gn7i-c16g1.4xlarge", 16, 60, 1, "NVIDIA A10", 24),
    _gpu("ecs.gn7i-c32g1.8xlarge", 32, 188, 1, "NVIDIA A10", 24),
    _gpu("ecs.gn7i-c32g1.16xlarge", 64, 376, 2, "NVIDIA A10", 24),
    _gpu("ecs.gn7i-c32g1.32xlarge", 128, 752, 4, "NVIDIA A10", 24),
    _gpu("ecs.gn6i-c4g1.xlarge", 4, 15, 1, "NVIDIA T4", 16),
    _gpu("ecs.gn6i-c8g1.2xlarge", 8, 31, 1, "NVIDIA T4", 16),
    _gpu("ecs.gn6v-c8g1.2xlarge", 8, 32, 1, "NVIDIA V100", 16),
    *_cpu("g6", 4),
    *_cpu("g7", 4),
    *_cpu("g8i", 4),
    *_cpu("c6", 2),
    *_cpu("c7", 2),
    *_cpu("r7", 8),
)

ECS_SPECS: dict[str, EcsSpec] = {spec.instance_type: spec for spec in _SPECS}
"""Every known instance type by name."""
