"""``customrag:elasticsearch:getGeneration``: whether an alias can go back to an index, and to what.

A function and not a resource: it is asked in a preview, too, so that what cannot work is refused
before anything changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pluginhost import ProviderError
from providers.clients.errors import NotFoundError
from providers.clients.oss_uri import parse_oss_uri
from providers.plugin.framework import Call, Input
from providers.plugin.generations import find_generations
from providers.plugin.search import CLUSTER_INPUTS, cluster

TOKEN: Final = "customrag:elasticsearch:getGeneration"  # noqa: S105 - a function's token

INPUTS: Final[Mapping[str, Input]] = {
    **CLUSTER_INPUTS,
    "alias": Input(kind="string", required=True),
    "indexName": Input(kind="string", required=True),
}


def get_generation(inputs: Mapping[str, Any], call: Call) -> dict[str, str]:
    """``{"indexName", "modelVersion", "modelUri"}`` of a generation that can be read again.

    Raises:
        ProviderError: There is no such generation, it never was complete, or its model is gone.
    """
    alias, name = str(inputs["alias"]), str(inputs["indexName"])
    family = find_generations(cluster(inputs, call, attempts=4), alias)
    found = next((item for item in family if item.index_name == name), None)
    if found is None or not found.served_since:
        there = ", ".join(
            f"{item.index_name} (since {item.served_since})" for item in family if item.served_since
        )
        why = "is no generation of it" if found is None else "never was complete"
        raise ProviderError(
            f"alias {alias!r} cannot go back to index {name!r}, which {why}; there are "
            f"{there or 'none'}"
        )
    version, uri = str(found.meta.get("model_version") or ""), str(found.meta.get("model_uri", ""))
    if not _has_files(uri, call):
        raise ProviderError(
            f"alias {alias!r} cannot go back to index {name!r}: the files of model {version!r}, "
            f"which made it, are not at {uri or 'any place that it names'}. Nobody could ask it."
        )
    return {"indexName": name, "modelVersion": version, "modelUri": uri}


def _has_files(uri: str, call: Call) -> bool:
    if not uri:
        return False
    try:
        return any(True for _ in call.services.oss.list(parse_oss_uri(uri)))
    except NotFoundError:
        return False
