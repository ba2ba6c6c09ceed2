"""Inject faults into a local cloud: ``python -m localcloud.faults COMMAND --home HOME``.

Commands: ``kinds`` lists the kinds of faults; ``inject KIND [name=value…]`` turns one on, such as
``inject sold-out instance_type=ecs.gn7i-c8g1.2xlarge``; ``list`` lists the active ones; ``clear``
turns all of them off. The command changes the stack's store, so the daemon need not run.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from localcloud.core.errors import LocalCloudError
from localcloud.core.home import load_platform
from localcloud.core.store import open_store
from localcloud.faults.faults import KINDS, FaultError, Faults


def _about(pairs: list[str]) -> dict[str, str]:
    found = {}
    for pair in pairs:
        name, separator, value = pair.partition("=")
        if not separator:
            raise FaultError(f"{pair!r} must be name=value")
        found[name] = value
    return found


def _run(arguments: argparse.Namespace) -> None:
    if arguments.command == "kinds":
        for name, kind in KINDS.items():
            names = [*kind.required, *(f"[{name}]" for name in kind.optional)]
            print(f"{' '.join([name, *names])}\n    {kind.about}")
        return
    store = open_store(load_platform(arguments.home.resolve()).home)
    try:
        faults = Faults(store)
        if arguments.command == "inject":
            faults.inject(arguments.kind, _about(arguments.about))
        elif arguments.command == "clear":
            faults.clear()
        for fault in faults.active():
            print(" ".join([fault.kind, *(f"{name}={fault.about[name]}" for name in fault.about)]))
    finally:
        store.close()


def main(words: list[str]) -> int:
    """Run one command and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m localcloud.faults", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("kinds")
    for name in ("inject", "list", "clear"):
        command = commands.add_parser(name)
        if name == "inject":
            command.add_argument("kind")
            command.add_argument("about", nargs="*", metavar="name=value")
        command.add_argument("--home", type=Path, required=True, help="the stack's home folder")
    try:
        _run(parser.parse_args(words))
    except LocalCloudError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
