"""Runs checks side by side and gathers their lines in order.

What cannot be asked is told, never left out: without credentials every check that needs them has a
line that says so.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from time import monotonic

from infra.config import ConfigError
from infra.declare import DeclareError
from infra.preflight.cloud import Cloud
from infra.preflight.result import Check, Finding, Line, Needs, failed, warned
from infra.preflight.subject import Subject
from providers.clients.errors import AccessDeniedError, ClientError, ThrottledError

__all__ = ["DEADLINE_SECONDS", "run_checks"]

DEADLINE_SECONDS = 60.0
"""What takes longer is told as not answered."""
_THREADS = 8
# Whoever has no credentials is to know at once; what runs the program may take longer than that.
_REFUSED_SECONDS = 1.5
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
        checks: Which. The first that needs credentials tells whether there are any.
        subject: What is checked.
        cloud: What is asked.
        deadline_seconds: For all of them together.
        without: Leave out checks that need this.

    Returns:
        Their lines, in the checks' order.
    """
    wanted = [check for check in checks if check.needs not in without and check.concerns(subject)]
    first = next((check for check in wanted if check.needs is Needs.CREDENTIALS), None)
    ends = monotonic() + deadline_seconds
    # Not as a context manager: what hangs must not hold up the answer.
    pool = ThreadPoolExecutor(max_workers=_THREADS)
    try:
        running: dict[str, Future[list[Line]]] = {
            check.name: pool.submit(_lines, check, subject, cloud)
            for check in wanted
            if check.needs is not Needs.CREDENTIALS or check is first
        }
        refused = False
        if first is not None:
            _result(first, subject, running[first.name], ends)
            refused = not cloud.signed_in
        if refused:
            ends = min(ends, monotonic() + _REFUSED_SECONDS)
        for check in wanted:
            if check.name not in running and not refused:
                running[check.name] = pool.submit(_lines, check, subject, cloud)
        return [
            line
            for check in wanted
            for line in (
                _result(check, subject, running[check.name], ends)
                if check.name in running
                else [Line.of(check.name, _NOT_ASKED)]
            )
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
            lines.append(Line.of(check.name, finding))  # noqa: PERF401
    except ClientError as error:
        lines.append(Line.of(check.name, _unanswered(error)))
    except (ConfigError, DeclareError) as error:
        lines.append(Line.of(check.name, failed(_first_line(str(error)), "correct it")))
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        # An answer of another shape than documented must not hide the other lines.
        told = f"the answer was not understood: {type(error).__name__}: {error}"
        lines.append(Line.of(check.name, failed(_first_line(told), "report it, with this line")))
    return lines


def _unanswered(error: ClientError) -> Finding:
    told = f"{error.operation}: {error.message}" + (f" ({error.code})" if error.code else "")
    if isinstance(error, AccessDeniedError):
        return failed(told, f"allow it to whoever deploys: {error.operation} (docs/permissions.md)")
    if isinstance(error, ThrottledError):
        return failed(told, "the account asks too much at once: try again in a minute")
    return failed(told, "try again; if it stays so: https://status.alibabacloud.com")


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0] if text.strip() else "failed"
