"""The estimate while a preview runs: collects what the program declares, then prints and judges it.

Owns: a transformation that only looks, and what a preview says of money. Does not own: prices and
sums. Inputs that are known only later are left out: what decides a bill is plain in this program,
but for the pods of an ingest run, which are taken from the configuration.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pulumi
from pulumi import _types
from pulumi.runtime import is_dry_run, register_stack_transformation

from guardrails.cost.estimates import estimate
from guardrails.cost.model import Estimate
from guardrails.cost.render import dearest, money, render_short
from stack_config.config import ConfigError, StackConfig
from stack_config.kinds import Environment, PlatformKind

__all__ = ["Collector", "collect", "judge"]


@dataclass(frozen=True, kw_only=True)
class _Seen:
    """A resource as the program is about to register it."""

    type: str
    name: str
    inputs: Mapping[str, Any]
    existing: str = ""


@dataclass
class Collector:
    """What has been declared so far."""

    seen: list[_Seen] = field(default_factory=list)

    def look(
        self, args: pulumi.ResourceTransformationArgs
    ) -> pulumi.ResourceTransformationResult | None:
        """The transformation: keeps the inputs that are known, changes nothing."""
        if isinstance(args.resource, pulumi.CustomResource):
            self.seen.append(
                _Seen(
                    type=args.type_,
                    name=args.name,
                    inputs=_plain(args.props),
                    existing=str(args.opts.id or ""),
                )
            )
        return None


def collect() -> Collector:
    """Begins to collect: every resource that is declared from now on."""
    collector = Collector()
    register_stack_transformation(collector.look)
    return collector


def judge(collector: Collector, config: StackConfig) -> Estimate | None:
    """Says in a preview what the stack costs, and refuses one over its budget.

    To be called when everything is declared. An update is warned only: what it makes is on its way,
    and the preview before it has refused.

    Returns:
        The estimate; `None` for a stack of this machine, which costs nothing.

    Raises:
        ConfigError: This is a preview, and the stack is over `monthlyBudgetCny`.
    """
    if config.environment is Environment.LOCAL:
        return None
    stack = pulumi.get_stack()
    # The language model of a rehearsal is on this machine.
    llm_model = config.language_model.model if config.platform is PlatformKind.ALICLOUD else ""
    seen = [_with_pods(item, config) for item in collector.seen]
    found = estimate(seen, region_id=config.region_id, llm_model=llm_model)
    budget = config.cost.monthly_budget_cny
    if is_dry_run():
        pulumi.log.info(render_short(stack, found, monthly_budget_cny=budget))
        for gap in found.unpriced:
            pulumi.log.warn(f"not priced: {gap.name} ({gap.type}): {gap.why}")
    if found.over_budget(budget):
        text = _over(stack, found, budget)
        if is_dry_run():
            raise ConfigError(text)
        pulumi.log.warn(text)
    return found


def _over(stack: str, found: Estimate, budget: int) -> str:
    """Why a stack is refused, what makes it so dear, and what can be done."""
    grown = (
        " with its groups at their largest" if found.most_monthly_cny > found.monthly_cny else ""
    )
    most = found.most_monthly_cny
    dear = "; ".join(f"{line.name}, {line.what}: {money(line.most_cny)}" for line in dearest(found))
    return (
        f"stack {stack} would cost {most:,.0f} CNY a month at list prices{grown}, more than its "
        f"budget of {budget:,} by {most - budget:,.0f}. Dearest are {dear}. Declare less, or raise "
        f"customrag:monthlyBudgetCny; `make cost STACK={stack}` shows what costs what"
    )


def _with_pods(item: _Seen, config: StackConfig) -> _Seen:
    """An ingest run with its pod: its plan names an index, so that all of it is known later."""
    if item.type != "customrag:rag:IngestRun" or item.inputs.get("jobSpecs"):
        return item
    pod = {"ecsSpec": config.ingest.ecs_spec, "podCount": 1}
    return replace(item, inputs={**item.inputs, "jobSpecs": [pod]})


def _plain(value: Any) -> Any:
    """A value by its wire names, without what is known only later."""
    if isinstance(value, pulumi.Output):
        return None
    if _types.is_input_type(type(value)):
        value = _types.input_type_to_untranslated_dict(value)
    if isinstance(value, Mapping):
        plain = {_wire(key): _plain(item) for key, item in value.items()}
        # What is not given comes as None, and must not stand for a value.
        return {key: item for key, item in plain.items() if item is not None}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value if isinstance(value, str | int | float | bool) else None


def _wire(name: str) -> str:
    """`instance_type` -> `instanceType`; a wire name stays as it is."""
    first, *rest = name.split("_")
    return first + "".join(word[:1].upper() + word[1:] for word in rest)
