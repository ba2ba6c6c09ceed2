"""The kinds of AIWorkSpace entities: fields, rules and error codes. Data and pure checks.

Field names follow the API (https://api.aliyun.com/document/AIWorkSpace/2021-02-04, read 2026-11).
The codes of a missing workspace and dataset follow the source of the Terraform provider; the others
are assumed, in the same format.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from localcloud.core.errors import CloudError, not_supported

INVALID = "100600002"
_ENTITY_NAME = re.compile(r"[A-Za-z0-9\u4e00-\u9fff_.][^\s]{0,126}")
_MAX_METRICS_BYTES = 8192


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of entity.

    Attributes:
        name: The name in messages, such as ``Model``.
        id_field: The field of its id.
        changeable: Fields that an update can change.
        not_found: The error code if the entity does not exist.
        defaults: Fields that the cloud fills in.
        check: Checks the given fields, and raises ``CloudError`` if the cloud refuses them.
        unique: Fields whose combination must be unique; may be empty.
    """

    name: str
    id_field: str
    changeable: frozenset[str]
    not_found: str
    defaults: Mapping[str, Any] = field(default_factory=dict)
    check: Callable[[Mapping[str, Any]], None] = lambda _: None
    unique: tuple[str, ...] = ()


def _check_workspace(given: Mapping[str, Any]) -> None:
    if len(given.get("Description", "")) > 80:
        raise CloudError(
            INVALID,
            f"Description has {len(given['Description'])} characters; at most 80 are allowed.",
        )
    types = given.get("EnvTypes")
    if types is not None and sorted(types) not in (["prod"], ["dev", "prod"]):
        raise CloudError(INVALID, f'EnvTypes is {types!r}; it must be ["prod"] or ["dev", "prod"].')


def _check_name(given: Mapping[str, Any], name: str) -> None:
    value = given.get(name)
    if value is not None and _ENTITY_NAME.fullmatch(value) is None:
        raise CloudError(
            INVALID, f"{name} is {value!r}; it must have 1 to 127 characters without spaces."
        )


def _check_dataset(given: Mapping[str, Any]) -> None:
    _check_name(given, "Name")
    source = given.get("DataSourceType", "OSS")
    if source != "OSS":
        raise not_supported(f"DataSourceType {source!r}", "use OSS")
    uri = given.get("Uri")
    if uri is not None and not str(uri).startswith("oss://"):
        raise CloudError(INVALID, f"Uri is {uri!r}; it must be oss://bucket.endpoint/path.")


def _check_model(given: Mapping[str, Any]) -> None:
    _check_name(given, "ModelName")


def _check_version(given: Mapping[str, Any]) -> None:
    version_name = given.get("VersionName")
    if version_name is not None and re.fullmatch(r"\d+\.\d+\.\d+", version_name) is None:
        raise CloudError(
            INVALID, f"VersionName is {version_name!r}; it must be x.y.z, such as 0.1.0."
        )
    size = len(json.dumps(given.get("Metrics", {})).encode())
    if size > _MAX_METRICS_BYTES:
        raise CloudError(
            INVALID, f"Metrics has {size} bytes; at most {_MAX_METRICS_BYTES} are allowed."
        )


WORKSPACE = Kind(
    name="Workspace",
    id_field="WorkspaceId",
    changeable=frozenset({"Description", "DisplayName"}),
    not_found="100400027",
    defaults={"Status": "ENABLED", "IsDefault": False, "ResourceGroupId": "rg-default"},
    check=_check_workspace,
    unique=("WorkspaceName",),
)
_DATASET_CHANGEABLE = frozenset({"Name", "Description", "Options", "Accessibility"})
DATASET = Kind(
    name="Dataset",
    id_field="DatasetId",
    changeable=_DATASET_CHANGEABLE,
    not_found="201300003",
    defaults={"Accessibility": "PRIVATE", "DataType": "COMMON", "SourceType": "USER"},
    check=_check_dataset,
    unique=("WorkspaceId", "Name"),
)
_MODEL_CHANGEABLE = frozenset(
    {
        *("Accessibility", "Domain", "ExtraInfo", "ModelDescription", "ModelDoc", "ModelName"),
        *("ModelType", "OrderNumber", "Origin", "ParameterSize", "Task"),
    }
)
MODEL = Kind(
    name="Model",
    id_field="ModelId",
    changeable=_MODEL_CHANGEABLE,
    not_found="201400001",
    defaults={"Accessibility": "PRIVATE"},
    check=_check_model,
    unique=("WorkspaceId", "ModelName"),
)
_VERSION_CHANGEABLE = frozenset(
    {
        *("ApprovalStatus", "CompressionSpec", "DistillationSpec", "EvaluationSpec", "ExtraInfo"),
        *("InferenceSpec", "Metrics", "Options", "SourceId", "SourceType", "TrainingSpec"),
        "VersionDescription",
    }
)
VERSION = Kind(
    name="ModelVersion",
    id_field="VersionName",
    changeable=_VERSION_CHANGEABLE,
    not_found="201400011",
    defaults={"ApprovalStatus": "Pending", "SourceType": "Custom"},
    check=_check_version,
)
