"""What a preview prints about cost, under Pulumi's mocks. Does not test how the engine shows it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pulumi
import pytest
from pulumi.runtime import mocks
from pulumi.runtime.stack import run_pulumi_func
from pulumi_alicloud import ecs

from guardrails.cost.collector import Collector, check_budget, start_estimate
from guardrails.cost.estimates import estimate
from guardrails.cost.model import Estimate
from guardrails.declare import declare, stack_config
from stack_config.config import ConfigError, StackConfig
from stack_config.kinds import Environment
from tests.guardrails.cost.support import GPU, Item, node
from tests.infra.conftest import CLOUD_CONFIG, Recorder, corpus_dir, run_program
from tests.support.configuration import with_values
from tests.support.pulumi_mocks import closed_loops

__all__ = ["closed_loops", "corpus_dir", "run_program"]


class AcceptingMocks(mocks.Mocks):
    """Accepts every resource."""

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        return f"{args.name}-id", dict(args.inputs)

    def call(self, args: mocks.MockCallArgs) -> Any:
        raise AssertionError(args.token)


def config(**changes: Any) -> StackConfig:
    values = {**stack_config("dev"), "accountId": "1234567890123456"}
    values["chatCertificateId"] = "1234567-cn-hangzhou"
    return with_values(StackConfig.parse(values, stack="dev"), changes)


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {"info": [], "warn": []}
    for level, texts in found.items():
        monkeypatch.setattr(pulumi.log, level, texts.append)
    return found


def run(program: Callable[[], None], *, preview: bool) -> None:
    async def body() -> None:
        pulumi.runtime.set_mocks(
            AcceptingMocks(), project="customrag", stack="dev", preview=preview
        )
        await run_pulumi_func(program)

    asyncio.run(body())


def one_gpu(settings: StackConfig) -> Callable[[], None]:
    def program() -> None:
        collector = start_estimate()
        ecs.Instance(
            "gpu",
            instance_type=GPU,
            image_id="image",
            system_disk_category="cloud_essd",
            system_disk_size=40,
            security_groups=[pulumi.Output.from_input("sg")],
        )
        check_budget(collector, settings)

    return program


def test_a_preview_prints_the_cost_of_the_declared_resources(printed: dict[str, list[str]]) -> None:
    run(one_gpu(config(monthlyBudgetCny=0)), preview=True)
    (text,) = printed["info"]
    assert f"gpu: {GPU}" in text
    assert "make cost STACK=dev" in text


def test_a_preview_over_the_budget_fails(printed: dict[str, list[str]]) -> None:
    with pytest.raises(ConfigError, match="more than its budget of 100"):
        run(one_gpu(config(monthlyBudgetCny=100)), preview=True)
    assert "OVER BUDGET" in printed["info"][0]


def test_the_error_says_by_how_much_and_names_the_dearest_parts() -> None:
    found = estimate([node("gpu")], region_id="cn-hangzhou", llm_model="qwen-plus")
    settings = config(monthlyBudgetCny=round(found.monthly_cny) - 1000)
    with pytest.raises(ConfigError) as caught:
        run(one_gpu(settings), preview=True)
    text = str(caught.value)
    assert "by 1,000." in text
    (gpu,) = [line for line in found.lines if line.price.item == f"ecs/{GPU}"]
    assert f"Its dearest parts are gpu, {GPU}: {gpu.cny:,.0f}; gpu, disk of 40 GiB: " in text


def test_an_update_over_the_budget_only_warns(
    printed: dict[str, list[str]],
) -> None:
    run(one_gpu(config(monthlyBudgetCny=100)), preview=False)
    assert "more than its budget of 100" in printed["warn"][0]
    assert printed["info"] == []


def test_a_local_stack_costs_nothing(printed: dict[str, list[str]]) -> None:
    run(one_gpu(config(environment=Environment.LOCAL, monthlyBudgetCny=1)), preview=True)
    assert printed == {"info": [], "warn": []}


def test_a_preview_warns_about_a_resource_without_a_price(printed: dict[str, list[str]]) -> None:
    def program() -> None:
        collector = start_estimate()
        ecs.Instance("odd", instance_type="ecs.odd.huge", image_id="i", security_groups=["sg"])
        check_budget(collector, config(monthlyBudgetCny=0))

    run(program, preview=True)
    assert any("not priced: odd" in text for text in printed["warn"])


def test_a_preview_of_the_program_over_the_budget_fails() -> None:
    with pytest.raises(ConfigError, match="Declare less, or raise customrag:monthlyBudgetCny"):
        declare("dev", preview=True, config={"monthlyBudgetCny": "100"})


def test_the_preview_estimates_exactly_the_declared_resources(
    run_program: Callable[..., Recorder], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Estimate | None] = []

    def judged(collector: Collector, settings: StackConfig) -> None:
        seen.append(check_budget(collector, settings))

    monkeypatch.setattr("infra.guard.check_budget", judged)
    recorder = run_program(CLOUD_CONFIG)
    items = [Item(args.typ, args.name, args.inputs) for args in recorder.declared]
    declared = estimate(items, region_id="cn-hangzhou", llm_model="qwen-plus")
    (found,) = seen
    assert found is not None
    by_name = sorted((line.name, line.what, round(line.cny, 6)) for line in found.lines)
    assert by_name == sorted((each.name, each.what, round(each.cny, 6)) for each in declared.lines)
    assert found.unpriced == declared.unpriced == []
