"""Lends an Elasticsearch instance to one command: `python -m localcloud.elasticsearch.borrow`.

Owns the instance's life: it is created in its own home, and removed with its data when the command
ends. The command reads its address from CUSTOMRAG_ELASTICSEARCH_URL, _USERNAME and _PASSWORD, and
the engine's address behind the local gateway, for a benchmark, from _ENGINE_URL. The next run
removes what a killed run has left in the home. The instance does not belong to a stack.

Usage: ``python -m localcloud.elasticsearch.borrow --home DIR COMMAND...``; returns the exit status
of the command.
"""

from __future__ import annotations

import argparse
import os
import secrets
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from localcloud.core.errors import LocalCloudError
from localcloud.core.home import init_home
from localcloud.daemon import make_context
from localcloud.elasticsearch.engine import ENGINE_PORT
from localcloud.elasticsearch.resources import Instance

__all__ = ["lend", "main"]


def _inputs(password: str) -> dict[str, Any]:
    return {
        "version": "8.17_with_X-Pack",
        "vswitchId": "vsw-borrowed",
        "password": password,
        "protocol": "HTTP",
        "paymentType": "PayAsYouGo",
        "dataNodeConfiguration": {"spec": "elasticsearch.sn2ne.large", "amount": 2, "disk": 20},
    }


def _discard(home: Path) -> None:
    """Stop and remove the remains of an earlier run."""
    if (home / "platform.json").is_file():
        context = make_context(home)
        context.supervisor.stop_all()
        context.store.close()
    if home.exists():
        shutil.rmtree(home)


def lend(home: Path, command: Sequence[str]) -> int:
    """Run a command with its own instance, and return its exit status.

    Args:
        home: A folder for the instance; its content is removed before and after.
        command: The command and its arguments.

    Raises:
        LocalCloudError: The instance did not start.
    """
    _discard(home)
    init_home(home)
    context = make_context(home)
    password = f"Aa1-{secrets.token_urlsafe(18)}"
    try:
        print("starting Elasticsearch", flush=True)
        outputs = Instance().create(_inputs(password), context).outputs
        environment = {
            **os.environ,
            "CUSTOMRAG_ELASTICSEARCH_URL": f"http://{outputs['domain']}:{outputs['port']}",
            "CUSTOMRAG_ELASTICSEARCH_ENGINE_URL": f"http://{outputs['domain']}:{ENGINE_PORT}",
            "CUSTOMRAG_ELASTICSEARCH_USERNAME": "elastic",
            "CUSTOMRAG_ELASTICSEARCH_PASSWORD": password,
        }
        return _run(command, environment)
    finally:
        context.supervisor.stop_all()
        context.store.close()
        shutil.rmtree(home, ignore_errors=True)


def _run(command: Sequence[str], environment: dict[str, str]) -> int:
    with subprocess.Popen(list(command), env=environment) as process:

        def forward(signum: int, _frame: FrameType | None) -> None:
            process.send_signal(signum)

        # The terminal sends Ctrl-C to the command as well, so only wait for it.
        signal.signal(signal.SIGINT, lambda _signum, _frame: None)
        signal.signal(signal.SIGTERM, forward)
        return process.wait()


def _interrupt(_signum: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def main(argv: Sequence[str] | None = None) -> int:
    """Lend an instance to the command that the arguments name."""
    parser = argparse.ArgumentParser(prog="python -m localcloud.elasticsearch.borrow")
    parser.add_argument(
        "--home", type=Path, required=True, help="folder of the instance; its content is deleted"
    )
    parser.add_argument("command", nargs=argparse.REMAINDER, help="the command to run")
    arguments = parser.parse_args(argv)
    if not arguments.command:
        parser.error("COMMAND is missing; give the command to run")
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        return lend(arguments.home.absolute(), arguments.command)
    except LocalCloudError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
