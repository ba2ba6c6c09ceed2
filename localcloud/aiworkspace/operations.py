"""The operations of AIWorkSpace that the local cloud supports, for the coverage table."""

from __future__ import annotations

from localcloud.core.operations import Operation

_ITEMS = (
    ("Workspace", "/api/v1/workspaces", "{WorkspaceId}"),
    ("Dataset", "/api/v1/datasets", "{DatasetId}"),
    ("Model", "/api/v1/models", "{ModelId}"),
    ("ModelVersion", "/api/v1/models/{ModelId}/versions", "{VersionName}"),
)
_LIST_NOTES = {
    "Workspace": "filters WorkspaceName, Status",
    "Dataset": "filters WorkspaceId, Name",
    "Model": "filters WorkspaceId, ModelName, ModelType",
    "ModelVersion": "filters VersionName, ApprovalStatus",
}
_CREATE_NOTES = {"Dataset": "data source OSS only", "Model": "no Tag"}


def _operations() -> tuple[Operation, ...]:
    found = [
        Operation(
            service="aiworkspace",
            name="ListProducts",
            api="GET /api/v1/products",
            notes="PAI_share only, which is activated unless a fault is active",
        )
    ]
    for name, path, item in _ITEMS:
        rows = (
            (f"Create{name}", f"POST {path}", _CREATE_NOTES.get(name, "")),
            (f"List{name}s", f"GET {path}", _LIST_NOTES[name]),
            (f"Get{name}", f"GET {path}/{item}", ""),
            (f"Update{name}", f"PUT {path}/{item}", ""),
            (f"Delete{name}", f"DELETE {path}/{item}", ""),
        )
        found += [
            Operation(service="aiworkspace", name=operation, api=api, notes=notes)
            for operation, api, notes in rows
        ]
    return tuple(found)


OPERATIONS: tuple[Operation, ...] = _operations()
