"""Indices of a cluster: ``customrag:elasticsearch:Index``, ``:Alias``, ``:getGeneration``.

The function serves OpenSearch, too, whose indices are in ``providers.opensearch``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from .declaration import Resource, argument, arguments, sent_values
from .opensearch import GenerationArgs
from .wire import VERSION, Out

__all__ = [
    "ClusterArgs",
    "IndexAlias",
    "IndexAliasArgs",
    "IndexGeneration",
    "IndexGenerationArgs",
    "SearchIndex",
    "SearchIndexArgs",
    "get_index_generation",
]


@arguments
class ClusterArgs:
    """Arguments of everything in a cluster.

    Attributes:
        endpoint: ``http[s]://host:port`` of the cluster.
        username: e.g. ``elastic``.
        password: Kept secret.
    """

    endpoint: pulumi.Input[str] = argument("string")
    username: pulumi.Input[str] = argument("string")
    password: pulumi.Input[str] = argument("string", secret=True)


@arguments
class SearchIndexArgs(ClusterArgs):
    """Arguments of ``SearchIndex``.

    Attributes:
        index_name: Lower case, at most 255 bytes; contains the model version and a mapping digest.
        mappings: Elasticsearch mappings. A change of ``_meta`` alone updates in place; any other
            replaces the index.
        settings: Elasticsearch index settings. A change of ``number_of_replicas``,
            ``refresh_interval`` or ``max_result_window`` updates in place; any other replaces.
        alias: The alias whose generation it is, for an ``IndexAlias`` with ``keep_indices``. A
            replaced index then stays, and the alias decides how long. The index's name begins with
            the alias's name and a dash. Default: a replaced index is deleted.
        deletion_protection: Refuse to delete the index. Default ``False``.
        vector_index_kinds: What the cluster accepts (``SearchCapabilities``), so that a preview
            refuses a kind that the cluster refuses. Default: the cluster refuses it.
        instance_id: The Elasticsearch instance at ``endpoint``; an index of an instance that was
            deleted is gone. Default: an endpoint that does not answer is an error.
    """

    index_name: pulumi.Input[str] = argument("string", effect="replace")
    mappings: pulumi.Input[Mapping[str, Any]] = argument("map", effect="replace")
    settings: pulumi.Input[Mapping[str, Any]] | None = argument(
        "map", effect="replace", default=None
    )
    alias: pulumi.Input[str] | None = argument("string", default=None)
    deletion_protection: pulumi.Input[bool] = argument("boolean", default=False)
    vector_index_kinds: pulumi.Input[Mapping[str, Any]] | None = argument(
        "map", effect="ignore", default=None
    )
    instance_id: pulumi.Input[str] | None = argument("string", effect="ignore", default=None)


class SearchIndex(Resource[SearchIndexArgs]):
    """An index of an Elasticsearch cluster, with its mapping.

    Why it exists: ``pulumi_alicloud`` creates Elasticsearch instances, but nothing inside them.
    Delete it to delete the index with all its chunks; ``deletion_protection`` refuses that. With
    ``alias``, an index that the alias points to, or pointed to, stays until the alias is deleted.

    Attributes:
        uuid: The cluster's own id of this index; a recreated index has another.
    """

    token = "customrag:elasticsearch:Index"  # noqa: S105 - a type token
    index_name = Out[str]()
    uuid = Out[str]()


@arguments
class IndexAliasArgs(ClusterArgs):
    """Arguments of ``IndexAlias``.

    Attributes:
        alias: The name that readers use.
        index_name: The index that the alias points to.
        expected_chunks: The alias moves only to an index with exactly this many chunks. It is not
            checked while the alias stays. Default: no check.
        keep_indices: How many former generations (``SearchIndexArgs.alias``) stay; the latest are
            kept. The alias owns them, and its deletion deletes them all. Default: it owns no
            index.
        meta: Written into the ``_meta`` of the index before the alias points to it, and when it
            changes. For an index that no ``SearchIndex`` declares. Default: nothing.
        instance_id: See ``SearchIndexArgs``.
    """

    alias: pulumi.Input[str] = argument("string", effect="replace")
    index_name: pulumi.Input[str] = argument("string")
    expected_chunks: pulumi.Input[int] | None = argument(
        "integer", effect="ignore", default=None, bounds=(0, None)
    )
    keep_indices: pulumi.Input[int] | None = argument("integer", default=None, bounds=(0, None))
    meta: pulumi.Input[Mapping[str, Any]] | None = argument("map", default=None)
    instance_id: pulumi.Input[str] | None = argument("string", effect="ignore", default=None)


class IndexAlias(Resource[IndexAliasArgs]):
    """The name under which readers find the current index.

    Why it exists: it makes a change of model or mapping blue-green. The alias moves in one step,
    and only to a complete index; to go back, set the former ``index_name``. ``pulumi_alicloud`` has
    nothing inside a cluster. Delete it to remove the name. The index stays, except for the
    generations that the alias owns through ``keep_indices``.

    Attributes:
        previous_index_name: The index that the alias pointed to before its last move, or ``None``.
        generations: ``[{"index_name", "model_version", "served_since"}]``, the latest first;
            ``None`` without ``keep_indices``.
    """

    token = "customrag:elasticsearch:Alias"  # noqa: S105 - a type token
    alias = Out[str]()
    index_name = Out[str]()
    previous_index_name = Out[str | None]()
    generations = Out[Sequence[Mapping[str, str]] | None]()


@arguments
class IndexGenerationArgs(ClusterArgs):
    """Arguments of ``get_index_generation``.

    Attributes:
        alias: The alias that goes back.
        index_name: The former index.
    """

    token = "customrag:elasticsearch:getGeneration"  # noqa: S105 - a function's token
    alias: pulumi.Input[str] = argument("string")
    index_name: pulumi.Input[str] = argument("string")


@dataclass(frozen=True, kw_only=True)
class IndexGeneration:
    """A former generation of an alias, with a model that still exists.

    Attributes:
        index_name: The index.
        model_version: The embedding model of its vectors.
        model_uri: OSS directory with that model's files.
    """

    index_name: pulumi.Output[str]
    model_version: pulumi.Output[str]
    model_uri: pulumi.Output[str]


def get_index_generation(
    args: IndexGenerationArgs | GenerationArgs, provider: pulumi.ProviderResource
) -> IndexGeneration:
    """Look a former generation up, also in a preview; fail if it cannot be used again.

    The arguments decide the kind of cluster.

    Why it exists: an alias that goes back needs the model of that index, and only the index knows
    which model that is.
    """
    found = pulumi.Output.unsecret(
        pulumi.runtime.invoke_output(
            args.token,
            sent_values(args),
            pulumi.InvokeOutputOptions(provider=provider, version=VERSION),
        )
    )
    return IndexGeneration(
        index_name=found.apply(lambda values: str(values["indexName"])),
        model_version=found.apply(lambda values: str(values["modelVersion"])),
        model_uri=found.apply(lambda values: str(values["modelUri"])),
    )
