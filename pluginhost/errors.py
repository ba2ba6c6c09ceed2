"""Errors that a plugin reports to the engine.

Hierarchy::

    ProviderError                   shown to the user as it is, without a traceback
    +-- OperationCancelledError     the user cancelled the update
    +-- PartialError                the resource exists but differs from the request
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["OperationCancelledError", "PartialError", "ProviderError"]


class ProviderError(Exception):
    """An error whose message is for the user of the plugin."""


class OperationCancelledError(ProviderError):
    """The user cancelled the update."""


class PartialError(ProviderError):
    """A resource that exists but differs from the request.

    Args:
        message: What is wrong with it and what to change.
        resource_id: Its id.
        properties: Its known outputs, plain values as for ``encode_map``.
    """

    def __init__(self, message: str, resource_id: str, properties: Mapping[str, Any]) -> None:
        super().__init__(message)
        self.resource_id = resource_id
        self.properties = dict(properties)
