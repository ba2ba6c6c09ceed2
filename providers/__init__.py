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
    from .capabilities import SearchCapabilities, SearchCapabilitiesArgs
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
    from .search_template import SearchTemplate, SearchTemplateArgs
    from .snapshots import SnapshotSchedule, SnapshotScheduleArgs
    from .tls import Certificate, CertificateArgs, CertificateAuthority, CertificateAuthorityArgs

__all__ = [
    "Certificate",
    "CertificateArgs",
    "CertificateAuthority",
    "CertificateAuthorityArgs",
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
    "SearchCapabilities",
    "SearchCapabilitiesArgs",
    "SearchIndex",
    "SearchIndexArgs",
    "SearchTemplate",
    "SearchTemplateArgs",
    "SnapshotSchedule",
    "SnapshotScheduleArgs",
    "corpus_version",
    "get_index_generation",
]

_MODULES = {
    "capabilities": ("SearchCapabilities", "SearchCapabilitiesArgs"),
    "corpus": ("Corpus", "CorpusArgs", "corpus_version"),
    "dlc_job": ("DlcJob", "DlcJobArgs"),
    "ingest_run": ("IngestRun", "IngestRunArgs"),
    "provider": ("Provider", "ProviderArgs"),
    "rollout": ("Rollout", "RolloutArgs"),
    "search": (
        *("IndexAlias", "IndexAliasArgs", "IndexGeneration", "IndexGenerationArgs"),
        *("SearchIndex", "SearchIndexArgs", "get_index_generation"),
    ),
    "search_template": ("SearchTemplate", "SearchTemplateArgs"),
    "snapshots": ("SnapshotSchedule", "SnapshotScheduleArgs"),
    "tls": (
        *("Certificate", "CertificateArgs"),
        *("CertificateAuthority", "CertificateAuthorityArgs"),
    ),
}


def __getattr__(name: str) -> object:
    for module, names in _MODULES.items():
        if name in names:
            return getattr(importlib.import_module(f".{module}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
