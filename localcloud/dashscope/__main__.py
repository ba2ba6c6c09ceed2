"""Command line of the local DashScope: ``python -m localcloud.dashscope serve --home HOME``.

Environment (read here only): ``CUSTOMRAG_DASHSCOPE_THREADS``, how many threads compute (default:
half the processors, because the rest of the stack computes as well; at least 2 where the machine
has them, at most 8).
"""

from __future__ import annotations

import argparse
import functools
import logging
import os
from pathlib import Path
from urllib.parse import urlsplit

import uvicorn

from localcloud.core.home import load_platform
from localcloud.core.store import open_store
from localcloud.dashscope.generation import TextGenerator
from localcloud.dashscope.models import MODELS, ServedModel
from localcloud.dashscope.server import application
from localcloud.dashscope.weights import prepared
from localcloud.dashscope.worker import Worker
from localcloud.faults import Faults

_QUEUE_LENGTH = 8
_SHUTDOWN_SECONDS = 3


def main(arguments: list[str] | None = None) -> None:
    """Serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m localcloud.dashscope")
    commands = parser.add_subparsers(dest="command", required=True)
    serving = commands.add_parser("serve", help="serve in the foreground")
    serving.add_argument("--home", type=Path, required=True, help="home of the local stack")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    platform = load_platform(options.home)
    threads = _threads()
    workers = {
        name: Worker(functools.partial(_load, model, threads), _QUEUE_LENGTH)
        for name, model in MODELS.items()
    }
    faults = Faults(open_store(options.home))
    address = urlsplit(platform.endpoints["dashscope"])
    uvicorn.run(
        application(
            platform.dashscope_api_key,
            workers,
            lambda name: faults.hits("model-retired", model=name),
        ),
        host=str(address.hostname),
        port=int(address.port or 80),
        access_log=False,
        log_level="info",
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
    )


def _load(model: ServedModel, threads: int) -> TextGenerator:
    return TextGenerator(model, prepared(model), threads)


def _threads() -> int:
    given = os.environ.get("CUSTOMRAG_DASHSCOPE_THREADS")
    if given is None:
        processors = os.cpu_count() or 2
        return min(processors, max(2, min(8, processors // 2)))
    if not given.isdigit() or int(given) < 1:
        raise SystemExit(
            f"CUSTOMRAG_DASHSCOPE_THREADS is {given!r}; it must be an integer, 1 or more"
        )
    return int(given)


if __name__ == "__main__":
    main()
