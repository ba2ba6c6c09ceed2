"""Which change of a property makes a resource anew, as far as that can be known without the cloud.

Owns what this project adds (its own plugin's resources, `replace_on_changes` and `ignore_changes`
of its components). For all else the facts of the cloud's provider are read, which the local cloud
carries as data (`localcloud/alicloud/facts.json`, Terraform provider aliyun/alicloud 1.285).
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from providers.jobs import HASHED_INPUTS

__all__ = ["is_ignored", "replaces", "top"]

_FACTS = Path(__file__).resolve().parents[2] / "localcloud" / "alicloud" / "facts.json"
_OURS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "customrag:pai:DlcJob": frozenset({*HASHED_INPUTS, "workspaceId"}),
        "customrag:rag:IngestRun": frozenset({"indexName", "indexUuid", "workspaceId"}),
        "customrag:elasticsearch:Index": frozenset({"indexName", "mappings", "settings"}),
        "customrag:elasticsearch:Alias": frozenset({"alias"}),
        "customrag:oss:Corpus": frozenset({"bucket", "prefix"}),
        # components.nodes.ServiceNode: a node is made anew, never patched.
        "alicloud:ecs/instance:Instance": frozenset({"userData", "imageId", "instanceType"}),
    }
)
# Below a property that replaces: what an open index takes.
_IN_PLACE: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "customrag:elasticsearch:Index": (
            "mappings._meta",
            "settings.number_of_replicas",
            "settings.refresh_interval",
            "settings.max_result_window",
        ),
    }
)
# What only names a place of this machine, or is looked at without being kept.
_IGNORED: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "customrag:oss:Corpus": frozenset({"sourceDir"}),
        "customrag:elasticsearch:Alias": frozenset({"expectedChunks"}),
        # The key says what the object holds; the file is made anew each time.
        "alicloud:oss/bucketObject:BucketObject": frozenset({"source"}),
    }
)


def top(path: str) -> str:
    """The input that a path begins with: `dataDisks` of `dataDisks[0].size`."""
    return re.split(r"[.\[]", path, maxsplit=1)[0]


@functools.cache
def _facts() -> Mapping[str, Any]:
    types: Mapping[str, Any] = json.loads(_FACTS.read_text(encoding="utf-8"))["types"]
    return types


def replaces(token: str, path: str) -> bool:
    """Whether a change of an input makes the resource anew.

    Args:
        token: The resource's type.
        path: The input, `instanceType`, or what changes in it, `mappings._meta.model_version`.
    """
    if path.startswith(_IN_PLACE.get(token, ())):
        return False
    property_name = top(path)
    if property_name in _OURS.get(token, ()):
        return True
    inputs = _facts().get(token, {}).get("inputs", {})
    return bool(inputs.get(property_name, {}).get("replaces"))


def is_ignored(token: str, property_name: str) -> bool:
    """Whether a change of a top-level input changes nothing."""
    return property_name in _IGNORED.get(token, ())
