"""The pure functions of the components: names, networks, permissions, tags."""

from __future__ import annotations

import json
import re
import tomllib

import pytest

from components.elasticsearch import ElasticsearchClusterArgs
from components.naming import Naming
from components.network import plan_cidr_blocks
from components.permissions import Statement, policy_document, read_objects, trust_document
from components.requirements import CHAT, EMBEDDING
from components.scope import Scope
from components.secrets import SecretStorage
from components.tags import merge_tags

NAMING = Naming(project="customrag", stack="dev", account_id="1234567890123456")
SCOPE = Scope(naming=NAMING, region_id="cn-hangzhou")


def test_bucket_names_differ_between_accounts_and_stacks() -> None:
    names = {
        Naming(project="customrag", stack=stack, account_id=account).bucket("corpus")
        for stack in ("dev", "prod")
        for account in ("1", "2")
    }
    assert len(names) == 4


def test_a_stack_name_that_oss_does_not_allow_is_an_error() -> None:
    with pytest.raises(ValueError, match="Rename the stack"):
        Naming(project="customrag", stack="Pull_Request", account_id="1").bucket("corpus")


@pytest.mark.parametrize("stack", ["dev", "pr-7", "a-very-long-stack-name-indeed"])
def test_workspace_names_follow_the_rule_of_pai(stack: str) -> None:
    name = Naming(project="customrag", stack=stack, account_id="1").workspace()
    assert 3 <= len(name) <= 23
    assert name[0].isalpha()
    assert name.replace("_", "").isalnum()


def test_each_zone_gets_its_own_block() -> None:
    plan = plan_cidr_blocks("10.20.0.0/16", ["z-a", "z-b"])
    assert plan == {"z-a": "10.20.0.0/24", "z-b": "10.20.1.0/24"}


@pytest.mark.parametrize(
    ("cidr_block", "zone_ids", "message"),
    [
        ("10.20.0.0/16", [], "zone_ids is empty"),
        ("10.20.0.0/16", ["a", "a"], "only once"),
        ("8.8.0.0/16", ["a"], "it must be a range inside"),
        ("10.20.0.0/25", ["a"], "/24 or larger"),
        ("10.20.0.0/24", ["a", "b"], "too small for 2"),
    ],
)
def test_an_invalid_network_is_rejected(cidr_block: str, zone_ids: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        plan_cidr_blocks(cidr_block, zone_ids)


@pytest.mark.parametrize("action", ["oss:*", "*", "GetObject"])
def test_a_wildcard_action_is_rejected(action: str) -> None:
    with pytest.raises(ValueError, match="name each action"):
        Statement(actions=(action,), resources=("acs:oss:*:*:b",), reason="test")


def test_policy_is_canonical_json() -> None:
    statement = read_objects("bucket", "corpus/", reason="test")
    document = policy_document([statement])
    assert document == policy_document([statement])
    assert json.loads(document)["Statement"][0]["Resource"] == [
        "acs:oss:*:*:bucket",
        "acs:oss:*:*:bucket/corpus/*",
    ]


def test_an_empty_policy_is_an_error() -> None:
    with pytest.raises(ValueError, match="at least one statement"):
        policy_document([])


def test_the_trust_policy_names_one_service() -> None:
    document = json.loads(trust_document("ecs.aliyuncs.com"))
    assert document["Statement"][0]["Principal"] == {"Service": ["ecs.aliyuncs.com"]}


def test_tags_of_the_stack_cannot_be_overridden() -> None:
    with pytest.raises(ValueError, match="'owner' is 'a'"):
        merge_tags({"owner": "a"}, {"owner": "b"})


def test_a_whitelist_of_every_address_is_rejected() -> None:
    with pytest.raises(ValueError, match=r"0\.0\.0\.0/0"):
        ElasticsearchClusterArgs(
            scope=SCOPE,
            version="8.17_with_X-Pack",
            vswitch_id="vsw",
            password="x",
            private_whitelists=["0.0.0.0/0"],
        )


@pytest.mark.parametrize("days", [-1, 3, 31])
def test_a_recovery_window_that_kms_does_not_allow_is_rejected(days: int) -> None:
    with pytest.raises(ValueError, match="7 to 30, or 0"):
        SecretStorage(recovery_window_days=days)


@pytest.mark.parametrize("requirement_of_node", [*CHAT, *EMBEDDING])
def test_node_requirements_match_pyproject(
    requirement_of_node: str, request: pytest.FixtureRequest
) -> None:
    project = tomllib.loads((request.config.rootpath / "pyproject.toml").read_text())["project"]
    plain = {re.sub(r"\[.*?\]", "", requirement) for requirement in project["dependencies"]}
    names = {re.split(r"[=<>]", requirement)[0] for requirement in plain}
    assert requirement_of_node in plain or requirement_of_node in names
