"""The generations of an alias: the indices that it points to, pointed to, or will point to.

Owns how to recognise a generation among the indices of a cluster, and which ones are surplus. The
``_meta`` in an index's mapping names its alias (``generation_of``) and the time when the alias last
moved to it (``served_since``). Nothing is stored elsewhere, so an interrupted update cannot leave a
wrong record behind. Does not own the moves (``index_alias``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from providers.clients.errors import NotFoundError
from providers.plugin.search import SearchCluster

__all__ = [
    "CHANGEABLE",
    "delete_index",
    "find_generations",
    "is_served",
    "marked",
    "served_now",
    "surplus",
    "write_meta",
]

_FAMILY: Final = "generation_of"
_SERVED: Final = "served_since"
# Where the files and the service of an index's model are, and how much its vectors, its token
# vectors and its cross-encoder weigh. These may change while the index stays. The other declared
# values of `_meta` describe its content.
CHANGEABLE: Final = (
    "cross_encoder_weight",
    "embedding_urls",
    "model_uri",
    "rerank_weight",
    "search_weight",
)


@dataclass(frozen=True, kw_only=True)
class Generation:
    """One index of a family.

    Attributes:
        index_name: The index.
        meta: Its mapping's ``_meta``.
    """

    index_name: str
    meta: Mapping[str, Any]

    @property
    def served_since(self) -> str:
        """The time in UTC when the alias last moved to it; empty if it never did."""
        return str(self.meta.get(_SERVED) or "")

    def shown(self) -> dict[str, str]:
        """Return its description for an output."""
        return {
            "index_name": self.index_name,
            "model_version": str(self.meta.get("model_version") or ""),
            "served_since": self.served_since,
        }


def marked(
    declared: Mapping[str, Any] | None, present: Mapping[str, Any], alias: str | None
) -> dict[str, Any]:
    """Return the ``_meta`` of an index: the declared values, and the mark of `alias`."""
    meta = dict(declared or {})
    if alias:
        meta[_FAMILY] = alias
        if present.get(_SERVED):
            meta[_SERVED] = present[_SERVED]
    return meta


def served_now(meta: Mapping[str, Any], alias: str) -> dict[str, Any]:
    """Return the ``_meta`` of an index that the alias moves to now."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    return {**meta, _FAMILY: alias, _SERVED: now.replace("+00:00", "Z")}


def is_served(meta: Mapping[str, Any]) -> bool:
    """Return whether the alias ever pointed to an index with this ``_meta``."""
    return bool(meta.get(_SERVED))


def find_generations(search: SearchCluster, alias: str) -> list[Generation]:
    """Return every index marked as a generation of the alias, the latest first."""
    pattern = f"{alias}-*"
    try:
        found = search.ask(
            f"GetMapping {pattern}", lambda: search.client.indices.get_mapping(index=pattern)
        )
    except NotFoundError:
        return []
    metas = {name: body["mappings"].get("_meta") or {} for name, body in dict(found).items()}
    family = [
        Generation(index_name=name, meta=meta)
        for name, meta in sorted(metas.items())
        if meta.get(_FAMILY) == alias
    ]
    return sorted(family, key=lambda item: item.served_since, reverse=True)


def surplus(shown: Sequence[Mapping[str, str]], index_name: str, keep: int) -> list[str]:
    """Return the generations to delete.

    Args:
        shown: The results of `Generation.shown`, in any order.
        index_name: The index that the alias points to; it stays.
        keep: How many others stay; the latest are kept. An index that the alias never pointed to is
            a leftover of an abandoned update.
    """
    others = [item for item in shown if item["index_name"] != index_name]
    served = [item for item in others if item["served_since"]]
    served.sort(key=lambda item: item["served_since"], reverse=True)
    stay = {item["index_name"] for item in served[:keep]}
    return sorted(item["index_name"] for item in others if item["index_name"] not in stay)


def write_meta(search: SearchCluster, index_name: str, meta: Mapping[str, Any]) -> None:
    """Replace an index's ``_meta``."""
    search.ask(
        f"PutMapping {index_name}",
        lambda: search.client.indices.put_mapping(index=index_name, body={"_meta": dict(meta)}),
    )


def delete_index(search: SearchCluster, index_name: str) -> None:
    """Delete an index; succeed if it does not exist."""
    try:
        search.ask(
            f"DeleteIndex {index_name}", lambda: search.client.indices.delete(index=index_name)
        )
    except NotFoundError:
        return
