"""Command line of a load balancer's process: ``python -m localcloud.alb serve``."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
from pathlib import Path

from localcloud.alb.proxy import Proxy
from localcloud.core.store import open_store


def main(arguments: list[str] | None = None) -> None:
    """Serve until SIGTERM or SIGINT, or until the load balancer is deleted."""
    parser = argparse.ArgumentParser(prog="python -m localcloud.alb")
    commands = parser.add_subparsers(dest="command", required=True)
    serving = commands.add_parser("serve", help="serve one load balancer in the foreground")
    serving.add_argument("--home", type=Path, required=True, help="home of the local stack")
    serving.add_argument("--load-balancer", required=True, help="id of the load balancer")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    asyncio.run(_serve(options.home, options.load_balancer))


async def _serve(home: Path, load_balancer_id: str) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    store = open_store(home)
    try:
        await Proxy(store, home, load_balancer_id).run(stop)
    finally:
        store.close()


if __name__ == "__main__":
    main()
