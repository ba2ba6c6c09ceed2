"""The estimate during a preview: collects what the program declares, prints its cost and checks it.

Owns: a transformation that only reads, and what a preview prints about cost. Does not own: prices
and sums. Inputs that are unknown during a preview are left out. In this program they do not decide
the cost, except for the pods of an ingest run. Those come from the configuration.
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

__all__ = ["Collector", "check_budget", "start_estimate"]


@dataclass(frozen=True, kw_only=True)
class _Seen:
    """A resource as the program is about to register it."""

    type: str
    name: str
    inputs: Mapping[str, Any]
    existing: str = ""


@dataclass
class Collector:
    """The resources that the program has declared so far."""

    seen: list[_Seen] = field(default_factory=list)

    def look(
        self, args: pulumi.ResourceTransformationArgs
    ) -> pulumi.ResourceTransformationResult | None:
        """Record the known inputs of a resource; this transformation changes nothing."""
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


def start_estimate() -> Collector:
    """Collect every resource that is declared from now on."""
    collector = Collector()
    register_stack_transformation(collector.look)
    return collector


def check_budget(collector: Collector, config: StackConfig) -> Estimate | None:
    """Print what the stack costs in a preview, and fail if it is over its budget.

    Call this after everything is declared. An update only warns, because it is already creating
    resources and its preview has failed before.

    Returns:
        The estimate, or `None` for a local stack, which costs nothing.

    Raises:
        ConfigError: This is a preview, and the stack is over `monthlyBudgetCny`.
    """
    if config.environment is Environment.LOCAL:
        return None
    stack = pulumi.get_stack()
    # A rehearsal uses the local language model, which costs nothing.
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
    """Return by how much a stack is over its budget, its dearest parts, and what to do."""
    grown = (
        " with its groups at their largest size"
        if found.most_monthly_cny > found.monthly_cny
        else ""
    )
    most = found.most_monthly_cny
    dear = "; ".join(f"{line.name}, {line.what}: {money(line.most_cny)}" for line in dearest(found))
    return (
        f"stack {stack} would cost {most:,.0f} CNY a month at list prices{grown}, more than its "
        f"budget of {budget:,} by {most - budget:,.0f}. Its dearest parts are {dear}. Declare "
        f"less, or raise customrag:monthlyBudgetCny. `make cost STACK={stack}` "
        "shows the cost of each part"
    )


def _with_pods(item: _Seen, config: StackConfig) -> _Seen:
    """Add its pod to an ingest run, whose inputs are all unknown because they name an index."""
    if item.type != "customrag:rag:IngestRun" or item.inputs.get("jobSpecs"):
        return item
    pod = {"ecsSpec": config.ingest.ecs_spec, "podCount": 1}
    return replace(item, inputs={**item.inputs, "jobSpecs": [pod]})


def _plain(value: Any) -> Any:
    """Return a value with wire names, and without its unknown parts."""
    if isinstance(value, pulumi.Output):
        return None
    if _types.is_input_type(type(value)):
        value = _types.input_type_to_untranslated_dict(value)
    if isinstance(value, Mapping):
        plain = {_wire(key): _plain(item) for key, item in value.items()}
        # Inputs that are not set arrive as None.
        return {key: item for key, item in plain.items() if item is not None}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value if isinstance(value, str | int | float | bool) else None


def _wire(name: str) -> str:
    """Return the wire name: `instance_type` becomes `instanceType`."""
    first, *rest = name.split("_")
    return first + "".join(word[:1].upper() + word[1:] for word in rest)
