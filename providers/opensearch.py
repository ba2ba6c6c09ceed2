"""Resources inside an OpenSearch cluster: ``customrag:opensearch:…``.

Owns the declarations. Does not own the cluster, nor the bodies of pipelines and settings
(``opensearch_bodies``).

    from providers import opensearch

    opensearch.Model("embedding", opensearch.ModelArgs(...))
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

from .declaration import Resource, argument, arguments
from .wire import Out

__all__ = [
    "Alias",
    "AliasArgs",
    "ClusterSettings",
    "ClusterSettingsArgs",
    "Connector",
    "ConnectorArgs",
    "GenerationArgs",
    "Index",
    "IndexArgs",
    "IngestPipeline",
    "IngestPipelineArgs",
    "Model",
    "ModelArgs",
    "ModelGroup",
    "ModelGroupArgs",
    "OpenSearchArgs",
    "SearchPipeline",
    "SearchPipelineArgs",
]


@arguments
class OpenSearchArgs:
    """Arguments of everything in an OpenSearch cluster.

    Attributes:
        endpoint: ``http[s]://host:port`` of the cluster.
        username: e.g. ``deployer``.
        password: Kept secret.
        ca_certificate: PEM text of the authority that signed the cluster's certificate. Default:
            the authorities that the machine of the engine trusts.
        instance_id: The ECS instance of the node at ``endpoint``. If it was deleted, so is what is
            in the cluster, until the next update finds it again on the node's data disk. Default:
            an endpoint that does not answer is an error.
    """

    endpoint: pulumi.Input[str] = argument("string")
    username: pulumi.Input[str] = argument("string")
    password: pulumi.Input[str] = argument("string", secret=True)
    ca_certificate: pulumi.Input[str] | None = argument("string", default=None)
    instance_id: pulumi.Input[str] | None = argument("string", effect="ignore", default=None)


@arguments
class ClusterSettingsArgs(OpenSearchArgs):
    """Arguments of ``ClusterSettings``.

    Attributes:
        settings: Persistent settings by their names, e.g. ``plugins.ml_commons.max_model_on_node``;
            ``opensearch_bodies.model_settings`` returns those for models.
    """

    settings: pulumi.Input[Mapping[str, Any]] = argument("map")


class ClusterSettings(Resource[ClusterSettingsArgs]):
    """Persistent settings of an OpenSearch cluster.

    Why it exists: registering a model needs settings that are off by default. A setting that is no
    longer declared goes back to its default. Delete it to reset all of them.
    """

    token = "customrag:opensearch:ClusterSettings"  # noqa: S105 - a type token


@arguments
class ModelGroupArgs(OpenSearchArgs):
    """Arguments of ``ModelGroup``.

    Attributes:
        group_name: Unique in the cluster.
        description: Default: none.
    """

    group_name: pulumi.Input[str] = argument("string")
    description: pulumi.Input[str] | None = argument("string", default=None)


class ModelGroup(Resource[ModelGroupArgs]):
    """A group of models of an OpenSearch cluster.

    Why it exists: a model that an interrupted update left is looked for in its group only. A group
    of that name is adopted. Delete it when its models are gone.

    Attributes:
        model_group_id: The cluster's own id of the group.
    """

    token = "customrag:opensearch:ModelGroup"  # noqa: S105 - a type token
    model_group_id = Out[str]()


@arguments
class ModelArgs(OpenSearchArgs):
    """Arguments of ``Model``. A remote model needs ``connector_id``; any other needs a zip.

    Attributes:
        model_name: Name of the model in the cluster.
        model_group_id: ``ModelGroup.model_group_id``.
        function_name: ``TEXT_EMBEDDING`` (the default), another one of ml-commons with a zip, or
            ``remote``.
        model_uri: ``oss://bucket/key`` of the zip, or a URL (``http``, ``https``, ``file``) that
            the nodes of the cluster can read. The zip has one ``.pt`` file and ``tokenizer.json``.
            For OSS the cluster gets a presigned URL, which is not kept.
        model_content_hash_value: SHA-256 of the zip.
        model_format: ``TORCH_SCRIPT`` (the default) or ``ONNX``.
        model_config: The ``model_config`` of the register call: ``model_type``,
            ``embedding_dimension``, ``framework_type``, ``all_config`` and others.
        connector_id: ``Connector.connector_id``, for a remote model.
        description: Default: none.
        oss_endpoint: Endpoint of OSS that the nodes of the cluster reach, e.g. the internal one of
            the region. Default: the provider's.
        timeout_seconds: How long registering and deploying may take, each. Default 900.
            ``custom_timeouts`` takes precedence.
    """

    model_name: pulumi.Input[str] = argument("string", effect="replace")
    model_group_id: pulumi.Input[str] = argument("string", effect="replace")
    function_name: pulumi.Input[str] = argument(
        "string", effect="replace", default="TEXT_EMBEDDING"
    )
    model_uri: pulumi.Input[str] | None = argument("string", effect="ignore", default=None)
    model_content_hash_value: pulumi.Input[str] | None = argument(
        "string", effect="replace", default=None
    )
    model_format: pulumi.Input[str] = argument("string", effect="replace", default="TORCH_SCRIPT")
    model_config: pulumi.Input[Mapping[str, Any]] | None = argument(
        "map", effect="replace", default=None
    )
    connector_id: pulumi.Input[str] | None = argument("string", effect="replace", default=None)
    description: pulumi.Input[str] | None = argument("string", default=None)
    oss_endpoint: pulumi.Input[str] | None = argument("string", effect="ignore", default=None)
    timeout_seconds: pulumi.Input[int] = argument(
        "integer", effect="ignore", default=900, bounds=(1, None)
    )


class Model(Resource[ModelArgs]):
    """A model of an OpenSearch cluster, registered and deployed.

    Why it exists: registering and deploying are tasks of the cluster that may fail, hang or lapse.
    A model with the same name, content and configuration in the group is adopted and not registered
    again. A model that is no longer deployed on every node is deployed again by the next update.
    Delete it to undeploy and delete the model.

    Attributes:
        model_id: The cluster's own id of the model.
        state: ``DEPLOYED``, or the state that a refresh found.
    """

    token = "customrag:opensearch:Model"  # noqa: S105 - a type token
    model_id = Out[str]()
    state = Out[str]()


@arguments
class IngestPipelineArgs(OpenSearchArgs):
    """Arguments of ``IngestPipeline``.

    Attributes:
        pipeline_name: Name of the pipeline.
        body: Its definition, with ``processors``; ``opensearch_bodies.ingest_pipeline`` returns it.
    """

    pipeline_name: pulumi.Input[str] = argument("string", effect="replace")
    body: pulumi.Input[Mapping[str, Any]] = argument("map")


class IngestPipeline(Resource[IngestPipelineArgs]):
    """A pipeline of an OpenSearch cluster for documents, for example to embed their texts.

    Why it exists: the pipeline names the model, which another resource registers. Delete it when no
    index uses it.
    """

    token = "customrag:opensearch:IngestPipeline"  # noqa: S105 - a type token


@arguments
class SearchPipelineArgs(OpenSearchArgs):
    """Arguments of ``SearchPipeline``.

    Attributes:
        pipeline_name: Name of the pipeline.
        body: Its definition, with at least one list of processors;
            ``opensearch_bodies.search_pipeline`` returns it.
    """

    pipeline_name: pulumi.Input[str] = argument("string", effect="replace")
    body: pulumi.Input[Mapping[str, Any]] = argument("map")


class SearchPipeline(Resource[SearchPipelineArgs]):
    """A pipeline of an OpenSearch cluster for searches, for example to fuse hybrid queries.

    Why it exists: the form of rank fusion differs between versions, and a version ignores the other
    form without an error. This resource writes the form of the cluster's version. Delete it when no
    search uses it.
    """

    token = "customrag:opensearch:SearchPipeline"  # noqa: S105 - a type token


@arguments
class IndexArgs(OpenSearchArgs):
    """Arguments of ``Index``.

    Attributes:
        index_name: Lower case, at most 255 bytes; contains the model version and a mapping digest.
        mappings: OpenSearch mappings. A change of ``_meta`` alone updates in place; any other
            replaces the index. Vectors are of type ``knn_vector``.
        settings: OpenSearch index settings; vectors need ``index.knn`` true. A change of
            ``number_of_replicas``, ``refresh_interval``, ``max_result_window``,
            ``default_pipeline``, ``search.default_pipeline`` or ``knn.algo_param.ef_search``
            updates in place; any other replaces.
        alias: The alias whose generation it is, as for ``providers.SearchIndexArgs``.
        deletion_protection: Refuse to delete the index. Default ``False``.
    """

    index_name: pulumi.Input[str] = argument("string", effect="replace")
    mappings: pulumi.Input[Mapping[str, Any]] = argument("map", effect="replace")
    settings: pulumi.Input[Mapping[str, Any]] | None = argument(
        "map", effect="replace", default=None
    )
    alias: pulumi.Input[str] | None = argument("string", default=None)
    deletion_protection: pulumi.Input[bool] = argument("boolean", default=False)


class Index(Resource[IndexArgs]):
    """An index of an OpenSearch cluster, with its mapping; see ``providers.SearchIndex``.

    Why it exists: no vendor's provider has what is inside a cluster of our own. Delete it to delete
    the index with all its chunks; ``deletion_protection`` refuses that.

    Attributes:
        uuid: The cluster's own id of this index; a recreated index has another.
    """

    token = "customrag:opensearch:Index"  # noqa: S105 - a type token
    index_name = Out[str]()
    uuid = Out[str]()


@arguments
class AliasArgs(OpenSearchArgs):
    """Arguments of ``Alias``, as for ``providers.IndexAliasArgs``.

    Attributes:
        alias: The name that readers use.
        index_name: The index that the alias points to.
        expected_chunks: The alias moves only to an index with exactly this many chunks. Default: no
            check.
        keep_indices: How many former generations stay. Default: the alias owns no index.
        meta: Written into the ``_meta`` of the index before the alias points to it. Default:
            nothing.
    """

    alias: pulumi.Input[str] = argument("string", effect="replace")
    index_name: pulumi.Input[str] = argument("string")
    expected_chunks: pulumi.Input[int] | None = argument(
        "integer", effect="ignore", default=None, bounds=(0, None)
    )
    keep_indices: pulumi.Input[int] | None = argument("integer", default=None, bounds=(0, None))
    meta: pulumi.Input[Mapping[str, Any]] | None = argument("map", default=None)


class Alias(Resource[AliasArgs]):
    """The name under which readers find the current index; see ``providers.IndexAlias``.

    Why it exists: it makes a change of model or mapping blue-green. Delete it to remove the name
    and the generations that it owns.

    Attributes:
        previous_index_name: The index that the alias pointed to before its last move, or ``None``.
        generations: ``[{"index_name", "model_version", "served_since"}]``, the latest first;
            ``None`` without ``keep_indices``.
    """

    token = "customrag:opensearch:Alias"  # noqa: S105 - a type token
    alias = Out[str]()
    index_name = Out[str]()
    previous_index_name = Out[str | None]()
    generations = Out[Sequence[Mapping[str, str]] | None]()


@arguments
class GenerationArgs(OpenSearchArgs):
    """Arguments of ``providers.get_index_generation``, for an index of OpenSearch.

    Attributes:
        alias: The alias that goes back.
        index_name: The former index.
    """

    token = "customrag:opensearch:getGeneration"  # noqa: S105 - a function's token
    alias: pulumi.Input[str] = argument("string")
    index_name: pulumi.Input[str] = argument("string")


@arguments
class ConnectorArgs(OpenSearchArgs):
    """Arguments of ``Connector``.

    Attributes:
        connector_name: Name of the connector.
        actions: What it calls; ``opensearch_bodies.openai_embedding`` returns one action.
        parameters: Values for ``${parameters.…}`` in the actions. Default: none.
        credential: Values for ``${credential.…}``, such as keys. Kept secret. Default: none.
        description: Default: none.
    """

    connector_name: pulumi.Input[str] = argument("string")
    actions: pulumi.Input[Sequence[Mapping[str, Any]]] = argument("list")
    parameters: pulumi.Input[Mapping[str, str]] | None = argument("string map", default=None)
    credential: pulumi.Input[Mapping[str, str]] | None = argument(
        "string map", default=None, secret=True
    )
    description: pulumi.Input[str] | None = argument("string", default=None)


class Connector(Resource[ConnectorArgs]):
    """How an OpenSearch cluster calls a model outside, for a ``Model`` with function ``remote``.

    Why it exists: an embedding service on GPU nodes, or DashScope, serves larger models than the
    nodes of a cluster. New credentials are written in place; if the cluster's version wants that,
    its models are undeployed for the moment. The cluster calls trusted addresses only, see
    ``opensearch_bodies.model_settings``. Delete it when no model uses it.

    Attributes:
        connector_id: The cluster's own id of the connector.
    """

    token = "customrag:opensearch:Connector"  # noqa: S105 - a type token
    connector_id = Out[str]()
