"""The sections below the table: each is a list of lines of at most 80 columns.

Owns: wording and layout. Computes nothing but sums for display.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence

from guardrails.cost.model import Estimate, Line, Period
from guardrails.cost.night import can_stop, saved_cny
from guardrails.cost.prices import PriceTable

__all__ = [
    "WIDTH",
    "asides",
    "budget",
    "groups",
    "idle",
    "kept",
    "money",
    "not_priced",
    "spot",
    "spot_bills",
    "wrap",
]

WIDTH = 80
_USUAL_NIGHT = 12
# The indents of a list item.
_ITEM = ("  - ", "    ")

# Assumed use, and the items to which it applies.
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
    """Return an amount as text: `99.50`, `1,234`, or `<0.01` for less than half a cent."""
    if 0 < abs(cny) < 0.005:
        return "<0.01"
    return f"{cny:,.2f}" if abs(cny) < 100 else f"{cny:,.0f}"


def wrap(text: str, first: str = "", rest: str = "") -> str:
    """Return the text in lines of at most `WIDTH` columns, without breaking addresses."""
    return textwrap.fill(
        text,
        WIDTH,
        initial_indent=first,
        subsequent_indent=rest,
        break_on_hyphens=False,
        break_long_words=False,
    )


def not_priced(found: Estimate) -> list[str]:
    """List what may cost money and is not in the sum."""
    if not found.unpriced:
        return []
    rows = [f"NOT PRICED: {item.name} ({item.type}): {item.why}" for item in found.unpriced]
    return [
        "",
        *(wrap(row) for row in rows),
        "The sum above does not include these and is too low.",
    ]


def spot_bills(found: Estimate) -> bool:
    """Return whether the month includes a spot machine. Jobs do not count."""
    return any(line.period is not Period.RUN for line in found.spot)


def idle(found: Estimate, off_hours: float) -> list[str]:
    """List what costs money while idle, and how much of it a night saves."""
    if not found.idle:
        return []
    # The sum covers the whole resource: also a cluster's other nodes, and disks.
    wholes = {
        name: sum(x.cny for x in found.lines if x.name == name and x.period is Period.ALWAYS)
        for name in _by_name(found.idle)
    }
    texts = []
    for line in sorted(found.idle, key=lambda line: -wholes[line.name]):
        whole = money(wholes[line.name])
        text = f"{line.name}, {line.what}: total {whole} a month; {line.idle}"
        if can_stop(line):
            saved = money(saved_cny([line], off_hours or _USUAL_NIGHT))
            text += (
                f". nightHours stops it {off_hours:g} h a day and saves {saved}"
                if off_hours
                else f". nightHours of {_USUAL_NIGHT} h would save {saved}"
            )
        elif line.gpu:
            text += ". nightHours does not stop nodes of a scaling group"
        texts.append(text)
    return _listed("Costs money without any question:", texts)


def _listed(heading: str, texts: Iterable[str]) -> list[str]:
    return ["", heading, *(wrap(text, *_ITEM) for text in texts)]


def _by_name(lines: Sequence[Line]) -> dict[str, list[Line]]:
    return {line.name: [x for x in lines if x.name == line.name] for line in lines}


def spot(found: Estimate) -> list[str]:
    """List the price range of each spot machine, because the market sets the price."""
    if not found.spot:
        return []
    texts = []
    for line in found.spot:
        least, most = line.spot_cny or (line.cny, line.cny)
        per = "a run" if line.period is Period.RUN else "a month"
        text = f"{line.name}: {money(least)} to {money(most)} {per}; assumed {money(line.cny)}"
        texts.append(text)
    return _listed("The market sets the price of spot machines:", texts)


def groups(found: Estimate) -> list[str]:
    """List what each scaling group costs at its smallest and largest size."""
    scaling = _by_name([line for line in found.lines if line.most_cny > line.cny])
    if not scaling:
        return []
    texts = []
    for name, mine in scaling.items():
        least, most = sum(line.cny for line in mine), sum(line.most_cny for line in mine)
        texts.append(f"{name}, {mine[0].what}: {money(least)} to {money(most)} a month")
    return _listed("Scales automatically:", texts)


def kept(found: Estimate) -> list[str]:
    """List what remains after `make down`."""
    if not found.kept:
        return ["", "Nothing costs money after `make down`."]
    total = sum(item.cny or 0 for item in found.kept)
    texts = []
    for item in found.kept:
        text = f"{item.name} ({item.what}) {item.fate}"
        if item.cny is None:
            text += "; no page says whether that costs money"
        elif item.cny:
            text += f": {money(item.cny)} a month"
        texts.append(text)
    return _listed(f"Remains after `make down`, for {money(total)} a month:", texts)


def budget(found: Estimate, monthly_budget_cny: int) -> list[str]:
    """Say whether the stack is within its budget."""
    if not monthly_budget_cny:
        return ["", "No budget is set (customrag:monthlyBudgetCny)."]
    most = found.most_monthly_cny
    if found.over_budget(monthly_budget_cny):
        over = most - monthly_budget_cny
        text = f"OVER BUDGET by {money(over)}: {money(most)} a month at the largest size, budget "
        return ["", wrap(text + f"{monthly_budget_cny:,} (customrag:monthlyBudgetCny)")]
    text = f"Within budget: {money(most)} of {monthly_budget_cny:,} CNY a month"
    text += ", at the largest size." if most > found.monthly_cny else "."
    if spot_bills(found) and found.dearest_monthly_cny > monthly_budget_cny:
        excess = money(found.dearest_monthly_cny - monthly_budget_cny)
        text += f" With spot at its highest price, it would be over by {excess}."
    return ["", wrap(text)]


def asides(found: Estimate, prices: PriceTable) -> list[str]:
    """List what the sum leaves out, and what it assumes."""
    items = {line.price.item for line in found.lines}
    notes = [
        f"{name} {prices.usage[name]:g}, {prices.usage_notes[name]}"
        for name, item in _DECIDES.items()
        if any(used.startswith(item) for used in items)
    ]
    return [
        *(_listed("Not in the sum:", found.asides) if found.asides else []),
        *_listed("Assumed use; change it in guardrails/cost/prices.yaml:", notes),
        *_listed("Not in any estimate:", prices.not_covered),
    ]
