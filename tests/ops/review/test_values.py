"""What a comment may show of a value."""

from __future__ import annotations

import pytest

from guardrails.placeholders import unknown
from ops.review.values import HIDDEN, excerpts, plain, scrubbed, shown


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
        ("llmBaseUrl", "https://someone:hush@models.example.com/v1"),
        ("note", "Authorization: Bearer abcdefgh12345678"),
        ("note", "ghp_0123456789abcdefghijABCDEFGHIJ"),
        ("note", "-----BEGIN RSA PRIVATE KEY-----"),
        ("header", "Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln"),
        ("any", {"4dabf18193072939515e22adb298388d": "sig", "value": "x"}),
    ],
)
def test_value_that_looks_like_a_secret_is_hidden(path: str, value: object) -> None:
    assert shown(path, value) == HIDDEN


def test_known_secret_is_hidden_whatever_its_name() -> None:
    assert shown("color", "blue", secret=True) == HIDDEN


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("instanceType", "ecs.g7.large", "ecs.g7.large"),
        ("amount", 3, "3"),
        ("protected", True, "true"),
        ("secretName", "customrag-dev-password", "customrag-dev-password"),
        ("httpTokens", "required", "required"),
        (
            "url",
            "https://models.example.com:8443/v1?a=b@c",
            "https://models.example.com:8443/v1?a=b@c",
        ),
        ("x", None, "—"),
        ("x", "", "empty"),
        ("documents.a.md", "0bc7ae7e07fd2541" * 4, "0bc7ae7e…"),
        ("x", unknown("node", "id"), "known after the update"),
    ],
)
def test_plain_values_are_shown(path: str, value: object, expected: str) -> None:
    assert shown(path, value) == expected


def test_long_value_is_shown_by_its_digest() -> None:
    one, other = shown("userData", "a" * 100), shown("userData", "b" * 100)
    assert one.startswith("100 characters, digest ")
    assert one != other


def test_error_text_loses_only_what_looks_like_a_secret() -> None:
    text = "refused: key LTAI5tExampleKey and sk-0123456789abcdef, at line 3"
    assert scrubbed(text) == f"refused: key {HIDDEN} and {HIDDEN}, at line 3"


COMMAND = "python -m training.train_embedding --corpus-dir /mnt/corpus --base-model {} --seed 42 {}"


def test_changed_long_text_shows_the_part_that_differs() -> None:
    before, after = COMMAND.format("all-MiniLM-L6-v2", "--x 1"), COMMAND.format("e5", "--x 1")
    assert excerpts("userCommand", before, after) == (
        "…-base-model all-MiniLM-L6-v2 --seed 42 -…",
        "…-base-model e5 --seed 42 -…",
    )
    added = excerpts("userCommand", COMMAND.format("e5", ""), COMMAND.format("e5", "--epochs 6"))
    assert added == ("…5 --seed 42 ", "…5 --seed 42 --epochs 6")


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        ("x", "short", "other"),
        ("x", "a" * 200, "b" + "a" * 200),
        ("userData", "a\n" * 100, "b\n" * 100),
        ("x", "word " * 40, unknown("node", "id")),
        ("x", "word " * 40, "another " * 40),
        ("adminPassword", "word " * 40 + "1", "word " * 40 + "2"),
        ("x", "word " * 40 + "--password hush", "word " * 40 + "--password HUSH"),
        ("x", "word " * 40 + "sk-0123456789abcdef", "word " * 40 + "sk-0123456789abcdeg"),
        ("x", ["word " * 40], ["other " * 40]),
    ],
)
def test_possible_secret_and_encoded_text_show_no_part(
    path: str, before: object, after: object
) -> None:
    assert excerpts(path, before, after) is None


def test_foreign_text_is_one_line_without_markup() -> None:
    text = plain("acl is 'x</details>\n<img src=//e>[a](b) @org |c'")
    assert "\n" not in text
    assert not set("<>[]@|") & set(text)
