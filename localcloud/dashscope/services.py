"""The process that the daemon keeps running for DashScope."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

from localcloud.core.code import CODE_VARIABLE, code_digest
from localcloud.core.home import log_dir
from localcloud.core.resources import Context
from localcloud.core.supervisor import ProcessSpec

__all__ = ["services"]

_REPOSITORY: Final = Path(__file__).resolve().parents[2]
# Read by the server and by the conversion of weights that it starts.
_PASSED_ON: Final = ("CUSTOMRAG_CACHE", "CUSTOMRAG_DASHSCOPE_THREADS", "HOME", "XDG_CACHE_HOME")


def services(context: Context) -> tuple[ProcessSpec, ...]:
    """Return one process, which loads its model in the background."""
    platform = context.platform
    return (
        ProcessSpec(
            name="dashscope",
            argv=(
                sys.executable,
                "-m",
                "localcloud.dashscope",
                "serve",
                "--home",
                str(platform.home),
            ),
            env={
                "PATH": "/usr/local/bin:/usr/bin:/bin",
                "LANG": "C.UTF-8",
                CODE_VARIABLE: code_digest(),
                # Threads that spin while they wait take the processor from the rest of the stack.
                "OMP_WAIT_POLICY": "PASSIVE",
                **{name: os.environ[name] for name in _PASSED_ON if name in os.environ},
            },
            cwd=_REPOSITORY,
            log=log_dir(platform.home) / "dashscope.log",
            health_url=f"{platform.endpoints['dashscope']}/health",
            stop_timeout_seconds=5,
        ),
    )
