"""The RAM actions that a preflight takes. Each of them only looks.

Held against what may be done by whoever deploys (`components.deployment_permissions`) in a test.
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
"""Without `sts:AssumeRole`, which is only taken for a role that is named to be tried."""
