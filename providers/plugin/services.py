"""The clients of a configured provider, created when they are needed.

Owns the default endpoints. Does not own the clients.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

from pluginhost import ProviderError
from providers.clients import elasticsearch, opensearch
from providers.clients.credentials import Credentials, credentials_provider
from providers.clients.dlc import DlcClient
from providers.clients.ecs_instances import EcsInstancesClient
from providers.clients.elasticsearch_instances import ElasticsearchInstancesClient
from providers.clients.generic import GenericClient
from providers.clients.oss import OssClient
from providers.clients.retries import Retries
from providers.clients.scaling import ScalingClient

__all__ = ["CloudServices"]


class CloudServices:
    """Clients for the provider's configuration.

    Two threads may make the same client at the same time; then the later one stays.

    Args:
        config: The provider's inputs by their wire names.
        sleep: Pauses between retries; may raise an exception to end them.
    """

    def __init__(
        self, config: Mapping[str, str], sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._config = config
        self._retries = Retries(sleep=sleep)
        self._clusters: dict[tuple[object, ...], Any] = {}

    @property
    def _region_id(self) -> str:
        region_id = self._config.get("regionId")
        if not region_id:
            raise ProviderError(
                "region_id of customrag.Provider is not set; set it, e.g. cn-hangzhou"
            )
        return region_id

    @cached_property
    def _credentials(self) -> Credentials:
        try:
            return credentials_provider(
                self._config.get("accessKeyId"),
                self._config.get("accessKeySecret"),
                self._config.get("securityToken"),
            )
        except ValueError as error:
            raise ProviderError(f"customrag.Provider: {error}") from error

    def _generic(self, endpoint: str) -> GenericClient:
        """Return a client that retries: every operation called here may safely happen twice."""
        return GenericClient(endpoint, self._region_id, self._credentials, retries=self._retries)

    @cached_property
    def oss(self) -> OssClient:
        """Objects of the region."""
        default = f"https://oss-{self._region_id}.aliyuncs.com"
        endpoint = self._config.get("ossEndpoint") or default
        return OssClient(endpoint, self._region_id, self._credentials, retries=self._retries)

    @cached_property
    def dlc(self) -> DlcClient:
        """DLC jobs of the region."""
        default = f"pai-dlc.{self._region_id}.aliyuncs.com"
        endpoint = self._config.get("dlcEndpoint") or default
        return DlcClient(endpoint, self._region_id, self._credentials, retries=self._retries)

    @cached_property
    def elasticsearch_instances(self) -> ElasticsearchInstancesClient:
        """The management of the region's Elasticsearch instances."""
        default = f"elasticsearch.{self._region_id}.aliyuncs.com"
        endpoint = self._config.get("elasticsearchEndpoint") or default
        return ElasticsearchInstancesClient(self._generic(endpoint))

    @cached_property
    def ecs_instances(self) -> EcsInstancesClient:
        """ECS instances of the region."""
        default = f"ecs.{self._region_id}.aliyuncs.com"
        endpoint = self._config.get("ecsEndpoint") or default
        return EcsInstancesClient(self._generic(endpoint), self._region_id)

    @cached_property
    def scaling(self) -> ScalingClient:
        """Scaling groups of the region."""
        default = f"ess.{self._region_id}.aliyuncs.com"
        endpoint = self._config.get("essEndpoint") or default
        # A group has one refresh at a time, so a repeated call starts no second one.
        return ScalingClient(self._generic(endpoint), self._region_id)

    def elasticsearch(self, endpoint: str, username: str, password: str) -> Any:
        """Return the client of a cluster; one for each address and user."""
        key = ("elasticsearch", endpoint, username, password)
        if key not in self._clusters:
            self._clusters[key] = elasticsearch.client(endpoint, username, password)
        return self._clusters[key]

    def opensearch(
        self,
        endpoint: str,
        username: str,
        password: str,
        ca_certificate: str | None,
        timeout_seconds: float,
    ) -> Any:
        """Return the client of an OpenSearch cluster; one for each combination of arguments."""
        key = ("opensearch", endpoint, username, password, ca_certificate, timeout_seconds)
        if key not in self._clusters:
            self._clusters[key] = opensearch.client(
                endpoint, username, password, ca_certificate, timeout=timeout_seconds
            )
        return self._clusters[key]
