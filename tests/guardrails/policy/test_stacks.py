"""Every stack of the project complies with every rule, and the pack reads its input correctly."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE, unknown_checking_proxy

from guardrails.declare import Declared
from guardrails.placeholders import unknown
from guardrails.policy.check import main, resources_of, setting_of, violations_of
from guardrails.policy.model import UNKNOWN, Resource
from guardrails.policy.pack import plain
from guardrails.policy.pack import setting_of as setting_in_the_engine
from tests.support.stacks import STACKS, declared


@pytest.mark.parametrize("preview", [False, True], ids=["update", "preview"])
@pytest.mark.parametrize("stack", STACKS)
def test_every_stack_complies_with_every_rule(stack: str, preview: bool) -> None:
    found = violations_of(declared(stack, preview=preview), setting_of(stack, template=True))
    assert [f"{v.rule}: {v.resource.name}: {v.message}" for v in found] == []


def test_a_stack_that_violates_a_rule_fails_and_names_the_rule(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--stack", "dev", "--set", "llmModel=qwen-turbo", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert {item["rule"] for item in found} == {"no-retired-model"}


def test_rules_apply_to_the_known_parts_of_a_policy_document() -> None:
    roles = [
        item
        for item in declared("prod", preview=False)
        if item.type == "alicloud:ram/policy:Policy" and "unknown-yet." in str(item.inputs)
    ]
    assert roles
    for item in roles:
        text = item.inputs["policyDocument"]
        wide = replace(item, inputs={**item.inputs, "policyDocument": text.replace("oss:G", "*:G")})
        rules = {found.rule for found in violations_of([wide], setting_of("prod"))}
        assert ("no-wildcard-action" in rules) == ("oss:G" in text), item.name
    assert any("oss:G" in item.inputs["policyDocument"] for item in roles)


def test_only_a_value_that_is_unknown_as_a_whole_is_unknown() -> None:
    item = Declared(
        type="t",
        name="n",
        urn="u",
        parent="",
        component="c",
        inputs={"id": unknown("a-b", "id"), "url": f"http://{unknown('a', 'ip')}:80"},
    )
    (resource,) = resources_of([item])
    assert resource.inputs["id"] is UNKNOWN
    assert resource.inputs["url"] != UNKNOWN


def test_the_error_names_a_stack_that_does_not_exist(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--stack", "nowhere"]) == 2
    assert "'nowhere'" in capsys.readouterr().err


def test_unknown_values_of_the_engine_become_unknown() -> None:
    given = unknown_checking_proxy(
        {"a": UNKNOWN_STRING_VALUE, "b": [UNKNOWN_STRING_VALUE, 1.0], "c": {"d": "x"}}
    )
    assert plain(given) == {"a": UNKNOWN, "b": [UNKNOWN, 1.0], "c": {"d": "x"}}


def tagged(environment: object) -> Resource:
    return Resource(type="t", name="n", inputs={"tags": {"environment": environment}})


def test_the_environment_comes_from_the_config_then_a_tag_then_is_prod() -> None:
    assert setting_in_the_engine({"environment": "dev"}, [tagged("pr")]).environment == "dev"
    assert setting_in_the_engine({}, [tagged(UNKNOWN), tagged("pr")]).environment == "pr"
    assert setting_in_the_engine({}, []).environment == "prod"
