"""Addresses of the APIs that a preflight calls. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["EdgePlace", "Endpoints"]


@dataclass(frozen=True, kw_only=True)
class Endpoints:
    """URL of each API."""

    sts: str
    ram: str
    quotas: str
    ecs: str
    vpc: str
    dlc: str
    aiworkspace: str
    elasticsearch: str
    kms: str
    cas: str
    oss: str
    cloudflare: str

    @classmethod
    def of_region(cls, region_id: str) -> Endpoints:
        """Return the public endpoints of a region.

        Endpoint rules as https://api.alibabacloud.com shows them (service regions), read
        2026-11-21: RAM, Quota Center and the certificate service are central.
        """
        return cls(
            sts=f"https://sts.{region_id}.aliyuncs.com",
            ram="https://ram.aliyuncs.com",
            quotas="https://quotas.aliyuncs.com",
            ecs=f"https://ecs.{region_id}.aliyuncs.com",
            vpc=f"https://vpc.{region_id}.aliyuncs.com",
            dlc=f"https://pai-dlc.{region_id}.aliyuncs.com",
            aiworkspace=f"https://aiworkspace.{region_id}.aliyuncs.com",
            elasticsearch=f"https://elasticsearch.{region_id}.aliyuncs.com",
            kms=f"https://kms.{region_id}.aliyuncs.com",
            cas="https://cas.aliyuncs.com",
            oss=f"https://oss-{region_id}.aliyuncs.com",
            cloudflare="https://api.cloudflare.com/client/v4",
        )

    @classmethod
    def of_platform(cls, platform: Mapping[str, Any]) -> Endpoints:
        """Return the endpoints of a local cloud, from its `platform.json`."""
        api, oss = platform["endpoints"]["api"], platform["endpoints"]["oss"]
        own = {"oss": oss, "cloudflare": f"{api}/client/v4"}
        return cls(**{name: own.get(name, api) for name in cls.__dataclass_fields__})


@dataclass(frozen=True, kw_only=True)
class EdgePlace:
    """The place of an edge at Cloudflare.

    Attributes:
        account_id: The Cloudflare account.
        zone_id: The zone of the edge's hostname.
        host: The edge's hostname.
    """

    account_id: str
    zone_id: str
    host: str
