"""The operations on the workspaces, datasets, models and model versions of one stack.

Routes and resource types call it. Records use the field names of the API.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from localcloud.aiworkspace.entities import DATASET, INVALID, MODEL, VERSION, WORKSPACE, Kind
from localcloud.core.errors import CloudError
from localcloud.core.resources import Context
from localcloud.core.store import Document, Table

_TABLES = {kind.name: f"aiworkspace.{kind.name}" for kind in (WORKSPACE, DATASET, MODEL, VERSION)}
_FIRST_VERSION = (0, 1, 0)


class AIWorkSpace:
    """The entities of one stack.

    Args:
        context: The running local cloud.
    """

    def __init__(self, context: Context) -> None:
        self._context = context

    def table(self, kind: Kind) -> Table:
        """Return the table of a kind of entity; the key of a version is ``ModelId:VersionName``."""
        return self._context.store.table(_TABLES[kind.name])

    def create(self, kind: Kind, given: Mapping[str, Any]) -> Document:
        """Create an entity, as CreateWorkspace, CreateDataset and CreateModel do.

        Raises:
            CloudError: A field is invalid, the workspace does not exist, or the name is in use.
        """
        kind.check(given)
        with self._context.store.transaction():
            if kind is not WORKSPACE and given.get("WorkspaceId"):
                self.get(WORKSPACE, given["WorkspaceId"])
            self._check_unique(kind, given, None)
            identifier = self._new_id(kind)
            record = self._record(kind, given) | {kind.id_field: identifier}
            if kind is WORKSPACE:
                record.setdefault("DisplayName", record["WorkspaceName"])
            self.table(kind).put(identifier, record)
        return record

    def _new_id(self, kind: Kind) -> str:
        if kind is WORKSPACE:
            return self._context.ids.digits(6)
        return self._context.ids.new("d-" if kind is DATASET else "model-", 18)

    def _record(self, kind: Kind, given: Mapping[str, Any]) -> Document:
        moment = _now()
        owner = self._context.platform.account_id
        return {
            **kind.defaults,
            **given,
            "GmtCreateTime": moment,
            "GmtModifiedTime": moment,
            "OwnerId": owner,
            "UserId": given.get("UserId", owner),
        }

    def _check_unique(self, kind: Kind, given: Mapping[str, Any], own_id: str | None) -> None:
        if not kind.unique:
            return
        wanted = [given.get(name) for name in kind.unique]
        for key, other in self.table(kind).items():
            if key != own_id and [other.get(name) for name in kind.unique] == wanted:
                raise CloudError(
                    INVALID,
                    f"A {kind.name} with {', '.join(kind.unique)} = {wanted} already exists: "
                    f"{key}.",
                )

    def get(self, kind: Kind, identifier: str) -> Document:
        """Return an entity, as the Get operation of its kind does.

        Raises:
            CloudError: The entity does not exist.
        """
        record = self.table(kind).get(identifier)
        if record is None:
            raise CloudError(kind.not_found, f"The {kind.name} {identifier} does not exist.", 404)
        return record

    def update(self, kind: Kind, identifier: str, given: Mapping[str, Any]) -> Document:
        """Update an entity, as the Update operation of its kind does.

        Raises:
            CloudError: The entity does not exist, or a field is invalid.
        """
        kind.check(given)
        with self._context.store.transaction():
            record = {**self.get(kind, identifier), **given}
            self._check_unique(kind, record, identifier)
            moment = _now()
            self.table(kind).put(identifier, record | {"GmtModifiedTime": moment})
        return record

    def delete(self, kind: Kind, identifier: str) -> None:
        """Delete an entity, as the Delete operation of its kind does.

        Raises:
            CloudError: The entity does not exist, or other entities still belong to it.
        """
        with self._context.store.transaction():
            self.get(kind, identifier)
            users: list[str] = []
            if kind is WORKSPACE:
                users = [
                    key
                    for other in (DATASET, MODEL)
                    for key, record in self.table(other).items()
                    if record.get("WorkspaceId") == identifier
                ]
            elif kind is MODEL:
                users = [version["VersionName"] for version in self.versions(identifier)]
            if users:
                raise CloudError(
                    INVALID,
                    f"The {kind.name} {identifier} cannot be deleted while it has "
                    f"{', '.join(users)}; delete those first.",
                )
            self.table(kind).delete(identifier)

    def versions(self, model_id: str) -> list[Document]:
        """Return the versions of a model, ordered by number."""
        prefix = f"{model_id}:"
        found = [record for key, record in self.table(VERSION).items() if key.startswith(prefix)]
        return sorted(found, key=lambda record: _numbers(record["VersionName"]))

    def create_version(self, model_id: str, given: Mapping[str, Any]) -> Document:
        """Create a model version; without a name, it gets the next of 0.1.0, 0.2.0 and so on.

        Raises:
            CloudError: The model does not exist, a field is invalid, or the version exists.
        """
        VERSION.check(given)
        with self._context.store.transaction():
            self.get(MODEL, model_id)
            existing = [_numbers(version["VersionName"]) for version in self.versions(model_id)]
            # The number of a deleted version is not used again.
            counters = self._context.store.table("aiworkspace.numbers")
            last = (counters.get(model_id) or {"last": None})["last"]
            highest = max([*existing, *([_numbers(last)] if last else [])], default=None)
            following = _FIRST_VERSION if highest is None else (highest[0], highest[1] + 1, 0)
            name = given.get("VersionName") or ".".join(map(str, following))
            key = f"{model_id}:{name}"
            if self.table(VERSION).get(key) is not None:
                raise CloudError(INVALID, f"The version {name} of model {model_id} already exists.")
            record = self._record(VERSION, given) | {"VersionName": name}
            self.table(VERSION).put(key, record)
            newest = max([_numbers(name), *([highest] if highest else [])])
            counters.put(model_id, {"last": ".".join(map(str, newest))})
        return record


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def _numbers(version_name: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version_name.split("."))
