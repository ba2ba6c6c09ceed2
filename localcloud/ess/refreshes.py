"""The decisions of a rolling refresh. Pure.

Owns the order of steps: new members first, up to the maximum share of the capacity; an old member
leaves only while enough healthy ones stay. Source:
https://api.aliyun.com/document/Ess/2014-08-28/StartInstanceRefresh (2026-11).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from localcloud.ess.state import configuration_of, percent

_SUCCESS = {
    "Pending": "Successful",
    "InProgress": "Successful",
    "RollbackInProgress": "RollbackSuccessful",
}


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step of a refresh.

    Attributes:
        launch: The number of members to launch.
        remove: The instances to remove.
        status: The new status of the refresh; None if it goes on.
    """

    launch: int = 0
    remove: tuple[str, ...] = ()
    status: str | None = None


def advance(
    group: Mapping[str, Any],
    refresh: Mapping[str, Any],
    members: Mapping[str, Mapping[str, Any]],
    healthy: Collection[str],
) -> Step:
    """Return the next step of a refresh.

    Args:
        group: The scaling group.
        refresh: Its refresh.
        members: Members that are not ``Removing``, by instance id.
        healthy: The ids of the members that serve.
    """
    target = configuration_of(dict(group), dict(refresh))
    desired = int(group["desired"])
    new = {key for key, member in members.items() if target.matches(dict(member))}
    old = sorted(members.keys() - new, key=lambda key: members[key]["created_at"])
    if not old and len(new) == desired and new <= set(healthy):
        return Step(status=_SUCCESS[refresh["status"]])
    most = max(percent(desired, int(refresh["max_healthy"])), desired)
    floor = percent(desired, int(refresh["min_healthy"]))
    if floor == most == desired:
        # "When MinHealthyPercentage = MaxHealthyPercentage = 100, one instance is refreshed at a
        # time". Assumed: the capacity drops by one.
        floor = max(0, desired - 1)
    launch = min(max(0, desired - len(new)), max(0, most - len(members)))
    serving = len([key for key in members if key in healthy])
    remove = []
    for key in old:
        # A member that does not serve can always leave; enough of the others must stay.
        if key not in healthy:
            if len(new) >= desired or len(members) >= most:
                remove.append(key)
        elif serving - 1 >= floor:
            remove.append(key)
            serving -= 1
    surplus = len(new) - desired
    if surplus > 0 and not old:
        newest = sorted(new, key=lambda key: members[key]["created_at"], reverse=True)
        remove += newest[:surplus]
    return Step(launch=launch, remove=tuple(remove))
