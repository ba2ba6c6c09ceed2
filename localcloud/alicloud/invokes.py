"""The data sources of the local ``alicloud`` plugin. Pure.

Owns account, regions and zones; every other invoke is refused by name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from localcloud.core.home import Platform
from pluginhost import ProviderError

_Answer = Callable[[Mapping[str, Any], Platform], dict[str, Any]]


def _account(arguments: Mapping[str, Any], platform: Platform) -> dict[str, Any]:
    _refuse_others("getAccount", arguments, ())
    return {"id": platform.account_id}


def _regions(arguments: Mapping[str, Any], platform: Platform) -> dict[str, Any]:
    _refuse_others("getRegions", arguments, ("current", "name"))
    region_id = platform.region_id
    listed = arguments.get("name") in (None, region_id)
    region = {
        "id": region_id,
        "regionId": region_id,
        "localName": region_id,
        "regionEndpoint": platform.endpoints["api"],
    }
    return {
        "id": region_id,
        "current": bool(arguments.get("current", False)),
        "ids": [region_id] if listed else [],
        "regions": [region] if listed else [],
    }


def _zones(arguments: Mapping[str, Any], platform: Platform) -> dict[str, Any]:
    _refuse_others("getZones", arguments, ("availableResourceCreation", "multi", "enableDetails"))
    zone_ids = list(platform.zone_ids)
    zones = [{"id": zone_id, "localName": zone_id, "multiZoneIds": []} for zone_id in zone_ids]
    return {"id": platform.region_id, "ids": zone_ids, "zones": zones, "multi": False}


_ANSWERS: dict[str, _Answer] = {
    "alicloud:index/getAccount:getAccount": _account,
    "alicloud:index/getRegions:getRegions": _regions,
    "alicloud:index/getZones:getZones": _zones,
}


def _refuse_others(name: str, arguments: Mapping[str, Any], allowed: tuple[str, ...]) -> None:
    refused = sorted(
        key for key, value in arguments.items() if value is not None and key not in allowed
    )
    if refused:
        raise ProviderError(
            f"{name}: arguments {refused} are not supported by the local cloud; allowed: "
            f"{list(allowed)}"
        )


def answer(token: str, arguments: Mapping[str, Any], platform: Platform) -> dict[str, Any]:
    """Return the result of a data source.

    Raises:
        ProviderError: The data source or an argument is not supported.
    """
    function = _ANSWERS.get(token)
    if function is None:
        raise ProviderError(
            f"{token} is not supported by the local cloud; supported are "
            + ", ".join(sorted(_ANSWERS))
        )
    return function(arguments, platform)
