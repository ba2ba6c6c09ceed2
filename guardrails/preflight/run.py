"""Run checks in parallel and collect their lines in order.

Every check reports: without credentials, each check that needs them has a line that says so.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import replace
from time import monotonic

from guardrails.declare import DeclareError
from guardrails.preflight.cloud import Cloud
from guardrails.preflight.result import Check, Finding, Line, Needs, failed, warned
from guardrails.preflight.subject import Subject
from providers.clients.errors import (
    AccessDeniedError,
    ClientError,
    ConnectionFailedError,
    ThrottledError,
)
from stack_config.config import ConfigError

__all__ = ["DEADLINE_SECONDS", "run_checks"]

DEADLINE_SECONDS = 60.0
"""A check that takes longer is reported as unanswered."""
# Without credentials the command reports within 5 s, its start included. A check that runs the
# program may take longer than that.
_REFUSED_SECONDS, _LAST_SECONDS = 2.0, 0.2
_NOT_ASKED = warned("not checked, because there are no working credentials", "")


def run_checks(
    checks: Sequence[Check],
    subject: Subject,
    cloud: Cloud,
    *,
    deadline_seconds: float = DEADLINE_SECONDS,
    without: Collection[Needs] = (),
) -> list[Line]:
    """Run checks.

    Args:
        checks: The checks. Those that identify the caller run first, one after the other.
        subject: The stack.
        cloud: The cloud.
        deadline_seconds: Time limit for all checks together.
        without: Skip checks with these needs.

    Returns:
        Their lines, in the checks' order.
    """
    wanted = [check for check in checks if check.needs not in without and check.concerns(subject)]
    gates = [check for check in wanted if check.needs is Needs.IDENTITY]
    began = monotonic()
    ends = began + deadline_seconds
    # One thread per check, so that a hanging check does not delay the others. Not a context
    # manager, which would wait for it.
    pool = ThreadPoolExecutor(max_workers=max(1, len(wanted)))
    try:
        running: dict[str, Future[list[Line]]] = {
            check.name: pool.submit(_lines, check, subject, cloud)
            for check in wanted
            if check.needs not in (Needs.CREDENTIALS, Needs.IDENTITY)
        }
        told: dict[str, list[Line]] = {}
        for gate in gates:
            if gate is not gates[0] and not cloud.signed_in:
                break
            future = pool.submit(_lines, gate, subject, cloud)
            told[gate.name] = _result(gate, subject, future, ends)
        refused = bool(gates) and not cloud.can_ask
        if refused:
            ends = min(ends, max(began + _REFUSED_SECONDS, monotonic() + _LAST_SECONDS))
        for check in wanted:
            if check.needs is Needs.CREDENTIALS and not refused:
                running[check.name] = pool.submit(_lines, check, subject, cloud)
        for check in wanted:
            if check.name in running:
                told[check.name] = _result(check, subject, running[check.name], ends)
        return [
            line
            for check in wanted
            for line in told.get(check.name, [Line.of(check.name, _NOT_ASKED)])
        ]
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _result(check: Check, subject: Subject, future: Future[list[Line]], ends: float) -> list[Line]:
    try:
        return future.result(timeout=max(0.0, ends - monotonic()))
    except FutureTimeoutError:
        if check.needs is Needs.PROGRAM:
            return [
                Line.of(check.name, warned("not known yet", f"make cost STACK={subject.stack}"))
            ]
        return [
            Line.of(check.name, failed("no answer in time", "try again, and check the network"))
        ]


def _lines(check: Check, subject: Subject, cloud: Cloud) -> list[Line]:
    lines: list[Line] = []
    try:
        # One by one, to keep the findings that precede an error.
        for finding in check.run(subject, cloud):
            lines.append(_line(check, finding, cloud))  # noqa: PERF401
    except ClientError as error:
        lines.append(_line(check, _unanswered(error), cloud))
    except (ConfigError, DeclareError) as error:
        lines.append(
            Line.of(check.name, failed(_first_line(str(error)), "correct the configuration"))
        )
    except Exception as error:  # noqa: BLE001 - an answer of another shape than documented, or
        # whatever else a client does not expect, must not hide the other lines.
        told = f"unexpected answer: {type(error).__name__}: {error}"
        finding = failed(_first_line(told), "report this line as a bug")
        lines.append(_line(check, finding, cloud))
    return lines


def _line(check: Check, finding: Finding, cloud: Cloud) -> Line:
    """Return a finding's line without secrets, which a cloud's message may quote."""
    clean = replace(finding, found=cloud.without_secrets(finding.found))
    return Line.of(check.name, clean)


def _unanswered(error: ClientError) -> Finding:
    told = f"{error.operation}: {error.message}" + (f" ({error.code})" if error.code else "")
    if "expired" in error.code.lower():
        return failed(told, "the session has expired: sign in again")
    if isinstance(error, AccessDeniedError):
        return failed(
            told, f"allow {error.operation} to the deploying role (docs/reference/permissions.md)"
        )
    if isinstance(error, ThrottledError):
        return failed(told, "the account sends too many requests: try again in a minute")
    if isinstance(error, ConnectionFailedError):
        return failed(
            told,
            "check the network, the proxy, and customrag:regionId, which selects the endpoints",
        )
    return failed(told, "try again; if it fails again, see https://status.alibabacloud.com")


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0] if text.strip() else "failed"
