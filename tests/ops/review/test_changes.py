"""Two declarations compared. It cannot prove which changes the real cloud would replace."""

from __future__ import annotations

from pathlib import Path

import pytest

from guardrails.declare import Declared
from guardrails.placeholders import unknown
from ops.review.changes import Kind, compare, portable
from ops.review.replacing import is_ignored, replaces
from tests.ops.review.support import resource

NODE = "alicloud:ecs/instance:Instance"
ROLE = "alicloud:ecs/ramRoleAttachment:RamRoleAttachment"


def test_equal_resources_are_not_a_change() -> None:
    assert compare([resource(NODE, "a", {"x": [1]})], [resource(NODE, "a", {"x": [1]})]) == []


def test_new_and_missing_resources_are_created_and_deleted() -> None:
    changes = compare([resource(NODE, "old")], [resource(NODE, "new")])
    assert {(change.kind, change.resource.name) for change in changes} == {
        (Kind.CREATE, "new"),
        (Kind.DELETE, "old"),
    }


def test_change_names_the_leaf_that_differs() -> None:
    cluster = "alicloud:elasticsearch/instance:Instance"
    nodes = {"amount": 2, "spec": "s"}
    (change,) = compare(
        [resource(cluster, "search", {"dataNodeConfiguration": nodes})],
        [resource(cluster, "search", {"dataNodeConfiguration": {**nodes, "amount": 3}})],
    )
    assert change.kind is Kind.UPDATE
    (item,) = change.properties
    assert (item.path, item.before, item.after) == ("dataNodeConfiguration.amount", 2, 3)


def test_added_or_removed_property_is_absent_on_one_side() -> None:
    (change,) = compare([resource(NODE, "a", {"x": 1})], [resource(NODE, "a", {"y": 2})])
    found = {item.path: (item.before, item.after) for item in change.properties}
    assert found == {"x": (1, None), "y": (None, 2)}


def test_property_that_cannot_change_in_place_replaces() -> None:
    (change,) = compare(
        [resource(NODE, "a", {"availabilityZone": "h"})],
        [resource(NODE, "a", {"availabilityZone": "i"})],
    )
    assert change.kind is Kind.REPLACE


def test_resource_that_uses_a_replaced_one_changes_as_well() -> None:
    def stack(image: str) -> list[Declared]:
        return [
            resource(NODE, "node", {"imageId": image}),
            resource(ROLE, "node-role", {"instanceId": unknown("node", "id"), "ramRoleName": "r"}),
            resource(NODE, "beside", {"userData": unknown("nodes", "id")}),
        ]

    changes = compare(stack("one"), stack("two"))
    found = {change.resource.name: (change.kind, change.because) for change in changes}
    assert found == {"node": (Kind.REPLACE, ""), "node-role": (Kind.REPLACE, "node")}


def test_following_change_in_place_does_not_replace() -> None:
    index = "customrag:elasticsearch:Index"
    url = {"_meta": {"embedding_urls": [f"http://{unknown('node', 'privateIp')}:8000"]}}

    def stack(image: str) -> list[Declared]:
        return [resource(NODE, "node", {"imageId": image}), resource(index, "i", {"mappings": url})]

    (follower,) = [each for each in compare(stack("one"), stack("two")) if each.because]
    assert follower.kind is Kind.UPDATE
    assert [item.path for item in follower.properties] == ["mappings._meta.embedding_urls[0]"]


def test_changed_secret_is_marked_as_secret() -> None:
    cluster = "alicloud:elasticsearch/instance:Instance"
    (change,) = compare(
        [resource(cluster, "search", {"password": "one"}, secrets=("password",))],
        [resource(cluster, "search", {"password": "two"}, secrets=("password",))],
    )
    assert [item.secret for item in change.properties] == [True]


def test_folder_of_a_tree_is_not_a_change(tmp_path: Path) -> None:
    trees = []
    for name in ("one", "two"):
        root = tmp_path / name
        inputs = {"file": f"{root}/examples/a.md", "other": f"/else/{name}-tree/work/code/chat.zip"}
        trees.append(portable([resource("t:t:T", "a", inputs)], root))
    assert compare(*trees) == []
    assert trees[0][0].inputs == {"file": "./examples/a.md", "other": "work/code/chat.zip"}


@pytest.mark.parametrize(
    ("token", "path", "expected"),
    [
        ("customrag:pai:DlcJob", "userCommand", True),
        ("customrag:pai:DlcJob", "maxRunningTimeMinutes", False),
        ("customrag:rag:IngestRun", "documents.a.md", False),
        ("customrag:rag:IngestRun", "indexName", True),
        ("customrag:elasticsearch:Index", "mappings.properties.vector.dims", True),
        ("customrag:elasticsearch:Index", "mappings._meta.model_version", False),
        ("customrag:elasticsearch:Index", "settings.index.number_of_shards", True),
        ("customrag:opensearch:Index", "mappings._meta.model_version", False),
        ("customrag:opensearch:Index", "settings.index.default_pipeline", False),
        ("alicloud:oss/bucketObject:BucketObject", "key", True),
        (NODE, "instanceType", True),
        (NODE, "tags.owner", False),
        ("alicloud:nowhere/thing:Thing", "anything", False),
    ],
)
def test_properties_that_replace_a_resource(token: str, path: str, *, expected: bool) -> None:
    assert replaces(token, path) is expected


def test_property_that_only_names_a_path_is_ignored() -> None:
    assert is_ignored("customrag:oss:Corpus", "sourceDir")
    assert is_ignored("alicloud:oss/bucketObject:BucketObject", "source")
    assert not is_ignored("customrag:oss:Corpus", "documents")
