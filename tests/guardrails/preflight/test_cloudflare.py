"""Cloudflare's lines, against the local cloud's answers in the form of Cloudflare's API v4.

What it cannot prove: that Cloudflare answers so; and that a token may write, which no look tells.
"""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlsplit

import pytest

from guardrails.preflight.checks import CHECKS
from guardrails.preflight.cloud import EdgePlace
from guardrails.preflight.result import Line, Verdict
from guardrails.preflight.run import run_checks
from localcloud.cloudflare.routes import PREFIX, cloudflare_id
from providers.clients.cloudflare import Cloudflare
from providers.clients.errors import AccessDeniedError
from providers.clients.retries import Retries
from stack_config.kinds import EdgeKind
from stack_config.local_edge import cloudflare_id as id_of_program
from tests.guardrails.preflight.conftest import Stage, failing, only

CLOUDFLARE = [check for check in CHECKS if check.name == "cloudflare"]
ELSE = "f" * 32


def place(stage: Stage) -> EdgePlace:
    """Return the local cloud's own account and zone."""
    host = urlsplit(stage.context.platform.endpoints["edge"]).hostname or ""
    ids = {f"{name}_id": cloudflare_id(stage.context, name) for name in ("account", "zone")}
    return EdgePlace(host=host, **ids)


def lines(stage: Stage, token: str | None = None, **changes: str) -> list[Line]:
    """Return the lines of `dev` with an edge there, or with another place configured."""
    cloud, wanted = stage.cloud(), replace(place(stage), **changes)
    config = stage.config(
        edge=EdgeKind.CLOUDFLARE,
        edgeCloudflareAccountId=wanted.account_id,
        edgeCloudflareZoneId=wanted.zone_id,
        edgeHostname=wanted.host,
    )
    shown = cloud.cloudflare_token if token is None else token
    asked = replace(cloud, cloudflare_token=shown, own_edge=None)
    return run_checks(CLOUDFLARE, stage.subject(config), asked)


def test_a_local_cloud_ignores_the_configured_place(stage: Stage) -> None:
    assert stage.cloud().own_edge == place(stage)
    subject = stage.subject(stage.config(edge=EdgeKind.CLOUDFLARE))
    assert failing(run_checks(CLOUDFLARE, subject, stage.cloud())) == []


def test_a_token_that_can_read_account_and_zone_passes(stage: Stage) -> None:
    found = lines(stage)
    assert [(line.about, line.verdict) for line in found] == [
        ("token", Verdict.PASS),
        ("account", Verdict.PASS),
        ("zone", Verdict.PASS),
    ]


def test_a_stack_without_an_edge_has_no_line_for_it(stage: Stage) -> None:
    assert run_checks(CLOUDFLARE, stage.subject(), stage.cloud()) == []


def test_preflight_and_program_derive_the_same_ids(stage: Stage) -> None:
    account_id = stage.context.platform.account_id
    for what in ("account", "zone"):
        assert cloudflare_id(stage.context, what) == id_of_program(account_id, what)


@pytest.mark.parametrize("token", ["", "  \n"])
def test_without_a_token_it_says_which_variable_to_set(stage: Stage, token: str) -> None:
    (line,) = lines(stage, token)
    assert (line.verdict, "CLOUDFLARE_API_TOKEN" in line.do) == (Verdict.FAIL, True)


@pytest.mark.parametrize("token", ["not-the-one", "two\nlines-of-it", "schlüssel"])
def test_a_refused_token_is_the_only_failure_and_is_not_shown(stage: Stage, token: str) -> None:
    (line,) = lines(stage, token)
    assert (line.about, line.verdict) == ("token", Verdict.FAIL)
    assert token not in line.found + line.do
    assert "lines-of-it" not in line.found


def test_spaces_around_a_token_are_ignored(stage: Stage) -> None:
    assert failing(lines(stage, f"{stage.cloud().cloudflare_token}\n")) == []


@pytest.mark.parametrize(
    ("fault", "about", "line", "told", "advice"),
    [
        ("cloudflare-token-expired", {}, "token", "is expired", "CLOUDFLARE_API_TOKEN"),
        ("cloudflare-token-unknown", {}, "token", "Invalid API Token (1000)", "make one"),
        ("cloudflare-zone-pending", {}, "zone", "is pending", "name servers"),
        (
            "access-denied",
            {"operation": "GET {prefix}/zones/{zone}"},
            "zone",
            "Authentication error (10000)",
            "Workers Routes: Edit",
        ),
        (
            "access-denied",
            {"operation": "GET {prefix}/accounts/{account}/workers/scripts"},
            "account",
            "may not read the workers",
            "Workers Scripts: Edit",
        ),
    ],
)
def test_a_fault_of_cloudflare_fails_its_line(
    stage: Stage, fault: str, about: dict[str, str], line: str, told: str, advice: str
) -> None:
    ids = {name: cloudflare_id(stage.context, name) for name in ("account", "zone")}
    named = {name: value.format(prefix=PREFIX, **ids) for name, value in about.items()}
    stage.inject(fault, named)
    wrong = [found for found in lines(stage) if found.verdict is Verdict.FAIL]
    assert [found.about for found in wrong] == [line]
    assert (told in wrong[0].found, advice in wrong[0].do) == (True, True), wrong


@pytest.mark.parametrize("fault", ["api-down", "api-throttled"])
def test_a_cloudflare_that_does_not_answer_fails_one_line(stage: Stage, fault: str) -> None:
    operation = f"GET {PREFIX}/user/tokens/verify"
    stage.faults.inject(fault, {"operation": operation})
    assert [line.verdict for line in lines(stage)] == [Verdict.FAIL]


@pytest.mark.parametrize(
    ("changes", "about", "told"),
    [
        ({"zone_id": ELSE}, "zone", "does not exist"),
        ({"host": "chat.elsewhere.internal"}, "zone", "is not in"),
        ({"account_id": ELSE}, "account", "may not read the workers"),
    ],
)
def test_wrong_ids_fail(stage: Stage, changes: dict[str, str], about: str, told: str) -> None:
    assert told in only(lines(stage, **changes), "cloudflare", about).found


def test_a_zone_of_another_account_fails(stage: Stage) -> None:
    line = only(lines(stage, account_id=ELSE), "cloudflare", "zone")
    assert (line.verdict, "belongs to account" in line.found) == (Verdict.FAIL, True)


def test_an_account_token_is_verified_by_the_account(stage: Stage) -> None:
    stage.faults.inject("access-denied", {"operation": f"GET {PREFIX}/user/tokens/verify"})
    assert failing(lines(stage)) == []


def test_a_token_that_is_unknown_everywhere_fails_with_the_first_answer(stage: Stage) -> None:
    cloud = stage.cloud()
    asked = Cloudflare(
        base_url=cloud.endpoints["cloudflare"], token="no-token", retries=Retries(attempts=1)
    )
    with pytest.raises(AccessDeniedError, match="GET /user/tokens/verify: Invalid API Token"):
        asked.verify(cloudflare_id(stage.context, "account"))
