"""The printed table: 80 columns, sources, and warnings about missing prices."""

from __future__ import annotations

import datetime
import re

import pytest

from guardrails.cost.estimates import estimate
from guardrails.cost.model import Estimate
from guardrails.cost.night import off_hours_a_day
from guardrails.cost.prices import Basis, load_prices
from guardrails.cost.render import WIDTH, as_json, money, render, render_short
from tests.guardrails.cost.support import GPU, REGION, Item, node
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


def test_every_source_is_below_the_table_with_its_date(found: Estimate) -> None:
    text = table(found)
    joined, words = text.replace("\n    ", ""), " ".join(text.split())
    for line in found.lines:
        assert line.price.source in joined
        assert f"page from {line.price.stated}, read {line.price.read}" in words


def test_assumed_prices_are_marked_and_their_share_is_shown(found: Estimate) -> None:
    text = table(found)
    row = next(line for line in text.splitlines() if line.startswith("embedding-node"))
    (line,) = [line for line in found.lines if line.price.item.startswith("ecs/")]
    marks = {Basis.ASSUMED: "*", Basis.DERIVED: "~", Basis.QUOTED: '"', Basis.LISTED: ""}
    assert row.endswith(f"1{marks[line.price.basis]}")
    for basis, share in found.shares.items():
        if share:
            assert re.search(rf"{share:.0%}\s+\S? {basis}", text), basis


def test_the_share_that_depends_on_old_pages_is_shown(found: Estimate) -> None:
    assert {line.price.stated for line in found.lines} == {"2023-06", "about 2021"}
    assert f"100% of the month depends on pages dated before {TODAY.year - 2}" in table(found)
    assert "depends on pages dated before" not in table(
        estimate([Item("alicloud:oss/bucket:Bucket", "b")], region_id=REGION)
    )


def test_spot_is_shown_as_a_range_and_its_highest_price_compared_with_the_budget() -> None:
    found = estimate([node("gpu", spotStrategy="SpotAsPriceGo")], region_id=REGION)
    (spot,) = found.spot
    assert spot.spot_cny is not None
    least, most = (money(cny) for cny in spot.spot_cny)
    budget = round(found.dearest_monthly_cny) - 1000
    text = " ".join(table(found, monthly_budget_cny=budget).split())
    assert f"gpu: {least} to {most} a month; assumed {money(spot.cny)}" in text
    assert f"with spot at its highest price {found.dearest_monthly_cny / 730:,.2f}" in text
    assert "With spot at its highest price, it would be over by 1,000" in text


def test_nights_save_the_gpus_of_single_nodes_but_not_disks_and_groups() -> None:
    group = [
        Item("alicloud:ess/scalingGroup:ScalingGroup", "many", {"minSize": 1, "maxSize": 1}),
        Item("alicloud:ecs/ecsLaunchTemplate:EcsLaunchTemplate", "many", {"instanceType": GPU}),
    ]
    alone = estimate([node("one")], region_id=REGION)
    both = estimate([node("one"), *group], region_id=REGION)
    (machine,) = [line for line in alone.lines if line.gpu]
    left = both.monthly_cny - machine.cny * 8 / 24
    text = " ".join(table(both, off_hours=8.0).split())
    assert f"total with GPUs off 8 h a day {left / 730:,.2f} {left:,.0f}" in text
    assert "nightHours does not stop nodes of a scaling group" in text


def test_a_group_shows_its_cost_at_its_smallest_and_largest_size() -> None:
    found = estimate(
        [
            Item("alicloud:ess/scalingGroup:ScalingGroup", "chat", {"minSize": 2, "maxSize": 6}),
            Item(
                "alicloud:ecs/ecsLaunchTemplate:EcsLaunchTemplate",
                "chat",
                {"instanceType": "ecs.g7.large"},
            ),
        ],
        region_id=REGION,
    )
    text = " ".join(table(found).split())
    month = found.monthly_cny
    assert f"2 (to 6) × ecs.g7.large: {money(month)} to {money(3 * month)} a month" in text


def test_the_table_names_what_remains_after_make_down(found: Estimate) -> None:
    assert "Nothing costs money after `make down`." in table(found)
    kept = estimate([Item("alicloud:oss/bucket:Bucket", "corpus", retain=True)], region_id=REGION)
    text = " ".join(table(kept).split())
    assert f"Remains after `make down`, for {money(kept.monthly_cny)} a month" in text
    assert "corpus (20 GiB kept) remains" in text


def test_the_table_lists_what_no_estimate_covers(found: Estimate) -> None:
    words = " ".join(table(found).split())
    assert load_prices().not_covered
    for text in load_prices().not_covered:
        assert text in words


def test_the_table_shows_missing_prices_in_capitals() -> None:
    found = estimate([Item("alicloud:rds/instance:Instance", "database")], region_id=REGION)
    text = table(found)
    assert "NOT PRICED: database" in text
    assert "The sum above does not include these and is too low" in text


def test_the_table_warns_about_old_prices(found: Estimate) -> None:
    later = TODAY + datetime.timedelta(days=200)
    text = render("dev", found, load_prices(), today=later)
    assert "(200 days ago)" in text
    assert "OLDER THAN 180 DAYS" in text
    assert "OLDER THAN" not in table(found)


def test_an_idle_gpu_is_listed_with_the_saving_of_a_night(found: Estimate) -> None:
    assert "nightHours of 12 h would save" in " ".join(table(found).split())
    assert "nightHours stops it 10 h a day and saves" in " ".join(
        table(found, off_hours=10.0).split()
    )


def test_the_table_shows_by_how_much_a_stack_is_over_its_budget(found: Estimate) -> None:
    budget = round(found.monthly_cny) - 1000
    assert "OVER BUDGET by 1,000" in table(found, monthly_budget_cny=budget)
    assert "Within budget" in table(found, monthly_budget_cny=budget * 2)
    assert "No budget is set" in table(found)


def test_the_short_form_has_the_sum_and_the_command_for_the_table(found: Estimate) -> None:
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
    assert lines[0]["price"]["region"] == "cn-shanghai"
    assert lines[0]["price"]["currency"] == "CNY"
    shares = document["shares"]
    assert isinstance(shares, dict)
    assert shares["derived"] == pytest.approx(found.shares["derived"], abs=1e-4)
    assert document["kept"] == []


@pytest.mark.parametrize(
    ("night", "hours"),
    [
        ("20:00-08:00 Asia/Shanghai", 12.0),
        ("08:30-09:00 Asia/Shanghai", 0.5),
        ("", 0.0),
        ("by night", 0.0),
    ],
)
def test_off_hours_a_day(night: str, hours: float) -> None:
    assert off_hours_a_day(night) == hours
