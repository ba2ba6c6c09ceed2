"""The Markdown comment of a pull request: changes, the work that they start, and their cost.

Owns wording and layout, and the marker by which a workflow finds its own comment to update. Only
counts. Every value passes `ops.review.values`, so that no secret is shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from guardrails.cost.model import SPOT, Difference, Kept, Line, Period
from guardrails.cost.night import can_stop
from guardrails.cost.prices import Basis
from guardrails.cost.render import money
from ops.review.changes import Change, Kind, PropertyChange
from ops.review.values import code, excerpts, scrubbed, shown

__all__ = ["Review", "marker", "render"]

_PAST: Mapping[Kind, str] = {
    Kind.CREATE: "created",
    Kind.UPDATE: "changed",
    Kind.REPLACE: "replaced",
    Kind.DELETE: "deleted",
}
_MOST_PROPERTIES = 12
_MOST_COST_LINES = 15
# The smallest share of the month's cost that gets a line.
_WORTH_SAYING = 0.05
_MOST_VIOLATIONS = 40
# Deleting one of these deletes data, or makes it unreadable.
_HOLDS_DATA = (
    "alicloud:oss/bucket:Bucket",
    "alicloud:ecs/ecsDisk:EcsDisk",
    "alicloud:elasticsearch/instance:Instance",
    "alicloud:kms/key:Key",
    "alicloud:kms/secret:Secret",
    "alicloud:log/project:Project",
    "alicloud:log/store:Store",
)
# GitHub takes 65,536 characters; the details are cut before that.
_LONGEST = 60_000


@dataclass(frozen=True, kw_only=True)
class Review:
    """The review of one stack.

    Attributes:
        stack: Its name.
        basis: The two sides of the comparison, and how they were compared, in one sentence.
        settings: The changes of the stack's configuration.
        changes: What happens to resources.
        unchanged: The number of resources that stay as they are.
        trainings: See `ops.review.work`.
        embeddings: See `ops.review.work`.
        cost: The cost before and after.
        monthly_budget_cny: The stack's budget; 0 means no budget.
        stopped_at_night: Whether its GPU nodes are stopped at night.
        violations: The violations of the policy pack.
        problems: What went wrong in the review; with any problem the change must not be merged.
    """

    stack: str
    basis: str
    settings: Sequence[PropertyChange] = ()
    changes: Sequence[Change] = ()
    unchanged: int = 0
    trainings: Sequence[str] = ()
    embeddings: Sequence[str] = ()
    cost: Difference | None = None
    monthly_budget_cny: int = 0
    stopped_at_night: bool = False
    violations: Sequence[str] = ()
    problems: Sequence[str] = ()

    @property
    def over_budget(self) -> bool:
        """Whether the stack will exceed its budget."""
        return self.cost is not None and self.cost.after.over_budget(self.monthly_budget_cny)

    @property
    def refused(self) -> bool:
        """Whether the change must not be merged as it is."""
        return bool(self.problems or self.violations or self.over_budget)


def marker(stack: str) -> str:
    """Return the first line of a stack's comment, by which the comment is found and updated."""
    return f"<!-- customrag-preview: {stack} -->"


def render(review: Review) -> str:
    """Return the comment's Markdown."""
    parts = [marker(review.stack), f"### Preview of `{review.stack}`: {_headline(review)}", ""]
    parts += [f"{review.basis}", ""]
    for problem in review.problems:
        parts += ["**The preview failed:**", "", *_quoted(problem), ""]
    parts += _listed("Settings", [_property(item) for item in review.settings])
    parts += [*_table(review), *_losses(review)]
    parts += [*_work(review), *_cost(review), *_policy(review)]
    text = "\n".join(parts)
    if len(text) > _LONGEST:
        kept = text[:_LONGEST].rpartition("\n")[0]
        return f"{kept}\n\n… and more.\n"
    details = "\n".join(_details(review))
    if len(text) + len(details) > _LONGEST:
        details = details[: _LONGEST - len(text)].rpartition("\n")[0]
        details += "\n\n… and more, cut off here: `pulumi preview` shows every change.\n"
        if details.count("<details>") > details.count("</details>"):
            details += "\n</details>\n"
    return f"{text}\n{details}".rstrip() + "\n"


