"""The base class of hosted providers and the requests it gets.

Owns the small extensions to the SDK's provider interface; the interface itself is
``pulumi.provider.experimental.provider``.
"""

from __future__ import annotations

from typing import Any, Self

from pulumi.provider.experimental import provider as sdk
from pulumi.provider.experimental.property_value import PropertyValue

from pluginhost.host import Host

PropertyMap = dict[str, PropertyValue]


class DiffRequest(sdk.DiffRequest):
    """A diff request that also carries the inputs the old state was made from."""

    def __init__(self, *args: Any, old_inputs: PropertyMap) -> None:
        super().__init__(*args)
        self.old_inputs = old_inputs


class UpdateRequest(sdk.UpdateRequest):
    """An update request that also carries the inputs the old state was made from."""

    def __init__(self, *args: Any, old_inputs: PropertyMap, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.old_inputs = old_inputs


class DeleteRequest(sdk.DeleteRequest):
    """A delete request that also carries the inputs the state was made from."""

    def __init__(self, *args: Any, old_inputs: PropertyMap) -> None:
        super().__init__(*args)
        self.old_inputs = old_inputs


class HostedProvider(sdk.Provider):
    """A provider that ``pluginhost.main`` can serve.

    Attributes:
        host: The engine it works for; ``main`` replaces the initial one, which logs nowhere.
    """

    host: Host

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """A provider with a host of its own, whatever its ``__init__`` does."""
        made = super().__new__(cls)
        made.host = Host()
        return made

    async def cancel(self) -> None:
        """Ctrl-C: everything that waits with ``host.wait`` ends at once."""
        self.host.cancelled.set()
