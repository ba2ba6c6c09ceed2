"""``getGeneration`` of both engines: checks whether an alias can go back to an index.

It is a function and not a resource, because it also runs in a preview. So an impossible rollback
fails before anything changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from pluginhost import ProviderError
from providers.clients.errors import NotFoundError
from providers.clients.oss_uri import parse_oss_uri
from providers.declaration import inputs_of
from providers.opensearch import GenerationArgs
from providers.plugin.framework import Call, Values
from providers.plugin.generations import find_generations
from providers.plugin.opensearch_cluster import opensearch
from providers.plugin.search import Connect, cluster
from providers.search import IndexGenerationArgs

__all__ = ["CONNECTS", "INPUTS", "get_generation"]

INPUTS: Final = MappingProxyType(
    {args.token: inputs_of(args) for args in (IndexGenerationArgs, GenerationArgs)}
)
"""The inputs of each function, by its token."""

CONNECTS: Final[Mapping[str, Connect]] = MappingProxyType(
    {IndexGenerationArgs.token: cluster, GenerationArgs.token: opensearch}
)
"""What connects to the cluster of each function."""


def get_generation(token: str, inputs: Values, call: Call) -> dict[str, str]:
    """Return ``{"indexName", "modelVersion", "modelUri"}`` of a generation that can be used again.

    Args:
        token: One of `INPUTS`.
        inputs: Its inputs.
        call: The operation of the engine.

    Raises:
        ProviderError: It does not exist, was never complete, or its model is gone.
    """
    alias, name = str(inputs["alias"]), str(inputs["indexName"])
    family = find_generations(CONNECTS[token](inputs, call, attempts=4), alias)
    found = next((item for item in family if item.index_name == name), None)
    if found is None or not found.served_since:
        there = ", ".join(
            f"{item.index_name} (since {item.served_since})" for item in family if item.served_since
        )
        why = "is not one of its generations" if found is None else "was never complete"
        raise ProviderError(
            f"alias {alias!r} cannot go back to index {name!r}, which {why}. Choose one of these: "
            f"{there or '(no index was ever complete)'}"
        )
    version, uri = str(found.meta.get("model_version") or ""), str(found.meta.get("model_uri", ""))
    if not _has_files(uri, call):
        raise ProviderError(
            f"alias {alias!r} cannot go back to index {name!r}, because the files of its model "
            f"{version!r} are not at {uri or 'any place that the index names'}. Restore them, or "
            "choose another index."
        )
    return {"indexName": name, "modelVersion": version, "modelUri": uri}


def _has_files(uri: str, call: Call) -> bool:
    if not uri:
        return False
    try:
        return any(True for _ in call.services.oss.list(parse_oss_uri(uri)))
    except NotFoundError:
        return False
