"""The base of handlers whose resource is only a record in the store.

Owns creating, reading, updating and deleting the record. It does not own validation: the subclass
does that.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from localcloud.core.errors import CloudError
from localcloud.core.resources import Context, Created, Properties, ResourceHandler
from localcloud.core.store import Table

Plan = tuple[str, Properties]
"""The id of a record, and its computed properties."""


class RecordHandler(ResourceHandler):
    """A resource that is one document with all its properties.

    Attributes:
        table: The table of the records.
    """

    table: ClassVar[str]

    def records(self, context: Context) -> Table:
        """Return the table of this type's records."""
        return context.store.table(self.table)

    @abstractmethod
    def plan(self, inputs: Properties, context: Context, old: Properties | None) -> Plan:
        """Validate the inputs and return the id and the computed properties.

        Args:
            inputs: Checked inputs.
            context: The running local cloud.
            old: The record to update; None on creation.

        Raises:
            CloudError: The service refuses the inputs.
        """

    def create(self, inputs: Properties, context: Context) -> Created:
        """Validate the inputs and store the record."""
        # One transaction: the second of two creations of the same name must see the first.
        with context.store.transaction():
            resource_id, computed = self.plan(inputs, context, None)
            self.records(context).put(resource_id, {**inputs, **computed})
        return Created(resource_id, computed)

    def read(self, id: str, outputs: Properties, context: Context) -> Properties | None:
        """Return the record."""
        return self.records(context).get(id)

    def update(
        self, id: str, outputs: Properties, inputs: Properties, context: Context
    ) -> Properties:
        """Validate and store the new properties; inputs that are no longer given are removed."""
        with context.store.transaction():
            old = self.require(id, context)
            _, computed = self.plan(inputs, context, old)
            known = self.effective | self.recorded
            kept = {name: value for name, value in old.items() if name not in known}
            record = {**kept, **inputs, **computed}
            self.records(context).put(id, record)
        return record

    def require(self, id: str, context: Context) -> Properties:
        """Return the record with this id.

        Raises:
            CloudError: ``InvalidResourceId.NotFound``.
        """
        record = self.records(context).get(id)
        if record is None:
            raise CloudError(
                "InvalidResourceId.NotFound", f"{self.token} {id} does not exist.", 404
            )
        return record

    def delete(self, id: str, outputs: Properties, context: Context) -> None:
        """Delete the record, if it exists."""
        with context.store.transaction():
            record = self.records(context).get(id)
            if record is not None:
                self.check_unused(id, record, context)
                self.records(context).delete(id)

    def check_unused(self, id: str, record: Properties, context: Context) -> None:
        """Raise ``CloudError`` if something still uses the record; the default allows deletion."""
