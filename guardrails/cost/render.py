"""An estimate as text: the table of `make cost`, and the short form of a preview.

Owns: wording and layout, at most 80 columns. Computes nothing but sums for display.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from guardrails.cost.model import SPOT, Estimate, Line, Period
from guardrails.cost.night import saved_cny
from guardrails.cost.prices import HOURS_PER_MONTH, Basis, Price, PriceTable
from guardrails.cost.sections import (
    WIDTH,
    asides,
    budget,
    groups,
    idle,
    kept,
    money,
    not_priced,
    spot,
    spot_bills,
    wrap,
)

__all__ = ["WIDTH", "as_json", "dearest", "money", "render", "render_short"]

_NAME, _WHAT = 20, 35
# Jobs have no price per hour, so their text also fills that column.
_JOB_WHAT = _WHAT + 9
_MARKS: Mapping[str, str] = {
    Basis.LISTED: " ",
    Basis.QUOTED: '"',
    Basis.DERIVED: "~",
    SPOT: "^",
    Basis.ASSUMED: "*",
}
_STALE_DAYS = 180
_OLD_YEARS = 2


def render(
    stack: str,
    found: Estimate,
    prices: PriceTable,
    *,
    monthly_budget_cny: int = 0,
    off_hours: float = 0.0,
    today: datetime.date,
) -> str:
    """Return the whole table.

    Args:
        stack: Name of the stack.
        found: Its estimate.
        prices: The table that the estimate was made with.
        monthly_budget_cny: The stack's budget; 0 means no budget.
        off_hours: Hours a day for which `nightHours` stops GPU nodes.
        today: The current day, from which the age of the prices is counted.
    """
    refs = _references(found)
    parts = [
        f"What stack {stack} costs at list prices: CNY, {found.region_id}, before tax",
        "",
        _row("resource", "what is billed", "per hour", "per month"),
        "-" * WIDTH,
        *_rows(found.lines, refs),
        "-" * WIDTH,
        _row("", "total without jobs", money(found.hourly_cny), money(found.monthly_cny)),
        *_otherwise(found, off_hours),
        *_runs(found, refs),
        *not_priced(found),
        *budget(found, monthly_budget_cny),
        *idle(found, off_hours),
        *spot(found),
        *groups(found),
        *kept(found),
        *asides(found, prices),
        *_sources(found, refs, prices, today),
    ]
    return "\n".join(parts) + "\n"


def render_short(stack: str, found: Estimate, *, monthly_budget_cny: int = 0) -> str:
    """Return the short form for a preview: sum, dearest lines, what is not priced, budget."""
    highest = f"{money(found.dearest_monthly_cny)} a month, all groups at their largest"
    parts = [
        f"{stack} at list prices, {found.region_id}: {money(found.hourly_cny)} CNY an hour, "
        f"{money(found.monthly_cny)} a month"
        + (f", {found.assumed_share:.0%} of it from assumed prices" if found.assumed_share else ""),
        *([f"  with spot at its highest price: {highest}"] if spot_bills(found) else []),
        *(f"  {money(line.cny):>10} a month  {line.name}: {line.what}" for line in dearest(found)),
        *(f"  {money(line.cny):>10} a run    {line.name}: {line.what}" for line in found.runs),
        *(f"  not priced: {item.name} ({item.type}): {item.why}" for item in found.unpriced),
        *(text.strip() for text in budget(found, monthly_budget_cny) if text),
        f"  all lines, with sources: make cost STACK={stack}",
    ]
    return "\n".join(parts)


def dearest(found: Estimate) -> list[Line]:
    """Return the four dearest lines of the month."""
    billing = (line for line in found.lines if line.period is not Period.RUN)
    return sorted(billing, key=lambda line: -line.cny)[:4]


def as_json(stack: str, found: Estimate, *, monthly_budget_cny: int = 0) -> dict[str, object]:
    """Return the estimate as a JSON document."""
    return {
        "stack": stack,
        "region_id": found.region_id,
        "currency": "CNY",
        "hourly_cny": round(found.hourly_cny, 4),
        "monthly_cny": round(found.monthly_cny, 2),
        "most_monthly_cny": round(found.most_monthly_cny, 2),
        "dearest_monthly_cny": round(found.dearest_monthly_cny, 2),
        "monthly_budget_cny": monthly_budget_cny,
        "over_budget": found.over_budget(monthly_budget_cny),
        "assumed_share": round(found.assumed_share, 4),
        "shares": {name: round(share, 4) for name, share in found.shares.items()},
        "lines": [_line_json(line) for line in found.lines],
        "not_priced": [vars(item) for item in found.unpriced],
        "asides": list(found.asides),
        "kept": [vars(item) for item in found.kept],
    }


def _line_json(line: Line) -> dict[str, object]:
    return {
        "type": line.type,
        "name": line.name,
        "what": line.what,
        "period": line.period,
        "cny": round(line.cny, 4),
        "most_cny": round(line.most_cny, 4),
        "gpu": line.gpu,
        "idle": line.idle,
        "footing": line.footing,
        "spot_cny": line.spot_cny and [round(cny, 4) for cny in line.spot_cny],
        "price": {**vars(line.price), "read": line.price.read.isoformat()},
    }


def _row(name: str, what: str, hour: str, month: str, mark: str = "") -> str:
    return f"{name:<{_NAME}} {what:<{_WHAT}} {hour:>8} {month:>9} {mark:>4}".rstrip()


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


def _references(found: Estimate) -> dict[Price, int]:
    shown = [line.price for line in (*_dearest_first(found.lines), *found.runs)]
    return {price: number for number, price in enumerate(dict.fromkeys(shown), 1)}


def _dearest_first(lines: Sequence[Line]) -> list[Line]:
    """Return the month's lines, the dearest resource first, each resource's lines together."""
    billing = [line for line in lines if line.period is not Period.RUN]
    sums = dict.fromkeys((line.name for line in billing), 0.0)
    for line in billing:
        sums[line.name] += line.cny
    return sorted(billing, key=lambda line: (-sums[line.name], line.name))


def _rows(lines: Sequence[Line], refs: Mapping[Price, int]) -> Iterator[str]:
    billing = _dearest_first(lines)
    for name, group in groupby(billing, key=lambda line: line.name):
        shown = name
        for line in group:
            hour = "by use" if line.period is Period.USE else money(line.cny / HOURS_PER_MONTH)
            yield _row(
                _cut(shown, _NAME), _cut(line.what, _WHAT), hour, money(line.cny), _mark(line, refs)
            )
            shown = ""


def _mark(line: Line, refs: Mapping[Price, int]) -> str:
    return f"{refs[line.price]}{_MARKS[line.footing]}"


def _otherwise(found: Estimate, off_hours: float) -> list[str]:
    """Return rows for the month under other conditions: larger groups, spot prices, nights."""
    months: dict[str, float] = {}
    if found.most_monthly_cny > found.monthly_cny:
        months["with all groups at their largest"] = found.most_monthly_cny
    if spot_bills(found):
        months[f"{'and' if months else 'with'} spot at its highest price"] = (
            found.dearest_monthly_cny
        )
    saved = saved_cny(list(found.lines), off_hours)
    if saved:
        months[f"total with GPUs off {off_hours:g} h a day"] = found.monthly_cny - saved
    return [
        _row("", what, money(month / HOURS_PER_MONTH), money(month))
        for what, month in months.items()
    ]


def _runs(found: Estimate, refs: Mapping[Price, int]) -> list[str]:
    if not found.runs:
        return []

    def row(name: str, what: str, run: str, mark: str = "") -> str:
        return f"{name:<{_NAME}} {what:<{_JOB_WHAT}} {run:>9} {mark:>4}".rstrip()

    rows = [
        row(_cut(line.name, _NAME), _cut(line.what, _JOB_WHAT), money(line.cny), _mark(line, refs))
        for line in found.runs
    ]
    return ["", row("job", "what is billed while it runs", "a run, ≤"), "-" * WIDTH, *rows]


def _sources(
    found: Estimate, refs: Mapping[Price, int], prices: PriceTable, today: datetime.date
) -> list[str]:
    age = prices.age_days(today)
    parts = [
        "",
        f"Prices, last reviewed on {prices.read} ({age} days ago). Shares of the month:",
        *_shares(found),
        *_old(found, today),
    ]
    if age > _STALE_DAYS:
        parts.append(
            f"OLDER THAN {_STALE_DAYS} DAYS: check the prices again before you rely on them."
        )
    for price, number in refs.items():
        text = f"{price.item}, {price.cny:.4g} CNY/{price.unit}, {price.basis}"
        text += f", page from {price.stated}" if price.stated else ""
        parts.append(wrap(f"{text}, read {price.read}", f"{number:>3} ", "    "))
        if price.note:
            parts.append(wrap(price.note, "    ", "    "))
        parts.append(_wrap_url(price.source))
    return parts


_FOOTINGS: Mapping[str, str] = {
    Basis.LISTED: "listed: stated by the vendor",
    Basis.QUOTED: "quoted: copied by another page from the vendor's buy page",
    Basis.DERIVED: "derived: calculated by size, from dollars, or from another region",
    SPOT: "spot: the market's price, at an assumed share",
    Basis.ASSUMED: "assumed: the notes say why",
}


def _shares(found: Estimate) -> Iterator[str]:
    for footing, words in _FOOTINGS.items():
        share = found.shares[footing]
        if share:
            percent = f"{share:.0%}" if share >= 0.005 else "<1%"
            yield wrap(words, f"  {percent:>4} {_MARKS[footing]} ", " " * 9)


def _old(found: Estimate, today: datetime.date) -> list[str]:
    """Return the share of the month that depends on pages with an old date."""
    before = today.year - _OLD_YEARS
    old = [
        line
        for line in found.lines
        if line.period is not Period.RUN
        and line.price.stated
        and int(line.price.stated.removeprefix("about ")[:4]) < before
    ]
    share = sum(line.cny for line in old) / found.monthly_cny if found.monthly_cny else 0.0
    if not share:
        return []
    return [wrap(f"{share:.0%} of the month depends on pages dated before {before}.")]


def _wrap_url(url: str) -> str:
    """Return an address in lines that break after slashes."""
    lines, line = [], "    "
    for part in url.replace("/", "/\0").split("\0"):
        if len(line) + len(part) > WIDTH and line.strip():
            lines.append(line)
            line = "    "
        line += part
    return "\n".join([*lines, line])
