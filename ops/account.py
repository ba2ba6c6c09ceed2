"""The account that a stack's resources are in, for the rooms of `ops`.

Owns endpoints and credentials by region: the cloud's, or those of the local cloud that a rehearsal
runs on (`platform.json` in its home). Owns no operation.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from guardrails.endpoints import endpoints_of_platform, endpoints_of_region
from providers.clients.credentials import Credentials, credentials_provider
from providers.clients.generic import GenericClient
from providers.clients.retries import Retries

__all__ = ["Account", "account_in"]

_LOCAL_SECONDS = 120.0


@dataclass(frozen=True, kw_only=True)
class Account:
    """One account in one region.

    Attributes:
        region_id: The region.
        credentials: The caller's.
        endpoints: URL of the API of each service.
        platform: The local cloud's platform file; empty in the cloud.
    """

    region_id: str
    credentials: Credentials
    endpoints: Mapping[str, str]
    platform: Mapping[str, Any]

    def client(self, service: str) -> GenericClient:
        """Return a client for operations by name; it retries when the service is busy."""
        return GenericClient(
            self.endpoints[service], self.region_id, self.credentials, retries=Retries()
        )

    def local_resources(self) -> list[dict[str, str]]:
        """Return every resource of a stack that the local cloud still holds.

        Raises:
            httpx.HTTPError: It does not answer.
            OSError: It refuses.
        """
        reply = httpx.get(
            f"{self.platform['endpoints']['api']}/_local/resources",
            headers={"X-Local-Secret": self.platform["access_key_secret"]},
            timeout=_LOCAL_SECONDS,
            trust_env=False,
        )
        if reply.is_error:
            raise OSError(f"the local cloud refused to list its resources: {reply.text[:500]!r}")
        found: list[dict[str, str]] = reply.json()["resources"]
        return found


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
        return Account(
            region_id=region_id,
            credentials=credentials_provider(),
            endpoints=endpoints_of_region(region_id),
            platform={},
        )
    platform = json.loads(file.read_text(encoding="utf-8"))
    return Account(
        region_id=region_id,
        credentials=credentials_provider(platform["access_key_id"], platform["access_key_secret"]),
        endpoints=endpoints_of_platform(platform),
        platform=platform,
    )
