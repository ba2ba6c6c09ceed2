"""Life cycles of an index and of the alias that readers use.

Run against a cluster in memory; that Elasticsearch answers so is shown by ``test_real_cluster``.
"""

from __future__ import annotations

from typing import Any

import pytest

from pluginhost import UNKNOWN, OperationCancelledError, ProviderError
from providers.plugin.search import as_declared, flat_settings
from rag.index import SETTINGS, mappings
from tests.providers.fake_cluster import Cluster
from tests.providers.fakes import Engine
from tests.providers.search_cluster import ALIAS, INDEX, META, alias, cluster, index, services

__all__ = ["alias", "cluster", "index", "services"]


def test_an_index_is_created_with_its_mapping(index: Engine, cluster: Cluster) -> None:
    index.up(INDEX)
    assert cluster.indexes["chunks-1"]["mappings"] == INDEX["mappings"]
    assert index.state is not None
    assert index.state.outputs["uuid"] == "uuid-1"


def test_whole_numbers_of_a_mapping_reach_the_cluster_as_integers(
    index: Engine, cluster: Cluster
) -> None:
    index.up(INDEX)
    windows = cluster.indexes["chunks-1"]["mappings"]["properties"]["windows"]
    assert isinstance(windows["properties"]["embedding"]["dims"], int)


def test_an_index_left_by_a_killed_engine_is_adopted(index: Engine, cluster: Cluster) -> None:
    index.up(INDEX)
    index.state = None
    assert index.up(INDEX) == "create"
    assert cluster.made == 1
    assert "adopted" in index.log


def test_an_index_of_that_name_with_another_mapping_is_refused(
    index: Engine, cluster: Cluster
) -> None:
    cluster.add_index("chunks-1", {"properties": {"text": {"type": "keyword"}}})
    with pytest.raises(
        ProviderError, match=r"differs from the declaration in .*mappings.properties.text.type"
    ):
        index.up(INDEX)


def test_an_empty_index_left_behind_gets_the_present_embedding_urls(
    index: Engine, cluster: Cluster
) -> None:
    cluster.add_index(
        "chunks-1", mappings(384, {**META, "embedding_urls": ["http://gone"]}), SETTINGS
    )
    index.up(INDEX)
    assert cluster.indexes["chunks-1"]["mappings"]["_meta"] == INDEX["mappings"]["_meta"]


def test_a_filled_index_of_another_model_is_refused(index: Engine, cluster: Cluster) -> None:
    cluster.add_index("chunks-1", mappings(384, {**META, "model_version": "other"}), SETTINGS)
    cluster.indexes["chunks-1"]["count"] = 5
    with pytest.raises(ProviderError, match=r"mappings._meta.model_version"):
        index.up(INDEX)


def test_another_mapping_under_the_same_name_deletes_before_it_replaces(
    index: Engine, cluster: Cluster
) -> None:
    index.up(INDEX)
    difference = index.diff({**INDEX, "mappings": mappings(768, META)})
    assert difference.replaces == ["mappings"]
    assert difference.delete_before_replace
    index.up({**INDEX, "mappings": mappings(768, META)})
    assert cluster.made == 2


def test_another_name_makes_the_new_index_before_the_old_goes(
    index: Engine, cluster: Cluster
) -> None:
    index.up(INDEX)
    difference = index.diff({**INDEX, "indexName": "chunks-2"})
    assert (difference.replaces, difference.delete_before_replace) == (["indexName"], False)
    index.up({**INDEX, "indexName": "chunks-2"})
    assert list(cluster.indexes) == ["chunks-2"]


def test_another_embedding_url_is_written_into_the_index_as_it_is(
    index: Engine, cluster: Cluster
) -> None:
    index.up(INDEX)
    moved = mappings(384, {**META, "embedding_urls": ["http://10.0.0.2:8000"]})
    assert index.diff({**INDEX, "mappings": moved}).replaces == []
    assert index.up({**INDEX, "mappings": moved}) == "update"
    assert cluster.made == 1
    assert cluster.indexes["chunks-1"]["mappings"]["_meta"] == moved["_meta"]


