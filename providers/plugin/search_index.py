"""Life cycle of ``customrag:elasticsearch:Index``."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, ClassVar, Final

from pluginhost import ProviderError, contains_unknown
from providers.clients.errors import ClientError, ConflictError
from providers.clients.shortages import DISK, READ_ONLY_SETTING
from providers.declaration import Input, inputs_of
from providers.plugin.framework import (
    Call,
    Change,
    Failure,
    Handler,
    Values,
    compare,
)
from providers.plugin.generations import (
    CHANGEABLE,
    delete_index,
    is_served,
    marked,
    write_meta,
)
from providers.plugin.search import (
    ADDRESS,
    SearchCluster,
    alias_targets,
    as_declared,
    cluster,
    flat_settings,
    index_state,
    instance_is_gone,
    refuse_unnoticed_loss,
)
from providers.search import SearchIndex, SearchIndexArgs

__all__ = ["SearchIndexHandler"]

_BAD_CHARACTERS: Final = re.compile(r'[\\/*?"<>| ,#:A-Z]')
# A cluster looks at its disks every 30 s, and takes writes again a minute after there is room.
_WRITABLE_SECONDS: Final = 100.0
_CHANGEABLE: Final = re.compile(rf"mappings\._meta\.({'|'.join(CHANGEABLE)})(\[|$)")


class SearchIndexHandler(Handler):
    """An index and its mapping.

    Attributes:
        dynamic: Settings that an open index takes. Source: elastic.co/guide 8.19, "Index modules",
            dynamic.
    """

    token = SearchIndex.token
    inputs = inputs_of(SearchIndexArgs)
    outputs = ("uuid",)
    needed = ("endpoint", "username", "indexName")
    dynamic: ClassVar[frozenset[str]] = frozenset(
        {"index.number_of_replicas", "index.refresh_interval", "index.max_result_window"}
    )

    def connect(self, inputs: Values, call: Call, *, attempts: int = 8) -> SearchCluster:
        """Return the cluster that the inputs name; see `providers.plugin.search.cluster`."""
        return cluster(inputs, call, attempts=attempts)

    def is_lost(self, inputs: Values, call: Call) -> bool:
        """Return whether the cluster was deleted with all that is in it."""
        return instance_is_gone(inputs, call)

    def refuse_loss(self, inputs: Values, call: Call) -> None:
        """Refuse to continue with an index that is gone; see `refuse_unnoticed_loss`."""
        refuse_unnoticed_loss(inputs, call)

    def check(self, inputs: Values) -> Iterator[Failure]:
        name = inputs.get("indexName")
        if isinstance(name, str) and (
            _BAD_CHARACTERS.search(name) or name[:1] in "-_+." or len(name.encode()) > 255
        ):
            yield Failure(
                "indexName",
                f"is {name!r}; allowed are at most 255 bytes, no upper case, not one of "
                '\\ / * ? " < > | , # : or space, and no -, _, + or . first',
            )
        alias = inputs.get("alias")
        if isinstance(name, str) and isinstance(alias, str) and not name.startswith(f"{alias}-"):
            yield Failure(
                "indexName", f"is {name!r}; it must begin with '{alias}-', because of alias"
            )
        for key in ("mappings", "settings"):
            value = inputs.get(key)
            allowed = {"mappings": "'properties' and its siblings", "settings": "index settings"}
            if isinstance(value, Mapping) and key in value:
                yield Failure(key, f"has a member {key!r}; give {allowed[key]} directly")
        yield from _refused_kinds(inputs.get("mappings"), inputs.get("vectorIndexKinds"))

    def diff(self, old_inputs: Values, olds: Values, news: Values, call: Call) -> list[Change]:
        changes = [
            Change(path=change.path, kind=change.kind, replaces=False)
            if _in_place(change, old_inputs, news, self.dynamic)
            else change
            for change in compare(self.inputs, old_inputs, news)
        ]
        endpoint = news.get("endpoint")
        if endpoint != old_inputs.get("endpoint") and not self._same_index(olds, news, call):
            changes = [change for change in changes if change.property != "endpoint"]
            changes.append(Change(path="endpoint", kind="update", replaces=True))
        if not any(change.replaces for change in changes):
            self.refuse_loss(old_inputs, call)
        return changes

    def must_delete_first(self, old_inputs: Values, news: Values) -> bool:
        # Two indices of one name cannot exist at the same time.
        return all(news.get(key) == old_inputs.get(key) for key in ("indexName", "endpoint"))

    def preview_update(self, olds: Values, inputs: Values) -> dict[str, Any]:
        return self.kept(olds)

    def create(self, inputs: Values, call: Call) -> tuple[str, dict[str, Any]]:
        search, name = self.connect(inputs, call), str(inputs["indexName"])
        found = index_state(search, name)
        adopted = found is not None
        if found is None:
            adopted = not self._make(search, inputs)
            found = index_state(search, name)
        if found is None:
            raise ProviderError(
                f"index {name!r} does not exist right after its creation; run `pulumi up` again"
            )
        if adopted:
            count = search.ask(f"Count {name}", lambda: search.client.count(index=name))["count"]
            self._refuse_another(inputs, found, empty=not count)
            self._write_meta(search, inputs, found)
            call.log(f"index {name} exists, with {count} chunks: adopted")
        return name, {"uuid": found["uuid"]}

    def _make(self, search: SearchCluster, inputs: Values) -> bool:
        """Create the index; return False if it exists, for example because a reply was lost."""
        name, mappings = str(inputs["indexName"]), dict(inputs["mappings"])
        meta = marked(mappings.get("_meta"), {}, inputs.get("alias"))
        if meta:
            mappings["_meta"] = meta
        body = {"mappings": mappings}
        if inputs.get("settings") is not None:
            body["settings"] = inputs["settings"]
        try:
            search.ask(
                f"CreateIndex {name}",
                lambda: search.client.indices.create(index=name, body=body),
            )
        except ConflictError:
            return False
        return True

    def _refuse_another(self, inputs: Values, found: Mapping[str, Any], *, empty: bool) -> None:
        """Refuse to adopt an index that differs from the declaration.

        The `_meta` of an empty index may differ. So may the address of a filled index's model, and
        the weight of its vectors.
        """
        settings = flat_settings(inputs.get("settings"))
        declared = {"mappings": dict(inputs["mappings"]), "settings": settings}
        present = {
            "mappings": as_declared(inputs["mappings"], found["mappings"]),
            "settings": as_declared(settings, found["settings"]),
        }
        kinds = dict.fromkeys(declared, Input(kind="map"))
        paths = [
            change.path
            for change in compare(kinds, present, declared)
            if not (empty and change.path.startswith("mappings._meta"))
            and not _CHANGEABLE.match(change.path)
        ]
        if paths:
            raise ProviderError(
                f"index {inputs['indexName']!r} exists, but differs from the declaration in "
                f"{', '.join(paths)}. Delete it, or use another index_name."
            )

    def _write_meta(self, search: SearchCluster, inputs: Values, found: Mapping[str, Any]) -> None:
        present = found["mappings"].get("_meta") or {}
        meta = marked(inputs["mappings"].get("_meta"), present, inputs.get("alias"))
        if meta and meta != present:
            write_meta(search, str(inputs["indexName"]), meta)

    def read(self, inputs: Values, olds: Values, call: Call) -> tuple[Values, Values] | None:
        if self.is_lost(inputs, call):
            return None
        found = index_state(self.connect(inputs, call), str(inputs["indexName"]))
        if found is None:
            return None
        present = {**inputs, "mappings": as_declared(inputs["mappings"], found["mappings"])}
        declared = inputs.get("settings")
        if declared is not None:
            flat = flat_settings(declared)
            seen = as_declared(flat, found["settings"])
            present["settings"] = declared if seen == flat else seen
        if _is_read_only(found):
            call.log(f"index {inputs['indexName']} takes no writes: {DISK}", "warning")
            # Drift, so that a report of drift has it, and the next update waits or fails.
            present["settings"] = {
                **flat_settings(present.get("settings")),
                READ_ONLY_SETTING: "true",
            }
        return present, {"uuid": found["uuid"]}

    def update(self, olds: Values, inputs: Values, call: Call) -> dict[str, Any]:
        search, name = self.connect(inputs, call), str(inputs["indexName"])
        found = index_state(search, name)
        if found is None:
            raise ProviderError(
                f"index {name!r} was deleted; run `pulumi up --refresh` to recreate it"
            )
        found = self._wait_until_writable(search, name, found, call)
        self._write_meta(search, inputs, found)
        changed = {
            key: value
            for key, value in flat_settings(inputs.get("settings")).items()
            if key in self.dynamic and found["settings"].get(key) != value
        }
        if changed:
            search.ask(
                f"PutSettings {name}",
                lambda: search.client.indices.put_settings(index=name, body=changed),
            )
        return {"uuid": found["uuid"]}

    def _wait_until_writable(
        self, search: SearchCluster, name: str, found: dict[str, Any], call: Call
    ) -> dict[str, Any]:
        """Wait a moment for the cluster to take writes; return the index.

        Raises:
            ProviderError: The disk is still full.
        """
        began = call.clock()
        while _is_read_only(found):
            waited = call.clock() - began
            if waited >= _WRITABLE_SECONDS:
                raise ProviderError(f"index {name!r} takes no writes. {DISK}")
            call.status(f"index {name} takes no writes, because a disk is full: {waited:.0f} s")
            call.wait(2.0)
            found = index_state(search, name) or found
        return found

    def delete(self, inputs: Values, olds: Values, call: Call) -> None:
        name = str(inputs["indexName"])
        if inputs.get("deletionProtection"):
            raise ProviderError(
                f"index {name!r} has deletion_protection. Set it to False and run `pulumi up` "
                "before you delete or replace the index."
            )
        if self.is_lost(inputs, call):
            return
        search = self.connect(inputs, call)
        found = index_state(search, name)
        if found is None:
            return
        if olds.get("uuid") and found["uuid"] != olds["uuid"]:
            raise ProviderError(
                f"index {name!r} was recreated by another program (uuid {found['uuid']}, not "
                f"{olds['uuid']}). To delete it anyway, run `pulumi refresh` first."
            )
        if inputs.get("alias") and self._left_to_alias(search, inputs, found, call):
            return
        delete_index(search, name)

    def _same_index(self, olds: Values, news: Values, call: Call) -> bool:
        """Return whether the new endpoint is another address of the same cluster."""
        if any(contains_unknown(news.get(key)) for key in (*ADDRESS, "indexName")):
            return False
        try:
            found = index_state(self.connect(news, call, attempts=1), str(news["indexName"]))
        except ClientError:
            return False
        return found is not None and found["uuid"] == olds.get("uuid")

    def _left_to_alias(
        self, search: SearchCluster, inputs: Values, found: Mapping[str, Any], call: Call
    ) -> bool:
        """Return whether the index stays, because its alias decides how long.

        `pulumi destroy` deletes the alias first, so that it points to nothing then.
        """
        name, alias = str(inputs["indexName"]), str(inputs["alias"])
        targets = alias_targets(search, alias)
        if name in targets:
            # A failed update was reverted, so the index to delete is the present one.
            call.log(f"index {name} stays, because alias {alias} points to it")
            return True
        if targets and is_served(found["mappings"].get("_meta") or {}):
            call.log(f"index {name} stays as a former generation of alias {alias}")
            return True
        return False


def _is_read_only(found: Mapping[str, Any]) -> bool:
    return bool(found["settings"].get(READ_ONLY_SETTING) == "true")


def _refused_kinds(mappings: Any, kinds: Any) -> Iterator[Failure]:
    """Yield the vector fields whose kind of index the cluster is known to refuse."""
    if not isinstance(mappings, Mapping) or not isinstance(kinds, Mapping):
        return
    if contains_unknown(mappings.get("properties")) or contains_unknown(kinds):
        return
    accepted = [name for name, found in kinds.items() if found["available"]]
    for field, options in _fields(mappings):
        kind = options.get("index_options")
        name = kind.get("type") if isinstance(kind, Mapping) else None
        if name in kinds and name not in accepted:
            yield Failure(
                "mappings",
                f"gives field {field!r} an index of kind {name!r}, which the cluster refuses: "
                f"{kinds[name]['reason']}. It accepts {', '.join(accepted) or 'no kind'}",
            )


def _fields(options: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the path and the options of every field, also of those in objects."""
    for name, field in (options.get("properties") or {}).items():
        if isinstance(field, Mapping):
            yield f"{above}{name}", field
            yield from _fields(field, f"{above}{name}.")


def _in_place(change: Change, old_inputs: Values, news: Values, dynamic: Collection[str]) -> bool:
    """Return whether the index can take a change in place whose property normally replaces."""
    if change.property == "mappings":
        return change.path.startswith("mappings._meta") and not _meta_removed(news)
    if change.property == "settings":
        old, new = old_inputs.get("settings"), news.get("settings")
        if contains_unknown(new):
            return False
        before, after = flat_settings(old), flat_settings(new)
        differing = {key for key in {*before, *after} if before.get(key) != after.get(key)}
        # A setting that is no longer declared keeps its value.
        return all(key in dynamic or key not in after for key in differing)
    return False


def _meta_removed(news: Values) -> bool:
    mappings = news.get("mappings")
    return isinstance(mappings, Mapping) and mappings.get("_meta") is None
