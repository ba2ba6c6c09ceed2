"""What a check is and what it says. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from guardrails.preflight.cloud import Cloud
    from guardrails.preflight.subject import Subject

__all__ = ["Check", "Finding", "Line", "Needs", "Verdict", "failed", "passed", "warned"]


class Verdict(StrEnum):
    """What a line comes to."""

    PASS = "PASS"  # noqa: S105 - a verdict
    WARN = "WARN"
    FAIL = "FAIL"


class Needs(StrEnum):
    """What a check cannot do without."""

    NOTHING = "nothing"
    IDENTITY = "identity"
    """It tells who asks: those that need credentials wait for it."""
    CREDENTIALS = "credentials"
    PROGRAM = "program"
    """It runs the program: not to be done from inside it."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that a check found.

    Attributes:
        verdict: What it comes to.
        found: What is so, with the value.
        do: What to do about it; empty for PASS.
        about: What of several things it is about; empty where there is one only.
    """

    verdict: Verdict
    found: str
    do: str = ""
    about: str = ""


@dataclass(frozen=True, kw_only=True)
class Check:
    """One check.

    Attributes:
        name: As it is called in the list, such as `service-roles`.
        needs: What it cannot do without.
        run: Asks and judges. What it raises as `providers.clients.errors.ClientError` fails it.
        concerns: Whether it has anything to say of a stack; by default of any.
    """

    name: str
    needs: Needs
    run: Callable[[Subject, Cloud], Iterable[Finding]]
    concerns: Callable[[Subject], bool] = lambda _: True


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of the list.

    Attributes:
        check: The check's name.
        about: As the finding's.
        verdict: What it comes to.
        found: What is so.
        do: What to do about it.
    """

    check: str
    about: str
    verdict: Verdict
    found: str
    do: str

    @classmethod
    def of(cls, check: str, finding: Finding) -> Line:
        """The line of a check's finding."""
        return cls(
            check=check,
            about=finding.about,
            verdict=finding.verdict,
            found=finding.found,
            do=finding.do,
        )


def passed(found: str, *, about: str = "") -> Finding:
    """It is well."""
    return Finding(verdict=Verdict.PASS, found=found, about=about)


def warned(found: str, do: str, *, about: str = "") -> Finding:
    """It may go wrong, or cannot be told."""
    return Finding(verdict=Verdict.WARN, found=found, do=do, about=about)


def failed(found: str, do: str, *, about: str = "") -> Finding:
    """An update would fail, or do harm."""
    return Finding(verdict=Verdict.FAIL, found=found, do=do, about=about)
