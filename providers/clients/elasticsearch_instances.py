"""Elasticsearch instances as the service manages them: whether they exist, automatic snapshots.

Owns calls to Elasticsearch 2017-06-13 that no Pulumi resource makes. What is inside a cluster is
``providers.clients.elasticsearch``'s. Source:
https://help.aliyun.com/zh/es/developer-reference/api-elasticsearch-2017-06-13-updatesnapshotsetting,
.../-describesnapshotsetting and .../-describeinstance (read 2026-11-21).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from .errors import NotFoundError
from .generic import GenericClient

__all__ = ["ElasticsearchInstancesClient", "SnapshotSetting"]

VERSION: Final = "2017-06-13"
_INSTANCES: Final = "/openapi/instances"


@dataclass(frozen=True, kw_only=True)
class SnapshotSetting:
    """Whether snapshots are taken, and when (Quartz)."""

    enable: bool
    schedule: str = ""


class ElasticsearchInstancesClient:
    """The service behind one endpoint.

    Args:
        client: Calls its operations.
    """

    def __init__(self, client: GenericClient) -> None:
        self._client = client

    def exists(self, instance_id: str) -> bool:
        """Return whether there is such an instance, whatever its state (DescribeInstance)."""
        path = f"{_INSTANCES}/{quote(instance_id, safe='')}"
        try:
            self._client.roa("DescribeInstance", VERSION, "GET", path)
        except NotFoundError:
            return False
        return True

    def snapshot_setting(self, instance_id: str) -> SnapshotSetting:
        """Return the instance's setting (DescribeSnapshotSetting).

        Raises:
            NotFoundError: There is no such instance.
        """
        body = self._client.roa("DescribeSnapshotSetting", VERSION, "GET", _path(instance_id))
        result: dict[str, Any] = body.get("Result") or {}
        # The reference shows both spellings: Enable in the model, enable in the example.
        plain = {key.lower(): value for key, value in result.items()}
        return SnapshotSetting(
            enable=bool(plain.get("enable")), schedule=str(plain.get("quartzregex") or "")
        )

    def set_snapshots(self, instance_id: str, setting: SnapshotSetting) -> None:
        """Change the instance's setting (UpdateSnapshotSetting); it may be called twice.

        Raises:
            NotFoundError: There is no such instance.
        """
        body: dict[str, Any] = {"enable": setting.enable}
        if setting.schedule:
            body["quartzRegex"] = setting.schedule
        self._client.roa("UpdateSnapshotSetting", VERSION, "POST", _path(instance_id), body=body)


def _path(instance_id: str) -> str:
    return f"{_INSTANCES}/{quote(instance_id, safe='')}/snapshot-setting"
