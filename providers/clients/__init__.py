"""Thin, typed clients over the vendors' SDKs: an endpoint in, typed errors out, no pulumi.

Owns connections, retries, timeouts and error conversion. Each module is imported by itself
(``providers.clients.oss``, ``.dlc``, ``.kms``, ``.elasticsearch``), so that a process loads only
the SDKs it uses.
"""

__all__ = [
    "account",
    "buckets",
    "compute",
    "credentials",
    "dlc",
    "elasticsearch",
    "elasticsearch_instances",
    "errors",
    "generic",
    "kms",
    "model_studio",
    "offers",
    "openapi",
    "opensearch",
    "oss",
    "retries",
    "scaling",
]
