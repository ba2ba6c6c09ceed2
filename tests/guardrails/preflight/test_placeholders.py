"""What stands in a stack's file as an example only."""

from __future__ import annotations

from typing import Any

import pytest

from guardrails.preflight.checks.placeholders import placeholder
from guardrails.preflight.prepare import prepare
from guardrails.preflight.result import Line, Verdict
from stack_config.kinds import AddressType, EdgeKind, Environment
from tests.guardrails.preflight.conftest import Stage, failing, only


def lines(stage: Stage, **changes: Any) -> list[Line]:
    found = stage.lines("placeholder", subject=stage.subject(stage.config(**changes)))
    return [line for line in found if line.check == "placeholder"]


@pytest.mark.parametrize(
    "value",
    [
        "on-call@example.com",
        "chat.example.org",
        "https://login.example.net/realms/a",
        "https://rag.example/jwks.json",
        "edge.test",
        "203.0.113.7/32",
        "198.51.100.0/24",
        "2001:db8::/48",
        "1234567890123456",
        "0" * 32,
        "<certificate id>",
        "vpc-bp1…",
    ],
)
def test_a_reserved_value_is_a_placeholder(value: str) -> None:
    assert placeholder(value)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "on-call@myexample.com",
        "chat.examples.com",
        "https://dashscope.aliyuncs.com/compatible-mode/v1",
        "ecs.gn7i-c8g1.2xlarge",
        "10.20.0.0/16",
        "0.0.0.0/0",
        "::/0",
        "0 0 1 ? * * *",
        "20:00-08:00 Asia/Shanghai",
        "8.17_with_X-Pack",
        "1111222233334444",
    ],
)
def test_a_possible_value_is_not_a_placeholder(value: str) -> None:
    assert placeholder(value) == ""


def test_a_stack_without_example_values_passes(stage: Stage) -> None:
    assert [line.verdict for line in lines(stage)] == [Verdict.PASS]


@pytest.mark.parametrize(
    ("changes", "about"),
    [
        (
            {"alarmContactEmails": ("a@customrag.internal", "b@example.com")},
            "customrag:alarmContactEmails[1]",
        ),
        ({"chatDomainName": "chat.example.com"}, "customrag:chatDomainName"),
        (
            {
                "chatAddressType": AddressType.INTERNET,
                "chatAllowedCidrBlocks": ("203.0.113.0/24",),
            },
            "customrag:chatAllowedCidrBlocks[0]",
        ),
        ({"chatCertificateId": "1234567-cn-hangzhou"}, "customrag:chatCertificateId"),
        (
            {"edge": EdgeKind.CLOUDFLARE, "edgeJwksUrl": "https://login.example.com/jwks"},
            "customrag:edgeJwksUrl",
        ),
    ],
)
def test_a_remaining_example_value_fails_and_names_its_key(
    stage: Stage, changes: dict[str, Any], about: str
) -> None:
    (line,) = lines(stage, **changes)
    assert (line.verdict, line.about) == (Verdict.FAIL, about)
    assert about in line.do


def test_the_documentations_account_id_fails(stage: Stage) -> None:
    subject = stage.subject(stage.config(accountId="1234567890123456"))
    assert "placeholder" in failing(stage.lines("placeholder", subject=subject))


def test_prod_without_alarm_contacts_is_a_warning(stage: Stage) -> None:
    config = stage.config(environment=Environment.PROD, alarmContactEmails=())
    line = only(stage.lines("placeholder", subject=stage.subject(config)), "placeholder")
    assert (line.verdict, "no one receives" in line.found) == (Verdict.WARN, True)


def test_a_local_cloud_accepts_example_values(stage: Stage) -> None:
    config = stage.config(alarmContactEmails=("a@example.com",))
    subject = stage.subject(config, on_local_cloud=True)
    assert [line for line in stage.lines(subject=subject) if line.check == "placeholder"] == []


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_the_alarm_contact_of_a_stack_file_is_an_example(stack: str) -> None:
    (contact,) = prepare(stack, {}, {}).subject.config.observability.alarm_contact_emails
    assert placeholder(contact)
