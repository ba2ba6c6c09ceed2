"""The clients of a configured provider, created when they are needed.

Owns the default endpoints. Does not own the clients.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from pluginhost import ProviderError
from providers.clients import elasticsearch
from providers.clients.credentials import Credentials, credentials_provider
from providers.clients.dlc import DlcClient
from providers.clients.elasticsearch_instances import ElasticsearchInstancesClient
from providers.clients.generic import GenericClient
from providers.clients.oss import OssClient
from providers.clients.retries import Retries
from providers.clients.scaling import ScalingClient

__all__ = ["CloudServices"]


class CloudServices:
    """Clients for the provider's configuration.

    Args:
        config: The provider's inputs by their wire names.
        sleep: Pauses between retries; may raise an exception to end them.
    """

    def __init__(
        self, config: Mapping[str, str], sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._config = config
        self._retries = Retries(sleep=sleep)
        self._lock = threading.RLock()
        self._credentials: Credentials | None = None
        self._oss: OssClient | None = None
        self._dlc: DlcClient | None = None
        self._instances: ElasticsearchInstancesClient | None = None
        self._scaling: ScalingClient | None = None
        self._clusters: dict[tuple[str, str, str], Any] = {}

    @property
    def _region_id(self) -> str:
        region_id = self._config.get("regionId")
        if not region_id:
            raise ProviderError(
                "region_id of customrag.Provider is not set; set it, e.g. cn-hangzhou"
            )
        return region_id

    def _signing(self) -> Credentials:
        if self._credentials is None:
            try:
                self._credentials = credentials_provider(
                    self._config.get("accessKeyId"),
                    self._config.get("accessKeySecret"),
                    self._config.get("securityToken"),
                )
            except ValueError as error:
                raise ProviderError(f"customrag.Provider: {error}") from error
        return self._credentials

    @property
    def oss(self) -> OssClient:
        """Objects of the region."""
        with self._lock:
            if self._oss is None:
                default = f"https://oss-{self._region_id}.aliyuncs.com"
                endpoint = self._config.get("ossEndpoint") or default
                self._oss = OssClient(
                    endpoint, self._region_id, self._signing(), retries=self._retries
                )
            return self._oss

    @property
    def dlc(self) -> DlcClient:
        """DLC jobs of the region."""
        with self._lock:
            if self._dlc is None:
                default = f"pai-dlc.{self._region_id}.aliyuncs.com"
                endpoint = self._config.get("dlcEndpoint") or default
                self._dlc = DlcClient(
                    endpoint, self._region_id, self._signing(), retries=self._retries
                )
            return self._dlc

    @property
    def elasticsearch_instances(self) -> ElasticsearchInstancesClient:
        """The management of the region's Elasticsearch instances."""
        with self._lock:
            if self._instances is None:
                default = f"elasticsearch.{self._region_id}.aliyuncs.com"
                endpoint = self._config.get("elasticsearchEndpoint") or default
                self._instances = ElasticsearchInstancesClient(
                    # Every operation called through it may safely happen twice.
                    GenericClient(endpoint, self._region_id, self._signing(), retries=self._retries)
                )
            return self._instances

    @property
    def scaling(self) -> ScalingClient:
        """Scaling groups of the region."""
        with self._lock:
            if self._scaling is None:
                default = f"ess.{self._region_id}.aliyuncs.com"
                endpoint = self._config.get("essEndpoint") or default
                self._scaling = ScalingClient(
                    # A group has one refresh at a time, so a repeated call starts no second one.
                    GenericClient(
                        endpoint, self._region_id, self._signing(), retries=self._retries
                    ),
                    self._region_id,
                )
            return self._scaling

    def elasticsearch(self, endpoint: str, username: str, password: str) -> Any:
        """Return the client of a cluster; one for each address and user."""
        with self._lock:
            key = (endpoint, username, password)
            if key not in self._clusters:
                self._clusters[key] = elasticsearch.client(endpoint, username, password)
            return self._clusters[key]
