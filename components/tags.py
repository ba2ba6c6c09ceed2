"""Tags of every resource, which assign cost and leaks to a stack."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["RETAINED", "kept_tags", "merge_tags", "standard_tags"]

RETAINED = "retained"
"""Key of the tag that is `true` on resources which remain after their stack is destroyed."""


def standard_tags(
    *,
    project: str,
    stack: str,
    environment: str,
    owner: str,
    cost_center: str,
    expires_at: str = "",
) -> dict[str, str]:
    """Return the tags of every resource of a stack.

    Keys have lower-case words with hyphens, like the cloud's own. Only temporary stacks have
    `expires-at`, which the sweeper reads.
    """
    tags = {
        "project": project,
        "stack": stack,
        "environment": environment,
        "owner": owner,
        "cost-center": cost_center,
        "managed-by": "pulumi",
    }
    return {**tags, "expires-at": expires_at} if expires_at else tags


def kept_tags(tags: Mapping[str, str], *, retain: bool) -> dict[str, str]:
    """Return the tags of a resource; with `retain`, they mark that it outlives its stack."""
    return merge_tags(tags, {RETAINED: "true"}) if retain else dict(tags)


def merge_tags(base: Mapping[str, str], extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return `base` with `extra` added.

    Raises:
        ValueError: `extra` has a key of `base` with another value. A component must not silently
            move a resource to another bill.
    """
    merged = dict(base)
    for key, value in (extra or {}).items():
        if key in merged and merged[key] != value:
            raise ValueError(
                f"tag {key!r} is {merged[key]!r} for the whole stack and cannot become {value!r}; "
                "choose another key"
            )
        merged[key] = value
    return merged
