"""Resource handlers whose resource is a record in the store and nothing else.

Owns keeping, reading, changing and removing that record; what makes it valid is the subclass's.
"""

from __future__ import annotations

from abc import abstractmethod
from datetime import UTC, datetime
from typing import ClassVar

from localcloud.core.errors import CloudError
from localcloud.core.resources import Context, Created, Properties, ResourceHandler
from localcloud.core.store import Table


def now() -> str:
    """The present time as the cloud writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class RecordHandler(ResourceHandler):
    """A resource kept as one document of all its properties.

    Attributes:
        table: Where the records are kept.
    """

    table: ClassVar[str]

    def records(self, context: Context) -> Table:
        """The table of this type's records."""
        return context.store.table(self.table)

    @abstractmethod
    def plan(
        self, inputs: Properties, context: Context, old: Properties | None
    ) -> tuple[str, Properties]:
        """The id and computed properties for these inputs.

        Args:
            inputs: Checked inputs.
            context: The running local cloud.
            old: The record that is being changed; None when one is made.

        Raises:
            CloudError: The service would refuse.
        """

    def create(self, inputs: Properties, context: Context) -> Created:
        """Validate and keep it."""
        # One transaction, so that of two creations of one name the second sees the first.
        with context.store.transaction():
            resource_id, computed = self.plan(inputs, context, None)
            self.records(context).put(resource_id, {**inputs, **computed})
        return Created(resource_id, computed)

    def read(self, id: str, outputs: Properties, context: Context) -> Properties | None:  # noqa: A002
        """The record."""
        return self.records(context).get(id)

    def update(
        self,
        id: str,  # noqa: A002
        outputs: Properties,
        inputs: Properties,
        context: Context,
    ) -> Properties:
        """Validate and keep the new properties; inputs no longer given are dropped."""
        with context.store.transaction():
            old = self.require(id, context)
            _, computed = self.plan(inputs, context, old)
            known = self.effective | self.recorded
            kept = {name: value for name, value in old.items() if name not in known}
            record = {**kept, **inputs, **computed}
            self.records(context).put(id, record)
        return record

    def require(self, id: str, context: Context) -> Properties:  # noqa: A002
        """The record of that id.

        Raises:
            CloudError: There is none.
        """
        record = self.records(context).get(id)
        if record is None:
            raise CloudError(
                "InvalidResourceId.NotFound", f"{self.token} {id} does not exist.", 404
            )
        return record

    def delete(self, id: str, outputs: Properties, context: Context) -> None:  # noqa: A002
        """Drop the record."""
        with context.store.transaction():
            record = self.records(context).get(id)
            if record is not None:
                self.check_unused(id, record, context)
                self.records(context).delete(id)

    def check_unused(self, id: str, record: Properties, context: Context) -> None:  # noqa: A002
        """Refuse the deletion of what others still use; by default nothing does."""
        return
