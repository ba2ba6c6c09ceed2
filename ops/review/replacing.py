"""Which changes of a property replace a resource, as far as that is known without the cloud.

Owns what the components of this project add (`replace_on_changes`). The rest is read from the
handlers of our own plugin and from the facts about the cloud's provider (`provider_facts`). A type
that is in neither is assumed to change in place.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from types import MappingProxyType

from provider_facts import require_type, type_tokens

__all__ = ["is_ignored", "replaces", "top"]

# components.nodes.ServiceNode recreates a node and never patches it.
_ADDED: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "alicloud:ecs/instance:Instance": frozenset(
            {"userData", "imageId", "instanceType", "privateIp"}
        )
    }
)
# The key identifies the content; the source file is written again each time.
_IGNORED: Mapping[str, frozenset[str]] = MappingProxyType(
    {"alicloud:oss/bucketObject:BucketObject": frozenset({"source"})}
)
# Below a property that replaces: what an open index accepts (providers.plugin.search_index).
_OPEN_INDEX = (
    "mappings._meta",
    "settings.index.number_of_replicas",
    "settings.index.refresh_interval",
    "settings.index.max_result_window",
)
_IN_PLACE: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "customrag:elasticsearch:Index": _OPEN_INDEX,
        "customrag:opensearch:Index": (*_OPEN_INDEX, "settings.index.default_pipeline"),
    }
)


def top(path: str) -> str:
    """Return the input that a path begins with: `dataDisks` of `dataDisks[0].size`."""
    return re.split(r"[.\[]", path, maxsplit=1)[0]


@functools.cache
def _effects() -> Mapping[str, Mapping[str, str]]:
    """Map type and input to the effect of a change: `replace`, `update` or `ignore`."""
    # This loads the vendors' SDKs, so it is not done at import.
    from providers.plugin.server import HANDLERS

    found: dict[str, Mapping[str, str]] = {
        handler.token: {name: spec.effect for name, spec in handler.inputs.items()}
        for handler in HANDLERS
    }
    for token in type_tokens("alicloud"):
        found[token] = {
            name: "replace" if shape.replaces else "update"
            for name, shape in require_type(token).inputs.items()
        }
    return found


def replaces(token: str, path: str) -> bool:
    """Whether a change of an input recreates the resource.

    Args:
        token: The resource's type.
        path: The input, such as `instanceType`, or a value in it, `mappings._meta.model_version`.
    """
    if path.startswith(_IN_PLACE.get(token, ())):
        return False
    name = top(path)
    return name in _ADDED.get(token, ()) or _effects().get(token, {}).get(name) == "replace"


def is_ignored(token: str, name: str) -> bool:
    """Whether a change of an input changes nothing."""
    return name in _IGNORED.get(token, ()) or _effects().get(token, {}).get(name) == "ignore"
