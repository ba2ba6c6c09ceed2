"""What a service needs to carry out one declared resource type.

Owns the handler interface, the context handlers get, and the loopback addresses of nodes. It does
not check inputs against the cloud provider's schema: the ``alicloud`` plugin has done that before
a handler is called.
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
        """The owner's address; the lowest free one when it has none yet.

        Raises:
            CloudError: ``InsufficientAddresses`` when the range is used up.
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
        raise CloudError("InsufficientAddresses", "Every address of the local cloud is taken.")

    def release(self, owner: str) -> None:
        """Free the owner's address; an owner without one is no error."""
        self._table.delete(owner)


@dataclass(frozen=True, kw_only=True)
class Context:
    """What handlers, routes and services of one running local cloud share."""

    platform: Platform
    store: Store
    supervisor: Supervisor
    ids: Ids
    access: AccessControl
    addresses: Addresses


@dataclass(frozen=True)
class Created:
    """A resource that now exists.

    Attributes:
        id: Its id, as the cloud provider would give it.
        outputs: Computed outputs by wire name; inputs not named here are returned as given.
    """

    id: str
    outputs: Properties = field(default_factory=dict)


class ResourceHandler(ABC):
    """One declared resource type of a service.

    Property names are Pulumi wire names (camelCase). Methods are synchronous and run in worker
    threads. They raise ``CloudError`` with the cloud's own code.

    Attributes:
        token: The type, such as ``alicloud:oss/bucket:Bucket``.
        effective: Inputs that do something here.
        recorded: Inputs that are kept and returned, without effect here. Any other input is
            refused at check.
    """

    token: ClassVar[str]
    effective: ClassVar[frozenset[str]]
    recorded: ClassVar[frozenset[str]] = frozenset()

    @abstractmethod
    def create(self, inputs: Properties, context: Context) -> Created:
        """Make it. The daemon calls this at most once per client token."""

    @abstractmethod
    def read(self, id: str, outputs: Properties, context: Context) -> Properties | None:  # noqa: A002
        """Its outputs as they are now, or None when it is gone.

        ``outputs`` is empty on import: then everything must come from the id.
        """

    @abstractmethod
    def update(
        self,
        id: str,  # noqa: A002
        outputs: Properties,
        inputs: Properties,
        context: Context,
    ) -> Properties:
        """Change it in place and return its outputs."""

    @abstractmethod
    def delete(self, id: str, outputs: Properties, context: Context) -> None:  # noqa: A002
        """Remove it; one that is gone already is no error."""
