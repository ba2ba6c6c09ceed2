"""The generations of an alias: the indexes that it names, named, or is about to name.

Owns: how a generation is told from any other index of a cluster, and which are too many. An index
says itself, in its mapping's ``_meta``, whose generation it is (``generation_of``) and since when
it is, or when it last began to be, what the alias names (``served_since``). Nothing is remembered
elsewhere, so an update that was cut off leaves nothing to be out of step with. Does not own the
moves (``index_alias``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from providers.clients.errors import NotFoundError
from providers.plugin.search import SearchCluster

_FAMILY: Final = "generation_of"
_SERVED: Final = "served_since"
# Where an index's model lies and answers: it may change under an index. All else that is declared
# of `_meta` says what is in it.
WHEREABOUTS: Final = ("embedding_urls", "model_uri")


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
        """When the alias came to name it last, in UTC; empty if it never did."""
        return str(self.meta.get(_SERVED) or "")

    def shown(self) -> dict[str, str]:
        """What an output tells of it."""
        return {
            "index_name": self.index_name,
            "model_version": str(self.meta.get("model_version") or ""),
            "served_since": self.served_since,
        }


def marked(
    declared: Mapping[str, Any] | None, present: Mapping[str, Any], alias: str | None
) -> dict[str, Any]:
    """The ``_meta`` of an index: what is declared, and what makes it a generation of `alias`."""
    meta = dict(declared or {})
    if alias:
        meta[_FAMILY] = alias
        if present.get(_SERVED):
            meta[_SERVED] = present[_SERVED]
    return meta


def served_now(meta: Mapping[str, Any], alias: str) -> dict[str, Any]:
    """The ``_meta`` of an index that the alias comes to name."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    return {**meta, _FAMILY: alias, _SERVED: now.replace("+00:00", "Z")}


def is_served(meta: Mapping[str, Any]) -> bool:
    """Whether the alias ever named an index with this ``_meta``."""
    return bool(meta.get(_SERVED))


def find_generations(search: SearchCluster, alias: str) -> list[Generation]:
    """Every index that says it is a generation of the alias, the one last served first."""
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
    """Which generations are to go.

    Args:
        shown: What there is, as `Generation.shown`, in any order.
        index_name: What the alias names; it stays.
        keep: So many others stay: those that were served last. What never was served is what an
            update began and another gave up.
    """
    others = [item for item in shown if item["index_name"] != index_name]
    served = [item for item in others if item["served_since"]]
    served.sort(key=lambda item: item["served_since"], reverse=True)
    stay = {item["index_name"] for item in served[:keep]}
    return sorted(item["index_name"] for item in others if item["index_name"] not in stay)


def write_meta(search: SearchCluster, index_name: str, meta: Mapping[str, Any]) -> None:
    """Make this an index's ``_meta``, all of it."""
    search.ask(
        f"PutMapping {index_name}",
        lambda: search.client.indices.put_mapping(index=index_name, meta=dict(meta)),
    )


def delete_index(search: SearchCluster, index_name: str) -> None:
    """Delete an index; that it is not there is success."""
    try:
        search.ask(
            f"DeleteIndex {index_name}", lambda: search.client.indices.delete(index=index_name)
        )
    except NotFoundError:
        return
