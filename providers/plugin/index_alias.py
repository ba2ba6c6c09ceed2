"""Life cycle of ``customrag:elasticsearch:Alias``: it moves in one step, to a complete index only.

With ``keepIndices`` it also owns the indices that it pointed to before. After every change that
many former generations exist; its deletion deletes them all.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from pluginhost import UNKNOWN, ProviderError, contains_unknown
from providers.clients.errors import ClientError, NotFoundError
from providers.declaration import inputs_of
from providers.plugin.framework import (
    Call,
    Change,
    Failure,
    Handler,
    Values,
    compare,
)
from providers.plugin.generations import (
    delete_index,
    find_generations,
    is_served,
    served_now,
    surplus,
    write_meta,
)
from providers.plugin.search import (
    ADDRESS,
    SearchCluster,
    alias_targets,
    cluster,
    index_state,
    instance_is_gone,
)
from providers.search import IndexAlias, IndexAliasArgs

__all__ = ["IndexAliasHandler"]

_GATE_DEADLINE_SECONDS: Final = 30.0


class IndexAliasHandler(Handler):
    """The name under which readers find an index."""

    token = IndexAlias.token
    inputs = inputs_of(IndexAliasArgs)
    needed = ("endpoint", "username", "alias")

    def connect(self, inputs: Values, call: Call, *, attempts: int = 8) -> SearchCluster:
        """Return the cluster that the inputs name; see `providers.plugin.search.cluster`."""
        return cluster(inputs, call, attempts=attempts)

    def is_lost(self, inputs: Values, call: Call) -> bool:
        """Return whether the cluster was deleted with all that is in it."""
        return instance_is_gone(inputs, call)

    def check(self, inputs: Values) -> Iterator[Failure]:
        alias, index_name = inputs.get("alias"), inputs.get("indexName")
        if isinstance(alias, str) and alias == index_name:
            yield Failure(
                "alias", f"is {alias!r}, which is the name of the index; choose another name"
            )

    def diff(self, old_inputs: Values, olds: Values, news: Values, call: Call) -> list[Change]:
        changes = compare(self.inputs, old_inputs, news)
        if not changes and _known_surplus(olds, news):
            # A refresh found the leftovers of an interrupted update.
            changes.append(Change(path="generations", kind="update"))
        if not changes and self._was_moved(old_inputs, call):
            changes.append(Change(path="indexName", kind="update"))
        return changes

    def preview_create(self, inputs: Values) -> dict[str, Any]:
        return {"previousIndexName": None, "generations": _to_be_known(inputs)}

    def preview_update(self, olds: Values, inputs: Values) -> dict[str, Any]:
        previous = _previous(olds, inputs)
        return {"previousIndexName": previous, "generations": _to_be_known(inputs)}

    def create(self, inputs: Values, call: Call) -> tuple[str, dict[str, Any]]:
        alias, index_name = str(inputs["alias"]), str(inputs["indexName"])
        search = self.connect(inputs, call)
        if index_state(search, alias) is not None:
            raise ProviderError(
                f"alias {alias!r} cannot be created, because an index has that name. Use another "
                "alias, or delete the index."
            )
        before = [name for name in alias_targets(search, alias) if name != index_name]
        generations = self._bring(search, inputs, call)
        previous = before[0] if before else None
        return alias, {"previousIndexName": previous, "generations": generations}

    def read(self, inputs: Values, olds: Values, call: Call) -> tuple[Values, Values] | None:
        if self.is_lost(inputs, call):
            return None
        search, alias = self.connect(inputs, call), str(inputs["alias"])
        targets, generations = alias_targets(search, alias), _generations(search, inputs)
        # This resource must still remove generations without an alias.
        if not targets and not generations:
            return None
        present = {**inputs, "indexName": ",".join(targets)}
        previous = olds.get("previousIndexName")
        return present, {"previousIndexName": previous, "generations": generations}

    def update(self, olds: Values, inputs: Values, call: Call) -> dict[str, Any]:
        generations = self._bring(self.connect(inputs, call), inputs, call)
        return {"previousIndexName": _previous(olds, inputs), "generations": generations}

    def delete(self, inputs: Values, olds: Values, call: Call) -> None:
        if self.is_lost(inputs, call):
            return
        search, alias = self.connect(inputs, call), str(inputs["alias"])
        for target in alias_targets(search, alias):
            try:
                search.ask(
                    f"DeleteAlias {alias}",
                    lambda target=target: search.client.indices.delete_alias(  # type: ignore[misc]
                        index=target, name=alias
                    ),
                )
            except NotFoundError:
                continue

        for generation in _generations(search, inputs) or ():
            delete_index(search, generation["index_name"])

    def _was_moved(self, inputs: Values, call: Call) -> bool:
        """Return whether the alias points to another index than deployed."""
        if any(contains_unknown(inputs.get(key)) for key in (*ADDRESS, "alias")):
            return False
        try:
            search = self.connect(inputs, call, attempts=1)
            targets = alias_targets(search, str(inputs["alias"]))
        except ClientError:
            # The preview may not reach the cluster: leave it to a refresh.
            return False
        return targets != [inputs.get("indexName")]

    def _bring(
        self, search: SearchCluster, inputs: Values, call: Call
    ) -> list[dict[str, str]] | None:
        """Move the alias, then delete surplus indices; return the remaining generations.

        Each step succeeds if it was done before.
        """
        alias, index_name = str(inputs["alias"]), str(inputs["indexName"])
        targets = alias_targets(search, alias)
        moves = targets != [index_name]
        if moves and inputs.get("expectedChunks") is not None:
            _pass_gate(search, alias, index_name, int(inputs["expectedChunks"]), call)
        # Before the alias moves, because readers find the embedder in `_meta`.
        _mark(search, inputs, moves=moves)
        if moves:
            _move(search, alias, index_name, targets, call)
        generations = _generations(search, inputs)
        if generations is None:
            return None
        gone = surplus(generations, index_name, int(inputs["keepIndices"]))
        for name in gone:
            delete_index(search, name)
            call.log(f"index {name} was deleted, because keepIndices is {inputs['keepIndices']}")
        return [item for item in generations if item["index_name"] not in gone]


def _mark(search: SearchCluster, inputs: Values, *, moves: bool) -> None:
    """Write the values into the index that readers and later updates need."""
    alias, index_name = str(inputs["alias"]), str(inputs["indexName"])
    owns = inputs.get("keepIndices") is not None
    if not owns and not inputs.get("meta"):
        return
    found = index_state(search, index_name)
    if found is None:
        raise ProviderError(f"alias {alias!r} does not move: there is no index {index_name!r}")
    present = found["mappings"].get("_meta") or {}
    meta = {**present, **(inputs.get("meta") or {})}
    if owns and (moves or not is_served(present)):
        meta = served_now(meta, alias)
    if meta != present:
        write_meta(search, index_name, meta)


def _move(
    search: SearchCluster, alias: str, index_name: str, targets: list[str], call: Call
) -> None:
    actions: list[dict[str, Any]] = [
        {"remove": {"index": target, "alias": alias, "must_exist": False}}
        for target in targets
        if target != index_name
    ]
    actions.append({"add": {"index": index_name, "alias": alias}})
    body = {"actions": actions}
    search.ask(f"UpdateAliases {alias}", lambda: search.client.indices.update_aliases(body=body))
    call.log(
        f"alias {alias} points to {index_name}" + (f", before to {targets}" if targets else "")
    )


def _generations(search: SearchCluster, inputs: Values) -> list[dict[str, str]] | None:
    """Return the generations for the output; ``None`` if the alias does not own indices."""
    if inputs.get("keepIndices") is None:
        return None
    return [item.shown() for item in find_generations(search, str(inputs["alias"]))]


def _to_be_known(inputs: Values) -> Any:
    return None if inputs.get("keepIndices") is None else UNKNOWN


def _known_surplus(olds: Values, news: Values) -> bool:
    known, keep = olds.get("generations"), news.get("keepIndices")
    if not isinstance(known, list) or keep is None or contains_unknown([known, keep]):
        return False
    return bool(surplus(known, str(news["indexName"]), int(keep)))


def _previous(olds: Values, inputs: Values) -> Any:
    # Empty after a refresh that did not find the alias.
    before = olds.get("indexName") or inputs.get("indexName")
    return olds.get("previousIndexName") if before == inputs.get("indexName") else before


def _pass_gate(
    search: SearchCluster, alias: str, index_name: str, expected: int, call: Call
) -> None:
    """Check that the index contains as many chunks as the ingest reported.

    Raises:
        ProviderError: It contains another number, or is not searchable in time.
    """
    deadline = call.clock() + _GATE_DEADLINE_SECONDS
    while True:
        search.ask(f"Refresh {index_name}", lambda: search.client.indices.refresh(index=index_name))
        answer = search.ask(f"Count {index_name}", lambda: search.client.count(index=index_name))
        if not answer["_shards"]["failed"]:
            break
        if call.clock() >= deadline:
            raise ProviderError(
                f"alias {alias!r} does not move: {answer['_shards']['failed']} of "
                f"{answer['_shards']['total']} shards of {index_name!r} do not answer"
            )
        call.wait(1.0)
    count = int(answer["count"])
    if count != expected:
        raise ProviderError(
            f"alias {alias!r} does not move: index {index_name!r} contains {count} chunks, but the "
            f"ingest reported {expected}. Another program writes to the index, or an ingest was "
            "interrupted. Change `triggers` of the ingest run to run it again."
        )
