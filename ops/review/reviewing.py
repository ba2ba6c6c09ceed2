"""The review of one stack: changes, the work that they start, cost and rules.

Owns the choice of the comparison: by the engine if a backend has the stack, else between
declarations.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from guardrails.cost.estimates import estimate
from guardrails.cost.model import Estimate, difference
from guardrails.declare import ROOT, Declared, DeclareError, declare, stack_config, stack_file
from guardrails.policy.check import setting_of, violations_of
from ops.declared import is_on_this_machine, stacks_with_files
from ops.engine import Engine
from ops.review.base import SHORT, former, former_config, has_stack, head_of
from ops.review.changes import Change, PropertyChange, compare, portable
from ops.review.comment import Review
from ops.review.previews import Planned, plan, stack_exists
from ops.review.values import code, plain, scrubbed
from ops.review.work import embeddings, trainings
from stack_config.config import SECRET_KEYS, ConfigError

__all__ = ["WAYS", "review", "touched"]

WAYS: Final = ("auto", "declared", "engine")
_TEMPLATE_STACK = "pr-1"


def review(stack: str, tree: Path, commit: str, *, how: str = "auto", root: Path = ROOT) -> Review:
    """Review one stack.

    Args:
        stack: Its name.
        tree: The base's tree, see `ops.review.base.checkout`.
        commit: The base's commit.
        how: One of `WAYS`; `auto` uses the engine if a backend is logged in that has the stack.
        root: The project's folder.

    Raises:
        ConfigError: There is no such stack.
    """
    base, tree_is = f"base `{commit[:SHORT]}`", head_of(root)
    if not has_stack(stack, root) and former_config(stack, tree):
        gone = f"{stack} no longer has a file in stacks/"
        return Review(
            stack=stack,
            basis=f"What {tree_is} declares, against {base}.",
            problems=[
                f"{gone}. Its resources stay in the cloud and are billed, and no workflow watches "
                f"them. Remove the stack first: make down STACK={stack}"
            ],
        )
    stack_file(stack, root)
    try:
        config = stack_config(stack, root)
        head = declare(stack, root=root)
    except (ConfigError, DeclareError) as error:
        # A reviewer knows the files by their path in the repository.
        words = str(error).replace(f"{root}/", "")
        return Review(
            stack=stack, basis=f"What {tree_is} declares, against {base}.", problems=[words]
        )
    violations = [
        f"`{item.rule}`: {code(item.resource.name)}: {plain(item.message)}"
        for item in violations_of(head, setting_of(stack))
    ]
    engine = Engine.of(stack, root)
    exists = how == "engine" or (how == "auto" and stack_exists(engine))
    planned, note = _declared(stack, tree, root, head)
    old_config = former_config(stack, tree)
    if exists:
        by_engine = plan(engine)
        if not by_engine.problems:
            basis = f"By `pulumi preview`: {tree_is}, against what is deployed."
            found = _review(stack, basis, by_engine, config, config, violations)
            return replace(found, settings=_settings(old_config, config))
        planned = replace(planned, problems=by_engine.problems)
        note = f"`pulumi preview` failed. {note}"
    basis = (
        f"What {tree_is} declares, against {base}; no account was asked, so the cloud's own "
        f"defaults, drift and stock are not included. {note}"
    )
    found = _review(stack, basis.rstrip(), planned, old_config, config, violations)
    return replace(found, settings=_settings(old_config, config))


def _settings(old: Mapping[str, str], new: Mapping[str, str]) -> list[PropertyChange]:
    """Return the changes of a stack's values; none for a new stack."""
    if not old:
        return []
    keys = sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key))
    return [
        PropertyChange(path=key, before=old.get(key), after=new.get(key), secret=key in SECRET_KEYS)
        for key in keys
    ]


def _declared(stack: str, tree: Path, root: Path, head: Sequence[Declared]) -> tuple[Planned, str]:
    """Return the changes from the base's declaration, and a note about them."""
    after = portable(head, root)
    note = ""
    try:
        found = former(stack, tree)
        if found is None:
            note = "The stack is new."
    except (ConfigError, DeclareError) as error:
        found = None
        reason = code(scrubbed(str(error)).strip().splitlines()[-1])
        note = f"The base's own program fails ({reason}), so everything counts as new."
    before = portable(found or [], tree)
    return Planned(before=before, after=after, changes=compare(before, after)), note


def _review(
    stack: str,
    basis: str,
    planned: Planned,
    old_config: Mapping[str, str],
    config: Mapping[str, str],
    violations: Sequence[str],
) -> Review:
    after = _estimate(planned.after, config)
    before = _estimate(planned.before, old_config) if planned.before else None
    # A stack on this machine costs nothing, so its cost in the cloud is not a change.
    priced = config.get("platform") == "alicloud"
    cost = difference(before, after) if priced else None
    return Review(
        stack=stack,
        basis=basis,
        changes=planned.changes,
        unchanged=_unchanged(planned.after, planned.changes),
        trainings=trainings(planned.changes, after),
        embeddings=embeddings(planned.before, planned.after, planned.changes, after),
        cost=cost,
        monthly_budget_cny=int(config.get("monthlyBudgetCny") or 0),
        stopped_at_night=bool(config.get("nightHours")),
        violations=violations,
        problems=planned.problems,
    )


def _estimate(resources: Sequence[Declared], config: Mapping[str, str]) -> Estimate:
    hosted = config.get("platform") == "alicloud"
    return estimate(
        resources,
        region_id=config["regionId"],
        llm_model=config.get("llmModel", "") if hosted else "",
    )


def _unchanged(after: Sequence[Declared], changes: Sequence[Change]) -> int:
    touched_urns = {change.resource.urn for change in changes}
    mine = [item for item in after if not item.type.startswith("pulumi:")]
    return sum(item.urn not in touched_urns for item in mine)


def touched(tree: Path, root: Path = ROOT) -> list[str]:
    """Return the stacks whose declaration differs from the base, or fails.

    A stack that only the base has is included. The template of a pull request's stack counts as
    `pr-1`. The local stack is not reviewed.
    """
    names = [
        name
        for name in sorted({*stacks_with_files(root), *stacks_with_files(tree)})
        if not is_on_this_machine(name) and not name.startswith("pr-")
    ]
    if (root / "stacks" / "pr.template.yaml").is_file():
        names.append(_TEMPLATE_STACK)
    return [name for name in names if _is_touched(name, tree, root)]


def _is_touched(stack: str, tree: Path, root: Path) -> bool:
    try:
        planned, _ = _declared(stack, tree, root, declare(stack, root=root))
    except (ConfigError, DeclareError):
        return True
    return bool(planned.changes)
