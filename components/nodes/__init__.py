"""A node that runs one service: the embedding service on a GPU, or the chat application."""

from components.nodes.data_disk import DataDisk
from components.nodes.node import (
    SYSTEM_DISK_GIB,
    Code,
    Machine,
    Placement,
    ServiceArgs,
    ServiceNode,
    ServiceNodeArgs,
    service_user_data,
)
from components.nodes.user_data import LogAgent, MountedDisk, render_user_data

__all__ = [
    "SYSTEM_DISK_GIB",
    "Code",
    "DataDisk",
    "LogAgent",
    "Machine",
    "MountedDisk",
    "Placement",
    "ServiceArgs",
    "ServiceNode",
    "ServiceNodeArgs",
    "render_user_data",
    "service_user_data",
]
