"""The base class of hosted providers and its requests.

Owns the small extensions to the SDK's provider interface; the interface itself is
``pulumi.provider.experimental.provider``.
"""

from __future__ import annotations

from typing import Any, Self

from pulumi.provider.experimental import provider as sdk
from pulumi.provider.experimental.property_value import PropertyValue

from pluginhost.host import Host

__all__ = ["DeleteRequest", "DiffRequest", "HostedProvider", "UpdateRequest"]

PropertyMap = dict[str, PropertyValue]


class DiffRequest(sdk.DiffRequest):
    """A diff request that also carries the inputs behind the old state."""

    def __init__(self, *args: Any, old_inputs: PropertyMap) -> None:
        super().__init__(*args)
        self.old_inputs = old_inputs


class UpdateRequest(sdk.UpdateRequest):
    """An update request that also carries the inputs behind the old state."""

    def __init__(self, *args: Any, old_inputs: PropertyMap, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.old_inputs = old_inputs


class DeleteRequest(sdk.DeleteRequest):
    """A delete request that also carries the inputs behind the state."""

    def __init__(self, *args: Any, old_inputs: PropertyMap) -> None:
        super().__init__(*args)
        self.old_inputs = old_inputs


class HostedProvider(sdk.Provider):
    """A provider that ``pluginhost.main`` can serve.

    Attributes:
        host: Its engine. The initial one discards messages; ``main`` replaces it.
    """

    host: Host

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Give the provider a host, even if its ``__init__`` does not call this class's."""
        made = super().__new__(cls)
        made.host = Host()
        return made

    async def cancel(self) -> None:
        """End every ``host.wait`` at once, because the user pressed Ctrl-C."""
        self.host.cancelled.set()
