"""The command line of the modules `borrow`, which lend an engine to one command.

Owns the arguments, and the signals between this program and the command. Does not own the engine.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import FrameType

from localcloud.core.errors import LocalCloudError

__all__ = ["lend_to_command"]


def lend_to_command(
    module: str,
    lend: Callable[[Path], AbstractContextManager[Mapping[str, str]]],
    argv: Sequence[str] | None,
) -> int:
    """Run the command in the arguments while an engine is lent; return its exit status.

    Args:
        module: The module that is run, for the help text.
        lend: Starts an engine in a folder, gives the variables that the command reads, and removes
            the engine.
        argv: The arguments; None for those of this process.
    """
    parser = argparse.ArgumentParser(prog=f"python -m {module}")
    parser.add_argument(
        "--home", type=Path, required=True, help="folder of the engine; its content is deleted"
    )
    parser.add_argument("command", nargs=argparse.REMAINDER, help="the command to run")
    arguments = parser.parse_args(argv)
    if not arguments.command:
        parser.error("COMMAND is missing; give the command to run")
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        with lend(arguments.home.absolute()) as variables:
            return _run(arguments.command, {**os.environ, **variables})
    except LocalCloudError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _run(command: Sequence[str], environment: Mapping[str, str]) -> int:
    with subprocess.Popen(list(command), env=dict(environment)) as process:

        def forward(signum: int, _frame: FrameType | None) -> None:
            process.send_signal(signum)

        # The terminal sends Ctrl-C to the command as well, so only wait for it.
        signal.signal(signal.SIGINT, lambda _signum, _frame: None)
        signal.signal(signal.SIGTERM, forward)
        return process.wait()


def _interrupt(_signum: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
