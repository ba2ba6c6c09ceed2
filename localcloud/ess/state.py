"""The tables of scaling groups in the store, and look-ups in them.

Owns the tables and the format of their records. A member is ``Pending`` until it has started and
its scale-out hook has ended, then ``InService``, and ``Removing`` while it leaves the group.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

from localcloud.core.store import Store

GROUPS: Final = "ess.groups"
MEMBERS: Final = "ess.members"
RULES: Final = "ess.rules"
HOOKS: Final = "ess.hooks"
REFRESHES: Final = "ess.refreshes"

ACTIVE_REFRESH: Final = frozenset({"Pending", "InProgress", "RollbackInProgress"})

Document = dict[str, Any]


@dataclass(frozen=True)
class Configuration:
    """The version of a launch template that a group launches instances from."""

    template_id: str
    version: str

    def matches(self, member: Document) -> bool:
        """Return whether a member was launched from this configuration."""
        return (member["template_id"], member["version"]) == (self.template_id, self.version)


def members_of(store: Store, group_id: str) -> dict[str, Document]:
    """Return the members of a group by instance id."""
    return {
        key: member
        for key, member in store.table(MEMBERS).items()
        if member["group_id"] == group_id
    }


def active_refresh(store: Store, group_id: str) -> tuple[str, Document] | None:
    """Return the group's unfinished refresh; there is at most one."""
    for key, refresh in store.table(REFRESHES).items():
        if refresh["group_id"] == group_id and refresh["status"] in ACTIVE_REFRESH:
            return key, refresh
    return None


def configuration_of(group: Document, refresh: Document | None) -> Configuration:
    """Return the configuration of new members; during a refresh, its desired one."""
    source = group
    if refresh is not None:
        rolling_back = refresh["status"] == "RollbackInProgress"
        source = refresh["source"] if rolling_back else refresh["desired"]
    return Configuration(source["template_id"], source["version"])


def hook_seconds(store: Store, group_id: str, transition: str) -> float | None:
    """Return how long the hooks of a transition hold a member; None without a hook."""
    found = [
        float(hook.get("heartbeatTimeout", 600))
        for hook in store.table(HOOKS).values()
        if hook["scalingGroupId"] == group_id and hook["lifecycleTransition"] == transition
    ]
    return max(found, default=None)


def percent(count: int, share: int) -> int:
    """Return ``share`` percent of ``count``, rounded up."""
    return math.ceil(count * share / 100)
