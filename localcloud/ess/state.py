"""What scaling groups have in the store, and the questions that are asked of it. Pure look-ups.

Owns the tables and their shapes. A member is ``Pending`` until it has started (and its scale-out
hook is over), then ``InService``, and ``Removing`` once it is to go.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

from localcloud.core.store import Store

__all__ = [
    "ACTIVE_REFRESH",
    "GROUPS",
    "HOOKS",
    "MEMBERS",
    "REFRESHES",
    "RULES",
    "Configuration",
    "active_refresh",
    "configuration_of",
    "hook_seconds",
    "members_of",
    "percent",
]

GROUPS: Final = "ess.groups"
MEMBERS: Final = "ess.members"
RULES: Final = "ess.rules"
HOOKS: Final = "ess.hooks"
REFRESHES: Final = "ess.refreshes"

ACTIVE_REFRESH: Final = frozenset({"Pending", "InProgress", "RollbackInProgress"})

Document = dict[str, Any]


@dataclass(frozen=True)
class Configuration:
    """What a group makes instances from: one version of a launch template."""

    template_id: str
    version: str

    def matches(self, member: Document) -> bool:
        """Return whether a member was made from it."""
        return (member["template_id"], member["version"]) == (self.template_id, self.version)


def members_of(store: Store, group_id: str) -> dict[str, Document]:
    """Return the members of a group by instance id."""
    return {
        key: member
        for key, member in store.table(MEMBERS).items()
        if member["group_id"] == group_id
    }


def active_refresh(store: Store, group_id: str) -> tuple[str, Document] | None:
    """Return the group's refresh that is not over; there is one at most."""
    for key, refresh in store.table(REFRESHES).items():
        if refresh["group_id"] == group_id and refresh["status"] in ACTIVE_REFRESH:
            return key, refresh
    return None


def configuration_of(group: Document, refresh: Document | None) -> Configuration:
    """Return what new members are made from: the refresh's desired one while it is under way."""
    source = group
    if refresh is not None:
        rolling_back = refresh["status"] == "RollbackInProgress"
        source = refresh["source"] if rolling_back else refresh["desired"]
    return Configuration(source["template_id"], source["version"])


def hook_seconds(store: Store, group_id: str, transition: str) -> float | None:
    """Return how long hooks of that transition hold a member; None when there is none."""
    found = [
        float(hook.get("heartbeatTimeout", 600))
        for hook in store.table(HOOKS).values()
        if hook["scalingGroupId"] == group_id and hook["lifecycleTransition"] == transition
    ]
    return max(found, default=None)


def percent(count: int, share: int) -> int:
    """``share`` percent of ``count``, rounded up."""
    return math.ceil(count * share / 100)
