"""Connects to the search cluster that settings name.

Owns the choice of the kind. The client of the other kind is not loaded, and need not be installed.
"""

from __future__ import annotations

from rag.engines.base import SearchEngine
from rag.engines.kinds import EngineKind
from rag.secret import HeldSecret
from rag.settings import SearchSettings

__all__ = ["connect"]


def connect(
    settings: SearchSettings, *, timeout_seconds: float = 60.0, max_retries: int = 5
) -> SearchEngine:
    """Return the cluster; close it with `close`. Only KMS is asked, for the password.

    A password that the cluster refuses is read again, because it may have changed.

    Args:
        settings: Names the cluster and the user.
        timeout_seconds: Longest wait for an answer.
        max_retries: How often a request that a busy cluster refuses is made again.

    Raises:
        SecretMissingError: The password is not given, or KMS did not return it.
        ssl.SSLError: The authority is not a certificate.
    """
    password = HeldSecret(settings.read_search_password)
    if settings.search_engine is EngineKind.OPENSEARCH:
        from providers.clients.opensearch import async_client as opensearch_client
        from rag.engines.opensearch import OpenSearchEngine

        return OpenSearchEngine(
            opensearch_client(
                settings.search_url,
                settings.search_username,
                password.value,
                settings.search_ca_pem,
                renew=password.renewed,
                timeout=timeout_seconds,
                http_compress=False,
            ),
            max_retries=max_retries,
        )
    from providers.clients.elasticsearch import async_client as elasticsearch_client
    from rag.engines.elasticsearch import ElasticsearchEngine

    return ElasticsearchEngine(
        elasticsearch_client(
            settings.search_url,
            settings.search_username,
            password.value,
            renew=password.renewed,
            request_timeout=timeout_seconds,
            max_retries=max_retries,
            # Compressing vectors takes longer than sending them: their text hardly shrinks.
            http_compress=False,
        )
    )
