"""Cloudflare: whether the API token works, and can read the edge's account and zone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from guardrails.preflight.cloud import Cloud, EdgePlace
from guardrails.preflight.result import (
    Check,
    Finding,
    Needs,
    Verdict,
    failed,
    named,
    passed,
    warned,
)
from guardrails.preflight.subject import Subject
from providers.clients.errors import AccessDeniedError, ClientError, NotFoundError

__all__ = ["CHECKS"]

_TOKENS = "https://dash.cloudflare.com/profile/api-tokens"
_MAKE = (
    f"make one at {_TOKENS} with what docs/explanation/edge.md names, and set CLOUDFLARE_API_TOKEN"
)
_SOON = timedelta(days=14)


def _cloudflare(subject: Subject, cloud: Cloud) -> Iterator[Finding]:
    if not cloud.cloudflare_token.strip():
        yield named("token", failed("CLOUDFLARE_API_TOKEN is not set", _MAKE))
        return
    config = subject.config
    place = cloud.own_edge or EdgePlace(
        account_id=config.edge.cloudflare_account_id,
        zone_id=config.edge.cloudflare_zone_id,
        host=config.edge.hostname,
    )
    token = _token(place, subject, cloud)
    yield named("token", token)
    # The other checks would only repeat that the token is refused.
    if token.verdict is not Verdict.FAIL:
        yield named("account", _account(place, cloud))
        yield named("zone", _zone(place, cloud))


def _token(place: EdgePlace, subject: Subject, cloud: Cloud) -> Finding:
    try:
        token = cloud.cloudflare.verify(place.account_id)
    except AccessDeniedError as error:
        return failed(f"Cloudflare refuses it: {_told(error)}", _MAKE)
    if token.status != "active" or (token.expires_at and token.expires_at <= subject.now):
        return failed(f"is {token.status}", _MAKE)
    if token.expires_at and token.expires_at <= subject.now + _SOON:
        return warned(f"expires on {token.expires_at:%Y-%m-%d}", _MAKE)
    ends = f", until {token.expires_at:%Y-%m-%d}" if token.expires_at else ""
    return passed(f"is active{ends}")


def _account(place: EdgePlace, cloud: Cloud) -> Finding:
    account_id = place.account_id
    try:
        cloud.cloudflare.see_workers(account_id)
    except (AccessDeniedError, NotFoundError) as error:
        return failed(
            f"the token may not read the workers of {account_id}: {_told(error)}",
            f"give it Workers Scripts: Edit of that account at {_TOKENS}, or correct "
            "customrag:edgeCloudflareAccountId",
        )
    # Only a write would prove the permission to write.
    return passed("the token can read its workers")


def _zone(place: EdgePlace, cloud: Cloud) -> Finding:
    zone_id, host = place.zone_id, place.host
    correct = "correct customrag:edgeCloudflareZoneId"
    try:
        zone = cloud.cloudflare.zone(zone_id)
    except AccessDeniedError as error:
        return failed(
            f"the token may not read {zone_id}: {_told(error)}",
            f"give it Workers Routes: Edit of that zone at {_TOKENS}, or {correct}",
        )
    if zone is None:
        return failed(f"{zone_id} does not exist", correct)
    if zone.account_id != place.account_id:
        return failed(
            f"{zone.name} belongs to account {zone.account_id}, not to {place.account_id}",
            f"{correct}, or customrag:edgeCloudflareAccountId",
        )
    if host != zone.name and not host.endswith(f".{zone.name}"):
        return failed(
            f"is {zone.name}, and {host} is not in it", f"{correct}, or customrag:edgeHostname"
        )
    if zone.status != "active":
        return failed(
            f"{zone.name} is {zone.status}: the edge would have no certificate",
            "set the domain's name servers to Cloudflare's, and wait until the zone is active",
        )
    if zone.paused:
        return warned(
            f"{zone.name} is paused: nothing reaches the worker",
            "resume Cloudflare for it in the dashboard",
        )
    return passed(f"{zone.name} is active, and {host} is in it")


def _told(error: ClientError) -> str:
    return f"{error.message} ({error.code})" if error.code else error.message


CHECKS: tuple[Check, ...] = (
    # It needs Cloudflare's token, not the cloud's credentials.
    Check(
        name="cloudflare",
        needs=Needs.NOTHING,
        run=_cloudflare,
        concerns=lambda subject: subject.config.edge.exists,
    ),
)