def _headline(review: Review) -> str:
    if review.problems and not review.changes:
        return "failed"
    if not review.changes:
        return "nothing changes"
    counts = ["**failed**"] if review.problems else []
    counts += [
        f"{sum(change.kind is kind for change in review.changes)} {past}"
        for kind, past in _PAST.items()
        if any(change.kind is kind for change in review.changes)
    ]
    if review.cost is not None:
        counts.append(f"**{_signed(review.cost.monthly_cny)} CNY a month**")
    return ", ".join(counts)


def _signed(cny: float) -> str:
    if abs(cny) < 0.005:
        return "±0"
    return f"{'+' if cny > 0 else '−'}{money(abs(cny))}"


def _listed(title: str, texts: Sequence[str]) -> list[str]:
    return [f"**{title}**", "", *(f"- {text}" for text in texts), ""] if texts else []


def _losses(review: Review) -> list[str]:
    lost = [
        f"{code(change.resource.name)} ({change.resource.type.rpartition(':')[2]}) is "
        f"{_PAST[change.kind]}"
        + (", but it is protected, so the update will fail" if change.resource.protect else "")
        for change in review.changes
        if change.kind in (Kind.DELETE, Kind.REPLACE) and change.resource.type in _HOLDS_DATA
    ]
    return _listed("Deleted with its data", lost)


def _table(review: Review) -> list[str]:
    if not review.changes:
        return []
    lines = ["| component | created | changed | replaced | deleted |", "|---|---|---|---|---|"]
    for component in dict.fromkeys(change.resource.component for change in review.changes):
        mine = [change for change in review.changes if change.resource.component == component]
        cells = [_cell([change for change in mine if change.kind is kind]) for kind in _PAST]
        name = code(component).replace("|", "\\|")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return [*lines, "", f"{review.unchanged} resources stay as they are.", ""]


def _cell(changes: Sequence[Change]) -> str:
    counts: dict[str, int] = {}
    for change in changes:
        kind = change.resource.type.rpartition(":")[2]
        counts[kind] = counts.get(kind, 0) + 1
    return ", ".join(kind if count == 1 else f"{count} {kind}" for kind, count in counts.items())


def _work(review: Review) -> list[str]:
    texts = [*review.trainings, *review.embeddings]
    if review.changes and not texts:
        return ["No training and no embedding runs again.", ""]
    return _listed("Work that the update starts", texts)


def _cost(review: Review) -> list[str]:
    cost = review.cost
    if cost is None:
        return []
    before = cost.before
    if before is not None and not (cost.added or cost.removed or cost.changed):
        return [
            f"It costs {money(before.monthly_cny)} CNY a month, as before.",
            "",
            *_budget(review),
        ]
    lines = [
        "**Cost** at list prices, CNY",
        "",
        "| | now | then | difference |",
        "|---|--:|--:|--:|",
        _cost_row("an hour", before.hourly_cny if before else None, cost.after.hourly_cny),
        _cost_row("a month", before.monthly_cny if before else None, cost.after.monthly_cny),
    ]
    if cost.after.most_monthly_cny > cost.after.monthly_cny:
        most = before.most_monthly_cny if before else None
        lines.append(_cost_row("a month, at the largest", most, cost.after.most_monthly_cny))
    lines += ["", *_budget(review)]
    lines += [f"- **not priced:** `{item.name}`: {item.why}" for item in cost.after.unpriced]
    moved = list(_cost_lines(cost))
    lines += moved[:_MOST_COST_LINES]
    if len(moved) > _MOST_COST_LINES:
        lines.append(f"- … and {len(moved) - _MOST_COST_LINES} more, below")
    idle = [line for line in cost.added if line.gpu and line.period is not Period.RUN]
    lines += [
        f"- `{line.name}` has a GPU, which is billed even when unused{_night(review, line)}"
        for line in idle
    ]
    lines += [
        f"- `{item.name}` remains after `make down`"
        + (f", for {money(item.cny)} a month" if item.cny else "")
        for item in _newly_kept(cost)
    ]
    if cost.after.assumed_share >= _WORTH_SAYING:
        lines.append(f"- {cost.after.assumed_share:.0%} of the monthly cost uses assumed prices")
    return [*lines, ""]


def _night(review: Review, line: Line) -> str:
    if not can_stop(line):
        return "; `nightHours` does not stop scaling groups"
    return "" if review.stopped_at_night else "; `nightHours` would stop it at night"


def _newly_kept(cost: Difference) -> list[Kept]:
    """Return what newly outlives the stack, without what is never billed."""
    known = {item.name for item in cost.before.kept} if cost.before else set()
    return [item for item in cost.after.kept if item.name not in known and item.cny != 0]


