"""What the node does as administrator: users, certificates, and models that lapsed.

Owns the application's users and what each may do. The node calls the API with the administrator's
certificate, so no user needs the right to change users. Every call may be repeated, and every node
makes them: they are the same on each.

https://docs.opensearch.org/2.19/security/access-control/api/ (read 2026-11).
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import httpx

from opensearch_node.errors import NodeError

__all__ = ["DEPLOYER", "INGEST", "READER", "AdminClient", "roles", "users"]

DEPLOYER: Final = "deployer"
"""The user of `pulumi up`: everything in the cluster but the security plugin's index."""
INGEST: Final = "ingest"
"""The user of the ingest job: writes the application's indices."""
READER: Final = "reader"
"""The user of the chat application: reads the application's indices."""

_ROLE_PREFIX: Final = "customrag_"
_TIMEOUT_SECONDS: Final = 30.0
# neural-search looks at the model before it predicts with it.
_USE_MODEL: Final = (
    "cluster:admin/opensearch/ml/predict",
    "cluster:admin/opensearch/ml/models/get",
)


class AdminClient:
    """The node's API, with the administrator's certificate.

    Args:
        url: URL of the node.
        configuration: Folder with ``ca.pem``, ``admin.pem`` and ``admin.key``.
    """

    def __init__(self, url: str, configuration: Path) -> None:
        context = ssl.create_default_context(cafile=str(configuration / "ca.pem"))
        # The authority signs for this cluster only, so the chain alone identifies a node.
        context.check_hostname = False
        context.load_cert_chain(configuration / "admin.pem", configuration / "admin.key")
        self._client = httpx.Client(base_url=url, verify=context, timeout=_TIMEOUT_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.close()

    def is_ready(self) -> bool:
        """Return whether the node answers and its security plugin is initialised."""
        try:
            answer = self._client.get("/_plugins/_security/health", timeout=5.0)
        except httpx.HTTPError:
            return False
        return answer.status_code == httpx.codes.OK and answer.json().get("status") == "UP"

    def apply(self, index_prefix: str, passwords: Mapping[str, str]) -> None:
        """Create or change the roles and users.

        Raises:
            NodeError: The cluster refused one.
            httpx.HTTPError: The node did not answer.
        """
        for name, role in roles(index_prefix).items():
            self._put(f"roles/{name}", role)
        for name, user in users(passwords).items():
            self._put(f"internalusers/{name}", user)

    def reload_certificates(self) -> None:
        """Make the node use the certificates in its configuration.

        Raises:
            NodeError: The cluster refused them, for example because another authority signed them.
            httpx.HTTPError: The node did not answer.
        """
        for layer in ("transport", "http"):
            self._put(f"ssl/{layer}/reloadcerts", None)

    def lapsed_models(self) -> list[str]:
        """Return the ids of the models whose last deployment failed; none before there are any.

        Raises:
            NodeError: The cluster refused the search.
            httpx.HTTPError: The node did not answer.
        """
        lapsed = {"term": {"model_state": "DEPLOY_FAILED"}}
        # The pieces of a model are documents of the same index.
        pieces = {"exists": {"field": "chunk_number"}}
        query = {"bool": {"filter": [lapsed], "must_not": [pieces]}}
        answer = self._client.post(
            "/_plugins/_ml/models/_search", json={"query": query, "_source": False}
        )
        if answer.status_code == httpx.codes.NOT_FOUND:
            return []
        if answer.is_error:
            raise NodeError(f"OpenSearch refused to list models: {_reason(answer)}")
        return [hit["_id"] for hit in answer.json()["hits"]["hits"]]

    def deploy(self, model_id: str) -> None:
        """Start to deploy a model.

        Raises:
            NodeError: The cluster refused it.
            httpx.HTTPError: The node did not answer.
        """
        answer = self._client.post(f"/_plugins/_ml/models/{model_id}/_deploy")
        if answer.is_error:
            raise NodeError(f"OpenSearch refused to deploy model {model_id}: {_reason(answer)}")

    def _put(self, path: str, body: Mapping[str, Any] | None) -> None:
        answer = self._client.put(f"/_plugins/_security/api/{path}", json=body)
        if answer.is_error:
            raise NodeError(f"OpenSearch refused {path}: {answer.status_code} {_reason(answer)}")


def _reason(answer: httpx.Response) -> str:
    """Return the cluster's reason, without the request, which has a password."""
    try:
        body = answer.json()
    except ValueError:
        return answer.text[:300]
    return str(body.get("message") or body.get("reason") or body.get("error"))[:300]


def roles(index_prefix: str) -> dict[str, dict[str, Any]]:
    """Return the roles of the users, except the deployer's, which is the plugin's own."""
    pattern = [f"{index_prefix}*"]

    def role(cluster: list[str], actions: list[str]) -> dict[str, Any]:
        return {
            "cluster_permissions": cluster,
            "index_permissions": [{"index_patterns": pattern, "allowed_actions": actions}],
        }

    describe = ["indices:admin/mappings/get", "indices:admin/aliases/get", "indices:admin/get"]
    # An ingest hides its changes until its end by the setting refresh_interval.
    change = ["indices:admin/mapping/put", "indices:admin/settings/update"]
    return {
        # Queries and pipelines with a model need the right to predict with it.
        f"{_ROLE_PREFIX}{INGEST}": role(
            ["cluster_composite_ops", "cluster_monitor", *_USE_MODEL],
            ["crud", "indices:admin/refresh*", "indices:admin/forcemerge*", *change, *describe],
        ),
        f"{_ROLE_PREFIX}{READER}": role(
            ["cluster_composite_ops_ro", *_USE_MODEL], ["read", *describe]
        ),
    }


def users(passwords: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Return the users with their passwords and roles.

    Raises:
        NodeError: A user is not one of those that have a role.
    """
    assigned = {
        DEPLOYER: ["all_access"],
        INGEST: [f"{_ROLE_PREFIX}{INGEST}"],
        READER: [f"{_ROLE_PREFIX}{READER}"],
    }
    unknown = sorted(set(passwords) - set(assigned))
    if unknown:
        raise NodeError(f"CUSTOMRAG_OPENSEARCH_USERS has {unknown}. Allowed are {sorted(assigned)}")
    return {
        name: {"password": password, "opendistro_security_roles": assigned[name]}
        for name, password in passwords.items()
    }
