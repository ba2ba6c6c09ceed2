"""The report of drift: how the cloud differs from the last deployment.

Owns its Markdown. Does not own the comparison (`ops.review.previews.refresh`), nor the correction:
`pulumi up` makes the cloud match the declaration again, or the declaration changes.
"""

from __future__ import annotations

from ops.review.changes import Kind
from ops.review.previews import Planned
from ops.review.values import scrubbed, shown

__all__ = ["marker", "render"]

_CHANGED = {
    Kind.UPDATE: "was changed",
    Kind.DELETE: "is gone",
    Kind.CREATE: "appeared",
    Kind.REPLACE: "was recreated",
}


def marker(stack: str) -> str:
    """Return the first line of a stack's report, by which its issue is found and updated."""
    return f"<!-- customrag-drift: {stack} -->"


def render(stack: str, found: Planned) -> str:
    """Return the report."""
    parts = [marker(stack)]
    if found.problems:
        parts += [f"### Drift of `{stack}`: the check failed", "", "```text"]
        parts += [*"\n".join(map(scrubbed, found.problems)).splitlines()[-40:], "```"]
        return "\n".join(parts) + "\n"
    if not found.changes:
        parts += [f"### Drift of `{stack}`: none", "", "The cloud matches the last deployment."]
        return "\n".join(parts) + "\n"
    parts += [
        f"### Drift of `{stack}`: {len(found.changes)} resources differ from the deployment",
        "",
    ]
    parts += ["| component | resource | what |", "|---|---|---|"]
    for change in found.changes:
        item = change.resource
        parts.append(
            f"| `{item.component}` | `{item.name}` ({item.type}) | {_CHANGED[change.kind]} |"
        )
    parts.append("")
    for change in found.changes:
        for each in change.properties:
            before = shown(each.path, each.before, secret=each.secret)
            after = shown(each.path, each.after, secret=each.secret)
            text = f"deployed `{before}`, now `{after}`" if before != after else "changed"
            parts.append(f"- `{change.resource.name}`, `{each.path}`: {text}")
    parts += [
        "",
        f"`pulumi up --stack {stack}` makes the cloud match the declaration again. If the "
        "cloud is right, change the declaration first.",
    ]
    return "\n".join(parts) + "\n"