def test_another_search_weight_is_written_into_the_index_as_it_is(
    index: Engine, cluster: Cluster
) -> None:
    index.up(INDEX)
    weighed = mappings(384, {**META, "search_weight": 0.0})
    assert index.diff({**INDEX, "mappings": weighed}).replaces == []
    assert index.up({**INDEX, "mappings": weighed}) == "update"
    assert cluster.made == 1
    assert cluster.indexes["chunks-1"]["mappings"]["_meta"]["search_weight"] == 0.0


def test_a_filled_index_with_another_search_weight_is_adopted(
    index: Engine, cluster: Cluster
) -> None:
    cluster.add_index("chunks-1", mappings(384, {**META, "search_weight": 0.6}), SETTINGS)
    cluster.indexes["chunks-1"]["count"] = 5
    weighed = {**INDEX, "mappings": mappings(384, {**META, "search_weight": 0.3})}
    index.up(weighed)
    assert cluster.indexes["chunks-1"]["mappings"]["_meta"]["search_weight"] == 0.3


def test_an_embedding_url_not_known_yet_updates_in_place(index: Engine) -> None:
    index.up(INDEX)
    unknown = mappings(384, META)
    unknown["_meta"]["embedding_urls"] = UNKNOWN
    assert index.diff({**INDEX, "mappings": unknown}).replaces == []
    assert index.preview({**INDEX, "mappings": unknown})["uuid"] == "uuid-1"


def test_a_dynamic_setting_changes_in_place(index: Engine, cluster: Cluster) -> None:
    index.up({**INDEX, "settings": {"number_of_replicas": 0}})
    assert index.up({**INDEX, "settings": {"number_of_replicas": 1}}) == "update"
    assert cluster.indexes["chunks-1"]["settings"]["index.number_of_replicas"] == "1"


def test_another_number_of_shards_replaces(index: Engine) -> None:
    index.up(INDEX)
    settings = {"index": {**SETTINGS["index"], "number_of_shards": "2"}}
    assert index.diff({**INDEX, "settings": settings}).replaces == ["settings"]


def test_another_address_of_the_same_cluster_updates_in_place(index: Engine) -> None:
    index.up(INDEX)
    assert index.diff({**INDEX, "endpoint": "http://alias-of-cluster:9200"}).replaces == []


def test_another_cluster_replaces(index: Engine) -> None:
    index.up(INDEX)
    assert index.diff({**INDEX, "endpoint": "http://elsewhere:9200"}).replaces == ["endpoint"]


def test_a_cluster_not_known_yet_replaces(index: Engine) -> None:
    index.up(INDEX)
    assert index.diff({**INDEX, "endpoint": UNKNOWN}).replaces == ["endpoint"]


def test_another_password_updates_in_place(index: Engine) -> None:
    index.up(INDEX)
    assert index.up({**INDEX, "password": "rotated"}) == "update"


def test_a_refresh_sees_that_the_index_is_gone(index: Engine, cluster: Cluster) -> None:
    index.up(INDEX)
    cluster.indexes.clear()
    assert index.refresh() is None


def test_a_refresh_shows_a_changed_mapping(index: Engine, cluster: Cluster) -> None:
    index.up(INDEX)
    cluster.indexes["chunks-1"]["mappings"]["properties"]["uri"] = {"type": "text"}
    index.refresh()
    assert list(index.diff(INDEX).detailed_diff) == ["mappings.properties.uri.type"]


def test_a_refresh_without_drift_changes_nothing(index: Engine) -> None:
    index.up(INDEX)
    index.refresh()
    assert index.up(INDEX) == "same"


def test_delete_removes_the_index(index: Engine, cluster: Cluster) -> None:
    index.up(INDEX)
    index.destroy()
    assert cluster.indexes == {}


def test_delete_of_a_missing_index_is_success(index: Engine, cluster: Cluster) -> None:
    index.up(INDEX)
    cluster.indexes.clear()
    index.destroy()


def test_a_protected_index_is_not_deleted(index: Engine, cluster: Cluster) -> None:
    index.up({**INDEX, "deletionProtection": True})
    with pytest.raises(ProviderError, match="deletion_protection"):
        index.destroy()
    assert "chunks-1" in cluster.indexes


