"""The price table: reads and checks `prices.yaml`.

Owns: what each price must state (unit, region, basis, source, date) and how to look one up. Does
not own: which items a resource uses (`guardrails.cost.meters`). Calls no cloud. A price in dollars,
or one used outside the region of its page, counts as derived. Its note names the conversion.

Errors:
    PriceTableError: The file is not valid; the message has a line for each problem.
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

# 365 days of 24 hours, divided by 12, like the vendors' own calculators.
HOURS_PER_MONTH = 730.0
_DAYS_PER_MONTH = 365 / 12
_FILE = Path(__file__).with_name("prices.yaml")
# The date that a page states: a year, month or day; `about` marks an estimated one.
_STATED = re.compile(r"(about )?\d{4}(-\d\d(-\d\d)?)?")
_FROM_A_LIST = ("listed", "quoted")

# Units in a month for one item that is in use all the time.
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
    """The price table is not valid. The message lists what to change, item by item."""


class Basis(StrEnum):
    """How a price is known: from the vendor, from a copy, by calculation, or by assumption."""

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
        cny: CNY for one unit; for an item `spot/…`, the share of the list price.
        basis: How it is known.
        source: URL of the page.
        read: The day on which the page was read.
        note: What the page does not say, how the price is derived, or why it is assumed.
        currency: Currency of the page: `CNY` or `USD`; empty for a share.
        amount: The price in that currency, or the share.
        region: The region of the page's price; empty if the page names no region.
        stated: The day, month or year that the page states; empty if it has no date.
    """

    item: str
    unit: str
    cny: float
    currency: str
    amount: float
    region: str
    basis: Basis
    source: str
    stated: str
    read: datetime.date
    note: str

    @property
    def cny_per_month(self) -> float:
        """CNY a month for one item that is in use all the time."""
        return self.cny * _PER_MONTH[self.unit]


@dataclass(frozen=True, kw_only=True)
class PriceTable:
    """All prices, and the assumed use of items billed by use.

    Attributes:
        read: The day of the table's last review.
        usage: Assumed use, by name.
        usage_notes: Reasons for the assumed use, by name.
        free: Types that cost nothing by themselves, and why.
        usd_cny: CNY for one US dollar.
        not_covered: What every estimate leaves out, one sentence each.
    """

    read: datetime.date
    usage: Mapping[str, float]
    usage_notes: Mapping[str, str]
    free: Mapping[str, str]
    usd_cny: float
    not_covered: tuple[str, ...]
    _prices: Mapping[tuple[str, str], Price]

    def find(self, item: str, region_id: str) -> Price | None:
        """Return the price of an item in a region, or `None` if the table does not have it."""
        return self._prices.get((item, region_id)) or self._prices.get((item, ""))

    def all(self) -> list[Price]:
        """Return every price; an item with several regional prices appears once for each."""
        return list(dict.fromkeys(self._prices.values()))

    def age_days(self, today: datetime.date) -> int:
        """Return the days since the table's last review."""
        return (today - self.read).days


@functools.cache
def load_prices(path: Path = _FILE) -> PriceTable:
    """Read and check the table.

    Raises:
        PriceTableError: The table is not valid.
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
                problems.append(f"{price.item!r}: is listed twice for {region_id or 'all regions'}")
            prices[price.item, region_id] = price
    if problems:
        raise PriceTableError(f"{path.name} is not valid:\n  - " + "\n  - ".join(problems))
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
    """Return the price of an entry in a region, or in all regions if `region_id` is empty."""
    currency = next((key.upper() for key in ("cny", "usd") if key in entry), "")
    amount = float(entry[currency.lower() or "share"])
    basis, region = Basis(entry["basis"]), entry.get("region", "")
    rules = [f"USD {amount:g} at {usd_cny:g} CNY"] if currency == "USD" else []
    if region and region != region_id:
        rules.append(f"{basis} for {region}, used for {region_id or 'every region'}")
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
        found.append("set exactly one of cny, usd and share, to 0 or more")
    if entry["unit"] not in _PER_MONTH:
        found.append(f"unit is {entry['unit']!r}; it must be one of {', '.join(_PER_MONTH)}")
    if entry["basis"] not in tuple(Basis):
        found.append(f"basis is {entry['basis']!r}; it must be one of {', '.join(Basis)}")
    elif entry["basis"] != Basis.LISTED and not entry.get("note"):
        found.append(f"is {entry['basis']}, but has no note that says how or why")
    if not str(entry["source"]).startswith("https://"):
        found.append(f"source is {entry['source']!r}; it must be the page's https:// address")
    if not isinstance(entry["read"], datetime.date):
        found.append(f"read is {entry['read']!r}; it must be a day, YYYY-MM-DD")
    if entry.get("regions", next(iter(regions))) not in regions:
        found.append(f"regions is {entry['regions']!r}; it must be one of {', '.join(regions)}")
    elif "region" in entry and entry["region"] not in regions.get(entry.get("regions", ""), ()):
        found.append(f"region is {entry['region']!r}, which is not in its regions")
    if not _STATED.fullmatch(str(entry.get("stated", "2026"))):
        found.append(f"stated is {entry['stated']!r}; it must be YYYY, YYYY-MM or YYYY-MM-DD")
    return found
