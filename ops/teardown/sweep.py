"""The sweeper: removes pull requests' stacks whose time is over.

Owns which stacks are swept: only those named `pr-<number>`, whatever their tags say, and only if
their `expires-at` is past, by the tags in the state and in the cloud. A user who gives one resource
a later time, or the tag of another stack, keeps the whole stack. A stack without a time, because
its first update failed early, is left alone if it holds resources, and reported. Orphans are
reported as well: resources of a pull request's stack that is not in the backend, found by their
tags. A stack that cannot be read or removed does not keep the others from being swept.

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
from ops.teardown.leaks import PROJECT, planned_deletion, tagged
from ops.teardown.removal import FAILURES, Refused, Removal, StackState, remove, state_of

__all__ = ["Verdict", "main", "orphans", "stacks", "stacks_by_tags", "verdict"]

_INTERRUPTED = 130


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The decision about one stack.

    Attributes:
        sweep: Whether to remove it.
        why: The reason.
        alarming: Whether an operator should look at it although it stays.
    """

    sweep: bool
    why: str
    alarming: bool = False


def verdict(
    stack: str, state: StackState, now: datetime, seen: Sequence[Mapping[str, str]] = ()
) -> Verdict:
    """Decide about a stack; pure.

    Args:
        stack: Its name.
        state: The stack as its state describes it.
        now: The current time.
        seen: The tags in the cloud of each of its resources.
    """
    if not is_pull_request(stack):
        return Verdict(sweep=False, why="it is not a pull request's stack")
    changed = _changed(stack, state, seen)
    if changed:
        return Verdict(sweep=False, why=changed, alarming=True)
    if not state.made:
        return Verdict(sweep=True, why="it holds no resources")
    times = state.expirations | {tags["expires-at"] for tags in seen if tags.get("expires-at")}
    if not times:
        return Verdict(
            sweep=False,
            why="it has resources, but no tag says when its time is over",
            alarming=True,
        )
    try:
        ends = max(map(_moment, times))
    except argparse.ArgumentTypeError as error:
        return Verdict(sweep=False, why=f"its tag expires-at is wrong: {error}", alarming=True)
    if ends <= now:
        return Verdict(sweep=True, why=f"its time was over at {moment(ends)}")
    return Verdict(sweep=False, why=f"it lives until {moment(ends)}")


def _changed(stack: str, state: StackState, seen: Sequence[Mapping[str, str]]) -> str:
    """Return why a resource may belong to another stack: its tags were changed."""
    environments = state.environments | {tags.get("environment", "") for tags in seen}
    others = sorted(environments - {"pr"})
    if others:
        return f"it has resources that are tagged environment={', '.join(others)}"
    owners = sorted({tags.get("stack", "") for tags in seen} - {stack})
    if owners:
        return f"it has resources that are tagged stack={', '.join(owners)}"
    return ""


def _seen(stack: str, state: StackState) -> list[dict[str, str]]:
    """Return the tags in the cloud of the stack's resources, by its state and by its tags.

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
    """Return the names of the pull requests' stacks in the backend, in their short form.

    Raises:
        EngineError: There is no access to the backend.
    """
    found = json.loads(engine.ask("stack", "ls", "--json", stack=False))
    names = [str(entry["name"]).rpartition("/")[2] for entry in found]
    return sorted(name for name in names if is_pull_request(name))


def stacks_by_tags(region_id: str) -> list[str]:
    """Return the names of the pull requests' stacks that have resources in a region.

    Raises:
        ClientError: The Tag service refused or did not answer.
    """
    found = tagged(account_in(region_id), {"project": PROJECT, "environment": "pr"})
    return sorted({name for _, tags in found if is_pull_request(name := tags.get("stack", ""))})


def orphans(known: Iterable[str], region_id: str) -> list[str]:
    """Return a line for each resource of a pull request's stack that is not in the backend.

    Resources that the cloud will delete by itself are left out.

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
    """Remove a stack if its time is over; return 1 if an operator should look at it."""
    engine = Engine.of(name)
    state = state_of(engine)
    found = verdict(name, state, now)
    if found.sweep and state.made:
        found = verdict(name, state, now, _seen(name, state))
    print(f"{name}: {'swept' if found.sweep else 'left'}, because {found.why}", flush=True)
    if not found.sweep or dry_run:
        return int(found.alarming)
    removal = Removal(stack=name, engine=engine, say=lambda line: print(f"  {line}", flush=True))
    code = remove(removal)
    print("\n".join(f"  {line}" for line in removal.report().splitlines()), flush=True)
    return code


def sweep(now: datetime, *, dry_run: bool = False) -> int:
    """Remove every pull request's stack whose time is over.

    Returns:
        0 if all is in order; 1 if a removal failed, or an operator should look at a stack.

    Raises:
        FAILURES: Neither the backend nor the cloud lists the stacks, or the orphans.
    """
    failed: list[str] = []
    region_id = str(declared_values("pr-1")[f"{NAMESPACE}regionId"])
    try:
        names = stacks(Engine.of("sweep"))
    except EngineError as error:
        # With one broken state the CLI lists no stack at all (3.259, backend in a bucket).
        print(f"the backend cannot list the stacks, so the tags in the cloud are used: {error}")
        names = stacks_by_tags(region_id)
        failed.append("the backend")
    for name in names:
        try:
            code = _one(name, now, dry_run=dry_run)
        except (Refused, *FAILURES) as error:
            print(f"{name}: the sweep failed: {error}", flush=True)
            code = 1
        if code:
            failed.append(name)
    if not names:
        print("there are no stacks of pull requests")
    lost = orphans(names, region_id)
    for line in lost:
        print(f"orphan: {line}, which is not in the backend; delete the resource by hand")
    if failed:
        print(f"an operator should look at {', '.join(failed)}: see above")
    return 1 if lost or failed else 0


def _moment(text: str) -> datetime:
    """Return a time; the current time for an empty text.

    Raises:
        argparse.ArgumentTypeError: The text is not a time.
    """
    if not text:
        return datetime.now(UTC)
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a time; give one like 2026-11-24T12:00:00Z"
        ) from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def main(arguments: Sequence[str] | None = None) -> int:
    """Sweep the backend and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m ops.teardown.sweep")
    parser.add_argument(
        "--now", type=_moment, default="", help="the time to use; by default the current time"
    )
    parser.add_argument("--dry-run", action="store_true", help="only print what would be swept")
    options = parser.parse_args(arguments)
    try:
        return sweep(options.now, dry_run=options.dry_run)
    except FAILURES as error:
        print(f"the sweep failed: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; the next run continues from here", file=sys.stderr)
        return _INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
