"""URLs of the APIs that the preflight and `ops` call. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

__all__ = ["endpoints_of_platform", "endpoints_of_region"]

# Endpoint rules as https://api.alibabacloud.com shows them (service regions), read 2026-11-21: RAM,
# Quota Center and the certificate service are central. That the Tag service is in every region is
# assumed.
_CLOUD: Mapping[str, str] = MappingProxyType(
    {
        "sts": "https://sts.{region}.aliyuncs.com",
        "ram": "https://ram.aliyuncs.com",
        "quotas": "https://quotas.aliyuncs.com",
        "tag": "https://tag.{region}.aliyuncs.com",
        "ecs": "https://ecs.{region}.aliyuncs.com",
        "vpc": "https://vpc.{region}.aliyuncs.com",
        "dlc": "https://pai-dlc.{region}.aliyuncs.com",
        "aiworkspace": "https://aiworkspace.{region}.aliyuncs.com",
        "elasticsearch": "https://elasticsearch.{region}.aliyuncs.com",
        "kms": "https://kms.{region}.aliyuncs.com",
        "cas": "https://cas.aliyuncs.com",
        "oss": "https://oss-{region}.aliyuncs.com",
        "cloudflare": "https://api.cloudflare.com/client/v4",
    }
)


def endpoints_of_region(region_id: str) -> dict[str, str]:
    """Return the public endpoint of each service in a region."""
    return {service: url.format(region=region_id) for service, url in _CLOUD.items()}


def endpoints_of_platform(platform: Mapping[str, Any]) -> dict[str, str]:
    """Return the endpoint of each service of a local cloud, from its `platform.json`."""
    api, oss = platform["endpoints"]["api"], platform["endpoints"]["oss"]
    return {**dict.fromkeys(_CLOUD, api), "oss": oss, "cloudflare": f"{api}/client/v4"}
