"""Indices of a cluster: ``customrag:elasticsearch:Index``, ``:Alias``, ``:getGeneration``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi

from .wire import VERSION, Out, with_plugin

__all__ = [
    "IndexAlias",
    "IndexAliasArgs",
    "IndexGeneration",
    "IndexGenerationArgs",
    "SearchIndex",
    "SearchIndexArgs",
    "get_index_generation",
]


@dataclass(frozen=True, kw_only=True)
class SearchIndexArgs:
    """Arguments of ``SearchIndex``.

    Attributes:
        endpoint: ``http[s]://host:port`` of the cluster.
        username: e.g. ``elastic``.
        password: Kept secret.
        index_name: Lower case, at most 255 bytes; contains the model version and a mapping digest.
        mappings: Elasticsearch mappings. A change of ``_meta`` alone updates in place; any other
            replaces the index.
        settings: Elasticsearch index settings. A change of ``number_of_replicas``,
            ``refresh_interval`` or ``max_result_window`` updates in place; any other replaces.
        alias: The alias whose generation it is, for an ``IndexAlias`` with ``keep_indices``. A
            replaced index then stays, and the alias decides how long. The index's name begins with
            the alias's name and a dash. Default: a replaced index is deleted.
        deletion_protection: Refuse to delete the index. Default ``False``.
        instance_id: The Elasticsearch instance at ``endpoint``; an index of an instance that was
            deleted is gone. Default: an endpoint that does not answer is an error.
    """

    endpoint: pulumi.Input[str]
    username: pulumi.Input[str]
    password: pulumi.Input[str] = field(repr=False)
    index_name: pulumi.Input[str]
    mappings: pulumi.Input[Mapping[str, Any]]
    settings: pulumi.Input[Mapping[str, Any]] | None = None
    alias: pulumi.Input[str] | None = None
    deletion_protection: pulumi.Input[bool] = False
    instance_id: pulumi.Input[str] | None = None


class SearchIndex(pulumi.CustomResource):
    """An index of an Elasticsearch cluster, with its mapping.

    Why it exists: ``pulumi_alicloud`` creates Elasticsearch instances, but nothing inside them.
    Delete it to delete the index with all its chunks; ``deletion_protection`` refuses that. With
    ``alias``, an index that the alias points to, or pointed to, stays until the alias is deleted.

    Attributes:
        uuid: The cluster's own id of this index; a recreated index has another.
    """

    endpoint = Out[str]("endpoint")
    index_name = Out[str]("indexName")
    mappings = Out[Mapping[str, Any]]("mappings")
    settings = Out[Mapping[str, Any]]("settings")
    uuid = Out[str]("uuid")

    def __init__(
        self, name: str, args: SearchIndexArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        props = {
            "endpoint": args.endpoint,
            "username": args.username,
            "password": pulumi.Output.secret(args.password),
            "indexName": args.index_name,
            "mappings": args.mappings,
            "settings": args.settings,
            "alias": args.alias,
            "deletionProtection": args.deletion_protection,
            "instanceId": args.instance_id,
            "uuid": None,
        }
        super().__init__("customrag:elasticsearch:Index", name, props, _secret_password(opts))


@dataclass(frozen=True, kw_only=True)
class IndexAliasArgs:
    """Arguments of ``IndexAlias``.

    Attributes:
        endpoint: ``http[s]://host:port`` of the cluster.
        username: e.g. ``elastic``.
        password: Kept secret.
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

    endpoint: pulumi.Input[str]
    username: pulumi.Input[str]
    password: pulumi.Input[str] = field(repr=False)
    alias: pulumi.Input[str]
    index_name: pulumi.Input[str]
    expected_chunks: pulumi.Input[int] | None = None
    keep_indices: pulumi.Input[int] | None = None
    meta: pulumi.Input[Mapping[str, Any]] | None = None
    instance_id: pulumi.Input[str] | None = None


class IndexAlias(pulumi.CustomResource):
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

    alias = Out[str]("alias")
    index_name = Out[str]("indexName")
    previous_index_name = Out[str | None]("previousIndexName")
    generations = Out[Sequence[Mapping[str, str]] | None]("generations")

    def __init__(
        self, name: str, args: IndexAliasArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        props = {
            "endpoint": args.endpoint,
            "username": args.username,
            "password": pulumi.Output.secret(args.password),
            "alias": args.alias,
            "indexName": args.index_name,
            "expectedChunks": args.expected_chunks,
            "keepIndices": args.keep_indices,
            "meta": args.meta,
            "instanceId": args.instance_id,
            "previousIndexName": None,
            "generations": None,
        }
        super().__init__("customrag:elasticsearch:Alias", name, props, _secret_password(opts))


@dataclass(frozen=True, kw_only=True)
class IndexGenerationArgs:
    """Arguments of ``get_index_generation``.

    Attributes:
        endpoint: ``http[s]://host:port`` of the cluster.
        username: e.g. ``elastic``.
        password: Kept secret.
        alias: The alias that goes back.
        index_name: The former index.
    """

    endpoint: pulumi.Input[str]
    username: pulumi.Input[str]
    password: pulumi.Input[str] = field(repr=False)
    alias: pulumi.Input[str]
    index_name: pulumi.Input[str]


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
    args: IndexGenerationArgs, provider: pulumi.ProviderResource
) -> IndexGeneration:
    """Look a former generation up, also in a preview; fail if it cannot be used again.

    Why it exists: an alias that goes back needs the model of that index, and only the index knows
    which model that is.
    """
    found = pulumi.Output.unsecret(
        pulumi.runtime.invoke_output(
            "customrag:elasticsearch:getGeneration",
            {
                "endpoint": args.endpoint,
                "username": args.username,
                "password": pulumi.Output.secret(args.password),
                "alias": args.alias,
                "indexName": args.index_name,
            },
            pulumi.InvokeOutputOptions(provider=provider, version=VERSION),
        )
    )
    return IndexGeneration(
        index_name=found.apply(lambda values: str(values["indexName"])),
        model_version=found.apply(lambda values: str(values["modelVersion"])),
        model_uri=found.apply(lambda values: str(values["modelUri"])),
    )


def _secret_password(opts: pulumi.ResourceOptions | None) -> pulumi.ResourceOptions:
    return with_plugin(opts, secret_outputs=["password"])
