"""Hosting of Pulumi resource plugins written in Python.

Owns what each of our plugins needs and the SDK's experimental server lacks: conversion of
property values, progress in the engine's status line, clean error messages, cancellation, and
shutdown when the engine ends. It does not know any resource type.
Built on ``pulumi.provider.experimental`` of Pulumi 3.272 (https://www.pulumi.com/docs/iac/, read
2026-11).

A plugin is a subclass of ``HostedProvider`` and two lines::

    class CustomragProvider(HostedProvider):
        async def create(self, request: CreateRequest) -> CreateResponse:
            inputs = decode_map(request.properties)        # plain Python; UNKNOWN in previews
            ...
            self.host.status(request.urn, "training: epoch 1 of 2")   # from any thread
            outputs = await asyncio.to_thread(self._train, inputs)    # poll host.cancelled in it
            return CreateResponse(job_id, encode_map(outputs))

    if __name__ == "__main__":
        main(CustomragProvider(), sys.argv[1:], version="0.1.0")

Values
    ``decode``/``decode_map`` turn ``PropertyValue`` into None, bool, float, str, list and dict.
    Numbers arrive as float, so compare and convert with ``int``. A value that a preview does not
    know is ``UNKNOWN`` (use ``contains_unknown``). Secrets are plain values unless
    ``keep_secrets=True``, which wraps them in ``Secret``. ``encode``/``encode_map`` convert back:
    ``Secret(value)`` and the names in ``secrets=`` become secrets, ``UNKNOWN`` becomes unknown, and
    int is accepted. Assets and archives are refused.

Requests
    ``DiffRequest``, ``UpdateRequest`` and ``DeleteRequest`` here extend the SDK's with
    ``old_inputs`` (the SDK passes only old outputs). Secrets reach every method.

Errors
    Raise ``ProviderError("what, given, allowed, what to change")``: the user sees only that text.
    Any other exception is a bug in the plugin and is shown with its traceback. Raise
    ``PartialError(message, resource_id, properties)`` from create or update when the resource
    exists but differs from the request: the engine keeps it in the state and updates it next time.

Cancel
    Ctrl-C sets ``host.cancelled`` (a ``threading.Event``). Wait with ``host.wait(seconds)``, not
    with ``time.sleep``: it raises ``OperationCancelledError``, a ``ProviderError``, once the user
    has cancelled.
"""

from pluginhost.errors import OperationCancelledError, PartialError, ProviderError
from pluginhost.host import Host
from pluginhost.provider import (
    DeleteRequest,
    DiffRequest,
    HostedProvider,
    UpdateRequest,
)
from pluginhost.server import main
from pluginhost.urns import type_of
from pluginhost.values import (
    UNKNOWN,
    Secret,
    Unknown,
    contains_unknown,
    decode,
    decode_map,
    encode,
    encode_map,
    reveal,
)

__all__ = [
    "UNKNOWN",
    "DeleteRequest",
    "DiffRequest",
    "Host",
    "HostedProvider",
    "OperationCancelledError",
    "PartialError",
    "ProviderError",
    "Secret",
    "Unknown",
    "UpdateRequest",
    "contains_unknown",
    "decode",
    "decode_map",
    "encode",
    "encode_map",
    "main",
    "reveal",
    "type_of",
]
