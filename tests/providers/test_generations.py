"""Former generations of an index: which stay, which go, and what can be gone back to.

Run against a cluster in memory; that Elasticsearch answers so is shown by ``test_real_cluster``.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from pulumi.provider.experimental import provider as sdk

from pluginhost import UNKNOWN, ProviderError, decode_map, encode_map
from providers.plugin.generations import surplus
from rag.index import SETTINGS, mappings
from tests.providers.fake_cluster import Cluster
from tests.providers.fakes import Engine, FakeDlc, FakeOss, FakeServices

SEARCH = {"endpoint": "http://cluster:9200", "username": "elastic", "password": "secret"}
META = {
    "model_version": "m1",
    "model_uri": "oss://artifacts/training/1/model/",
    "embedding_urls": ["http://10.0.0.1:8000"],
}


def index_inputs(name: str, **meta: Any) -> dict[str, Any]:
    return {
        **SEARCH,
        "indexName": name,
        "mappings": mappings(384, {**META, **meta}),
        "settings": dict(SETTINGS),
        "alias": "rag",
    }


def alias_inputs(name: str, keep: int = 1, **more: Any) -> dict[str, Any]:
    return {**SEARCH, "alias": "rag", "indexName": name, "keepIndices": keep, **more}


class Stack:
    """Index and alias as the program declares them, brought up in the engine's order."""

    def __init__(self) -> None:
        self.cluster = Cluster()
        self.oss = FakeOss("artifacts")
        self.services = FakeServices(self.oss, FakeDlc(), self.cluster.client())
        self.index = self.engine("Index")
        self.alias = self.engine("Alias")
        self.oss.put_bytes(f"{META['model_uri']}config.json", b"{}")

    def engine(self, kind: str) -> Engine:
        return Engine(f"customrag:elasticsearch:{kind}", self.services)

    def up(self, name: str, keep: int = 1, **meta: Any) -> None:
        """Delete replaced resources at the end, as a real update does."""
        former, self.index = self.index, self.engine("Index")
        if former.state is not None and former.state.id == name:
            self.index.state, former.state = former.state, None
        self.index.up(index_inputs(name, **meta))
        self.alias.up(alias_inputs(name, keep))
        former.destroy()

    def pin(self, name: str, keep: int = 1) -> None:
        """As an update with a pinned index: no index is declared."""
        self.alias.up(alias_inputs(name, keep, meta={"embedding_urls": ["http://10.0.0.9:8000"]}))
        self.index.destroy()

    def down(self) -> None:
        self.alias.destroy()
        self.index.destroy()

    @property
    def names(self) -> list[str]:
        return sorted(self.cluster.indexes)

    @property
    def target(self) -> set[str]:
        return self.cluster.aliases["rag"]

    def generations(self) -> list[str]:
        assert self.alias.state is not None
        return [item["index_name"] for item in self.alias.state.outputs["generations"]]

    def meta(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.cluster.indexes[name]["mappings"]["_meta"]
        return found

    def look_up(self, name: str) -> dict[str, Any]:
        request = sdk.InvokeRequest(
            "customrag:elasticsearch:getGeneration",
            encode_map({**SEARCH, "alias": "rag", "indexName": name}),
        )
        return decode_map(asyncio.run(self.alias.provider.invoke(request)).return_value or {})


@pytest.fixture
def stack() -> Stack:
    return Stack()


def shown(*names: str) -> list[dict[str, str]]:
    """Return generations served one after the other; a name with a question mark never was."""
    return [
        {"index_name": name.rstrip("?"), "served_since": "" if name.endswith("?") else f"t{number}"}
        for number, name in enumerate(names)
    ]


@pytest.mark.parametrize(
    ("names", "keep", "gone"),
    [
        (("a", "b", "c"), 1, ["a"]),
        (("a", "b", "c"), 2, []),
        (("a", "b", "c"), 0, ["a", "b"]),
        (("a", "begun?", "c"), 5, ["begun"]),
        (("c",), 0, []),
    ],
)
def test_the_last_ones_served_stay_and_what_never_was_goes(
    names: tuple[str, ...], keep: int, gone: list[str]
) -> None:
    assert surplus(shown(*names), "c", keep) == gone


def test_the_former_index_stays_and_is_named(stack: Stack) -> None:
    stack.up("rag-1")
    stack.up("rag-2")
    assert (stack.names, stack.target) == (["rag-1", "rag-2"], {"rag-2"})
    assert stack.generations() == ["rag-2", "rag-1"]


def test_the_one_before_the_former_goes(stack: Stack) -> None:
    for number in range(1, 5):
        stack.up(f"rag-{number}")
    assert stack.names == ["rag-3", "rag-4"]


def test_keep_indices_0_keeps_no_earlier_index(stack: Stack) -> None:
    stack.up("rag-1", keep=0)
    stack.up("rag-2", keep=0)
    assert (stack.names, stack.generations()) == (["rag-2"], ["rag-2"])


def test_keeping_fewer_removes_the_others(stack: Stack) -> None:
    stack.up("rag-1")
    stack.up("rag-2")
    stack.up("rag-2", keep=0)
    assert stack.names == ["rag-2"]


def test_a_stack_that_goes_leaves_no_generation(stack: Stack) -> None:
    stack.up("rag-1")
    stack.up("rag-2")
    stack.down()
    assert stack.names == []


def test_a_stack_that_goes_while_pinned_leaves_no_generation(stack: Stack) -> None:
    stack.up("rag-1")
    stack.up("rag-2")
    stack.pin("rag-1")
    stack.down()
    assert stack.names == []


def test_indexes_of_others_are_never_touched(stack: Stack) -> None:
    stack.cluster.add_index("rag-0-not-ours", {"_meta": {"generation_of": "rag-0"}})
    stack.cluster.add_index("rag-notes")
    stack.up("rag-1", keep=0)
    stack.up("rag-2", keep=0)
    stack.down()
    assert stack.names == ["rag-0-not-ours", "rag-notes"]


def test_going_back_names_the_former_index_and_its_embedder_and_forgets_neither(
    stack: Stack,
) -> None:
    stack.up("rag-1")
    stack.up("rag-2", model_version="m2")
    stack.pin("rag-1")
    assert (stack.names, stack.target) == (["rag-1", "rag-2"], {"rag-1"})
    assert stack.meta("rag-1")["embedding_urls"] == ["http://10.0.0.9:8000"]
    assert stack.meta("rag-1")["model_version"] == "m1"
    assert stack.generations() == ["rag-1", "rag-2"]


def test_the_embedder_is_known_before_the_alias_moves(stack: Stack) -> None:
    stack.up("rag-1")
    stack.up("rag-2")
    stack.cluster.requests.clear()
    stack.pin("rag-1")
    asked = [path for method, path in stack.cluster.requests if method in ("PUT", "POST")]
    assert asked.index("rag-1/_mapping") < asked.index("_aliases")


def test_another_address_of_the_embedder_reaches_the_pinned_index(stack: Stack) -> None:
    stack.up("rag-1")
    stack.up("rag-2")
    stack.pin("rag-1")
    since = stack.meta("rag-1")["served_since"]
    stack.alias.up(alias_inputs("rag-1", meta={"embedding_urls": ["http://10.0.0.10:8000"]}))
    assert stack.meta("rag-1")["embedding_urls"] == ["http://10.0.0.10:8000"]
    assert stack.meta("rag-1")["served_since"] == since


def test_going_forward_again_takes_the_index_over_with_its_chunks(stack: Stack) -> None:
    stack.up("rag-1")
    stack.up("rag-2")
    stack.cluster.indexes["rag-2"]["count"] = 5
    stack.pin("rag-1")
    made = stack.cluster.made
    # The embedding node that it was made with is another one by now.
    stack.up("rag-2", embedding_urls=["http://10.0.0.11:8000"])
    assert (stack.cluster.made, stack.target) == (made, {"rag-2"})
    assert "index rag-2 exists, with 5 chunks: adopted" in stack.index.log
    assert stack.meta("rag-2")["embedding_urls"] == ["http://10.0.0.11:8000"]
    assert stack.generations() == ["rag-2", "rag-1"]


def test_a_generation_gone_back_to_outlives_the_one_that_it_replaced(stack: Stack) -> None:
    stack.up("rag-1")
    stack.up("rag-2")
    stack.pin("rag-1")
    stack.up("rag-3")
    assert stack.names == ["rag-1", "rag-3"]


def test_an_update_cut_off_before_the_removal_removes_the_next_time(stack: Stack) -> None:
    stack.up("rag-1", keep=0)
    former, stack.index = stack.index, stack.engine("Index")
    stack.index.up(index_inputs("rag-2"))
    # The alias moved, and the engine did not live to hear of it.
    stack.cluster.aliases["rag"] = {"rag-2"}
    former.destroy()
    assert stack.names == ["rag-1", "rag-2"]
    assert stack.alias.up(alias_inputs("rag-2", keep=0)) == "update"
    assert (stack.names, stack.target) == (["rag-2"], {"rag-2"})


def test_an_update_that_is_taken_back_leaves_the_index_that_is_read(stack: Stack) -> None:
    stack.up("rag-1")
    first = stack.index
    begun = stack.engine("Index")
    begun.up(index_inputs("rag-2"))
    # The ingest failed. The state has rag-1 as one that is to go; now rag-1 is declared again.
    stack.index = stack.engine("Index")
    stack.index.up(index_inputs("rag-1"))
    stack.alias.up(alias_inputs("rag-1"))
    begun.destroy()
    first.destroy()
    assert (stack.names, stack.target) == (["rag-1"], {"rag-1"})
    assert "index rag-1 stays, because alias rag points to it" in first.log


def test_a_refresh_finds_what_an_update_began_and_the_next_one_removes_it(stack: Stack) -> None:
    stack.up("rag-1")
    stack.engine("Index").up(index_inputs("rag-2"))
    stack.alias.refresh()
    assert stack.alias.up(alias_inputs("rag-1")) == "update"
    assert stack.names == ["rag-1"]
    stack.alias.refresh()
    assert stack.alias.up(alias_inputs("rag-1")) == "same"


def test_generations_without_an_alias_do_not_count_as_deleted(stack: Stack) -> None:
    stack.up("rag-1")
    stack.cluster.aliases.clear()
    stack.alias.refresh()
    assert stack.alias.up(alias_inputs("rag-1")) == "update"
    assert stack.target == {"rag-1"}


def test_an_index_made_before_generations_were_kept_becomes_one(stack: Stack) -> None:
    old = {key: value for key, value in index_inputs("rag-1").items() if key != "alias"}
    stack.index.up(old)
    stack.alias.up({**SEARCH, "alias": "rag", "indexName": "rag-1"})
    stack.up("rag-1")
    stack.up("rag-2")
    assert stack.generations() == ["rag-2", "rag-1"]


def test_a_preview_does_not_promise_what_it_cannot_know(stack: Stack) -> None:
    assert stack.alias.preview(alias_inputs("rag-1"))["generations"] is UNKNOWN
    assert stack.alias.preview(alias_inputs("rag-1") | {"keepIndices": None}) == {
        **SEARCH,
        "alias": "rag",
        "indexName": "rag-1",
        "previousIndexName": None,
        "generations": None,
    }


def test_an_alias_does_not_move_to_an_index_that_is_gone(stack: Stack) -> None:
    stack.up("rag-1")
    with pytest.raises(ProviderError, match="there is no index 'rag-9'"):
        stack.alias.up(alias_inputs("rag-9"))
    assert stack.target == {"rag-1"}


def test_an_index_with_another_name_than_its_alias_fails_the_check(stack: Stack) -> None:
    assert (
        "must begin with 'rag-'"
        in stack.index.check(index_inputs("other-1"))["failures"]["indexName"]
    )


def test_fewer_than_none_fails_the_check(stack: Stack) -> None:
    assert "keepIndices" in stack.alias.check(alias_inputs("rag-1", keep=-1))["failures"]


def test_a_former_generation_is_found_with_its_model(stack: Stack) -> None:
    stack.up("rag-1")
    stack.up("rag-2", model_version="m2")
    assert stack.look_up("rag-1") == {
        "indexName": "rag-1",
        "modelVersion": "m1",
        "modelUri": META["model_uri"],
    }


def test_an_index_outside_the_generations_is_refused_and_the_error_lists_them(stack: Stack) -> None:
    stack.up("rag-1")
    with pytest.raises(ProviderError, match=r"'rag-9', which is not one of its .*rag-1 \(since 20"):
        stack.look_up("rag-9")


def test_an_index_that_never_was_complete_is_refused(stack: Stack) -> None:
    stack.up("rag-1")
    stack.engine("Index").up(index_inputs("rag-2"))
    with pytest.raises(ProviderError, match="'rag-2', which was never complete"):
        stack.look_up("rag-2")


@pytest.mark.parametrize("uri", ["oss://artifacts/training/2/model/", "oss://gone/training/2/"])
def test_an_index_whose_model_is_gone_is_refused(stack: Stack, uri: str) -> None:
    stack.up("rag-1", model_uri=uri, model_version="m2")
    with pytest.raises(ProviderError, match=r"the files of its model 'm2' are not at oss://"):
        stack.look_up("rag-1")


def test_another_function_is_refused(stack: Stack) -> None:
    with pytest.raises(ProviderError, match="is not a function of customrag"):
        asyncio.run(stack.alias.provider.invoke(sdk.InvokeRequest("customrag:x:getY", {})))
