"""The customrag provider: the resources that ``pulumi_alicloud`` lacks.

Owns the plugin (``python -m providers ENGINE_ADDR``), the typed classes that declare its resources,
and the vendor-SDK clients (``providers.clients``). It does not own the program or the components.

Names are loaded on first use, so that ``import providers.clients.oss`` in a training job or in the
chat application does not import pulumi.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .corpus import Corpus, CorpusArgs, corpus_version
    from .dlc_job import DlcJob, DlcJobArgs
    from .ingest_run import IngestRun, IngestRunArgs
    from .provider import Provider, ProviderArgs
    from .rollout import Rollout, RolloutArgs
    from .search import (
        IndexAlias,
        IndexAliasArgs,
        IndexGeneration,
        IndexGenerationArgs,
        SearchIndex,
        SearchIndexArgs,
        get_index_generation,
    )
    from .snapshots import SnapshotSchedule, SnapshotScheduleArgs

__all__ = [
    "Corpus",
    "CorpusArgs",
    "DlcJob",
    "DlcJobArgs",
    "IndexAlias",
    "IndexAliasArgs",
    "IndexGeneration",
    "IndexGenerationArgs",
    "IngestRun",
    "IngestRunArgs",
    "Provider",
    "ProviderArgs",
    "Rollout",
    "RolloutArgs",
    "SearchIndex",
    "SearchIndexArgs",
    "SnapshotSchedule",
    "SnapshotScheduleArgs",
    "corpus_version",
    "get_index_generation",
]

_MODULES = {
    "Corpus": "corpus",
    "CorpusArgs": "corpus",
    "corpus_version": "corpus",
    "DlcJob": "dlc_job",
    "DlcJobArgs": "dlc_job",
    "IngestRun": "ingest_run",
    "IngestRunArgs": "ingest_run",
    "Provider": "provider",
    "ProviderArgs": "provider",
    "Rollout": "rollout",
    "RolloutArgs": "rollout",
    "IndexAlias": "search",
    "IndexAliasArgs": "search",
    "IndexGeneration": "search",
    "IndexGenerationArgs": "search",
    "SearchIndex": "search",
    "SearchIndexArgs": "search",
    "SnapshotSchedule": "snapshots",
    "SnapshotScheduleArgs": "snapshots",
    "get_index_generation": "search",
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_MODULES[name]}", __name__), name)
