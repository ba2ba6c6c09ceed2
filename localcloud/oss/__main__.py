"""``python -m localcloud.oss serve --home HOME``: the OSS server of one stack, in the foreground.

Owns the process: its address, its log, and the lifecycle and replication loops. The process ends on
SIGTERM or SIGINT. A kill loses no object whose write the server has acknowledged.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
from pathlib import Path
from urllib.parse import urlsplit

import uvicorn

from localcloud.core.access import AccessControl
from localcloud.core.home import data_dir, load_platform
from localcloud.oss import lifecycle, replication
from localcloud.oss.application import Application
from localcloud.oss.server import Server
from localcloud.oss.storage import Storage

SWEEP_SECONDS = 60.0
REPLICATION_SECONDS = 1.0
# At shutdown, connections that are still open are closed after this time.
_SHUTDOWN_SECONDS = 5

_log = logging.getLogger("localcloud.oss")


def uvicorn_config(application: Application, host: str, port: int) -> uvicorn.Config:
    """Return the server settings: one address, HTTP/1.1 only, no access log."""
    return uvicorn.Config(
        application,
        host=host,
        port=port,
        http="h11",
        ws="none",
        loop="asyncio",
        lifespan="off",
        access_log=False,
        log_level="warning",
        server_header=False,
        date_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
    )


async def _sweep_forever(storage: Storage) -> None:
    while True:
        try:
            swept = await asyncio.to_thread(lifecycle.sweep, storage)
        except Exception:  # noqa: BLE001 - one failed sweep must not end the loop
            _log.exception("lifecycle: the sweep failed")
        else:
            if swept != lifecycle.Swept():
                _log.info("lifecycle: %s", swept)
        await asyncio.sleep(SWEEP_SECONDS)


async def _replicate_forever(storage: Storage, access: AccessControl) -> None:
    while True:
        try:
            done = await asyncio.to_thread(replication.replicate, storage, access)
        except Exception:  # noqa: BLE001 - one failed round must not end the loop
            _log.exception("replication: the round failed")
        else:
            if done.copied:
                _log.info("replication: %s", done)
        await asyncio.sleep(REPLICATION_SECONDS)


async def _serve(home: Path) -> None:
    platform = load_platform(home)
    storage = Storage(data_dir(home, "oss"))
    address = urlsplit(platform.endpoints["oss"])
    access = AccessControl(home)
    application = Application(Server(platform, access, storage))
    config = uvicorn_config(application, address.hostname or "127.0.0.1", address.port or 80)
    _log.info("listening on %s, %d orphaned blobs removed", address.netloc, storage.swept_blobs)
    tasks = (
        asyncio.create_task(_sweep_forever(storage)),
        asyncio.create_task(_replicate_forever(storage, access)),
    )
    try:
        await uvicorn.Server(config).serve()
    finally:
        for task in tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        storage.close()


def main() -> None:
    """Parse the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m localcloud.oss", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", help="serve in the foreground")
    serve.add_argument("--home", type=Path, required=True, help="the stack's home")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    asyncio.run(_serve(arguments.home))


if __name__ == "__main__":
    main()
