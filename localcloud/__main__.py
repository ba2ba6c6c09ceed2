"""Run the local cloud of one stack: ``python -m localcloud COMMAND --home HOME``.

Commands: ``init`` creates the home and its platform file; ``start`` starts the daemon and waits
until it is ready; ``stop`` stops every process; ``status`` lists the processes; ``logs [NAME]``
prints the last lines of their logs; ``serve`` runs the daemon in the foreground.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from localcloud import control
from localcloud.core.errors import LocalCloudError
from localcloud.core.home import init_home
from localcloud.daemon import Daemon, daemon_lock, make_context
from localcloud.registry import SERVICES

_COLUMNS = ("name", "state", "pid", "address", "restarts", "reason")


def _init(arguments: argparse.Namespace) -> None:
    platform = init_home(arguments.home, arguments.region_id, arguments.zone_ids)
    print(platform.home / "platform.json")


def _start(arguments: argparse.Namespace) -> None:
    started = control.start(
        arguments.home, arguments.services, report=lambda line: print(line, flush=True)
    )
    print("the local cloud is " + ("running" if started else "already running"))


def _stop(arguments: argparse.Namespace) -> None:
    control.stop(arguments.home)
    print("the local cloud is stopped")


def _serve(arguments: argparse.Namespace) -> None:
    with daemon_lock(arguments.home):
        Daemon(make_context(arguments.home), arguments.services or SERVICES).run()
        sys.stdout.flush()
        sys.stderr.flush()
        # Threads of services may still be waiting; the processes that they watch have stopped.
        os._exit(0)


def _status(arguments: argparse.Namespace) -> None:
    rows = control.status(arguments.home)
    if arguments.json:
        print(json.dumps(rows, indent=2))
    else:
        print(table(rows))


def table(rows: list[dict[str, Any]]) -> str:
    """Return the rows as an aligned text table."""
    cells = [list(_COLUMNS)] + [
        ["" if row.get(name) is None else str(row[name]) for name in _COLUMNS] for row in rows
    ]
    widths = [max(len(line[index]) for line in cells) for index in range(len(_COLUMNS))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in cells
    )


def _is_named(process: str, name: str) -> bool:
    """Return whether `name` matches the process or a part: `chat` for `ecs/i-1/customrag-chat`."""
    parts = process.split("/")
    return name in (process, *parts, *(part.removeprefix("customrag-") for part in parts))


def _logs(arguments: argparse.Namespace) -> None:
    rows = control.status(arguments.home)
    chosen = [
        row for row in rows if arguments.name is None or _is_named(row["name"], arguments.name)
    ]
    if not chosen:
        raise LocalCloudError(
            f"there is no process {arguments.name!r}; give one of "
            f"{', '.join(row['name'] for row in rows)}"
        )
    for row in chosen:
        path = Path(row["log"])
        text = path.read_text("utf-8", "replace") if path.exists() else ""
        print(f"==> {row['name']} ({path}) <==")
        print("\n".join(text.splitlines()[-arguments.lines :]))


def main() -> int:
    """Run one command and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m localcloud", description=__doc__)
    commands = parser.add_subparsers(required=True)
    functions: dict[str, Callable[[argparse.Namespace], None]] = {
        "init": _init,
        "start": _start,
        "stop": _stop,
        "status": _status,
        "logs": _logs,
        "serve": _serve,
    }
    for name, function in functions.items():
        command = commands.add_parser(name)
        command.add_argument("--home", type=Path, required=True, help="the stack's home folder")
        command.set_defaults(function=function)
        if name == "init":
            command.add_argument("--region-id", default="", help="region id of the stack")
            command.add_argument(
                "--zone-ids",
                type=lambda text: tuple(text.split(",")),
                default=(),
                help="zone ids in that region, comma-separated",
            )
        if name in ("start", "serve"):
            command.add_argument(
                "--services",
                type=lambda text: tuple(text.split(",")),
                default=(),
                help=f"services to run, comma-separated; default: all of {', '.join(SERVICES)}",
            )
        if name == "status":
            command.add_argument("--json", action="store_true", help="print JSON")
        if name == "logs":
            command.add_argument(
                "name", nargs="?", help="process name, or a part of it, as status shows it"
            )
            command.add_argument(
                "--lines", type=int, default=40, help="lines to print from each log"
            )
    arguments = parser.parse_args()
    arguments.home = arguments.home.resolve()
    try:
        arguments.function(arguments)
    except LocalCloudError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
