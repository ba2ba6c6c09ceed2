"""An estimate in words: the table of `make cost`, and the short one of a preview.

Owns: wording and layout, at most 80 columns. Computes nothing but sums for display.
"""

from __future__ import annotations

import datetime
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from infra.cost.model import Estimate, Line, Period
from infra.cost.prices import HOURS_PER_MONTH, Basis, Price, PriceTable

__all__ = ["WIDTH", "as_json", "money", "render", "render_short"]

WIDTH = 80
_NAME, _WHAT = 20, 35
# Jobs have no price by the hour: their words take that column, too.
_JOB_WHAT = _WHAT + 9
_MARKS: Mapping[Basis, str] = {Basis.LISTED: " ", Basis.DERIVED: "~", Basis.ASSUMED: "*"}
_STALE_DAYS = 180

# Assumed use, and the items that it decides.
_DECIDES: Mapping[str, str] = {
    "bucket_gib": "oss/standard",
    "replicated_gb_month": "oss/replication",
    "log_gb_month": "log/",
    "lcu": "alb/lcu",
    "nat_cu": "nat/cu",
    "internet_gb_month": "eip/traffic",
    "question_input_tokens": "llm/",
    "question_output_tokens": "llm/",
}


def money(cny: float) -> str:
    """`1,234.50`; cents only below 100."""
    return f"{cny:,.2f}" if abs(cny) < 100 else f"{cny:,.0f}"


def render(
    stack: str,
    found: Estimate,
    prices: PriceTable,
    *,
    monthly_budget_cny: int = 0,
    off_hours: float = 0.0,
    today: datetime.date,
) -> str:
    """The whole table.

    Args:
        stack: Its name.
        found: Its estimate.
        prices: The table that the estimate was made with.
        monthly_budget_cny: The stack's budget; 0 is none.
        off_hours: Hours a day in which GPU nodes are stopped (`nightHours`); 0 is none.
        today: The day, for the age of the prices.
    """
    refs = _references(found)
    parts = [
        f"What stack {stack} costs at list prices: CNY, {found.region_id}, before tax",
        "",
        _row("resource", "what bills", "per hour", "per month"),
        "-" * WIDTH,
        *_rows(found.lines, refs),
        "-" * WIDTH,
        _row("", "in all, jobs left out", money(found.hourly_cny), money(found.monthly_cny)),
        *_most(found),
        *_runs(found, refs),
        *_not_priced(found),
        *_idle(found, off_hours),
        *_budget(found, monthly_budget_cny),
        *_asides(found, prices),
        *_sources(found, refs, prices, today),
    ]
    return "\n".join(parts) + "\n"


def render_short(stack: str, found: Estimate, *, monthly_budget_cny: int = 0) -> str:
    """What a preview prints: the sum, the dearest, what is not priced, the budget."""
    dearest = sorted(
        (line for line in found.lines if line.period is not Period.RUN), key=lambda line: -line.cny
    )[:4]
    parts = [
        f"{stack} at list prices, {found.region_id}: {money(found.hourly_cny)} CNY an hour, "
        f"{money(found.monthly_cny)} a month"
        + (f", {found.assumed_share:.0%} of it on assumed prices" if found.assumed_share else ""),
        *(f"  {money(line.cny):>10} a month  {line.name}: {line.what}" for line in dearest),
        *(f"  {money(line.cny):>10} a run    {line.name}: {line.what}" for line in found.runs),
        *(f"  not priced: {item.name} ({item.type}): {item.why}" for item in found.unpriced),
        *(text.strip() for text in _budget(found, monthly_budget_cny) if text),
        f"  all of it, with sources: make cost STACK={stack}",
    ]
    return "\n".join(parts)


def as_json(stack: str, found: Estimate, *, monthly_budget_cny: int = 0) -> dict[str, object]:
    """The same for machines."""
    return {
        "stack": stack,
        "region_id": found.region_id,
        "currency": "CNY",
        "hourly_cny": round(found.hourly_cny, 4),
        "monthly_cny": round(found.monthly_cny, 2),
        "most_monthly_cny": round(found.most_monthly_cny, 2),
        "monthly_budget_cny": monthly_budget_cny,
        "over_budget": found.over_budget(monthly_budget_cny),
        "assumed_share": round(found.assumed_share, 4),
        "lines": [_line_json(line) for line in found.lines],
        "not_priced": [
            {"type": item.type, "name": item.name, "why": item.why} for item in found.unpriced
        ],
        "asides": list(found.asides),
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
        "price": {
            "item": line.price.item,
            "unit": line.price.unit,
            "cny": line.price.cny,
            "basis": line.price.basis,
            "source": line.price.source,
            "read": line.price.read.isoformat(),
            "note": line.price.note,
        },
    }


def _row(name: str, what: str, hour: str, month: str, mark: str = "") -> str:
    return f"{name:<{_NAME}} {what:<{_WHAT}} {hour:>8} {month:>9} {mark:>4}".rstrip()


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


