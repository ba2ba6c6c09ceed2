"""The processes that the daemon keeps running for ALB: one proxy per load balancer."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

from localcloud.alb.state import LOAD_BALANCERS
from localcloud.core.code import CODE_VARIABLE, code_digest
from localcloud.core.home import log_dir
from localcloud.core.resources import Context
from localcloud.core.supervisor import ProcessSpec

_REPOSITORY: Final = Path(__file__).resolve().parents[2]
_PASSED_ON: Final = ("HOME", "TMPDIR")


def process_name(load_balancer_id: str) -> str:
    """Return the name of a load balancer's process in the supervisor."""
    return f"alb/{load_balancer_id}"


def spec(load_balancer_id: str, context: Context) -> ProcessSpec:
    """Return the spec of a load balancer's process."""
    home = context.platform.home
    return ProcessSpec(
        name=process_name(load_balancer_id),
        argv=(
            sys.executable,
            *("-m", "localcloud.alb", "serve", "--home", str(home)),
            *("--load-balancer", load_balancer_id),
        ),
        env={
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "LANG": "C.UTF-8",
            CODE_VARIABLE: code_digest(),
            **{name: os.environ[name] for name in _PASSED_ON if name in os.environ},
        },
        cwd=_REPOSITORY,
        log=log_dir(home) / "alb" / f"{load_balancer_id}.log",
        # A proxy ends by itself only when its load balancer is deleted.
        restart="on-failure",
        stop_timeout_seconds=5,
    )


def services(context: Context) -> tuple[ProcessSpec, ...]:
    """Return the spec of every load balancer's process."""
    return tuple(
        spec(load_balancer_id, context)
        for load_balancer_id, _ in context.store.table(LOAD_BALANCERS).items()
    )
