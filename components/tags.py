"""Tags that every resource carries, so that cost and leaks can be told apart by stack."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["RETAINED", "kept_tags", "merge_tags", "standard_tags"]

RETAINED = "retained"
"""Key of the tag, `true` on what is to stay when its stack goes: then no state knows of it."""


def standard_tags(
    *,
    project: str,
    stack: str,
    environment: str,
    owner: str,
    cost_center: str,
    expires_at: str = "",
) -> dict[str, str]:
    """The tags of every resource of a stack.

    Keys follow the cloud's own habit of lower-case words with hyphens. `expires-at` is there only
    if the stack is not for good: the sweeper goes by it.
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
    """The tags of something that stays, or does not, when its stack goes."""
    return merge_tags(tags, {RETAINED: "true"}) if retain else dict(tags)


def merge_tags(base: Mapping[str, str], extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """`base` with `extra` on top.

    Raises:
        ValueError: A key of `extra` is one of `base` with another value: a component must not
            silently take a resource out of its stack's bill.
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
