"""Cost: how old the prices are, and whether the estimate is within the budget."""

from __future__ import annotations

from collections.abc import Iterator

from guardrails.cost.estimates import estimate
from guardrails.cost.prices import load_prices
from guardrails.declare import declare
from guardrails.preflight.cloud import Cloud
from guardrails.preflight.result import Check, Finding, Needs, failed, passed, warned
from guardrails.preflight.subject import Subject

__all__ = ["CHECKS"]

_OLD_DAYS = 180
_TOO_OLD_DAYS = 365


def _prices(subject: Subject, cloud: Cloud) -> Iterator[Finding]:
    prices = load_prices()
    days = prices.age_days(subject.now.date())
    told = f"the prices were last checked on {prices.read}, {days} days ago"
    do = "check guardrails/cost/prices.yaml; its head says how"
    if days > _TOO_OLD_DAYS:
        yield failed(told, do)
    elif days > _OLD_DAYS:
        yield warned(told, do)
    else:
        yield passed(told)


def _budget(subject: Subject, cloud: Cloud) -> Iterator[Finding]:
    config = subject.config
    declared = declare(subject.stack, config=subject.overlay)
    # A local cloud's model costs nothing.
    model = "" if subject.is_local else config.language_model.model
    found = estimate(declared, region_id=config.region_id, llm_model=model)
    budget = config.cost.monthly_budget_cny
    told = f"{found.monthly_cny:,.0f} CNY a month"
    if round(found.most_monthly_cny) != round(found.monthly_cny):
        told += f", {found.most_monthly_cny:,.0f} at its largest"
    look = f"see the estimate: make cost STACK={subject.stack}"
    if found.over_budget(budget):
        yield failed(
            f"{told}; customrag:monthlyBudgetCny is {budget:,}",
            f"{look}; reduce the stack, or raise the budget",
        )
    elif found.unpriced:
        names = ", ".join(sorted({item.name for item in found.unpriced}))
        yield warned(f"{told}, without a price for {names}", look)
    elif not budget:
        yield warned(f"{told}; there is no budget", "set customrag:monthlyBudgetCny")
    else:
        yield passed(f"{told}, of {budget:,}")


CHECKS: tuple[Check, ...] = (
    Check(name="prices", needs=Needs.NOTHING, run=_prices),
    Check(name="budget", needs=Needs.PROGRAM, run=_budget),
)
