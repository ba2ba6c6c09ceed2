"""The operations of AIWorkSpace that the local cloud supports, for the coverage table."""

from __future__ import annotations

from localcloud.core.operations import Operation

OPERATIONS: tuple[Operation, ...] = (
    Operation(
        service="aiworkspace",
        name="ListProducts",
        api="GET /api/v1/products",
        notes="PAI_share only, which is activated unless a fault is active",
    ),
    Operation(
        service="aiworkspace",
        name="ListWorkspaces",
        api="GET /api/v1/workspaces",
        notes="filter WorkspaceName; in one page",
    ),
    Operation(
        service="aiworkspace",
        name="GetWorkspace",
        api="GET /api/v1/workspaces/{WorkspaceId}",
        notes="only the alicloud plugin creates workspaces, datasets and models",
    ),
)