def test_an_index_that_another_program_recreated_is_not_deleted(
    index: Engine, cluster: Cluster
) -> None:
    index.up(INDEX)
    cluster.add_index("chunks-1")
    with pytest.raises(ProviderError, match="was recreated by another program"):
        index.destroy()


def test_a_cluster_that_is_restarting_is_waited_for(index: Engine, cluster: Cluster) -> None:
    cluster.down_for = 12
    index.up(INDEX)
    assert "chunks-1" in cluster.indexes
    assert index.clock.now > 0.8


def test_a_cluster_that_stays_away_is_an_error_that_says_so(
    index: Engine, cluster: Cluster
) -> None:
    cluster.down_for = 10_000
    with pytest.raises(ProviderError, match=r"GetIndex chunks-1: starting .*HTTP 503"):
        index.up(INDEX)
    assert index.clock.now < 60


def test_ctrl_c_ends_the_wait_for_a_cluster(index: Engine, cluster: Cluster) -> None:
    cluster.down_for = 10_000
    index.clock.on_wait = lambda now: index.host.cancelled.set()
    with pytest.raises(OperationCancelledError):
        index.up(INDEX)


def test_the_alias_names_a_complete_index(alias: Engine, cluster: Cluster) -> None:
    cluster.add_index("chunks-1")
    cluster.indexes["chunks-1"]["count"] = 7
    alias.up(ALIAS)
    assert cluster.aliases["chunks"] == {"chunks-1"}


def test_the_alias_does_not_move_to_an_incomplete_index(alias: Engine, cluster: Cluster) -> None:
    cluster.add_index("chunks-0")
    cluster.aliases["chunks"] = {"chunks-0"}
    cluster.add_index("chunks-1")
    cluster.indexes["chunks-1"]["count"] = 6
    with pytest.raises(ProviderError, match="contains 6 chunks, but the ingest reported 7"):
        alias.up(ALIAS)
    assert cluster.aliases["chunks"] == {"chunks-0"}


def test_the_gate_waits_for_shards_and_gives_up_in_time(alias: Engine, cluster: Cluster) -> None:
    cluster.add_index("chunks-1")
    cluster.failed_shards = 1
    with pytest.raises(ProviderError, match="1 of 1 shards"):
        alias.up(ALIAS)
    assert alias.clock.now == pytest.approx(30, abs=1)


def test_the_alias_moves_in_one_step_and_remembers_where_it_was(
    alias: Engine, cluster: Cluster
) -> None:
    for name in ("chunks-1", "chunks-2"):
        cluster.add_index(name)
        cluster.indexes[name]["count"] = 7
    alias.up(ALIAS)
    assert alias.up({**ALIAS, "indexName": "chunks-2"}) == "update"
    assert cluster.aliases["chunks"] == {"chunks-2"}
    assert alias.state is not None
    assert alias.state.outputs["previousIndexName"] == "chunks-1"
    assert cluster.requests.count(("POST", "_aliases")) == 2


def test_changed_documents_do_not_touch_the_alias(alias: Engine, cluster: Cluster) -> None:
    cluster.add_index("chunks-1")
    cluster.indexes["chunks-1"]["count"] = 7
    alias.up(ALIAS)
    assert not alias.diff({**ALIAS, "expectedChunks": UNKNOWN}).changes
    assert alias.up({**ALIAS, "expectedChunks": 9}) == "same"


def test_an_alias_with_the_name_of_an_index_is_refused(alias: Engine, cluster: Cluster) -> None:
    cluster.add_index("chunks")
    with pytest.raises(ProviderError, match="an index has that name"):
        alias.up(ALIAS)


def test_a_refresh_shows_that_the_alias_was_moved(alias: Engine, cluster: Cluster) -> None:
    cluster.add_index("chunks-1")
    cluster.indexes["chunks-1"]["count"] = 7
    alias.up(ALIAS)
    cluster.add_index("chunks-9")
    cluster.aliases["chunks"] = {"chunks-9"}
    state = alias.refresh()
    assert state is not None
    assert state.inputs["indexName"] == "chunks-9"
    assert alias.up(ALIAS) == "update"
    assert cluster.aliases["chunks"] == {"chunks-1"}


