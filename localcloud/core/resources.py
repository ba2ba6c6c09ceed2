"""The interface of resource handlers, and what they share.

Owns the handler interface, the context that handlers get, and the loopback addresses of nodes. It
does not check inputs against the cloud provider's schema: the ``alicloud`` plugin does that before
it calls a handler.
"""

from __future__ import annotations

import ipaddress
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, ClassVar

from localcloud.core.access import AccessControl
from localcloud.core.errors import CloudError
from localcloud.core.home import Platform
from localcloud.core.ids import Ids
from localcloud.core.store import Store
from localcloud.core.supervisor import Supervisor

Properties = dict[str, Any]


class Addresses:
    """Loopback addresses of nodes and instances, one per owner, stable until released."""

    def __init__(self, store: Store, loopback_prefix: str) -> None:
        self._store = store
        self._table = store.table("addresses")
        self._first = int(ipaddress.IPv4Address(f"{loopback_prefix}.1.1"))
        self._last = int(ipaddress.IPv4Address(f"{loopback_prefix}.254.254"))

    def allocate(self, owner: str) -> str:
        """Return the owner's address; a new owner gets the lowest free one.

        Raises:
            CloudError: ``InsufficientAddresses``: every address of the range is in use.
        """
        with self._store.transaction():
            entry = self._table.get(owner)
            if entry is not None:
                return str(entry["address"])
            taken = {item["address"] for item in self._table.values()}
            for number in range(self._first, self._last + 1):
                address = str(ipaddress.IPv4Address(number))
                if address not in taken and not address.endswith((".0", ".255")):
                    self._table.put(owner, {"address": address})
                    return address
        raise CloudError(
            "InsufficientAddresses", "Every address of the local cloud is in use; delete a node."
        )

    def release(self, owner: str) -> None:
        """Free the owner's address, if it has one."""
        self._table.delete(owner)

    def release_below(self, prefix: str) -> None:
        """Free the addresses of every owner whose name begins with `prefix`."""
        owners = [owner for owner, _ in self._table.items() if owner.startswith(prefix)]
        for owner in owners:
            self._table.delete(owner)


@dataclass(frozen=True, kw_only=True)
class Context:
    """What the handlers, routes and services of one running local cloud share."""

    platform: Platform
    store: Store
    supervisor: Supervisor
    ids: Ids
    access: AccessControl
    addresses: Addresses


@dataclass(frozen=True)
class Created:
    """A resource that was created.

    Attributes:
        id: The id, in the format of the cloud provider.
        outputs: Computed outputs by wire name. Inputs that are not in it are returned as given.
    """

    id: str
    outputs: Properties = field(default_factory=dict)


class ResourceHandler(ABC):
    """The handler of one resource type.

    Property names are Pulumi wire names (camelCase). Methods are synchronous, run in worker
    threads, and raise ``CloudError`` with the cloud's own code.

    Attributes:
        token: The type token, such as ``alicloud:oss/bucket:Bucket``.
        effective: Inputs that have an effect in the local cloud.
        recorded: Inputs that are stored and returned, but have no effect in the local cloud. Every
            other input fails the check.
    """

    token: ClassVar[str]
    effective: ClassVar[frozenset[str]]
    recorded: ClassVar[frozenset[str]] = frozenset()

    @abstractmethod
    def create(self, inputs: Properties, context: Context) -> Created:
        """Create the resource. The daemon calls this at most once per client token."""

    @abstractmethod
    def read(self, id: str, outputs: Properties, context: Context) -> Properties | None:
        """Return the current outputs, or None if the resource no longer exists.

        ``outputs`` is empty on import; then the id must be enough to find everything.
        """

    @abstractmethod
    def update(
        self, id: str, outputs: Properties, inputs: Properties, context: Context
    ) -> Properties:
        """Update the resource in place and return its outputs."""

    @abstractmethod
    def delete(self, id: str, outputs: Properties, context: Context) -> None:
        """Delete the resource; a missing one is not an error."""
