"""The price table: `prices.yaml`, read and checked.

Owns: what a price must say of itself (unit, region, basis, source, date) and how one is looked up.
Does not own: what a resource uses of it (`guardrails.cost.meters`). Asks no cloud. A price that is
given in dollars, or for another region than it is taken for, is derived by that alone, and its
note says the rule.

Errors:
    PriceTableError: the file breaks its own rules; the message has a line for each.
"""

from __future__ import annotations

import datetime
import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

__all__ = ["HOURS_PER_MONTH", "Basis", "Price", "PriceTable", "PriceTableError", "load_prices"]

# 365 days of 24 hours, by 12: what the vendors' own calculators take for a month.
HOURS_PER_MONTH = 730.0
_DAYS_PER_MONTH = 365 / 12
_FILE = Path(__file__).with_name("prices.yaml")
# What a page says of its own age: a year, a month or a day, and `about` where it names none.
_STATED = re.compile(r"(about )?\d{4}(-\d\d(-\d\d)?)?")
_FROM_A_LIST = ("listed", "quoted")

# How often a unit comes in a month, for what is used once all the time.
_PER_MONTH: Mapping[str, float] = MappingProxyType(
    {
        "hour": HOURS_PER_MONTH,
        "gib-hour": HOURS_PER_MONTH,
        "lcu-hour": HOURS_PER_MONTH,
        "cu-hour": HOURS_PER_MONTH,
        "day": _DAYS_PER_MONTH,
        "gib-month": 1.0,
        "gb": 1.0,
        "1000-tokens": 1.0,
        "share": 1.0,
    }
)


class PriceTableError(Exception):
    """The price table cannot be used. The message says, item by item, what to change."""


class Basis(StrEnum):
    """How a price is known: by the vendor, by somebody who copied it, by a rule, or not at all."""

    LISTED = "listed"
    QUOTED = "quoted"
    DERIVED = "derived"
    ASSUMED = "assumed"


@dataclass(frozen=True, kw_only=True)
class Price:
    """One line of the table.

    Attributes:
        item: What is priced, e.g. `ecs/ecs.g7.large`.
        unit: What `cny` is for: hour, gib-hour, gib-month, gb, day, …
        cny: CNY for one unit; of item `spot/…`, the share of the list price.
        basis: How it is known.
        source: URL of the page.
        read: The day on which it was read.
        note: What the page leaves open; how, if derived; why, if assumed.
        currency: What the page gives it in: `CNY` or `USD`; empty for a share.
        amount: The price in that currency, or the share.
        region: The region that the page gives it for; empty where it names none.
        stated: The day, month or year that the page is of, by itself; empty where it has none.
    """

    item: str
    unit: str
    cny: float
    basis: Basis
    source: str
    read: datetime.date
    note: str
    currency: str
    amount: float
    region: str
    stated: str

    @property
    def cny_per_month(self) -> float:
        """For one of it, used all month."""
        return self.cny * _PER_MONTH[self.unit]


@dataclass(frozen=True, kw_only=True)
class PriceTable:
    """All prices, with what is taken for granted where use is not known.

    Attributes:
        read: When the table was last gone through.
        usage: Assumed use, by name.
        usage_notes: Why that much.
        free: Types that cost nothing by themselves, and why.
        usd_cny: CNY for one US dollar.
        not_covered: What an estimate leaves out whatever a stack declares, one sentence each.
    """

    read: datetime.date
    usage: Mapping[str, float]
    usage_notes: Mapping[str, str]
    free: Mapping[str, str]
    usd_cny: float
    not_covered: tuple[str, ...]
    _prices: Mapping[tuple[str, str], Price]

    def find(self, item: str, region_id: str) -> Price | None:
        """The price of an item in a region; `None` if the table has none there."""
        return self._prices.get((item, region_id)) or self._prices.get((item, ""))

    def all(self) -> list[Price]:
        """Every price, an item in several regions once for each price."""
        return list(dict.fromkeys(self._prices.values()))

    def age_days(self, today: datetime.date) -> int:
        """Days since the table was gone through."""
        return (today - self.read).days