def test_a_refresh_sees_that_the_alias_is_gone(alias: Engine, cluster: Cluster) -> None:
    cluster.add_index("chunks-1")
    cluster.indexes["chunks-1"]["count"] = 7
    alias.up(ALIAS)
    cluster.aliases.clear()
    assert alias.refresh() is None


def test_delete_takes_the_name_and_leaves_the_index(alias: Engine, cluster: Cluster) -> None:
    cluster.add_index("chunks-1")
    cluster.indexes["chunks-1"]["count"] = 7
    alias.up(ALIAS)
    alias.destroy()
    assert cluster.aliases["chunks"] == set()
    assert "chunks-1" in cluster.indexes


def test_delete_of_a_missing_alias_is_success(alias: Engine, cluster: Cluster) -> None:
    cluster.add_index("chunks-1")
    cluster.indexes["chunks-1"]["count"] = 7
    alias.up(ALIAS)
    cluster.aliases.clear()
    alias.destroy()


@pytest.mark.parametrize("name", ["Chunks", "_chunks", "a b", "x" * 256])
def test_an_index_name_that_a_cluster_refuses_fails_the_check(index: Engine, name: str) -> None:
    assert "allowed" in index.check({**INDEX, "indexName": name})["failures"]["indexName"]


def test_mappings_wrapped_in_mappings_fail_the_check(index: Engine) -> None:
    wrapped = {"mappings": INDEX["mappings"]}
    assert "directly" in index.check({**INDEX, "mappings": wrapped})["failures"]["mappings"]


def _kinds(**refused: str) -> dict[str, Any]:
    kinds = {"hnsw": "", "bbq_hnsw": "", **refused}
    return {kind: {"available": not why, "reason": why} for kind, why in kinds.items()}


def test_a_kind_that_the_cluster_is_known_to_refuse_fails_the_check(index: Engine) -> None:
    kinds = _kinds(hnsw="the licence refuses it")
    failures = index.check({**INDEX, "vectorIndexKinds": kinds})["failures"]
    assert "field 'windows.embedding' an index of kind 'hnsw'" in failures["mappings"]
    assert "which the cluster refuses: the licence" in failures["mappings"]
    assert "It accepts bbq_hnsw" in failures["mappings"]


@pytest.mark.parametrize("kinds", [None, UNKNOWN, {}, _kinds(), _kinds(bbq_hnsw="no")])
def test_a_kind_that_is_accepted_or_not_known_passes_the_check(index: Engine, kinds: Any) -> None:
    assert index.check({**INDEX, "vectorIndexKinds": kinds})["failures"] == {}


def test_other_findings_about_kinds_change_nothing(index: Engine) -> None:
    index.up({**INDEX, "vectorIndexKinds": _kinds()})
    assert index.up({**INDEX, "vectorIndexKinds": _kinds(bbq_hnsw="no")}) == "same"


def test_an_alias_like_its_index_fails_the_check(alias: Engine) -> None:
    assert "alias" in alias.check({**ALIAS, "alias": "chunks-1"})["failures"]


def test_settings_are_compared_flat_and_as_text() -> None:
    expected = {"index.number_of_shards": "1", "index.refresh_interval": "30s"}
    assert flat_settings({"number_of_shards": 1, "index": {"refresh_interval": "30s"}}) == expected
    assert flat_settings({"index.number_of_shards": 1.0, "refresh_interval": "30s"}) == expected


def test_hidden_parameters_of_a_cluster_do_not_count_as_drift() -> None:
    declared = {"properties": {"a": {"type": "keyword", "index": True, "doc_values": True}}}
    shown = {"properties": {"a": {"type": "keyword"}}}
    assert as_declared(declared, shown) == declared


def test_a_field_that_is_missing_is_drift() -> None:
    declared = {"properties": {"a": {"type": "keyword"}, "b": {"type": "text"}}}
    assert as_declared(declared, {"properties": {"a": {"type": "keyword"}}}) != declared
