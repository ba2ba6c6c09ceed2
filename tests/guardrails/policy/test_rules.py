"""A violating and a passing case for every rule, without an engine."""

from __future__ import annotations

import importlib

import pytest

from guardrails.policy.model import UNKNOWN, Resource, Setting, value_at
from guardrails.policy.rules import RULES, violations
from guardrails.policy.sizes import gpus_of, vcpus_of
from guardrails.policy.tagging import TAGGED
from tests.guardrails.policy.cases import PASSING, VIOLATING
from tests.guardrails.policy.cases.support import DEV, FORWARD, PROD, Case
from tools.alicloud_facts import TYPES, sdk_classes, shapes

RULE_BY_NAME = {rule.name: rule for rule in RULES}


def _parameters(cases: dict[str, list[Case]]) -> list[object]:
    return [
        pytest.param(rule, case, id=f"{rule}: {case.name}")
        for rule, listed in cases.items()
        for case in listed
    ]


def test_every_rule_has_a_violating_and_a_passing_case() -> None:
    assert set(VIOLATING) == set(PASSING) == set(RULE_BY_NAME)


def test_rule_names_are_unique() -> None:
    assert len(RULE_BY_NAME) == len(RULES)


@pytest.mark.parametrize(("rule", "case"), _parameters(VIOLATING))
def test_a_violation_has_a_message(rule: str, case: Case) -> None:
    found = list(RULE_BY_NAME[rule].violations(case.resources, case.setting))
    assert found, case.name
    assert all(len(item.message) > 20 for item in found)


@pytest.mark.parametrize(("rule", "case"), _parameters(PASSING))
def test_a_passing_case_has_no_violations(rule: str, case: Case) -> None:
    assert list(RULE_BY_NAME[rule].violations(case.resources, case.setting)) == []


def test_unknown_properties_do_not_violate_rules_for_one_resource() -> None:
    class AllUnknown(dict[str, object]):
        """Return the unknown marker for every property."""

        def get(self, key: str, default: object = None) -> object:
            return UNKNOWN

    types = {case.resources[0].type for cases in VIOLATING.values() for case in cases}
    # Types that no stack may declare.
    types -= {"alicloud:ram/user:User", "alicloud:ram/accessKey:AccessKey", FORWARD}
    for type_ in types - {"pulumi:providers:alicloud"}:
        resource = Resource(type=type_, name="it", inputs=AllUnknown(), protect=True)
        for rule in RULES:
            if rule.on_resource is not None:
                assert list(rule.on_resource(resource, PROD)) == [], (rule.name, type_)


def test_an_unknown_environment_gets_the_rules_of_production() -> None:
    assert Setting(environment="staging").is_production
    assert not DEV.is_production


def test_violations_of_all_rules_are_returned() -> None:
    bucket = Resource(type="alicloud:oss/bucket:Bucket", name="b", inputs={"acl": "public-read"})
    names = {found.rule for found in violations([bucket], DEV)}
    assert {"bucket-acl-is-private", "tags-are-there", "bucket-is-encrypted"} <= names


def test_every_type_with_tags_is_in_the_tagging_rules() -> None:
    takes = {token for token in TYPES if "tags" in shapes(sdk_classes(token)[1])}
    # Types that need no tags: they are free, and deleted with their parent.
    parts = {"alicloud:alb/rule:Rule"}
    assert takes - set(TAGGED) - parts == set()


@pytest.mark.parametrize(
    ("spec", "vcpus", "gpus"),
    [
        ("ecs.g7.large", 2, 0),
        ("ecs.g7.xlarge", 4, 0),
        ("ecs.g7.16xlarge", 64, 0),
        ("ecs.t6-c1m1.large", 2, 0),
        ("ecs.gn7i-c8g1.2xlarge", 8, 1),
        ("ecs.gn6e-c12g1.12xlarge", 12, 1),
        ("elasticsearch.sn2ne.2xlarge", 8, 0),
        ("ecs.n1.small", 1, 0),
        ("ecs.gn5.large", 2, 1),
        ("ecs.ebmgn7", None, 1),
    ],
)
def test_a_size_is_read_from_its_name(spec: str, vcpus: int | None, gpus: int) -> None:
    assert (vcpus_of(spec), gpus_of(spec)) == (vcpus, gpus)


def test_the_cases_use_only_inputs_that_the_sdk_has() -> None:
    # A rule that reads a property which no type has would always pass.
    for cases in (*VIOLATING.values(), *PASSING.values()):
        for resource in (each for case in cases for each in case.resources):
            if not resource.type.startswith("alicloud:"):
                continue
            _, place, name = resource.type.split(":")
            module = importlib.import_module(f"pulumi_alicloud.{place.partition('/')[0]}")
            taken = shapes(getattr(module, f"{name}Args"))
            assert set(resource.inputs) <= set(taken), resource.type


def test_a_path_through_an_unknown_value_is_unknown() -> None:
    assert value_at({"disk": UNKNOWN}, "disk", "encrypted") is UNKNOWN
    assert value_at({"disk": {}}, "disk", "encrypted") is None
