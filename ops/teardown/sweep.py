"""The sweeper: removes pull requests' stacks that have outlived their time.

Owns which stacks are swept: those named `pr-<number>`, and no other, whatever their tags say; and
of those the ones whose `expires-at` is past, by the tags in their state and those in the cloud:
whoever gives a resource a later time, or tags it as another stack's, keeps the whole stack. One
without a time, as its first update failed early, is left alone if it holds resources, and told.
Orphans are told, too: resources of a pull request's stack that is in no backend, found by their
tags. A stack that cannot be looked at or removed keeps no other from being swept.

    python -m ops.teardown.sweep [--now 2026-11-24T12:00:00Z] [--dry-run]
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from ops.account import account_in
from ops.declared import NAMESPACE, declared_values, is_pull_request, moment
from ops.engine import Engine, EngineError
from ops.teardown.__main__ import engine_of
from ops.teardown.leaks import PROJECT, planned_deletion, tagged
from ops.teardown.removal import FAILURES, Refused, Removal, StackState, remove, state_of

__all__ = ["Verdict", "main", "orphans", "stacks", "stacks_by_tags", "verdict"]

_INTERRUPTED = 130


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What becomes of one stack.

    Attributes:
        sweep: Whether it is removed.
        why: In words.
        alarming: Whether somebody should look, though it is left.
    """

    sweep: bool
    why: str
    alarming: bool = False


def verdict(
    stack: str, state: StackState, now: datetime, seen: Sequence[Mapping[str, str]] = ()
) -> Verdict:
    """What becomes of a stack; pure.

    Args:
        stack: Its name.
        state: What its state says.
        now: The time to go by.
        seen: The tags that its resources have in the cloud, of each.
    """
    if not is_pull_request(stack):
        return Verdict(sweep=False, why="no pull request's stack")
    changed = _changed(stack, state, seen)
    if changed:
        return Verdict(sweep=False, why=changed, alarming=True)
    if not state.made:
        return Verdict(sweep=True, why="it holds no resources")
    told = state.expirations | {tags["expires-at"] for tags in seen if tags.get("expires-at")}
    if not told:
        return Verdict(
            sweep=False, why="it has resources, but none says when it ends", alarming=True
        )
    try:
        ends = max(map(_moment, told))
    except argparse.ArgumentTypeError as error:
        return Verdict(sweep=False, why=f"of its expires-at {error}", alarming=True)
    if ends <= now:
        return Verdict(sweep=True, why=f"its time was over at {moment(ends)}")
    return Verdict(sweep=False, why=f"it lives until {moment(ends)}")


def _changed(stack: str, state: StackState, seen: Sequence[Mapping[str, str]]) -> str:
    """What speaks against a resource being this stack's: somebody has changed its tags."""
    environments = state.environments | {tags.get("environment", "") for tags in seen}
    others = sorted(environments - {"pr"})
    if others:
        return f"it has resources that are tagged environment={', '.join(others)}"
    owners = sorted({tags.get("stack", "") for tags in seen} - {stack})
    if owners:
        return f"it has resources that are tagged stack={', '.join(owners)}"
    return ""


def _seen(stack: str, state: StackState) -> list[dict[str, str]]:
    """The tags in the cloud of what is the stack's by its state or by its tags.

    Raises:
        ClientError: The Tag service refused or did not answer.
    """
    ids = {str(item["id"]) for item in state.made if (item.get("inputs") or {}).get("tags")}
    return [
        tags
        for region_id in state.regions
        for arn, tags in tagged(account_in(region_id), {"project": PROJECT})
        if tags.get("stack") == stack or arn.rpartition("/")[2] in ids
    ]


def stacks(engine: Engine) -> list[str]:
    """The names of the pull requests' stacks in the backend, as short as the CLI takes them.

    Raises:
        EngineError: There is no access to the backend.
    """
    found = json.loads(engine.ask("stack", "ls", "--json", stack=False))
    names = [str(entry["name"]).rpartition("/")[2] for entry in found]
    return sorted(name for name in names if is_pull_request(name))


