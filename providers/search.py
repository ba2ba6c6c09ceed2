"""``customrag:elasticsearch:Index``, ``:Alias`` and ``:getGeneration``: what readers of a search
cluster see, and can see again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi

from .wire import VERSION, Out, with_plugin


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
        alias: The alias whose generation it is, for an ``IndexAlias`` with ``keep_indices``: an
            index that was replaced stays, and the alias says how long. The index's name begins with
            the alias's and a dash. Default: an index that was replaced is deleted.
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

    Why it exists: ``pulumi_alicloud`` makes Elasticsearch instances, but nothing inside them.
    Delete it to delete the index with all its chunks; with ``deletion_protection`` that is refused.
    With ``alias``, an index that the alias names or named stays: it goes with the alias.

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
        alias: What readers ask.
        index_name: What the alias names.
        expected_chunks: The alias moves only to an index that holds exactly this many chunks;
            looked at when it moves, never else. Default: no gate.
        keep_indices: The alias owns its generations (``SearchIndexArgs.alias``): so many of those
            that it named before stay, the last ones first, and all go when it is deleted. Default:
            it owns no index.
        meta: Written into the ``_meta`` of the index before the alias names it, and when it
            changes; for an index that no ``SearchIndex`` declares. Default: nothing.
        instance_id: As of ``SearchIndexArgs``.
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
    """The name under which readers find the index that is current.

    Why it exists: it makes a change of model or mapping blue-green: the alias moves in one step,
    only to a complete index, and going back is the former ``index_name``. ``pulumi_alicloud`` has
    nothing inside a cluster. Delete it to take the name from readers; the index stays, but for the
    generations that ``keep_indices`` makes its own.

    Attributes:
        previous_index_name: What the alias named before its last move; ``None`` if nothing.
        generations: ``[{"index_name", "model_version", "served_since"}]``, the last one served
            first; ``None`` without ``keep_indices``.
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
        alias: The alias that is to go back.
        index_name: What it is to name again.
    """

    endpoint: pulumi.Input[str]
    username: pulumi.Input[str]
    password: pulumi.Input[str] = field(repr=False)
    alias: pulumi.Input[str]
    index_name: pulumi.Input[str]


@dataclass(frozen=True, kw_only=True)
class IndexGeneration:
    """A former generation of an alias that can be read again.

    Attributes:
        index_name: The index.
        model_version: The embedding model that made it.
        model_uri: OSS directory with that model's files, which are there.
    """

    index_name: pulumi.Output[str]
    model_version: pulumi.Output[str]
    model_uri: pulumi.Output[str]


def get_index_generation(
    args: IndexGenerationArgs, provider: pulumi.ProviderResource
) -> IndexGeneration:
    """Looks a former generation up, in a preview as well; the update fails if it cannot be read.

    Why it exists: an alias that goes back needs the model that made the index, and only the index
    says which that is.
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
