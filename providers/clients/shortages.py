"""What a search cluster lacks when it refuses to work, and what to do about it.

Owns the sentences, for the providers and for `rag`. Pure. The texts of the clusters were seen on
OpenSearch 2.19.1 and Elasticsearch 8.19.21 (2026-12).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

__all__ = ["DISK", "READ_ONLY_SETTING", "Shortage", "shortage_of", "with_remedy"]

READ_ONLY_SETTING: Final = "index.blocks.read_only_allow_delete"
"""The setting that a cluster gives the indices of a node whose disk is nearly full."""

_LARGER_DISK: Final = (
    "Raise customrag:opensearchDiskGib, run `make up`, and restart the node's ECS instance, which "
    "grows the file system"
)


@dataclass(frozen=True, kw_only=True)
class Shortage:
    """Something that a cluster lacks.

    Attributes:
        lack: What it lacks, as the beginning of a sentence.
        remedy: What to do, in whole sentences.
        passes: Whether it usually ends by itself within minutes.
    """

    lack: str
    remedy: str
    passes: bool = False

    def __str__(self) -> str:
        return f"{self.lack}. {self.remedy}"


_MEMORY: Final = Shortage(
    lack="The Java heap of an OpenSearch node is nearly full, so it runs no model",
    remedy="Raise customrag:opensearchHeapMib, with an opensearchInstanceType of twice that "
    "memory, and run `make up` again.",
)
_MODEL_DISK: Final = Shortage(
    lack="The disk of an OpenSearch node is nearly full, so it runs no model",
    remedy=f"{_LARGER_DISK}. Or delete what you do not need there. Then run `make up` again.",
)
DISK: Final = Shortage(
    lack="The disk of a node is nearly full, so the cluster answers searches but takes no writes",
    remedy=f"{_LARGER_DISK} (for Elasticsearch, raise elasticsearchDataNodeDiskGib). Or delete "
    "what you do not need there. The cluster takes writes again about a minute later; then run "
    "`make up` again.",
)
"""Every index of the node has `READ_ONLY_SETTING`, and perhaps no index may be created."""
_NO_MODEL: Final = Shortage(
    lack="The embedding model inside the cluster is not deployed",
    remedy="Run `make up` again, which deploys it.",
    # A node deploys its models again after a restart.
    passes=True,
)


def _has(*parts: str) -> Callable[[str], bool]:
    return lambda text: any(part in text for part in parts)


_TABLE: Final[tuple[tuple[Callable[[str], bool], Shortage], ...]] = (
    (_has("Disk Circuit Breaker is open"), _MODEL_DISK),
    (_has("Memory Circuit Breaker is open"), _MEMORY),
    (
        _has(
            "read-only-allow-delete block",
            "read-only / allow delete (api)",
            "create-index blocked",
            # What ml-commons makes of it.
            "Failed to put data object in index .plugins-ml",
        ),
        DISK,
    ),
    # The first letter of the second may be small.
    (_has("Model not ready yet", "o eligible node found"), _NO_MODEL),
)


def shortage_of(text: str) -> Shortage | None:
    """Return what the cluster lacks by the text of its error; None for any other error."""
    return next((found for matches, found in _TABLE if matches(text)), None)


def with_remedy(message: str) -> str:
    """Return the message of a refused request, with what to do if the disk is why."""
    return f"{message} {DISK}" if shortage_of(message) is DISK else message
