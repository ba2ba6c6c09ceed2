"""The decisions of a refresh. ``test_fleet`` tests that they are carried out."""

from __future__ import annotations

from typing import Any

import pytest

from localcloud.ess.refreshes import Step, advance

OLD = {"template_id": "lt-1", "version": "1"}
NEW = {"template_id": "lt-1", "version": "2"}


def members(old: int, new: int) -> dict[str, dict[str, Any]]:
    """Return this many members of each version."""
    made = {f"old-{number}": {**OLD, "created_at": float(number)} for number in range(old)}
    return made | {f"new-{number}": {**NEW, "created_at": 100.0 + number} for number in range(new)}


def step(
    old: int,
    new: int,
    *,
    desired: int,
    healthy: set[str] | None = None,
    shares: tuple[int, int] = (100, 200),
    **refresh: Any,
) -> Step:
    """Return the next step of a refresh to the new version."""
    present = members(old, new)
    return advance(
        {**OLD, "desired": desired},
        {
            "status": "InProgress",
            "source": OLD,
            "desired": NEW,
            "min_healthy": shares[0],
            "max_healthy": shares[1],
            **refresh,
        },
        present,
        set(present) if healthy is None else healthy,
    )


def test_new_members_start_before_old_ones_leave() -> None:
    assert step(2, 0, desired=2) == Step(launch=2)


def test_old_member_stays_until_the_new_one_serves() -> None:
    assert step(1, 1, desired=1, healthy={"old-0"}) == Step()


def test_old_members_leave_as_new_ones_serve() -> None:
    found = step(2, 2, desired=2, healthy={"old-0", "old-1", "new-0"})
    assert found == Step(remove=("old-0",))


def test_refresh_succeeds_with_only_healthy_new_members() -> None:
    assert step(0, 2, desired=2) == Step(status="Successful")
    assert step(0, 2, desired=2, healthy={"new-0"}) == Step()


@pytest.mark.parametrize(
    ("desired", "shares", "expected"),
    [
        (5, (80, 120), Step(launch=1, remove=("old-0",))),
        (4, (50, 100), Step(remove=("old-0", "old-1"))),
        (4, (100, 100), Step(remove=("old-0",))),
        (4, (100, 150), Step(launch=2)),
    ],
)
def test_healthy_percentages_limit_launches_and_removals(
    desired: int, shares: tuple[int, int], expected: Step
) -> None:
    assert step(desired, 0, desired=desired, shares=shares) == expected


def test_unhealthy_old_member_leaves_first() -> None:
    assert step(1, 1, desired=1, healthy={"new-0"}) == Step(remove=("old-0",))


def test_rollback_removes_members_of_the_refresh() -> None:
    found = step(1, 1, desired=1, healthy={"old-0"}, status="RollbackInProgress")
    assert found == Step(remove=("new-0",))
    assert step(1, 0, desired=1, status="RollbackInProgress") == Step(status="RollbackSuccessful")
