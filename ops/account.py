"""The account that a stack's resources are in, for the rooms of `ops`.

Owns endpoints and credentials by region: the cloud's, by its rule, or those of the local cloud that
a rehearsal runs on (`platform.json` in its home). Owns no operation.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from providers.clients.credentials import Credentials, credentials_provider
from providers.clients.generic import GenericClient
from providers.clients.retries import Retries

__all__ = ["Account", "account_in"]

# Endpoint rules as https://api.alibabacloud.com shows them (service regions), read 2026-11-21; that
# the Tag service has one in every region is assumed.
_ENDPOINTS: Mapping[str, str] = {
    "tag": "tag.{region}.aliyuncs.com",
    "ecs": "ecs.{region}.aliyuncs.com",
    "dlc": "pai-dlc.{region}.aliyuncs.com",
    "aiworkspace": "aiworkspace.{region}.aliyuncs.com",
    "kms": "kms.{region}.aliyuncs.com",
    "oss": "https://oss-{region}.aliyuncs.com",
}
_LOCAL_SECONDS = 30.0


@dataclass(frozen=True, kw_only=True)
class Account:
    """One account in one region.

    Attributes:
        region_id: The region.
        credentials: The caller's.
        platform: The local cloud's platform file; empty in the cloud.
    """

    region_id: str
    credentials: Credentials
    platform: Mapping[str, Any]

    def endpoint(self, service: str) -> str:
        """Return the address of a service of `_ENDPOINTS`."""
        if self.platform:
            endpoints: Mapping[str, str] = self.platform["endpoints"]
            return endpoints.get(service, endpoints["api"])
        return _ENDPOINTS[service].format(region=self.region_id)

    def client(self, service: str) -> GenericClient:
        """Return a client for operations by name; it retries when the service is busy."""
        return GenericClient(
            self.endpoint(service), self.region_id, self.credentials, retries=Retries()
        )

    def local_resources(self) -> list[dict[str, str]]:
        """Return every resource of a stack that the local cloud still holds.

        Raises:
            OSError: It does not answer, or it refuses.
        """
        address = urlsplit(self.platform["endpoints"]["api"])
        connection = HTTPConnection(str(address.hostname), address.port, timeout=_LOCAL_SECONDS)
        try:
            secret = {"X-Local-Secret": self.platform["access_key_secret"]}
            connection.request("GET", "/_local/resources", headers=secret)
            response = connection.getresponse()
            body = response.read()
            if response.status != HTTPStatus.OK:
                raise OSError(f"the local cloud refused to list its resources: {body[:500]!r}")
            found: list[dict[str, str]] = json.loads(body)["resources"]
            return found
        finally:
            connection.close()


def account_in(region_id: str, home: Path | None = None) -> Account:
    """Return the account in a region.

    Args:
        region_id: The region.
        home: A rehearsal's home; by default the one that CUSTOMRAG_HOME names, if it has a local
            cloud. Without either it is the real cloud, with the default chain of credentials.
    """
    home = home or Path(os.environ.get("CUSTOMRAG_HOME") or os.devnull)
    file = home / "platform.json"
    if not file.is_file():
        return Account(region_id=region_id, credentials=credentials_provider(), platform={})
    platform = json.loads(file.read_text(encoding="utf-8"))
    return Account(
        region_id=region_id,
        credentials=credentials_provider(platform["access_key_id"], platform["access_key_secret"]),
        platform=platform,
    )
