"""The RAM actions that a preflight uses. All are read-only.

A test compares them with the deploying role's permissions (`components.deployment_permissions`).
"""

from __future__ import annotations

__all__ = ["ACTIONS"]

ACTIONS: tuple[str, ...] = (
    "ecs:DescribeAccountAttributes",
    "ecs:DescribeAvailableResource",
    "ecs:DescribeImages",
    "ecs:DescribeInstanceTypes",
    "ecs:DescribeInstances",
    "ecs:DescribeRegions",
    "ecs:DescribeZones",
    "elasticsearch:DescribeInstance",
    "elasticsearch:GetRegionConfiguration",
    "elasticsearch:ListInstance",
    "kms:DescribeKey",
    "kms:GetKmsInstance",
    "oss:GetBucketInfo",
    "paidlc:ListEcsSpecs",
    "paiworkspace:GetWorkspace",
    "paiworkspace:ListProducts",
    "quotas:GetProductQuota",
    "ram:GetRole",
    "sts:GetCallerIdentity",
    "vpc:DescribeVSwitches",
    "yundun-cert:GetUserCertificateDetail",
)
"""Without `sts:AssumeRole`, which the preflight uses only for a role that the user names."""
