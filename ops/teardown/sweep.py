"""The sweeper: removes pull requests' stacks that have outlived their time.

Owns which stacks are swept: those named `pr-<number>`, and no other, whatever their tags say; and
of those the ones whose `expires-at` is past. A stack without one, as its first update failed early,
is left alone if it holds resources, and told. Orphans are told, too: resources of a pull request's
stack that is in no backend, found by their tags.

    python -m ops.teardown.sweep [--now 2026-11-24T12:00:00Z] [--dry-run]
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from ops.account import account_in
from ops.declared import NAMESPACE, DeclaredError, declared_values, is_pull_request
from ops.engine import Engine
from ops.teardown.__main__ import engine_of
from ops.teardown.leaks import PROJECT, report
from ops.teardown.removal import FAILURES, Refused, Removal, StackState, remove, state_of

__all__ = ["Verdict", "main", "stacks", "verdict"]

_TAG_VERSION = "2018-08-28"
_PAGE = 1000


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


def verdict(stack: str, state: StackState, now: datetime) -> Verdict:
    """What becomes of a stack; pure.

    Args:
        stack: Its name.
        state: What its state says.
        now: The time to go by.
    """
    if not is_pull_request(stack):
        return Verdict(sweep=False, why="no pull request's stack")
    if state.environment not in ("", "pr"):
        return Verdict(
            sweep=False, why=f"its resources are tagged {state.environment}", alarming=True
        )
    if not state.made:
        return Verdict(sweep=True, why="it holds no resources")
    if not state.expires_at:
        return Verdict(
            sweep=False, why="it has resources, but none says when it ends", alarming=True
        )
    try:
        ends = datetime.fromisoformat(state.expires_at)
    except ValueError:
        return Verdict(
            sweep=False, why=f"expires-at is {state.expires_at!r}, which is no time", alarming=True
        )
    if ends <= now:
        return Verdict(sweep=True, why=f"its time was over at {state.expires_at}")
    return Verdict(sweep=False, why=f"it lives until {state.expires_at}")


def stacks(engine: Engine) -> list[str]:
    """The names of the pull requests' stacks in the backend, as short as the CLI takes them.

    Raises:
        EngineError: There is no access to the backend.
    """
    found = json.loads(engine.ask("stack", "ls", "--json", stack=False))
    names = [str(entry["name"]).rpartition("/")[2] for entry in found]
    return sorted(name for name in names if is_pull_request(name))


def orphans(known: Iterable[str], region_id: str) -> list[str]:
    """Resources of pull requests' stacks that are in no backend, a line each.

    Raises:
        ClientError: The Tag service refused or did not answer.
    """
    wanted = {"project": PROJECT, "environment": "pr"}
    client, token, there = account_in(region_id).client("tag"), "", set(known)
    found: list[str] = []
    while True:
        page = {"NextToken": token} if token else {}
        answer = client.rpc(
            "ListTagResources",
            _TAG_VERSION,
            {
                "RegionId": region_id,
                "Tags": json.dumps(wanted),
                "Category": "Custom",
                "PageSize": _PAGE,
                **page,
            },
        )
        for entry in answer.get("TagResources") or []:
            tags = {tag["Key"]: tag["Value"] for tag in entry.get("Tags") or []}
            if tags.get("stack") not in there:
                found.append(f"{entry['ResourceARN']} of stack {tags.get('stack', 'unknown')}")
        token = str(answer.get("NextToken") or "")
        if not token:
            return found


def sweep(now: datetime, *, dry_run: bool = False) -> int:
    """Look at every pull request's stack, and remove what has outlived its time.

    Returns:
        0 when all is in order; 1 when something could not be removed, or somebody should look.

    Raises:
        EngineError: There is no access to the backend.
        ClientError: A service refused; nothing is proven.
    """
    code = 0
    names = stacks(engine_of("sweep"))
    for name in names:
        engine = engine_of(name)
        state = state_of(engine)
        found = verdict(name, state, now)
        print(f"{name}: {'swept, as ' if found.sweep else 'left, as '}{found.why}", flush=True)
        code = 1 if found.alarming else code
        if found.sweep and not dry_run:
            removal = Removal(stack=name, engine=engine, say=lambda line: print(f"  {line}"))
            try:
                code = remove(removal) or code
            except Refused as error:
                print(f"  {error}")
                code = 1
            else:
                print("\n".join(f"  {line}" for line in report(removal.left).splitlines()))
    if not names:
        print("there is no pull request's stack")
    lost = orphans(names, str(declared_values("pr-1")[f"{NAMESPACE}regionId"]))
    for line in lost:
        print(f"orphan: {line}, which is in no backend: look at it, and delete it by hand")
    return 1 if lost else code


def _moment(text: str) -> datetime:
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
    except (DeclaredError, *FAILURES) as error:
        print(f"the sweeper could not go on: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