def _references(found: Estimate) -> dict[Price, int]:
    shown = [line.price for line in (*_dearest_first(found.lines), *found.runs)]
    return {price: number for number, price in enumerate(dict.fromkeys(shown), 1)}


def _dearest_first(lines: Sequence[Line]) -> list[Line]:
    """What bills each month: the dearest resource first, its lines together."""
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
    return f"{refs[line.price]}{_MARKS[line.price.basis]}"


def _most(found: Estimate) -> list[str]:
    if found.most_monthly_cny <= found.monthly_cny:
        return []
    most = found.most_monthly_cny
    return [_row("", "with all groups at their largest", money(most / 730), money(most))]


def _runs(found: Estimate, refs: Mapping[Price, int]) -> list[str]:
    if not found.runs:
        return []

    def row(name: str, what: str, run: str, mark: str = "") -> str:
        return f"{name:<{_NAME}} {what:<{_JOB_WHAT}} {run:>9} {mark:>4}".rstrip()

    rows = [
        row(_cut(line.name, _NAME), _cut(line.what, _JOB_WHAT), money(line.cny), _mark(line, refs))
        for line in found.runs
    ]
    return ["", row("job", "what bills while it runs", "a run, ≤"), "-" * WIDTH, *rows]


def _not_priced(found: Estimate) -> list[str]:
    if not found.unpriced:
        return []
    rows = [f"NOT PRICED: {item.name} ({item.type}): {item.why}" for item in found.unpriced]
    return ["", *(_wrap(row) for row in rows), "The sum above is too low by these."]


def _idle(found: Estimate, off_hours: float) -> list[str]:
    if not found.idle:
        return []
    parts = ["", "Bills when nobody asks:"]
    for line in found.idle:
        text = f"{line.name}, {line.what}: {money(line.cny)} a month; {line.idle}"
        if line.gpu:
            saved = line.cny * (off_hours or 12) / 24
            text += (
                f". Stopped {off_hours:g} h a day by nightHours: {money(saved)} less"
                if off_hours
                else f". nightHours of 12 h would save {money(saved)}"
            )
        parts.append(_wrap(text, "  - ", "    "))
    return parts


def _budget(found: Estimate, monthly_budget_cny: int) -> list[str]:
    if not monthly_budget_cny:
        return ["", "No budget is set (customrag:monthlyBudgetCny)."]
    most = found.most_monthly_cny
    if found.over_budget(monthly_budget_cny):
        over = most - monthly_budget_cny
        text = f"OVER BUDGET by {money(over)}: {money(most)} a month at the largest, budget "
        return ["", _wrap(text + f"{monthly_budget_cny:,} (customrag:monthlyBudgetCny)")]
    return [
        "",
        f"Within budget: {money(most)} of {monthly_budget_cny:,} CNY a month"
        + (", at the largest." if most > found.monthly_cny else "."),
    ]


def _asides(found: Estimate, prices: PriceTable) -> list[str]:
    items = {line.price.item for line in found.lines}
    notes = [
        f"{name} {prices.usage[name]:g}, {prices.usage_notes[name]}"
        for name, item in _DECIDES.items()
        if any(used.startswith(item) for used in items)
    ]
    asides = ["", "Not in the sum:", *(_wrap(text, "  - ", "    ") for text in found.asides)]
    return [
        *(asides if found.asides else []),
        "",
        "What is billed by use rests on these; change them in infra/cost/prices.yaml:",
        *(_wrap(note, "  - ", "    ") for note in notes),
    ]


def _sources(
    found: Estimate, refs: Mapping[Price, int], prices: PriceTable, today: datetime.date
) -> list[str]:
    age = prices.age_days(today)
    parts = [
        "",
        f"Prices as of {prices.read} ({age} days old). ~ derived, * assumed "
        f"({found.assumed_share:.0%} of the month).",
    ]
    if age > _STALE_DAYS:
        parts.append(f"OLDER THAN {_STALE_DAYS} DAYS: read them again before you rely on them.")
    for price, number in refs.items():
        text = f"{price.item}, {price.cny:.4g} {_unit(price)}, {price.basis}, read {price.read}"
        parts.append(_wrap(text, f"{number:>3} ", "    "))
        if price.note:
            parts.append(_wrap(price.note, "    ", "    "))
        parts.append(_wrap_url(price.source))
    return parts


def _unit(price: Price) -> str:
    return f"CNY/{price.unit}"


def _wrap(text: str, first: str = "", rest: str = "") -> str:
    return textwrap.fill(
        text,
        WIDTH,
        initial_indent=first,
        subsequent_indent=rest,
        break_on_hyphens=False,
        break_long_words=False,
    )


def _wrap_url(url: str) -> str:
    """A long address is broken after a slash, as it would be broken anywhere else."""
    lines, line = [], "    "
    for part in url.replace("/", "/\0").split("\0"):
        if len(line) + len(part) > WIDTH and line.strip():
            lines.append(line)
            line = "    "
        line += part
    return "\n".join([*lines, line])
