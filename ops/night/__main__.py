"""`python -m ops.night [--stack dev] [--now TIME]`: stop GPU nodes at night.

Without a stack, every stack file that has `nightHours` is handled. Safe to run at any time: nodes
that are already in the right state are left alone. A stack that fails does not keep the others from
their turn, because GPUs that are not stopped are billed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

from ops.account import account_in
from ops.declared import (
    NAMESPACE,
    DeclaredError,
    declared_values,
    is_on_this_machine,
    stacks_with_files,
    with_defaults,
)
from ops.night.hours import Night, NightError
from ops.night.nodes import gpu_nodes, to_change, turn
from providers.clients.errors import ClientError

__all__ = ["main"]


def _stacks() -> list[str]:
    """Return every stack with its own file, except those on this machine."""
    return [stack for stack in stacks_with_files() if not is_on_this_machine(stack)]


def _one(stack: str, now: datetime) -> int:
    values = with_defaults(declared_values(stack))
    hours = str(values.get(f"{NAMESPACE}nightHours") or "")
    if not hours:
        print(f"{stack}: has no night, because customrag:nightHours is empty")
        return 0
    night = Night.parse(hours).holds(now)
    account = account_in(str(values[f"{NAMESPACE}regionId"]))
    client = account.client("ecs")
    nodes = gpu_nodes(client, account.region_id, stack)
    changed = to_change(nodes, night=night)
    word, past = ("night", "stopped, unbilled") if night else ("day", "started")
    code = 0
    for node in nodes:
        state = f"left {node.status.lower()}"
        state += ", because it belongs to a scaling group" if node.grouped else ""
        if node in changed:
            try:
                turn(client, account.region_id, node, night=night)
                state = past
            except ClientError as error:
                state, code = f"could not be {past.partition(',')[0]}: {error}", 1
        print(f"{stack}: {word}; {node.name} ({node.instance_type}, {node.instance_id}) {state}")
    if not nodes:
        print(f"{stack}: {word}; the stack has no GPU node")
    return code


def main(arguments: Sequence[str] | None = None) -> int:
    """Stop or start GPU nodes, by the time; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m ops.night")
    parser.add_argument("--stack", default="", help="only this stack; by default all")
    parser.add_argument(
        "--now",
        default="",
        help="the time to use, such as 2026-11-24T22:00:00Z; by default the current time",
    )
    options = parser.parse_args(arguments)
    try:
        now = datetime.fromisoformat(options.now) if options.now else datetime.now(UTC)
        now = now if now.tzinfo else now.replace(tzinfo=UTC)
        stacks = [options.stack] if options.stack else _stacks()
    except ValueError as error:
        print(
            f"NOW is not a valid time: {error}; give it like NOW=2026-11-24T22:00:00Z",
            file=sys.stderr,
        )
        return 1
    return max([_handled(stack, now) for stack in stacks], default=0)


def _handled(stack: str, now: datetime) -> int:
    try:
        return _one(stack, now)
    except (DeclaredError, NightError, ClientError) as error:
        print(f"{stack}: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