def stacks_by_tags(region_id: str) -> list[str]:
    """The names of the pull requests' stacks that have resources in a region.

    Raises:
        ClientError: The Tag service refused or did not answer.
    """
    found = tagged(account_in(region_id), {"project": PROJECT, "environment": "pr"})
    return sorted({name for _, tags in found if is_pull_request(name := tags.get("stack", ""))})


def orphans(known: Iterable[str], region_id: str) -> list[str]:
    """Resources of pull requests' stacks that are in no backend, a line each.

    What the cloud will delete by itself is none.

    Raises:
        ClientError: A service refused or did not answer.
    """
    account, there = account_in(region_id), set(known)
    return [
        f"{arn} of stack {tags.get('stack', 'unknown')}"
        for arn, tags in tagged(account, {"project": PROJECT, "environment": "pr"})
        if tags.get("stack") not in there and not planned_deletion(account, arn)
    ]


def _one(name: str, now: datetime, *, dry_run: bool) -> int:
    """Look at one stack, and remove it if its time is over; 1 if somebody should look."""
    engine = engine_of(name)
    state = state_of(engine)
    found = verdict(name, state, now)
    if found.sweep and state.made:
        found = verdict(name, state, now, _seen(name, state))
    print(f"{name}: {'swept, as ' if found.sweep else 'left, as '}{found.why}", flush=True)
    if not found.sweep or dry_run:
        return int(found.alarming)
    removal = Removal(stack=name, engine=engine, say=lambda line: print(f"  {line}", flush=True))
    code = remove(removal)
    print("\n".join(f"  {line}" for line in removal.report().splitlines()), flush=True)
    return code


def sweep(now: datetime, *, dry_run: bool = False) -> int:
    """Look at every pull request's stack, and remove what has outlived its time.

    Returns:
        0 when all is in order; 1 when something could not be removed, or somebody should look.

    Raises:
        FAILURES: Neither backend nor cloud says which stacks there are, or what is an orphan.
    """
    failed: list[str] = []
    region_id = str(declared_values("pr-1")[f"{NAMESPACE}regionId"])
    try:
        names = stacks(engine_of("sweep"))
    except EngineError as error:
        # One broken state is enough for the CLI to list none (3.259, a backend of its own).
        print(f"going by the tags in the cloud, as the stacks cannot be listed: {error}")
        names = stacks_by_tags(region_id)
        failed.append("the backend")
    for name in names:
        try:
            code = _one(name, now, dry_run=dry_run)
        except (Refused, *FAILURES) as error:
            print(f"{name}: could not be swept: {error}", flush=True)
            code = 1
        if code:
            failed.append(name)
    if not names:
        print("there is no pull request's stack")
    lost = orphans(names, region_id)
    for line in lost:
        print(f"orphan: {line}, which is in no backend: look at it, and delete it by hand")
    if failed:
        print(f"look at {', '.join(failed)}: see above")
    return 1 if lost or failed else 0


def _moment(text: str) -> datetime:
    """A time; the present for none.

    Raises:
        argparse.ArgumentTypeError: It is none.
    """
    if not text:
        return datetime.now(UTC)
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no time; give it as 2026-11-24T12:00:00Z"
        ) from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def main(arguments: Sequence[str] | None = None) -> int:
    """Sweep the backend; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m ops.teardown.sweep")
    parser.add_argument("--now", type=_moment, default="", help="the time to go by")
    parser.add_argument("--dry-run", action="store_true", help="only say what would be swept")
    options = parser.parse_args(arguments)
    try:
        return sweep(options.now, dry_run=options.dry_run)
    except FAILURES as error:
        print(f"the sweeper could not go on: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted: what was removed is, the next run goes on", file=sys.stderr)
        return _INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
