"""The report of drift: how the cloud differs from what was last deployed.

Owns its Markdown. Does not own asking (`ops.review.previews.refresh`), nor putting it right: that
is `pulumi up`, which makes the cloud as declared, or a change of what is declared.
"""

from __future__ import annotations

from ops.review.changes import Kind
from ops.review.previews import Planned
from ops.review.values import scrubbed, shown

__all__ = ["marker", "render"]

_SAID = {
    Kind.UPDATE: "was changed",
    Kind.DELETE: "is gone",
    Kind.CREATE: "appeared",
    Kind.REPLACE: "was made anew",
}


def marker(stack: str) -> str:
    """First line of a stack's report; an issue with it is updated, not opened again."""
    return f"<!-- customrag-drift: {stack} -->"


def render(stack: str, found: Planned) -> str:
    """The report."""
    parts = [marker(stack)]
    if found.problems:
        parts += [f"### Drift of `{stack}`: could not be looked for", "", "```text"]
        parts += [*"\n".join(map(scrubbed, found.problems)).splitlines()[-40:], "```"]
        return "\n".join(parts) + "\n"
    if not found.changes:
        parts += [f"### Drift of `{stack}`: none", "", "The cloud is as it was deployed."]
        return "\n".join(parts) + "\n"
    parts += [f"### Drift of `{stack}`: {len(found.changes)} resources are not as deployed", ""]
    parts += ["| component | resource | what |", "|---|---|---|"]
    for change in found.changes:
        item = change.resource
        parts.append(f"| `{item.component}` | `{item.name}` ({item.type}) | {_SAID[change.kind]} |")
    parts.append("")
    for change in found.changes:
        for each in change.properties:
            before = shown(each.path, each.before, secret=each.secret)
            after = shown(each.path, each.after, secret=each.secret)
            told = f"deployed `{before}`, now `{after}`" if before != after else "changed"
            parts.append(f"- `{change.resource.name}`, `{each.path}`: {told}")
    parts += [
        "",
        f"`pulumi up --stack {stack}` makes it as declared again. If the cloud is right, declare "
        "it so first.",
    ]
    return "\n".join(parts) + "\n"