def _cost_row(what: str, before: float | None, after: float) -> str:
    now = "—" if before is None else money(before)
    return f"| {what} | {now} | {money(after)} | {_signed(after - (before or 0.0))} |"


def _budget(review: Review) -> list[str]:
    if review.cost is None or not review.monthly_budget_cny:
        return []
    most, budget = review.cost.after.most_monthly_cny, review.monthly_budget_cny
    if review.over_budget:
        text = f"**Over the budget** of {budget:,} CNY a month, by {money(most - budget)}."
        return [f"{text} The preview fails.", ""]
    return [f"Within the budget of {budget:,} CNY a month.", ""]


def _cost_lines(cost: Difference) -> Iterator[str]:
    moves = [(line.cny, "adds", line) for line in cost.added]
    moves += [(-line.cny, "saves", line) for line in cost.removed]
    for old, new in cost.changed:
        moves.append((new.cny - old.cny, f"was {old.what}, now", new))
    for cny, verb, line in sorted(moves, key=lambda move: (-abs(move[0]), move[2].name)):
        per = "a run at most" if line.period is Period.RUN else "a month"
        if verb in ("adds", "saves"):
            yield f"- `{line.name}` {verb} {money(abs(cny))} {per}: {line.what}{_basis(line)}"
        else:
            yield f"- `{line.name}`: {verb} {line.what}: {_signed(cny)} {per}{_basis(line)}"


def _basis(line: Line) -> str:
    """Return how certain the price is, unless the vendor lists it."""
    if line.footing == Basis.LISTED:
        return ""
    if line.footing == SPOT and line.spot_cny:
        least, most = line.spot_cny
        return f" (spot: {money(least)} to {money(most)}, by the market)"
    return f" ({line.footing} price)"


def _policy(review: Review) -> list[str]:
    if review.problems and not review.violations:
        return []
    if not review.violations:
        return ["The policy pack reports no violation.", ""]
    texts = list(review.violations[:_MOST_VIOLATIONS])
    if len(review.violations) > _MOST_VIOLATIONS:
        texts.append(f"… and {len(review.violations) - _MOST_VIOLATIONS} more: `make policy`")
    return _listed("Policy violations", texts)


def _details(review: Review) -> Iterator[str]:
    if review.changes:
        yield "<details><summary>Every change</summary>"
        yield ""
        for change in review.changes:
            yield from _change(change)
        yield ""
        yield "</details>"
        yield ""
    if review.cost is not None and (review.cost.added or review.cost.changed):
        prices = {line.price for line in review.cost.added}
        prices |= {new.price for _, new in review.cost.changed}
        yield "<details><summary>Where the prices come from</summary>"
        yield ""
        for price in sorted(prices, key=lambda price: price.item):
            note = f"; {price.note}" if price.note else ""
            stated = f"page of {price.stated}, " if price.stated else ""
            yield (
                f"- `{price.item}` {price.cny:.4g} CNY/{price.unit}, {price.basis}, {stated}"
                f"[read {price.read}]({price.source}){note}"
            )
        yield ""
        yield "</details>"


def _change(change: Change) -> Iterator[str]:
    because = f", because {code(change.because)} is replaced" if change.because else ""
    token = change.resource.type
    yield f"- {_PAST[change.kind]}: {code(change.resource.name)} ({token}){because}"
    for item in change.properties[:_MOST_PROPERTIES]:
        yield f"  - {_property(item)}"
    if len(change.properties) > _MOST_PROPERTIES:
        yield f"  - … and {len(change.properties) - _MOST_PROPERTIES} more properties"


def _property(item: PropertyChange) -> str:
    forces = ", which recreates the resource" if item.replaces else ""
    if item.before is None and item.after is None:
        return (
            f"{code(item.path)}: {'changed' if item.secret else 'known after the update'}{forces}"
        )
    before = shown(item.path, item.before, secret=item.secret)
    after = shown(item.path, item.after, secret=item.secret)
    parts = None if item.secret else excerpts(item.path, item.before, item.after)
    if parts is not None:
        before, after = parts
    if before == after:
        return f"{code(item.path)}: changed{forces}"
    return f"{code(item.path)}: {code(before)} → {code(after)}{forces}"


def _quoted(text: str) -> list[str]:
    return ["```text", *scrubbed(text).replace("```", "'''").splitlines()[-40:], "```"]
