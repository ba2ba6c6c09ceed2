"""The engine's configuration files. Pure: settings in, texts out.

Settings: https://docs.opensearch.org/2.19/install-and-configure/configuring-opensearch/index/ and
https://docs.opensearch.org/2.19/security/configuration/yaml/ (read 2026-11).
"""

from __future__ import annotations

import json
from typing import Any, Final

from opensearch_node.settings import NodeSettings

__all__ = ["LIBTORCH_FOLDER", "jvm_options", "opensearch_yml"]

LIBTORCH_FOLDER: Final = "ml_cache/pytorch/1.13.1-cpu-precxx11-linux-x86_64"
"""Below the data folder: where ml-commons 2.19 looks for libtorch (PYTORCH_VERSION and
PYTORCH_PRECXX11 in its class MLModelCacheHelper; the name is DJL's)."""

NODE_SUBJECT: Final = "CN=opensearch-node,O=customrag"
ADMIN_SUBJECT: Final = "CN=opensearch-admin,O=customrag"
"""Subjects of the certificates that `components.opensearch` issues."""


def opensearch_yml(settings: NodeSettings) -> str:
    """Return ``opensearch.yml``."""
    values: dict[str, Any] = {
        "cluster.name": settings.opensearch_cluster_name,
        "node.name": settings.opensearch_node_name,
        "node.roles": list(settings.roles),
        "path.data": str(settings.data),
        "path.logs": str(settings.opensearch_state / "logs"),
        "network.bind_host": settings.bind_host,
        "network.publish_host": settings.opensearch_address,
        "http.port": settings.port,
        "transport.port": settings.transport_port,
        # Without it, an index would be created by a misspelled name.
        "action.auto_create_index": ".*",
        **_discovery(settings),
        **_certificates(),
        "plugins.security.authcz.admin_dn": [ADMIN_SUBJECT],
        "plugins.security.nodes_dn": [NODE_SUBJECT],
        "plugins.security.allow_default_init_securityindex": True,
        "plugins.security.restapi.roles_enabled": ["all_access"],
        "plugins.security.system_indices.enabled": True,
        "plugins.security.ssl_cert_reload_enabled": True,
        # Another node changes the addresses in the certificate, which would be refused.
        "plugins.security.ssl.transport.enforce_cert_reload_dn_verification": False,
        "plugins.security.ssl.http.enforce_cert_reload_dn_verification": False,
        # Without a type, every start logs an error.
        "plugins.security.audit.type": "noop",
    }
    # Every JSON value is valid YAML.
    return "".join(f"{name}: {json.dumps(value)}\n" for name, value in values.items())


def _discovery(settings: NodeSettings) -> dict[str, Any]:
    managers = settings.cluster_managers
    if list(managers) == [settings.opensearch_node_name]:
        return {"discovery.type": "single-node"}
    return {
        "discovery.seed_hosts": [
            f"{address}:{settings.transport_port}" for address in managers.values()
        ],
        # Read only by a cluster that has never formed.
        "cluster.initial_cluster_manager_nodes": list(managers),
    }


def _certificates() -> dict[str, Any]:
    files = {
        "pemcert_filepath": "node.pem",
        "pemkey_filepath": "node.key",
        "pemtrustedcas_filepath": "ca.pem",
    }
    layers = {
        f"plugins.security.ssl.{layer}.{name}": file
        for layer in ("transport", "http")
        for name, file in files.items()
    }
    return {
        **layers,
        # The authority signs for this cluster only, so the chain alone identifies a node.
        "plugins.security.ssl.transport.enforce_hostname_verification": False,
        "plugins.security.ssl.http.enabled": True,
        "plugins.security.ssl.http.clientauth_mode": "OPTIONAL",
    }


def jvm_options(settings: NodeSettings) -> str:
    """Return the options that follow the distribution's own ``jvm.options``."""
    return (
        f"-Xms{settings.opensearch_heap_mib}m\n-Xmx{settings.opensearch_heap_mib}m\n"
        # A dump of the heap holds documents.
        "-XX:-HeapDumpOnOutOfMemoryError\n"
        f"-Djava.io.tmpdir={settings.opensearch_state / 'tmp'}\n"
    )
