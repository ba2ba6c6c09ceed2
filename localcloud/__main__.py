"""``python -m localcloud COMMAND --home HOME``: the local cloud of one stack.

Commands: ``init`` makes the home's platform file; ``start`` starts the daemon and waits for it;
``stop`` stops every process; ``status`` shows them; ``logs [NAME]`` prints the end of their logs;
``serve`` is the daemon in the foreground.
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
from localcloud.daemon import Daemon, make_context, only_daemon
from localcloud.registry import SERVICES

_COLUMNS = ("name", "state", "pid", "address", "restarts", "reason")


def _init(arguments: argparse.Namespace) -> None:
    platform = init_home(arguments.home, arguments.region_id, arguments.zone_ids)
    print(platform.home / "platform.json")


def _start(arguments: argparse.Namespace) -> None:
    started = control.start(arguments.home, arguments.services)
    print("the local cloud runs" + ("" if started else " already"))


def _stop(arguments: argparse.Namespace) -> None:
    control.stop(arguments.home)
    print("the local cloud is stopped")


def _serve(arguments: argparse.Namespace) -> None:
    with only_daemon(arguments.home):
        Daemon(make_context(arguments.home), arguments.services or SERVICES).run()
        sys.stdout.flush()
        sys.stderr.flush()
        # Threads of services may still wait for something; the processes they watch are stopped.
        os._exit(0)


def _status(arguments: argparse.Namespace) -> None:
    rows = control.status(arguments.home)
    if arguments.json:
        print(json.dumps(rows, indent=2))
    else:
        print(table(rows))


def table(rows: list[dict[str, Any]]) -> str:
    """The rows as a table for people."""
    cells = [list(_COLUMNS)] + [
        ["" if row.get(name) is None else str(row[name]) for name in _COLUMNS] for row in rows
    ]
    widths = [max(len(line[index]) for line in cells) for index in range(len(_COLUMNS))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in cells
    )


def _is_named(process: str, name: str) -> bool:
    """Whether that is the process' name or a part of it: `chat` of `ecs/i-1/customrag-chat`."""
    parts = process.split("/")
    return name in (process, *parts, *(part.removeprefix("customrag-") for part in parts))


def _logs(arguments: argparse.Namespace) -> None:
    rows = control.status(arguments.home)
    chosen = [
        row for row in rows if arguments.name is None or _is_named(row["name"], arguments.name)
    ]
    if not chosen:
        raise LocalCloudError(
            f"no process {arguments.name!r}; there are {', '.join(row['name'] for row in rows)}"
        )
    for row in chosen:
        path = Path(row["log"])
        text = path.read_text("utf-8", "replace") if path.exists() else ""
        print(f"==> {row['name']} ({path}) <==")
        print("\n".join(text.splitlines()[-arguments.lines :]))


def main() -> int:
    """Run one command; the exit code."""
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
            command.add_argument("--region-id", default="", help="the region to play")
            command.add_argument(
                "--zone-ids",
                type=lambda text: tuple(text.split(",")),
                default=(),
                help="that region's zones, comma-separated",
            )
        if name in ("start", "serve"):
            command.add_argument(
                "--services",
                type=lambda text: tuple(text.split(",")),
                default=(),
                help=f"run only these, comma-separated, of {', '.join(SERVICES)}",
            )
        if name == "status":
            command.add_argument("--json", action="store_true", help="print JSON")
        if name == "logs":
            command.add_argument("name", nargs="?", help="of one process, as status shows it")
            command.add_argument("--lines", type=int, default=40, help="last lines of each log")
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
