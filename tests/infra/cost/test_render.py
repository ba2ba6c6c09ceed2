"""The table as it is read: 80 columns, sources, what is missing said loudly."""

from __future__ import annotations

import datetime

import pytest

from infra.cost import Basis, Estimate, estimate, load_prices
from infra.cost.night import off_hours_a_day
from infra.cost.render import WIDTH, as_json, money, render, render_short
from tests.infra.cost.support import REGION, Item, node
from tests.support.stacks import STACKS, declared

TODAY = load_prices().read


def table(found: Estimate, **more: object) -> str:
    return render("dev", found, load_prices(), today=TODAY, **more)  # type: ignore[arg-type]


@pytest.fixture
def found() -> Estimate:
    return estimate([node("embedding-node")], region_id=REGION)


@pytest.mark.parametrize("stack", STACKS)
def test_no_line_of_a_stack_s_table_is_wider_than_80_columns(stack: str) -> None:
    text = table(estimate(declared(stack), region_id=REGION, llm_model="qwen-plus"))
    too_wide = [line for line in text.splitlines() if len(line) > WIDTH]
    assert too_wide == []


def test_every_source_stands_below_the_table_with_its_day(found: Estimate) -> None:
    text = table(found)
    whole = text.replace("\n    ", "")
    for line in found.lines:
        assert line.price.source in whole
    assert f"read {TODAY}" in text


def test_assumed_prices_are_marked_and_their_share_is_said(found: Estimate) -> None:
    text = table(found)
    row = next(line for line in text.splitlines() if line.startswith("embedding-node"))
    (line,) = [line for line in found.lines if line.price.item.startswith("ecs/")]
    marks = {Basis.ASSUMED: "*", Basis.DERIVED: "~", Basis.LISTED: ""}
    assert row.endswith(f"1{marks[line.price.basis]}")
    assert f"* assumed ({found.assumed_share:.0%} of the month)" in text


def test_what_is_not_priced_is_said_in_capitals() -> None:
    found = estimate([Item("alicloud:rds/instance:Instance", "database")], region_id=REGION)
    text = table(found)
    assert "NOT PRICED: database" in text
    assert "The sum above is too low" in text


def test_a_table_that_has_grown_old_says_so(found: Estimate) -> None:
    later = TODAY + datetime.timedelta(days=200)
    text = render("dev", found, load_prices(), today=later)
    assert "(200 days old)" in text
    assert "OLDER THAN 180 DAYS" in text
    assert "OLDER THAN" not in table(found)


def test_an_idle_gpu_is_named_with_what_a_night_would_save(found: Estimate) -> None:
    assert "nightHours of 12 h would save" in " ".join(table(found).split())
    assert "Stopped 10 h a day by nightHours" in " ".join(table(found, off_hours=10.0).split())


def test_a_stack_over_its_budget_is_told_by_how_much(found: Estimate) -> None:
    budget = round(found.monthly_cny) - 1000
    assert "OVER BUDGET by 1,000" in table(found, monthly_budget_cny=budget)
    assert "Within budget" in table(found, monthly_budget_cny=budget * 2)
    assert "No budget is set" in table(found)


def test_the_short_form_has_the_sum_and_where_to_read_on(found: Estimate) -> None:
    text = render_short("dev", found)
    assert f"{money(found.monthly_cny)} a month" in text.splitlines()[0]
    assert "make cost STACK=dev" in text


def test_the_json_has_what_the_table_has(found: Estimate) -> None:
    document = as_json("dev", found, monthly_budget_cny=1)
    assert document["over_budget"] is True
    assert document["monthly_cny"] == pytest.approx(found.monthly_cny, abs=0.01)
    lines = document["lines"]
    assert isinstance(lines, list)
    assert len(lines) == len(found.lines)
    assert lines[0]["price"]["source"].startswith("https://")


@pytest.mark.parametrize(
    ("night", "hours"),
    [
        ("20:00-08:00 Asia/Shanghai", 12.0),
        ("08:30-09:00 Asia/Shanghai", 0.5),
        ("", 0.0),
        ("by night", 0.0),
    ],
)
def test_a_night_has_so_many_hours(night: str, hours: float) -> None:
    assert off_hours_a_day(night) == hours
