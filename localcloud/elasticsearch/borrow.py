"""Lends an Elasticsearch instance to one command: `python -m localcloud.elasticsearch.borrow`.

Owns the instance's life: it is created in its own home, and removed with its data when the command
ends. The command reads its address from CUSTOMRAG_ELASTICSEARCH_URL, _USERNAME and _PASSWORD, and
the engine's address behind the local gateway, for a benchmark, from _ENGINE_URL. The next run
removes what a killed run has left in the home. The instance does not belong to a stack.

Usage: ``python -m localcloud.elasticsearch.borrow --home DIR COMMAND...``; returns the exit status
of the command.
"""

from __future__ import annotations

import secrets
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from localcloud.core.home import init_home
from localcloud.core.lending import lend_to_command
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


@contextmanager
def lend(home: Path) -> Iterator[dict[str, str]]:
    """Start an instance, and remove it afterwards.

    Args:
        home: A folder for the instance; its content is removed before and after.

    Yields:
        Variables with its addresses and its superuser.

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
        yield {
            "CUSTOMRAG_ELASTICSEARCH_URL": f"http://{outputs['domain']}:{outputs['port']}",
            "CUSTOMRAG_ELASTICSEARCH_ENGINE_URL": f"http://{outputs['domain']}:{ENGINE_PORT}",
            "CUSTOMRAG_ELASTICSEARCH_USERNAME": "elastic",
            "CUSTOMRAG_ELASTICSEARCH_PASSWORD": password,
        }
    finally:
        context.supervisor.stop_all()
        context.store.close()
        shutil.rmtree(home, ignore_errors=True)


def main(argv: Sequence[str] | None = None) -> int:
    """Lend an instance to the command that the arguments name."""
    return lend_to_command("localcloud.elasticsearch.borrow", lend, argv)


if __name__ == "__main__":
    sys.exit(main())
