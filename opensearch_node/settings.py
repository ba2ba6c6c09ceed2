"""Settings of a node. Only this module reads the environment.

Every variable is ``CUSTOMRAG_`` and the field's name in capitals.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

__all__ = ["NodeSettings"]


class NodeSettings(BaseSettings):
    """Settings of a node.

    Attributes:
        region_id: Region of KMS and OSS.
        kms_endpoint: Endpoint of KMS.
        oss_endpoint: Endpoint of OSS, for `opensearch_package_uri`.
        bind_host: Address to listen on.
        port: Port of the HTTP API; the transport port is 100 higher.
        opensearch_home: Folder of the OpenSearch package in the node's image.
        opensearch_package_uri: ``oss://bucket/…-<SHA-256>.tar.gz`` of the package. Empty: the image
            has it at `opensearch_home`.
        opensearch_state: Folder for configuration, data and, if it is fetched, the package.
        opensearch_cluster_name: Name of the cluster.
        opensearch_node_name: Name of this node in the cluster.
        opensearch_address: Address by which the other nodes and the clients reach this node.
        opensearch_roles: Its roles, separated by commas; empty: it only coordinates.
        opensearch_cluster_managers: ``name=address`` of each node that may become cluster manager,
            separated by commas. One name alone is a cluster of one node.
        opensearch_heap_mib: Java heap. Half of the memory at most; libtorch needs the rest.
        opensearch_certificates: Name of the KMS secret with the certificates.
        opensearch_users: ``user=KMS secret with its password``, separated by commas.
        opensearch_index_prefix: What the names of the application's indices begin with; its users
            may use these only.
    """

    model_config = SettingsConfigDict(env_prefix="CUSTOMRAG_", frozen=True, extra="ignore")

    region_id: str
    kms_endpoint: str
    oss_endpoint: str = ""
    bind_host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1024, le=65435)] = 9200
    opensearch_home: Path = Path("/usr/share/opensearch")
    opensearch_package_uri: str = ""
    opensearch_state: Path = Path("/var/lib/customrag/opensearch")
    opensearch_cluster_name: str
    opensearch_node_name: str
    opensearch_address: str
    opensearch_roles: str = "cluster_manager,data,ingest"
    opensearch_cluster_managers: str
    opensearch_heap_mib: Annotated[int, Field(ge=512, le=31 * 1024)] = 1024
    opensearch_certificates: str
    opensearch_users: str
    opensearch_index_prefix: str

    @property
    def transport_port(self) -> int:
        """Port by which the nodes reach each other."""
        return self.port + 100

    @property
    def url(self) -> str:
        """URL of this node's API."""
        return f"https://{self.opensearch_address}:{self.port}"

    @property
    def roles(self) -> tuple[str, ...]:
        """Its roles."""
        return tuple(filter(None, self.opensearch_roles.split(",")))

    @property
    def cluster_managers(self) -> dict[str, str]:
        """Address by name of each node that may become cluster manager."""
        return _pairs(self.opensearch_cluster_managers)

    @property
    def users(self) -> dict[str, str]:
        """KMS secret by user."""
        return _pairs(self.opensearch_users)

    @property
    def configuration(self) -> Path:
        """Folder of the engine's configuration."""
        return self.opensearch_state / "config"

    @property
    def data(self) -> Path:
        """Folder of the engine's data."""
        return self.opensearch_state / "data"


def _pairs(text: str) -> dict[str, str]:
    return dict(item.split("=", 1) for item in text.split(",") if item)
