"""Runs checks side by side and gathers their lines in order.

What cannot be asked is told, never left out: without credentials every check that needs them has a
line that says so.
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
"""What takes longer is told as not answered."""
# Whoever has no credentials is to know at once, so that with its start the command stays below 5 s;
# what runs the program may take longer than that.
_REFUSED_SECONDS, _LAST_SECONDS = 2.0, 0.2
_NOT_ASKED = warned("not asked, as there are no credentials that work", "")


def run_checks(
    checks: Sequence[Check],
    subject: Subject,
    cloud: Cloud,
    *,
    deadline_seconds: float = DEADLINE_SECONDS,
    without: Collection[Needs] = (),
) -> list[Line]:
    """Carry out checks.

    Args:
        checks: Which. Those that tell who asks are asked first, one after the other.
        subject: What is checked.
        cloud: What is asked.
        deadline_seconds: For all of them together.
        without: Leave out checks that need this.

    Returns:
        Their lines, in the checks' order.
    """
    wanted = [check for check in checks if check.needs not in without and check.concerns(subject)]
    gates = [check for check in wanted if check.needs is Needs.IDENTITY]
    began = monotonic()
    ends = began + deadline_seconds
    # One for each, so that those that hang take no other's. Not as a context manager: what hangs
    # must not hold up the answer.
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
        return [Line.of(check.name, failed("no answer in time", "try again; see the network"))]


def _lines(check: Check, subject: Subject, cloud: Cloud) -> list[Line]:
    lines: list[Line] = []
    try:
        # One by one, so that what was found before an error stays.
        for finding in check.run(subject, cloud):
            lines.append(_line(check, finding, cloud))  # noqa: PERF401
    except ClientError as error:
        lines.append(_line(check, _unanswered(error), cloud))
    except (ConfigError, DeclareError) as error:
        lines.append(Line.of(check.name, failed(_first_line(str(error)), "correct it")))
    except Exception as error:  # noqa: BLE001 - an answer of another shape than documented, or
        # whatever else a client did not see coming, must not hide the other lines.
        told = f"the answer was not understood: {type(error).__name__}: {error}"
        finding = failed(_first_line(told), "report it, with this line")
        lines.append(_line(check, finding, cloud))
    return lines


def _line(check: Check, finding: Finding, cloud: Cloud) -> Line:
    """A finding's line. What clients and clouds said may quote what they were shown."""
    clean = replace(finding, found=cloud.without_secrets(finding.found))
    return Line.of(check.name, clean)


def _unanswered(error: ClientError) -> Finding:
    told = f"{error.operation}: {error.message}" + (f" ({error.code})" if error.code else "")
    if "expired" in error.code.lower():
        return failed(told, "the session ended meanwhile: sign in again")
    if isinstance(error, AccessDeniedError):
        return failed(
            told, f"allow it to whoever deploys: {error.operation} (docs/reference/permissions.md)"
        )
    if isinstance(error, ThrottledError):
        return failed(told, "the account asks too much at once: try again in a minute")
    if isinstance(error, ConnectionFailedError):
        return failed(
            told, "look at the network, a proxy, and customrag:regionId, whose endpoints are asked"
        )
    return failed(told, "try again; if it stays so: https://status.alibabacloud.com")


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0] if text.strip() else "failed"
