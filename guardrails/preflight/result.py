"""A check, its findings and their verdicts. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from guardrails.preflight.cloud import Cloud
    from guardrails.preflight.subject import Subject

__all__ = ["Check", "Finding", "Line", "Needs", "Verdict", "failed", "named", "passed", "warned"]


class Verdict(StrEnum):
    """The verdict of a line."""

    PASS = "PASS"  # noqa: S105 - a verdict
    WARN = "WARN"
    FAIL = "FAIL"


class Needs(StrEnum):
    """What a check needs in order to run."""

    NOTHING = "nothing"
    IDENTITY = "identity"
    """It finds out who the caller is; checks that need credentials wait for it."""
    CREDENTIALS = "credentials"
    PROGRAM = "program"
    """It runs the program, so the program itself must skip it."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One result of a check.

    Attributes:
        about: Which of several things it concerns; empty if there is only one.
        verdict: The verdict.
        found: The observation, with the value.
        do: What to do about it; empty for PASS.
    """

    about: str = ""
    verdict: Verdict
    found: str
    do: str = ""


@dataclass(frozen=True, kw_only=True)
class Check:
    """One check.

    Attributes:
        name: Its name in the report, such as `service-role`.
        needs: What it needs in order to run; by default credentials.
        run: Yields the findings. A `providers.clients.errors.ClientError` fails the check.
        concerns: Whether the check applies to a stack; by default it always does.
    """

    name: str
    needs: Needs = Needs.CREDENTIALS
    run: Callable[[Subject, Cloud], Iterable[Finding]]
    concerns: Callable[[Subject], bool] = lambda _: True


@dataclass(frozen=True, kw_only=True)
class Line(Finding):
    """One line of the report: a finding of the check with this name."""

    check: str

    @classmethod
    def of(cls, check: str, finding: Finding) -> Line:
        """Return the line of a check's finding."""
        return cls(check=check, **vars(finding))


def named(about: str, finding: Finding) -> Finding:
    """Return a finding that concerns one of several things."""
    return replace(finding, about=about)


def passed(found: str) -> Finding:
    """Return a finding without a problem."""
    return Finding(verdict=Verdict.PASS, found=found)


def warned(found: str, do: str) -> Finding:
    """Return a finding that an update may fail, or that the check cannot tell."""
    return Finding(verdict=Verdict.WARN, found=found, do=do)


def failed(found: str, do: str) -> Finding:
    """Return a finding that an update would fail or do harm."""
    return Finding(verdict=Verdict.FAIL, found=found, do=do)
