"""The description of one API operation, for the generated coverage table.

Each service folder lists its own in ``operations.py``; ``tools/coverage.py`` writes
``docs/reference/local-cloud-coverage.md`` from them.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One operation that a service supports.

    Attributes:
        service: The service's folder name, such as ``paidlc``.
        name: The operation's name in the vendor's SDK, such as ``CreateJob``.
        api: Method and path (ROA), or product, version and action (RPC).
        notes: What the local cloud supports less of than the cloud; empty if it supports all.
    """

    service: str
    name: str
    api: str
    notes: str = ""
