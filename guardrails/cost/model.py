"""What an estimate consists of: lines, what could not be priced, what stays, and differences."""

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

# What a spot machine's cost rests on, beside the bases of prices: nobody lists it.
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
        """Inputs by their wire names; unknown ones are whatever stands for unknown."""


class Period(StrEnum):
    """When a line is paid."""

    ALWAYS = "always"
    USE = "by use"
    RUN = "per run"


@dataclass(frozen=True, kw_only=True)
class Line:
    """One thing that bills.

    Attributes:
        type: Type token of the resource.
        name: Its logical name.
        what: What bills, in words: `2 x ecs.g7.large`.
        period: Whether it bills all the time, by use, or for each run of a job.
        cny: CNY a month; of a job, CNY for a run of the longest time that it may take.
        most_cny: The same when it has scaled to its largest.
        price: Where the figure comes from.
        idle: Why it is worth a look when nobody works: it bills all the same. Empty: no need.
        gpu: Whether a GPU bills.
        spot_cny: Of a spot machine: `cny` at the market's lowest price, and at its highest.
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
        """What the figure rests on: a basis of its price, or `SPOT`, the market's price."""
        if self.spot_cny is not None and self.price.basis is not Basis.ASSUMED:
            return SPOT
        return self.price.basis.value

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What makes it the same line in another estimate, beside its place among alike ones."""
        return self.type, self.name, self.price.item.split("/")[0], self.period


@dataclass(frozen=True, kw_only=True)
class Unpriced:
    """A resource that bills, or may, and that the table cannot price."""

    type: str
    name: str
    why: str


@dataclass(frozen=True, kw_only=True)
class Kept:
    """What stays in the cloud when the stack is torn down.

    Attributes:
        name: Its logical name.
        what: What it is, in words.
        fate: What becomes of it.
        cny: CNY a month that it goes on to cost; 0 for none, `None` where nobody says.
    """

    name: str
    what: str
    fate: str
    cny: float | None


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """What a stack costs, at list prices.

    Attributes:
        region_id: Region of the prices.
        lines: Everything that bills.
        unpriced: What could not be priced. An estimate with any is too low.
        asides: What is not of this stack, but paid because of it.
        kept: What is still there, and may bill, after the stack is torn down.
    """

    region_id: str
    lines: Sequence[Line] = ()
    unpriced: Sequence[Unpriced] = ()
    asides: Sequence[str] = field(default=())
    kept: Sequence[Kept] = ()

    @property
    def monthly_cny(self) -> float:
        """A month of 730 hours, jobs left out."""
        return sum(line.cny for line in self.lines if line.period is not Period.RUN)

    @property
    def most_monthly_cny(self) -> float:
        """The same with every group scaled to its largest."""
        return sum(line.most_cny for line in self.lines if line.period is not Period.RUN)

    @property
    def hourly_cny(self) -> float:
        """The month, by the hour."""
        return self.monthly_cny / HOURS_PER_MONTH

    @property
    def runs(self) -> list[Line]:
        """The jobs, each with what a run costs at most."""
        return [line for line in self.lines if line.period is Period.RUN]

    @property
    def idle(self) -> list[Line]:
        """What bills when nobody works, dearest first."""
        found = [line for line in self.lines if line.idle]
        return sorted(found, key=lambda line: -line.cny)

    @property
    def spot(self) -> list[Line]:
        """The spot machines, jobs too."""
        return [line for line in self.lines if line.spot_cny is not None]

    @property
    def dearest_monthly_cny(self) -> float:
        """The month with every group at its largest, and spot at its highest price."""
        return sum(
            line.most_cny * (line.spot_cny[1] / line.cny if line.spot_cny and line.cny else 1.0)
            for line in self.lines
            if line.period is not Period.RUN
        )

    @property
    def shares(self) -> dict[str, float]:
        """By what its prices rest on (a `Basis`, or `SPOT`), the share of the month, 0 to 1."""
        month = self.monthly_cny
        found = dict.fromkeys([*(basis.value for basis in Basis), SPOT], 0.0)
        for line in self.lines:
            if line.period is not Period.RUN and month:
                found[line.footing] += line.cny / month
        return found

    @property
    def assumed_share(self) -> float:
        """The share of the month that stands on assumed prices, 0 to 1."""
        return self.shares[Basis.ASSUMED]

    def over_budget(self, monthly_budget_cny: int) -> bool:
        """Whether the month, at its largest, exceeds a budget; 0 is none."""
        return bool(monthly_budget_cny) and self.most_monthly_cny > monthly_budget_cny


@dataclass(frozen=True, kw_only=True)
class Difference:
    """From one estimate to another.

    Attributes:
        before: The estimate of what is there; `None` if nothing is.
        after: The estimate of what will be.
        added: Lines that are new.
        removed: Lines that go.
        changed: Lines that cost something else, before and after.
    """

    before: Estimate | None
    after: Estimate
    added: Sequence[Line]
    removed: Sequence[Line]
    changed: Sequence[tuple[Line, Line]]

    @property
    def monthly_cny(self) -> float:
        """What a month costs more; less, if negative."""
        return self.after.monthly_cny - (self.before.monthly_cny if self.before else 0.0)


def difference(before: Estimate | None, after: Estimate) -> Difference:
    """What changes from one estimate to another, line by line."""
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
    """Lines by what makes them the same in another estimate; alike ones by their order."""
    found: dict[tuple[object, ...], Line] = {}
    for line in lines:
        number = 0
        while (*line.key, number) in found:
            number += 1
        found[(*line.key, number)] = line
    return found
