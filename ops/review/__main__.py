"""``make preview-comment`` and ``make drift``: Markdown for a pull request, and for an issue.

    python -m ops.review comment --stack dev [--base REF] [--how auto|declared|engine]
    python -m ops.review changed [--base REF] [--json]
    python -m ops.review drift --stack dev

`comment` compares the declarations of the base and this tree, which needs no account. If a backend
is logged in that has the stack, it reads the engine's own preview. `--stack all` takes every stack
of stacks/ that the change touches; `changed` only lists those, one a line or as JSON. Exit status
of `comment`: 1 if the change must not be merged as it is (the preview failed, the policy pack, the
budget), 2 if nothing could be compared; of `drift`: 1 if the cloud differs, 2 if the check failed.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from guardrails.declare import ROOT, DeclareError
from ops.engine import Engine
from ops.review import drift, previews, reviewing
from ops.review.base import BaseError, checkout, commit_of, default_base
from ops.review.comment import render
from stack_config.config import ConfigError

_NOTHING = 2


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="ops.review", description=__doc__.split("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    comment = commands.add_parser("comment")
    comment.add_argument("--stack", required=True, help="a stack, or `all` that the change touches")
    comment.add_argument("--base", default="", help="a ref; by default where this branch left main")
    comment.add_argument("--how", choices=reviewing.WAYS, default="auto")
    comment.add_argument(
        "--output", type=Path, default=None, help="also write the Markdown to this file"
    )
    changed = commands.add_parser("changed")
    changed.add_argument("--base", default="")
    changed.add_argument("--json", action="store_true")
    report = commands.add_parser("drift")
    report.add_argument("--stack", required=True)
    report.add_argument("--output", type=Path, default=None)
    return parser.parse_args(arguments)


def _write(text: str, output: Path | None) -> None:
    sys.stdout.write(text)
    if output is not None:
        output.write_text(text, encoding="utf-8")


def _comment(given: argparse.Namespace) -> int:
    commit = commit_of(ROOT, given.base) if given.base else default_base(ROOT)
    with checkout(ROOT, commit) as tree:
        stacks = [given.stack]
        if given.stack == "all":
            stacks = reviewing.touched(tree)
        if not stacks:
            _write("No stack changes.\n", given.output)
            return 0
        reviews = [reviewing.review(stack, tree, commit, how=given.how) for stack in stacks]
    _write("\n".join(map(render, reviews)), given.output)
    return 1 if any(item.refused for item in reviews) else 0


def _changed(given: argparse.Namespace) -> int:
    commit = commit_of(ROOT, given.base) if given.base else default_base(ROOT)
    with checkout(ROOT, commit) as tree:
        stacks = reviewing.touched(tree)
    print(json.dumps(stacks) if given.json else "\n".join(stacks))
    return 0


def _drift(given: argparse.Namespace) -> int:
    found = previews.refresh(Engine.of(given.stack))
    _write(drift.render(given.stack, found), given.output)
    if found.problems:
        return _NOTHING
    return 1 if found.changes else 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit status."""
    given = _arguments(arguments)
    commands = {"comment": _comment, "changed": _changed, "drift": _drift}
    try:
        return commands[given.command](given)
    except (BaseError, ConfigError, DeclareError) as error:
        print(error, file=sys.stderr)
        return _NOTHING


if __name__ == "__main__":
    raise SystemExit(main())
