"""Checking and defaulting inputs, without a daemon."""

from __future__ import annotations

from typing import Any

import pytest

from localcloud.alicloud.check import Failure, Support, check, shown
from pluginhost import UNKNOWN, Secret
from provider_facts import ResourceType, resource_type


def known(token: str) -> ResourceType:
    found = resource_type(f"alicloud:{token}")
    assert found is not None
    return found


def checked(token: str, inputs: dict[str, Any]) -> tuple[dict[str, Any], list[Failure]]:
    """Checked as if the local cloud supported every input."""
    kind = known(token)
    return check(kind, inputs, Support(frozenset(kind.inputs), frozenset()))


def failures(token: str, inputs: dict[str, Any]) -> list[tuple[str, str]]:
    return [(failure.path, failure.reason) for failure in checked(token, inputs)[1]]


BUCKET, SWITCH, SECRET = "oss/bucket:Bucket", "vpc/switch:Switch", "kms/secret:Secret"


def test_sound_inputs_pass() -> None:
    assert failures(BUCKET, {"bucket": "corpus", "tags": {"team": "search"}}) == []


def test_an_unknown_property_is_named_with_its_neighbour() -> None:
    assert failures(BUCKET, {"bukcet": "corpus"}) == [
        ("bukcet", 'is "corpus", but there is no such property; did you mean bucket?')
    ]


def test_a_missing_property_is_named_with_its_type() -> None:
    assert failures("ram/rolePolicyAttachment:RolePolicyAttachment", {"policyName": "p"}) == [
        ("policyType", "is missing; it takes a string"),
        ("roleName", "is missing; it takes a string"),
    ]


@pytest.mark.parametrize(
    ("inputs", "path", "reason"),
    [
        ({"bucket": 5.0}, "bucket", "is 5 (a number); it takes a string"),
        ({"bucket": True}, "bucket", "is true (a boolean); it takes a string"),
        ({"forceDestroy": "yes"}, "forceDestroy", 'is "yes" (a string); it takes a boolean'),
        ({"tags": {"a": 1.0}}, "tags.a", "is 1 (a number); it takes a string"),
        ({"tags": ["a"]}, "tags", 'is ["a"] (a list); it takes a map of strings'),
        ({"lifecycleRules": {}}, "lifecycleRules", "is {} (an object); it takes a list of objects"),
        ({"versioning": "on"}, "versioning", 'is "on" (a string); it takes an object with status'),
    ],
)
def test_a_wrong_type_is_named(inputs: dict[str, Any], path: str, reason: str) -> None:
    assert failures(BUCKET, inputs) == [(path, reason)]


def test_a_nested_property_is_named_by_its_path() -> None:
    rules = [{"enabled": True}, {"expirations": [{"days": 1.5}], "prefx": "a/"}]
    assert failures(BUCKET, {"lifecycleRules": rules}) == [
        (
            "lifecycleRules[1].prefx",
            'is "a/", but there is no such property; did you mean prefix?',
        ),
        ("lifecycleRules[1].enabled", "is missing; it takes a boolean"),
        ("lifecycleRules[1].expirations[0].days", "is 1.5 (a number); it takes an integer"),
    ]


def test_an_integer_may_come_as_a_whole_number() -> None:
    assert failures("vpc/network:Network", {"ipv4CidrMask": 24.0}) == []


def test_too_many_entries_are_counted() -> None:
    rules = [{"allowedMethods": ["GET"], "allowedOrigins": ["*"]}] * 11
    assert failures(BUCKET, {"corsRules": rules}) == [
        ("corsRules", "has 11 entries; at most 10 are allowed")
    ]


def test_conflicting_inputs_are_named() -> None:
    assert failures("vpc/network:Network", {"vpcName": "a", "name": "b"}) == [
        ("vpcName", "conflicts with name; give one of them")
    ]


@pytest.mark.parametrize("value", [UNKNOWN, Secret("x"), Secret(UNKNOWN)])
def test_unknown_and_secret_values_pass(value: Any) -> None:
    assert failures(BUCKET, {"bucket": value}) == []


def test_an_unknown_value_counts_as_given() -> None:
    inputs = {"secretName": UNKNOWN, "secretData": UNKNOWN, "versionId": UNKNOWN}
    assert failures(SECRET, inputs) == []


def test_a_secret_of_the_wrong_type_is_not_shown() -> None:
    found = failures(SECRET, {"secretName": "a", "secretData": Secret(5.0), "versionId": "v"})
    assert found == [("secretData", "is a secret that does not fit; secretData takes a string")]


def test_null_is_the_same_as_not_given() -> None:
    assert failures(BUCKET, {"bucket": "corpus", "acl": None}) == []


def test_defaults_are_filled_in() -> None:
    completed, _ = checked(BUCKET, {"bucket": "corpus"})
    assert completed == {
        "bucket": "corpus",
        "forceDestroy": False,
        "lifecycleRuleAllowSameActionOverlap": False,
        "redundancyType": "LRS",
        "storageClass": "Standard",
    }


def test_a_given_value_is_not_defaulted() -> None:
    completed, _ = checked(BUCKET, {"bucket": "corpus", "storageClass": "IA"})
    assert completed["storageClass"] == "IA"


def test_a_deprecated_property_gets_no_default() -> None:
    completed, found = checked("ram/role:Role", {"roleName": "r"})
    assert (completed, found) == ({"roleName": "r"}, [])


def test_an_input_without_local_behaviour_is_refused() -> None:
    kind = known(SWITCH)
    inputs = {"vpcId": "v", "enableIpv6": True}
    _, found = check(kind, inputs, Support(frozenset({"vpcId"}), frozenset({"tags"})))
    assert found == [
        Failure(
            "enableIpv6",
            "is true, but this input of alicloud:vpc/switch:Switch is not supported by the local "
            "cloud; supported are tags, vpcId",
        )
    ]


def test_a_long_value_is_shortened() -> None:
    assert len(shown("x" * 500)) == 80


def test_nested_secrets_are_not_shown() -> None:
    assert shown({"a": Secret("hush")}) == '{"a": "(secret)"}'