@functools.cache
def load_prices(path: Path = _FILE) -> PriceTable:
    """Reads and checks the table.

    Raises:
        PriceTableError: It breaks its own rules.
    """
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    usd_cny = float(document["usd_cny"]["value"])
    problems: list[str] = []
    prices: dict[tuple[str, str], Price] = {}
    for entry in document["prices"]:
        wrong = _problems(entry, document["regions"])
        problems += [f"{entry.get('item', entry)!r}: {text}" for text in wrong]
        if wrong:
            continue
        names = document["regions"][entry["regions"]] if "regions" in entry else [""]
        for region_id in names:
            price = _price(entry, usd_cny, region_id)
            if (price.item, region_id) in prices:
                problems.append(f"{price.item!r}: stands twice for {region_id or 'all regions'}")
            prices[price.item, region_id] = price
    if problems:
        raise PriceTableError(f"{path.name} cannot be used:\n  - " + "\n  - ".join(problems))
    usage: Mapping[str, Mapping[str, Any]] = document["usage"]
    return PriceTable(
        read=document["read"],
        usage=MappingProxyType({name: float(entry["value"]) for name, entry in usage.items()}),
        usage_notes=MappingProxyType({name: str(entry["note"]) for name, entry in usage.items()}),
        free=MappingProxyType(dict(document["free"])),
        usd_cny=usd_cny,
        not_covered=tuple(document["not_covered"]),
        _prices=MappingProxyType(prices),
    )


def _price(entry: Mapping[str, Any], usd_cny: float, region_id: str) -> Price:
    """One line for one region; for all of them, if `region_id` is empty."""
    currency = next((key.upper() for key in ("cny", "usd") if key in entry), "")
    amount = float(entry[currency.lower() or "share"])
    basis, region = Basis(entry["basis"]), entry.get("region", "")
    rules = [f"USD {amount:g} at {usd_cny:g} CNY"] if currency == "USD" else []
    if region and region != region_id:
        rules.append(f"{basis} for {region}, taken for {region_id or 'every region'}")
    return Price(
        item=entry["item"],
        unit=entry["unit"],
        cny=amount * usd_cny if currency == "USD" else amount,
        basis=Basis.DERIVED if rules and basis in _FROM_A_LIST else basis,
        source=entry["source"],
        read=entry["read"],
        note="; ".join([*rules, *([entry["note"]] if entry.get("note") else [])]),
        currency=currency,
        amount=amount,
        region=region,
        stated=str(entry.get("stated", "")),
    )


def _problems(entry: Mapping[str, Any], regions: Mapping[str, Any]) -> list[str]:
    found = [
        f"has no {key}" for key in ("item", "unit", "basis", "source", "read") if key not in entry
    ]
    if found:
        return found
    amounts = [key for key in ("cny", "usd", "share") if key in entry]
    if len(amounts) != 1 or not float(entry[amounts[0]]) >= 0:
        found.append("give one of cny, usd and share, 0 or more")
    if entry["unit"] not in _PER_MONTH:
        found.append(f"unit is {entry['unit']!r}; allowed are {', '.join(_PER_MONTH)}")
    if entry["basis"] not in tuple(Basis):
        found.append(f"basis is {entry['basis']!r}; allowed are {', '.join(Basis)}")
    elif entry["basis"] != Basis.LISTED and not entry.get("note"):
        found.append(f"is {entry['basis']}, but no note says how or why")
    if not str(entry["source"]).startswith("https://"):
        found.append(f"source is {entry['source']!r}; give the page's https:// address")
    if not isinstance(entry["read"], datetime.date):
        found.append(f"read is {entry['read']!r}; give a day, YYYY-MM-DD")
    if entry.get("regions", next(iter(regions))) not in regions:
        found.append(f"regions is {entry['regions']!r}; allowed are {', '.join(regions)}")
    elif "region" in entry and entry["region"] not in regions.get(entry.get("regions", ""), ()):
        found.append(f"region is {entry['region']!r}, which is none of its regions")
    if not _STATED.fullmatch(str(entry.get("stated", "2026"))):
        found.append(f"stated is {entry['stated']!r}; give YYYY, YYYY-MM or YYYY-MM-DD")
    return found
