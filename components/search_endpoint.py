"""How the program, the ingest job and the application reach a search cluster.

Owns addresses and credentials, and which resource declares an index of a kind of cluster. Does not
own the clusters (`components.elasticsearch`, `components.opensearch`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi

import providers
from providers import opensearch
from stack_config.kinds import EngineKind

__all__ = [
    "OpenSearchEndpoint",
    "SearchAccess",
    "SearchEndpoint",
    "SomeEndpoint",
]


@dataclass(frozen=True, kw_only=True)
class SomeEndpoint(ABC):
    """A search cluster as the program reaches it.

    Attributes:
        url: URL of the cluster, e.g. `https://es-cn-xxx.elasticsearch.aliyuncs.com:9200`, or of one
            of its nodes.
        username: User name.
        password: Password; a secret.
    """

    url: pulumi.Input[str]
    username: pulumi.Input[str]
    password: pulumi.Input[str]

    @property
    def arguments(self) -> dict[str, Any]:
        """The part of the arguments of everything inside the cluster that this decides."""
        return {"endpoint": self.url, "username": self.username, "password": self.password}

    @abstractmethod
    def declare_index(
        self, name: str, opts: pulumi.ResourceOptions, **arguments: Any
    ) -> providers.SearchIndex | opensearch.Index:
        """Declare an index with these further arguments."""

    @abstractmethod
    def declare_alias(
        self, name: str, opts: pulumi.ResourceOptions, **arguments: Any
    ) -> providers.IndexAlias | opensearch.Alias:
        """Declare an alias with these further arguments."""

    @abstractmethod
    def find_generation(
        self, provider: pulumi.ProviderResource, *, alias: str, index_name: str
    ) -> providers.IndexGeneration:
        """Look up a former index of an alias (`providers.get_index_generation`)."""


@dataclass(frozen=True, kw_only=True)
class SearchEndpoint(SomeEndpoint):
    """Address and credentials of an Elasticsearch instance.

    Attributes:
        instance_id: ID of the Elasticsearch instance.
        vector_index_kinds: Kinds of vector index that the cluster accepts
            (`ElasticsearchCluster.capabilities`), so that a preview refuses another. None: only
            the cluster refuses it.
    """

    instance_id: pulumi.Input[str]
    vector_index_kinds: pulumi.Input[Mapping[str, Any]] | None = None

    @property
    def arguments(self) -> dict[str, Any]:
        """See `SomeEndpoint`."""
        return {**super().arguments, "instance_id": self.instance_id}

    def declare_index(
        self, name: str, opts: pulumi.ResourceOptions, **arguments: Any
    ) -> providers.SearchIndex:
        """See `SomeEndpoint`."""
        return providers.SearchIndex(
            name,
            providers.SearchIndexArgs(
                **self.arguments, vector_index_kinds=self.vector_index_kinds, **arguments
            ),
            opts=opts,
        )

    def declare_alias(
        self, name: str, opts: pulumi.ResourceOptions, **arguments: Any
    ) -> providers.IndexAlias:
        """See `SomeEndpoint`."""
        return providers.IndexAlias(
            name, providers.IndexAliasArgs(**self.arguments, **arguments), opts=opts
        )

    def find_generation(
        self, provider: pulumi.ProviderResource, *, alias: str, index_name: str
    ) -> providers.IndexGeneration:
        """See `SomeEndpoint`."""
        found = providers.IndexGenerationArgs(
            **super().arguments, alias=alias, index_name=index_name
        )
        return providers.get_index_generation(found, provider)


@dataclass(frozen=True, kw_only=True)
class OpenSearchEndpoint(SomeEndpoint):
    """Address and credentials of an OpenSearch cluster.

    Attributes:
        ca_certificate: PEM text of the authority that signed the nodes' certificates.
        instance_id: ID of the ECS instance of the node at `url`.
    """

    ca_certificate: pulumi.Input[str]
    instance_id: pulumi.Input[str]

    @property
    def arguments(self) -> dict[str, Any]:
        """See `SomeEndpoint`."""
        return {
            **super().arguments,
            "ca_certificate": self.ca_certificate,
            "instance_id": self.instance_id,
        }

    def declare_index(
        self, name: str, opts: pulumi.ResourceOptions, **arguments: Any
    ) -> opensearch.Index:
        """See `SomeEndpoint`."""
        return opensearch.Index(
            name, opensearch.IndexArgs(**self.arguments, **arguments), opts=opts
        )

    def declare_alias(
        self, name: str, opts: pulumi.ResourceOptions, **arguments: Any
    ) -> opensearch.Alias:
        """See `SomeEndpoint`."""
        return opensearch.Alias(
            name, opensearch.AliasArgs(**self.arguments, **arguments), opts=opts
        )

    def find_generation(
        self, provider: pulumi.ProviderResource, *, alias: str, index_name: str
    ) -> providers.IndexGeneration:
        """See `SomeEndpoint`."""
        found = opensearch.GenerationArgs(**self.arguments, alias=alias, index_name=index_name)
        return providers.get_index_generation(found, provider)


@dataclass(frozen=True, kw_only=True)
class SearchAccess:
    """A search cluster as a machine reaches it, with a password from KMS.

    Attributes:
        url: URL of the cluster.
        username: User name.
        secret_name: KMS secret with the password.
        engine: Kind of the cluster.
        ca_certificate: PEM text of the authority that signed its certificate. Default: the
            authorities that the machine trusts.
    """

    url: pulumi.Input[str]
    username: pulumi.Input[str]
    secret_name: pulumi.Input[str]
    engine: EngineKind = EngineKind.ELASTICSEARCH
    ca_certificate: pulumi.Input[str] | None = None

    @property
    def environment(self) -> dict[str, pulumi.Input[str]]:
        """The settings of `rag.settings.SearchSettings`."""
        found: dict[str, pulumi.Input[str]] = {
            "CUSTOMRAG_SEARCH_ENGINE": self.engine.value,
            "CUSTOMRAG_SEARCH_URL": self.url,
            "CUSTOMRAG_SEARCH_USERNAME": self.username,
            "CUSTOMRAG_SEARCH_SECRET": self.secret_name,
        }
        if self.ca_certificate is not None:
            found["CUSTOMRAG_SEARCH_CA_CERTIFICATE"] = pulumi.Output.from_input(
                self.ca_certificate
            ).apply(_on_one_line)
        return found


def _on_one_line(pem: str) -> str:
    """Return a certificate without the header and the line breaks of PEM text."""
    return "".join(line for line in pem.splitlines() if not line.startswith("-----"))
