"""How checks run: in parallel, reported in order, and none of them lost."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from time import monotonic

import pytest

from guardrails.endpoints import endpoints_of_region
from guardrails.preflight.cloud import Cloud
from guardrails.preflight.result import Check, Finding, Needs, Verdict, passed
from guardrails.preflight.run import run_checks
from guardrails.preflight.subject import Subject
from providers.clients.account import Identity
from providers.clients.credentials import Credentials
from providers.clients.errors import (
    AccessDeniedError,
    ConnectionFailedError,
    InvalidRequestError,
    ThrottledError,
)
from stack_config.config import StackConfig
from tests.infra.conftest import CLOUD_CONFIG, project_defaults


@pytest.fixture
def subject() -> Subject:
    values = {**project_defaults(), **CLOUD_CONFIG}
    return Subject(
        stack="test",
        config=StackConfig.parse(values, stack="test"),
        account_id=values["accountId"],
    )


class Known(Cloud):
    """A cloud that needs no network and knows the caller."""

    @property
    def signed_in(self) -> bool:
        return True


@pytest.fixture
def cloud() -> Cloud:
    return Known(
        region_id="cn-hangzhou",
        endpoints=endpoints_of_region("cn-hangzhou"),
        credentials=Credentials(None),
    )


def check(
    name: str,
    run: Callable[[Subject, Cloud], Iterator[Finding]],
    needs: Needs = Needs.CREDENTIALS,
    concerns: Callable[[Subject], bool] = lambda _: True,
) -> Check:
    return Check(name=name, needs=needs, run=run, concerns=concerns)


def well(_: Subject, __: Cloud) -> Iterator[Finding]:
    yield passed("well")


def test_lines_come_in_the_order_of_the_checks(subject: Subject, cloud: Cloud) -> None:
    second_is_done = threading.Event()

    def slow(_: Subject, __: Cloud) -> Iterator[Finding]:
        assert second_is_done.wait(20)
        yield passed("slow")

    def quick(_: Subject, __: Cloud) -> Iterator[Finding]:
        second_is_done.set()
        yield passed("quick")

    checks = [check("who", well, Needs.IDENTITY), check("slow", slow), check("quick", quick)]
    assert [line.check for line in run_checks(checks, subject, cloud)] == ["who", "slow", "quick"]


def test_findings_before_an_error_are_kept(subject: Subject, cloud: Cloud) -> None:
    def half(_: Subject, __: Cloud) -> Iterator[Finding]:
        yield passed("the first half")
        raise ThrottledError("slow down", operation="DescribeThings", code="Throttling")

    first, second = run_checks([check("half", half)], subject, cloud)
    assert (first.verdict, second.verdict) == (Verdict.PASS, Verdict.FAIL)
    assert second.found == "DescribeThings: slow down (Throttling)"


def test_a_missing_permission_is_named(subject: Subject, cloud: Cloud) -> None:
    def refused(_: Subject, __: Cloud) -> Iterator[Finding]:
        raise AccessDeniedError("no", operation="GetRole", code="NoPermission")

    (line,) = run_checks([check("role", refused)], subject, cloud)
    assert (line.verdict, "GetRole" in line.do) == (Verdict.FAIL, True)


def test_an_unexpected_answer_fails_only_its_line(subject: Subject, cloud: Cloud) -> None:
    def puzzled(_: Subject, __: Cloud) -> Iterator[Finding]:
        raise KeyError("ZoneId")

    found = run_checks(
        [check("who", well, Needs.IDENTITY), check("puzzled", puzzled)], subject, cloud
    )
    assert [line.verdict for line in found] == [Verdict.PASS, Verdict.FAIL]
    assert "KeyError: 'ZoneId'" in found[1].found


def test_an_unanswered_check_is_reported_in_time(subject: Subject, cloud: Cloud) -> None:
    never = threading.Event()

    def hangs(_: Subject, __: Cloud) -> Iterator[Finding]:
        never.wait(60)
        yield passed("at last")

    checks = [
        check("who", well, Needs.IDENTITY),
        check("hangs", hangs),
        check("budget", hangs, Needs.PROGRAM),
    ]
    try:
        found = run_checks(checks, subject, cloud, deadline_seconds=0.2)
    finally:
        never.set()
    assert [(line.check, line.verdict) for line in found[1:]] == [
        ("hangs", Verdict.FAIL),
        ("budget", Verdict.WARN),
    ]


def test_a_hanging_check_does_not_delay_others(subject: Subject, cloud: Cloud) -> None:
    never = threading.Event()

    def hangs(_: Subject, __: Cloud) -> Iterator[Finding]:
        never.wait(60)
        yield passed("at last")

    many = [check(f"hangs-{number}", hangs) for number in range(20)]
    try:
        found = run_checks([*many, check("well", well)], subject, cloud, deadline_seconds=1.0)
    finally:
        never.set()
    assert (found[-1].check, found[-1].verdict) == ("well", Verdict.PASS)
    assert [line.found for line in found[:-1]] == ["no answer in time"] * 20


def test_without_credentials_slow_checks_are_not_awaited(subject: Subject) -> None:
    never = threading.Event()

    def hangs(_: Subject, __: Cloud) -> Iterator[Finding]:
        never.wait(60)
        yield passed("at last")

    def refused(_: Subject, __: Cloud) -> Iterator[Finding]:
        raise AccessDeniedError("no credentials", operation="GetCredentials")

    checks = [
        check("who", refused, Needs.IDENTITY),
        check("zones", well),
        check("budget", hangs, Needs.PROGRAM),
    ]
    unknown = Cloud(
        region_id="cn-hangzhou",
        endpoints=endpoints_of_region("cn-hangzhou"),
        credentials=Credentials(None),
    )
    began = monotonic()
    try:
        found = run_checks(checks, subject, unknown)
    finally:
        never.set()
    assert monotonic() - began < 4.0
    assert [line.verdict for line in found] == [Verdict.FAIL, Verdict.WARN, Verdict.WARN]
    assert found[1].found.startswith("not checked")


def test_an_api_that_cannot_be_reached_points_to_the_network(
    subject: Subject, cloud: Cloud
) -> None:
    def unreachable(_: Subject, __: Cloud) -> Iterator[Finding]:
        raise ConnectionFailedError("timed out", operation="DescribeZones")

    found = run_checks([check("zones", unreachable), check("well", well)], subject, cloud)
    assert [line.verdict for line in found] == [Verdict.FAIL, Verdict.PASS]
    assert "regionId" in found[0].do


def test_an_expired_session_is_not_reported_as_a_missing_permission(
    subject: Subject, cloud: Cloud
) -> None:
    def over(_: Subject, __: Cloud) -> Iterator[Finding]:
        raise AccessDeniedError("over", operation="GetRole", code="InvalidSecurityToken.Expired")

    (line,) = run_checks([check("role", over)], subject, cloud)
    assert "sign in again" in line.do


def test_an_unexpected_error_fails_only_its_line(subject: Subject, cloud: Cloud) -> None:
    def bursts(_: Subject, __: Cloud) -> Iterator[Finding]:
        raise RuntimeError("no such thing")

    found = run_checks([check("bursts", bursts), check("well", well)], subject, cloud)
    assert [line.verdict for line in found] == [Verdict.FAIL, Verdict.PASS]
    assert "RuntimeError: no such thing" in found[0].found


def test_a_secret_in_a_clouds_message_is_hidden(subject: Subject) -> None:
    def quotes(_: Subject, __: Cloud) -> Iterator[Finding]:
        raise InvalidRequestError("the token cf-secret-token is odd", operation="Verify")

    knowing = Known(
        region_id="cn-hangzhou",
        endpoints=endpoints_of_region("cn-hangzhou"),
        credentials=Credentials(None),
        cloudflare_token="cf-secret-token\n",
    )
    (line,) = run_checks([check("quotes", quotes)], subject, knowing)
    assert line.found == "Verify: the token *** is odd"


def test_a_check_that_does_not_apply_has_no_line(subject: Subject, cloud: Cloud) -> None:
    checks = [check("who", well, Needs.IDENTITY), check("other", well, concerns=lambda _: False)]
    assert [line.check for line in run_checks(checks, subject, cloud)] == ["who"]


def test_checks_can_be_skipped_by_need(subject: Subject, cloud: Cloud) -> None:
    checks = [check("who", well, Needs.IDENTITY), check("budget", well, Needs.PROGRAM)]
    found = run_checks(checks, subject, cloud, without=[Needs.PROGRAM])
    assert [line.check for line in found] == ["who"]


def test_an_answer_is_cached(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def identity(_: object) -> Identity:
        asked.append(1)
        return Identity(account_id="1234567890123456", arn="acs:ram::1:user/a", kind="RAMUser")

    monkeypatch.setattr("providers.clients.account.caller_identity", identity)
    monkeypatch.setattr(Cloud, "_client", lambda *_: None)
    cloud = Cloud(
        region_id="cn-hangzhou",
        endpoints=endpoints_of_region("cn-hangzhou"),
        credentials=Credentials(None),
    )
    assert not cloud.signed_in
    assert cloud.identity() == cloud.identity()
    assert (len(asked), cloud.signed_in) == (1, True)


def test_missing_credentials_are_not_awaited(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    never = threading.Event()

    class Searching(Credentials):
        def get_credentials(self) -> object:  # type: ignore[override]
            never.wait(60)
            return None

    monkeypatch.setattr("guardrails.preflight.cloud._KEY_SECONDS", 0.1)
    cloud = Cloud(
        region_id="cn-hangzhou",
        endpoints=endpoints_of_region("cn-hangzhou"),
        credentials=Searching(None),
    )
    try:
        with pytest.raises(AccessDeniedError, match="no credentials were found"):
            _ = cloud.key
    finally:
        never.set()
