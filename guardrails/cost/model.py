"""The parts of an estimate: lines, what could not be priced, what remains, and differences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from guardrails.cost.prices import HOURS_PER_MONTH, Basis, Price

__all__ = [
    "SPOT",
    "Difference",
    "Estimate",
    "Kept",
    "Line",
    "Period",
    "Resource",
    "Unpriced",
    "difference",
]

# The footing of a spot machine's cost, in addition to the bases of prices: no page lists it.
SPOT = "spot"


class Resource(Protocol):
    """A declared resource, e.g. `guardrails.declare.Declared`."""

    @property
    def type(self) -> str:
        """Type token."""

    @property
    def name(self) -> str:
        """Logical name."""

    @property
    def inputs(self) -> Mapping[str, Any]:
        """Inputs by their wire names; unknown ones have placeholders."""


class Period(StrEnum):
    """When a line is billed."""

    ALWAYS = "always"
    USE = "by use"
    RUN = "per run"


@dataclass(frozen=True, kw_only=True)
class Line:
    """One item on the bill.

    Attributes:
        type: Type token of the resource.
        name: Its logical name.
        what: What is billed, in words: `2 x ecs.g7.large`.
        period: Whether it is billed all the time, by use, or for each run of a job.
        cny: CNY a month; for a job, CNY for a run of the longest permitted time.
        most_cny: `cny` at the largest size.
        price: Where the figure comes from.
        idle: Why it costs money while idle; empty if it does not.
        gpu: Whether it is a GPU machine.
        spot_cny: For a spot machine, `cny` at the market's lowest and highest prices.
    """

    type: str
    name: str
    what: str
    period: Period
    cny: float
    most_cny: float
    price: Price
    idle: str = ""
    gpu: bool = False
    spot_cny: tuple[float, float] | None = None

    @property
    def footing(self) -> str:
        """What the figure depends on: the basis of its price, or `SPOT`, the market's price."""
        if self.spot_cny is not None and self.price.basis is not Basis.ASSUMED:
            return SPOT
        return self.price.basis.value

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What identifies the line in another estimate, besides its position among equal keys."""
        return self.type, self.name, self.price.item.split("/")[0], self.period


@dataclass(frozen=True, kw_only=True)
class Unpriced:
    """A resource that costs money, or may, and that the table cannot price."""

    type: str
    name: str
    why: str


@dataclass(frozen=True, kw_only=True)
class Kept:
    """Something that remains in the cloud after the stack is torn down.

    Attributes:
        name: Its logical name.
        what: What it is, in words.
        fate: What happens to it.
        cny: CNY a month that it continues to cost; `None` if no page says.
    """

    name: str
    what: str
    fate: str
    cny: float | None


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """The cost of a stack at list prices.

    Attributes:
        region_id: Region of the prices.
        lines: Everything that costs money.
        unpriced: What could not be priced. If there is any, the estimate is too low.
        asides: What is not part of this stack, but costs money because of it.
        kept: What remains after the stack is torn down, and may cost money.
    """

    region_id: str
    lines: Sequence[Line] = ()
    unpriced: Sequence[Unpriced] = ()
    asides: Sequence[str] = field(default=())
    kept: Sequence[Kept] = ()

    @property
    def monthly_cny(self) -> float:
        """CNY for a month of 730 hours, without jobs."""
        return sum(line.cny for line in self.lines if line.period is not Period.RUN)

    @property
    def most_monthly_cny(self) -> float:
        """CNY a month with every group at its largest size."""
        return sum(line.most_cny for line in self.lines if line.period is not Period.RUN)

    @property
    def hourly_cny(self) -> float:
        """CNY an hour, without jobs."""
        return self.monthly_cny / HOURS_PER_MONTH

    @property
    def runs(self) -> list[Line]:
        """The jobs, each with the highest cost of a run."""
        return [line for line in self.lines if line.period is Period.RUN]

    @property
    def idle(self) -> list[Line]:
        """What costs money while idle, dearest first."""
        found = [line for line in self.lines if line.idle]
        return sorted(found, key=lambda line: -line.cny)

    @property
    def spot(self) -> list[Line]:
        """The spot machines, including jobs."""
        return [line for line in self.lines if line.spot_cny is not None]

    @property
    def dearest_monthly_cny(self) -> float:
        """CNY a month with every group at its largest size and spot at its highest price."""
        return sum(
            line.most_cny * (line.spot_cny[1] / line.cny if line.spot_cny and line.cny else 1.0)
            for line in self.lines
            if line.period is not Period.RUN
        )

    @property
    def shares(self) -> dict[str, float]:
        """The share of the month, 0 to 1, for each `Basis` of its prices and for `SPOT`."""
        month = self.monthly_cny
        found = dict.fromkeys([*(basis.value for basis in Basis), SPOT], 0.0)
        for line in self.lines:
            if line.period is not Period.RUN and month:
                found[line.footing] += line.cny / month
        return found

    @property
    def assumed_share(self) -> float:
        """The share of the month, 0 to 1, that depends on assumed prices."""
        return self.shares[Basis.ASSUMED]

    def over_budget(self, monthly_budget_cny: int) -> bool:
        """Return whether the month at the largest size exceeds a budget; 0 means no budget."""
        return bool(monthly_budget_cny) and self.most_monthly_cny > monthly_budget_cny


@dataclass(frozen=True, kw_only=True)
class Difference:
    """The difference between two estimates.

    Attributes:
        before: The estimate before the change; `None` if there is nothing yet.
        after: The estimate after the change.
        added: Lines that are new.
        removed: Lines that disappear.
        changed: Pairs of lines, before and after, whose cost or text differs.
    """

    before: Estimate | None
    after: Estimate
    added: Sequence[Line]
    removed: Sequence[Line]
    changed: Sequence[tuple[Line, Line]]

    @property
    def monthly_cny(self) -> float:
        """The change in CNY a month; negative if it becomes cheaper."""
        return self.after.monthly_cny - (self.before.monthly_cny if self.before else 0.0)


def difference(before: Estimate | None, after: Estimate) -> Difference:
    """Return what changes between two estimates, line by line."""
    old = _by_key(before.lines) if before else {}
    new = _by_key(after.lines)
    return Difference(
        before=before,
        after=after,
        added=[line for key, line in new.items() if key not in old],
        removed=[line for key, line in old.items() if key not in new],
        changed=[
            (old[key], line)
            for key, line in new.items()
            if key in old and (old[key].cny, old[key].what) != (line.cny, line.what)
        ],
    )


def _by_key(lines: Sequence[Line]) -> dict[tuple[object, ...], Line]:
    """Return lines by their key; lines with equal keys are numbered in order."""
    found: dict[tuple[object, ...], Line] = {}
    for line in lines:
        number = 0
        while (*line.key, number) in found:
            number += 1
        found[(*line.key, number)] = line
    return found
