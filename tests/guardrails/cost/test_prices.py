"""The price table and its rules. Does not prove what the vendor charges."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest
import yaml

from guardrails.cost.estimates import coverage
from guardrails.cost.prices import Basis, PriceTableError, load_prices
from providers.plugin.server import HANDLERS
from tests.guardrails.cost.support import GPU
from tests.support.stacks import STACKS, declared
from tools.alicloud_facts import TYPES

PRICES = Path(__file__).resolve().parents[3] / "guardrails" / "cost" / "prices.yaml"


def test_every_type_of_the_cloud_is_metered_or_declared_free() -> None:
    assert coverage(TYPES) == []


def test_every_type_of_our_own_plugin_is_metered_or_declared_free() -> None:
    assert coverage(handler.token for handler in HANDLERS) == []


@pytest.mark.parametrize("stack", STACKS)
def test_every_type_of_a_stack_is_metered_or_declared_free(stack: str) -> None:
    types = {item.type for item in declared(stack) if not item.type.startswith("pulumi:")}
    assert types
    assert coverage(types) == []


def test_coverage_names_a_type_without_a_price() -> None:
    assert coverage(["alicloud:rds/instance:Instance", *TYPES]) == [
        "alicloud:rds/instance:Instance"
    ]


def test_no_type_is_both_metered_and_free() -> None:
    from guardrails.cost.meters import METERS

    assert METERS.keys() & load_prices().free.keys() == set()


def test_every_price_has_a_source_and_a_date_that_is_not_in_the_future() -> None:
    for price in load_prices().all():
        assert price.source.startswith("https://"), price.item
        assert price.read <= datetime.datetime.now(datetime.UTC).date(), price.item


def test_a_price_that_is_not_listed_has_a_note() -> None:
    for price in load_prices().all():
        assert price.basis is Basis.LISTED or price.note, price.item


def test_a_price_in_dollars_is_converted_to_yuan() -> None:
    prices = load_prices()
    gateway = prices.find("nat/gateway", "eu-central-1")
    assert gateway is not None
    assert gateway.cny == pytest.approx(0.043 * prices.usd_cny)
    assert (gateway.currency, gateway.amount) == ("USD", 0.043)


def test_a_price_in_dollars_counts_as_derived_and_its_note_has_the_rate() -> None:
    prices = load_prices()
    gateway = prices.find("nat/gateway", "eu-central-1")
    assert gateway is not None
    assert gateway.basis is Basis.DERIVED
    assert gateway.note.startswith(f"USD 0.043 at {prices.usd_cny:g} CNY")


def test_a_price_of_one_region_counts_as_derived_in_another() -> None:
    there, here = (load_prices().find(f"ecs/{GPU}", at) for at in ("cn-shanghai", "cn-hangzhou"))
    assert there is not None
    assert here is not None
    assert (there.basis, here.basis) == (Basis.QUOTED, Basis.DERIVED)
    assert here.note.startswith("quoted for cn-shanghai, used for cn-hangzhou")
    assert here.cny == there.cny


def test_an_assumed_price_stays_assumed_in_another_region(tmp_path: Path) -> None:
    document = yaml.safe_load(PRICES.read_text(encoding="utf-8"))
    entry = next(entry for entry in document["prices"] if entry["item"] == "nat/gateway")
    entry.update(basis="assumed", note="no page has it")
    path = tmp_path / "prices.yaml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    found = load_prices(path).find("nat/gateway", "cn-hangzhou")
    assert found is not None
    assert found.basis is Basis.ASSUMED


def test_an_item_has_no_price_in_a_region_that_its_entry_does_not_name() -> None:
    assert load_prices().find("ecs/ecs.g7.large", "eu-central-1") is None


def test_the_age_of_the_table_starts_at_its_last_review() -> None:
    prices = load_prices()
    assert prices.age_days(prices.read + datetime.timedelta(days=30)) == 30


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"source": "hearsay"}, "it must be the page's https:// address"),
        ({"read": "lately"}, "it must be a day, YYYY-MM-DD"),
        ({"basis": "guessed"}, "it must be one of listed, quoted, derived, assumed"),
        ({"basis": "assumed"}, "has no note that says how or why"),
        ({"unit": "fortnight"}, "unit is 'fortnight'"),
        ({"usd": 1}, "set exactly one of cny, usd and share"),
        ({"cny": -1}, "0 or more"),
        ({"regions": "moon"}, "regions is 'moon'"),
        ({"region": "eu-central-1"}, "region is 'eu-central-1', which is not in its regions"),
        ({"stated": "long ago"}, "stated is 'long ago'"),
    ],
)
def test_an_entry_that_breaks_a_rule_is_rejected(
    tmp_path: Path, change: dict[str, object], message: str
) -> None:
    document = yaml.safe_load(PRICES.read_text(encoding="utf-8"))
    listed = next(entry for entry in document["prices"] if entry["item"] == "alb/Standard")
    listed.update(change)
    path = tmp_path / "prices.yaml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    with pytest.raises(PriceTableError, match="alb/Standard") as caught:
        load_prices(path)
    assert message in str(caught.value)


def test_an_entry_that_is_listed_twice_is_rejected(tmp_path: Path) -> None:
    document = yaml.safe_load(PRICES.read_text(encoding="utf-8"))
    document["prices"].append(dict(document["prices"][0]))
    path = tmp_path / "prices.yaml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    with pytest.raises(PriceTableError, match="is listed twice"):
        load_prices(path)
