"""``customrag:elasticsearch:Index`` and ``:Alias``: what readers of a search cluster see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi

from .wire import Out, with_plugin


@dataclass(frozen=True, kw_only=True)
class SearchIndexArgs:
    """Arguments of ``SearchIndex``.

    Attributes:
        endpoint: ``http[s]://host:port`` of the cluster.
        username: e.g. ``elastic``.
        password: Kept secret.
        index_name: Lower case, at most 255 bytes; name it for the model version and mapping.
        mappings: Elasticsearch mappings. A change of ``_meta`` alone updates in place; any other
            replaces the index.
        settings: Elasticsearch index settings. A change of ``number_of_replicas``,
            ``refresh_interval`` or ``max_result_window`` updates in place; any other replaces.
        deletion_protection: Refuse to delete the index. Default ``False``.
    """

    endpoint: pulumi.Input[str]
    username: pulumi.Input[str]
    password: pulumi.Input[str] = field(repr=False)
    index_name: pulumi.Input[str]
    mappings: pulumi.Input[Mapping[str, Any]]
    settings: pulumi.Input[Mapping[str, Any]] | None = None
    deletion_protection: pulumi.Input[bool] = False


class SearchIndex(pulumi.CustomResource):
    """An index of an Elasticsearch cluster, with its mapping.

    Why it exists: ``pulumi_alicloud`` makes Elasticsearch instances, but nothing inside them.
    Delete it to delete the index with all its chunks; with ``deletion_protection`` that is refused.

    Attributes:
        uuid: The cluster's own id of this index; an index made anew has another.
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
            "deletionProtection": args.deletion_protection,
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
        alias: What readers ask.
        index_name: What the alias names.
        expected_chunks: The alias moves only to an index that holds exactly this many chunks;
            looked at when it moves, never else. Default: no gate.
    """

    endpoint: pulumi.Input[str]
    username: pulumi.Input[str]
    password: pulumi.Input[str] = field(repr=False)
    alias: pulumi.Input[str]
    index_name: pulumi.Input[str]
    expected_chunks: pulumi.Input[int] | None = None


class IndexAlias(pulumi.CustomResource):
    """The name under which readers find the index that is current.

    Why it exists: it makes a change of model or mapping blue-green: the alias moves in one step,
    only to a complete index, and going back is the former ``index_name``. ``pulumi_alicloud`` has
    nothing inside a cluster. Delete it to take the name from readers; the index stays.

    Attributes:
        previous_index_name: What the alias named before its last move; ``None`` if nothing.
    """

    alias = Out[str]("alias")
    index_name = Out[str]("indexName")
    previous_index_name = Out[str | None]("previousIndexName")

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
            "previousIndexName": None,
        }
        super().__init__("customrag:elasticsearch:Alias", name, props, _secret_password(opts))


def _secret_password(opts: pulumi.ResourceOptions | None) -> pulumi.ResourceOptions:
    return with_plugin(opts, secret_outputs=["password"])
