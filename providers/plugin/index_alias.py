"""Life cycle of ``customrag:elasticsearch:Alias``: it moves at once, to a complete index only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Final

from pluginhost import ProviderError
from providers.clients.errors import NotFoundError
from providers.plugin.framework import (
    Call,
    Difference,
    Failure,
    Handler,
    Input,
    compare,
    require_known_state,
)
from providers.plugin.search import CLUSTER_INPUTS, SearchCluster, cluster, index_state

_GATE_DEADLINE_SECONDS: Final = 30.0


class IndexAliasHandler(Handler):
    """The name under which readers find an index."""

    token: ClassVar[str] = "customrag:elasticsearch:Alias"  # noqa: S105 - a type token
    inputs: ClassVar[Mapping[str, Input]] = {
        **CLUSTER_INPUTS,
        "alias": Input(kind="string", effect="replace", required=True),
        "indexName": Input(kind="string", required=True),
        # A gate, not a state: it is looked at when the alias moves.
        "expectedChunks": Input(kind="integer", effect="ignore"),
    }

    def check(self, inputs: Mapping[str, Any]) -> Iterator[Failure]:
        alias, index_name = inputs.get("alias"), inputs.get("indexName")
        if isinstance(alias, str) and alias == index_name:
            yield Failure("alias", f"is {alias!r}, the index's own name; give it another")
        expected = inputs.get("expectedChunks")
        if isinstance(expected, int | float) and expected < 0:
            yield Failure("expectedChunks", f"is {expected:g}; allowed is 0 or more")

    def diff(
        self,
        old_inputs: Mapping[str, Any],
        olds: Mapping[str, Any],
        news: Mapping[str, Any],
        call: Call,
    ) -> Difference:
        return Difference(changes=tuple(compare(self.inputs, old_inputs, news)))

    def preview_create(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return {"previousIndexName": None}

    def preview_update(self, olds: Mapping[str, Any], inputs: Mapping[str, Any]) -> dict[str, Any]:
        return {"previousIndexName": _previous(olds, inputs)}

    def create(self, inputs: Mapping[str, Any], call: Call) -> tuple[str, dict[str, Any]]:
        alias, index_name = str(inputs["alias"]), str(inputs["indexName"])
        search = cluster(inputs, call)
        if index_state(search, alias) is not None:
            raise ProviderError(
                f"alias {alias!r} cannot be made: there is an index of that name; use another "
                "alias, or delete the index"
            )
        before = [name for name in _targets(search, alias) if name != index_name]
        self._move(search, inputs, call)
        return alias, {"previousIndexName": before[0] if before else None}

    def read(
        self, inputs: Mapping[str, Any], olds: Mapping[str, Any], call: Call
    ) -> tuple[dict[str, Any], dict[str, Any]] | None:
        require_known_state(inputs, ("endpoint", "username", "alias"), self.token)
        targets = _targets(cluster(inputs, call), str(inputs["alias"]))
        if not targets:
            return None
        present = {**inputs, "indexName": ",".join(targets)}
        return present, {"previousIndexName": olds.get("previousIndexName")}

    def update(
        self, olds: Mapping[str, Any], inputs: Mapping[str, Any], call: Call
    ) -> dict[str, Any]:
        self._move(cluster(inputs, call), inputs, call)
        return {"previousIndexName": _previous(olds, inputs)}

    def delete(self, inputs: Mapping[str, Any], olds: Mapping[str, Any], call: Call) -> None:
        search, alias = cluster(inputs, call), str(inputs["alias"])
        for target in _targets(search, alias):
            try:
                search.ask(
                    f"DeleteAlias {alias}",
                    lambda target=target: search.client.indices.delete_alias(  # type: ignore[misc]
                        index=target, name=alias
                    ),
                )
            except NotFoundError:
                continue

    def _move(self, search: SearchCluster, inputs: Mapping[str, Any], call: Call) -> None:
        alias, index_name = str(inputs["alias"]), str(inputs["indexName"])
        targets = _targets(search, alias)
        if targets == [index_name]:
            return
        if inputs.get("expectedChunks") is not None:
            _pass_gate(search, alias, index_name, int(inputs["expectedChunks"]), call)
        actions: list[dict[str, Any]] = [
            {"remove": {"index": target, "alias": alias, "must_exist": False}}
            for target in targets
            if target != index_name
        ]
        actions.append({"add": {"index": index_name, "alias": alias}})
        search.ask(
            f"UpdateAliases {alias}", lambda: search.client.indices.update_aliases(actions=actions)
        )
        call.log(f"alias {alias} names {index_name}" + (f", before {targets}" if targets else ""))


def _previous(olds: Mapping[str, Any], inputs: Mapping[str, Any]) -> Any:
    before = olds.get("indexName")
    return olds.get("previousIndexName") if before == inputs.get("indexName") else before


def _targets(search: SearchCluster, alias: str) -> list[str]:
    try:
        found = search.ask(f"GetAlias {alias}", lambda: search.client.indices.get_alias(name=alias))
    except NotFoundError:
        return []
    return sorted(dict(found))


def _pass_gate(
    search: SearchCluster, alias: str, index_name: str, expected: int, call: Call
) -> None:
    """Let only an index through that holds what the ingest said.

    Raises:
        ProviderError: It holds another number of chunks, or is not searchable in time.
    """
    deadline = call.clock() + _GATE_DEADLINE_SECONDS
    while True:
        search.ask(f"Refresh {index_name}", lambda: search.client.indices.refresh(index=index_name))
        answer = search.ask(f"Count {index_name}", lambda: search.client.count(index=index_name))
        if not answer["_shards"]["failed"]:
            break
        if call.clock() >= deadline:
            raise ProviderError(
                f"alias {alias!r} stays where it is: {answer['_shards']['failed']} of "
                f"{answer['_shards']['total']} shards of {index_name!r} do not answer"
            )
        call.wait(1.0)
    count = int(answer["count"])
    if count != expected:
        raise ProviderError(
            f"alias {alias!r} stays where it is: index {index_name!r} holds {count} chunks, the "
            f"ingest made {expected}. Something else writes to the index, or an ingest was "
            "cut short: change `triggers` of the ingest run to run it again."
        )
