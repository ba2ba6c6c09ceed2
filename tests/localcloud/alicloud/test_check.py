"""Checks and defaults of inputs, without a daemon."""

from __future__ import annotations

from typing import Any

import pytest

from localcloud.alicloud.check import Support, check
from pluginhost import UNKNOWN, Secret
from provider_facts import Failure, ResourceType, require_type


def known(token: str) -> ResourceType:
    return require_type(f"alicloud:{token}")


def checked(token: str, inputs: dict[str, Any]) -> tuple[dict[str, Any], list[Failure]]:
    """Check inputs as if the local cloud supported all of them."""
    kind = known(token)
    return check(kind, inputs, Support(frozenset(kind.inputs), frozenset()))


def failures(token: str, inputs: dict[str, Any]) -> list[tuple[str, str]]:
    return [(failure.path, failure.reason) for failure in checked(token, inputs)[1]]


BUCKET, SWITCH, SECRET = "oss/bucket:Bucket", "vpc/switch:Switch", "kms/secret:Secret"


def test_valid_inputs_pass() -> None:
    assert failures(BUCKET, {"bucket": "corpus", "tags": {"team": "search"}}) == []


def test_an_unknown_property_is_named_with_a_suggestion() -> None:
    assert failures(BUCKET, {"bukcet": "corpus"}) == [
        ("bukcet", 'is "corpus", but there is no such property; did you mean bucket?')
    ]


def test_a_missing_property_is_named_with_its_type() -> None:
    assert failures("ram/rolePolicyAttachment:RolePolicyAttachment", {"policyName": "p"}) == [
        ("policyType", "is missing; it takes a string (System, Custom)"),
        ("roleName", "is missing; it takes a string"),
    ]


@pytest.mark.parametrize(
    ("inputs", "path", "reason"),
    [
        ({"policy": 5.0}, "policy", "is 5 (a number); it takes a string"),
        ({"policy": True}, "policy", "is true (a boolean); it takes a string"),
        (
            {"storageClass": 5.0},
            "storageClass",
            "is 5 (a number); it takes a string (Standard, IA, Archive, ColdArchive, "
            "DeepColdArchive)",
        ),
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


@pytest.mark.parametrize("value", [UNKNOWN, Secret("corpus"), Secret(UNKNOWN)])
def test_unknown_and_secret_values_pass(value: Any) -> None:
    assert failures(BUCKET, {"bucket": value}) == []


def test_an_unknown_value_counts_as_given() -> None:
    inputs = {"secretName": UNKNOWN, "secretData": UNKNOWN, "versionId": UNKNOWN}
    assert failures(SECRET, inputs) == []


def test_a_secret_of_the_wrong_type_is_not_shown() -> None:
    found = failures(SECRET, {"secretName": "a", "secretData": Secret(5.0), "versionId": "v"})
    assert found == [("secretData", "is a secret that is not valid; secretData takes a string")]


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


def test_an_input_that_the_local_cloud_does_not_support_is_refused() -> None:
    kind = known(SWITCH)
    inputs = {"vpcId": "v", "enableIpv6": True}
    _, found = check(kind, inputs, Support(frozenset({"vpcId"}), frozenset({"tags"})))
    assert found == [
        Failure(
            "enableIpv6",
            "is true, but the local cloud does not support this input of "
            "alicloud:vpc/switch:Switch; supported: tags, vpcId",
        )
    ]


def test_a_value_that_the_provider_refuses_is_named_with_what_is_allowed() -> None:
    assert failures(BUCKET, {"bucket": "corpus", "acl": "open"}) == [
        ("acl", 'is "open"; allowed: private, public-read, public-read-write')
    ]


def test_a_refused_secret_is_not_shown() -> None:
    found = failures("elasticsearch/instance:Instance", {"password": Secret("hush")})
    reasons = dict(found)
    assert "hush" not in str(found)
    assert reasons["password"] == (
        "is a secret that is not valid; password takes a string (8 to 32 characters)"
    )
