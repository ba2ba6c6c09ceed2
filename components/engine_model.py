"""The embedding model inside an OpenSearch cluster, and the pipelines that use it.

Owns: the cluster's settings for models, the model, and the pipelines for documents and searches.
Does not own: the cluster (`components.opensearch`), the training that writes the model
(`components.pai`), or the index (`components.knowledge`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi

from components.scope import Scope
from components.search_endpoint import OpenSearchEndpoint
from providers import opensearch, opensearch_bodies

__all__ = ["EngineModel", "EngineModelArgs", "ServiceModel", "TorchScriptModel"]

# A search of two queries: words, then vectors.
_NORMALIZATION, _RRF = "normalization", "rrf"


@dataclass(frozen=True, kw_only=True)
class TorchScriptModel:
    """A model that the cluster runs itself.

    Attributes:
        uri: The zip, `oss://bucket/key`.
        sha256: SHA-256 of the zip.
        config: Its `model_config` (`training.torchscript`).
        oss_endpoint: URL of OSS as the cluster's nodes reach it.
        trusted_url_regex: Regular expression of the URLs from which models may come.
    """

    uri: pulumi.Input[str]
    sha256: pulumi.Input[str]
    config: pulumi.Input[Mapping[str, Any]]
    oss_endpoint: str
    trusted_url_regex: str


@dataclass(frozen=True, kw_only=True)
class ServiceModel:
    """A model that the cluster calls: an embedding node.

    Attributes:
        url: URL of the node, without a path.
    """

    url: pulumi.Input[str]


@dataclass(frozen=True, kw_only=True)
class EngineModelArgs:
    """Arguments of `EngineModel`.

    Attributes:
        scope: Names, region and tags of the stack.
        search: The cluster.
        model: Where the model comes from.
        model_version: Version of the model. Another one gets pipelines of its own.
        prefix: What the names of the pipelines begin with.
        field_map: Field of the vector by field of the text; of objects, such a mapping by field.
        search_weight: Share of the vector search in the normalized sum, 0 to 1.
        on_ml_nodes: Whether only nodes with the role `ml` run models.
        batch_size: Texts per call of the model.
    """

    scope: Scope
    search: OpenSearchEndpoint
    model: TorchScriptModel | ServiceModel
    model_version: pulumi.Input[str]
    prefix: str
    field_map: Mapping[str, Any]
    search_weight: pulumi.Input[float]
    on_ml_nodes: bool = False
    batch_size: int = 16


class EngineModel(pulumi.ComponentResource):
    """A model that embeds documents in the cluster, and two ways to fuse a hybrid query.

    Attributes:
        model_id: The cluster's own id of the model.
        ingest_pipeline: Pipeline that embeds documents; known once it exists.
        search_pipelines: Pipelines for hybrid queries of words and vectors, by the fusion:
            `normalization` and `rrf`.
    """

    model_id: pulumi.Output[str]
    ingest_pipeline: pulumi.Output[str]
    search_pipelines: dict[str, pulumi.Output[str]]

    def __init__(
        self, name: str, args: EngineModelArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("customrag:opensearch:EngineModel", name, None, opts)
        self._child = pulumi.ResourceOptions(parent=self)
        settings = opensearch.ClusterSettings(
            f"{name}-settings",
            opensearch.ClusterSettingsArgs(**args.search.arguments, settings=_settings(args)),
            opts=self._child,
        )
        group = opensearch.ModelGroup(
            f"{name}-group",
            opensearch.ModelGroupArgs(
                **args.search.arguments,
                group_name=args.scope.naming.physical("models"),
                description="Embedding models of the stack",
            ),
            opts=self._after(settings),
        )
        model = self._model(name, args, group, settings)
        self.model_id = model.model_id
        documents = opensearch.IngestPipeline(
            f"{name}-documents",
            opensearch.IngestPipelineArgs(
                **args.search.arguments,
                pipeline_name=pulumi.Output.concat(args.prefix, "-", args.model_version),
                body=model.model_id.apply(lambda model_id: _documents(model_id, args)),
            ),
            opts=self._child,
        )
        self.ingest_pipeline = documents.id
        fusions: dict[str, pulumi.Input[Mapping[str, Any]]] = {
            _NORMALIZATION: pulumi.Output.from_input(args.search_weight).apply(_normalization),
            _RRF: opensearch_bodies.search_pipeline(
                phase_results=[opensearch_bodies.score_ranker()],
                description="Fuses words and vectors by their ranks",
            ),
        }
        self.search_pipelines = {
            fusion: self._search_pipeline(name, args, fusion, body)
            for fusion, body in fusions.items()
        }
        self.register_outputs({"model_id": self.model_id, "ingest_pipeline": self.ingest_pipeline})

    def _after(self, *resources: pulumi.Resource) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, depends_on=list(resources))

    def _model(
        self,
        name: str,
        args: EngineModelArgs,
        group: opensearch.ModelGroup,
        settings: opensearch.ClusterSettings,
    ) -> opensearch.Model:
        source: dict[str, Any]
        if isinstance(args.model, TorchScriptModel):
            source = {
                "model_uri": args.model.uri,
                "model_content_hash_value": args.model.sha256,
                "model_config": args.model.config,
                "oss_endpoint": args.model.oss_endpoint,
            }
        else:
            source = {
                "function_name": "remote",
                "connector_id": self._connector(name, args, args.model, settings),
            }
        return opensearch.Model(
            f"{name}-model",
            opensearch.ModelArgs(
                **args.search.arguments,
                **source,
                model_name=args.scope.naming.physical("embedding"),
                model_group_id=group.model_group_id,
                description=pulumi.Output.concat("Model version ", args.model_version),
            ),
            # A refused model may need other settings.
            opts=self._after(settings),
        )

    def _connector(
        self,
        name: str,
        args: EngineModelArgs,
        model: ServiceModel,
        settings: opensearch.ClusterSettings,
    ) -> pulumi.Output[str]:
        connector = opensearch.Connector(
            f"{name}-connector",
            opensearch.ConnectorArgs(
                **args.search.arguments,
                connector_name=args.scope.naming.physical("embedding"),
                actions=[
                    opensearch_bodies.openai_embedding(
                        pulumi.Output.concat(model.url, "/v1/embeddings"), with_key=False
                    )
                ],
                # ml-commons refuses a connector without one. The node asks for none.
                credential={"key": "none"},
                description="The first embedding node of the stack",
            ),
            opts=self._after(settings),
        )
        return connector.connector_id

    def _search_pipeline(
        self,
        name: str,
        args: EngineModelArgs,
        fusion: str,
        body: pulumi.Input[Mapping[str, Any]],
    ) -> pulumi.Output[str]:
        pipeline = opensearch.SearchPipeline(
            f"{name}-{fusion}",
            opensearch.SearchPipelineArgs(
                **args.search.arguments, pipeline_name=f"{args.prefix}-{fusion}", body=body
            ),
            opts=self._child,
        )
        return pipeline.id


def _settings(args: EngineModelArgs) -> Mapping[str, Any]:
    if isinstance(args.model, TorchScriptModel):
        return opensearch_bodies.model_settings(
            trusted_url_regex=args.model.trusted_url_regex, only_run_on_ml_node=args.on_ml_nodes
        )
    return opensearch_bodies.model_settings(
        # No model comes by URL.
        trusted_url_regex="^$",
        only_run_on_ml_node=args.on_ml_nodes,
        trusted_connector_endpoints_regex=pulumi.Output.from_input(args.model.url).apply(
            lambda url: [f"^{re.escape(url)}/v1/embeddings$"]
        ),
        private_connectors=True,
    )


def _documents(model_id: str, args: EngineModelArgs) -> dict[str, Any]:
    return opensearch_bodies.ingest_pipeline(
        opensearch_bodies.text_embedding(model_id, args.field_map, args.batch_size),
        description="Embeds the documents",
    )


def _normalization(search_weight: float) -> dict[str, Any]:
    return opensearch_bodies.search_pipeline(
        phase_results=[opensearch_bodies.normalization(weights=[1 - search_weight, search_weight])],
        description="Fuses words and vectors by their normalized scores",
    )
