"""What a comment may show of a value."""

from __future__ import annotations

import pytest

from infra.made_up import unknown
from ops.review.values import HIDDEN, scrubbed, shown


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("password", "x"),
        ("kibana.password", "x"),
        ("secretData", "x"),
        ("apiKey", "x"),
        ("envs.SOME_TOKEN", "x"),
        ("envs", {"ACCESS_KEY": "x"}),
        ("userCommand", "serve --key sk-0123456789abcdef"),
        ("userCommand", ["LTAI5tExampleKey"]),
        ("note", "-----BEGIN RSA PRIVATE KEY-----"),
        ("header", "Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln"),
        ("any", {"4dabf18193072939515e22adb298388d": "sig", "value": "x"}),
    ],
)
def test_what_is_or_looks_like_a_secret_is_hidden(path: str, value: object) -> None:
    assert shown(path, value) == HIDDEN


def test_what_is_known_to_be_a_secret_is_hidden_whatever_its_name() -> None:
    assert shown("color", "blue", secret=True) == HIDDEN


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("instanceType", "ecs.g7.large", "ecs.g7.large"),
        ("amount", 3, "3"),
        ("protected", True, "true"),
        ("secretName", "customrag-dev-password", "customrag-dev-password"),
        ("httpTokens", "required", "required"),
        ("x", None, "—"),
        ("documents.a.md", "0bc7ae7e07fd2541" * 4, "0bc7ae7e…"),
        ("x", unknown("node", "id"), "known later"),
    ],
)
def test_plain_values_are_shown(path: str, value: object, expected: str) -> None:
    assert shown(path, value) == expected


def test_a_long_value_is_told_by_its_digest_so_that_a_change_is_seen() -> None:
    one, other = shown("userData", "a" * 100), shown("userData", "b" * 100)
    assert one.startswith("100 characters, digest ")
    assert one != other


def test_an_error_s_text_loses_what_looks_like_a_secret_and_nothing_else() -> None:
    text = "refused: key LTAI5tExampleKey and sk-0123456789abcdef, at line 3"
    assert scrubbed(text) == f"refused: key {HIDDEN} and {HIDDEN}, at line 3"
