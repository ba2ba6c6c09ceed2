"""Print what a stack costs, with sources and dates: ``make cost STACK=prod``. Needs no account.

    python -m guardrails.cost --stack prod                      the table
    python -m guardrails.cost --stack prod --json               JSON
    python -m guardrails.cost --stack prod --set embeddingSpot=true

Exits with 1 if the stack is over its budget or something could not be priced, and with 2 if its
configuration is not valid.
"""

from __future__ import annotations

import argparse
import datetime
import json
import sys
from collections.abc import Sequence

from guardrails.cost.estimates import estimate
from guardrails.cost.night import off_hours_a_day
from guardrails.cost.prices import load_prices
from guardrails.cost.render import as_json, render
from guardrails.declare import DeclareError, declare, given_values, stack_config
from stack_config.config import ConfigError

_NOT_VALID = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the estimate and return the exit status."""
    parser = argparse.ArgumentParser(prog="guardrails.cost", description=__doc__.split("\n")[0])
    parser.add_argument("--stack", required=True, help="name of the stack")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="estimate with this config value; repeatable",
    )
    given = parser.parse_args(arguments)
    try:
        overlay = given_values(given.set)
        config = {**stack_config(given.stack), **overlay}
        declared = declare(given.stack, config=overlay)
    except (ConfigError, DeclareError) as error:
        print(error, file=sys.stderr)
        return _NOT_VALID
    budget = int(config.get("monthlyBudgetCny") or 0)
    found = estimate(declared, region_id=config["regionId"], llm_model=config.get("llmModel", ""))
    if given.json:
        print(json.dumps(as_json(given.stack, found, monthly_budget_cny=budget), indent=2))
    else:
        text = render(
            given.stack,
            found,
            load_prices(),
            monthly_budget_cny=budget,
            off_hours=off_hours_a_day(config.get("nightHours", "")),
            today=datetime.datetime.now(datetime.UTC).date(),
        )
        print(text, end="")
    return 1 if found.unpriced or found.over_budget(budget) else 0


if __name__ == "__main__":
    raise SystemExit(main())
