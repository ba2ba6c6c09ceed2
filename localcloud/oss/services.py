"""The OSS server as a supervised process."""

from __future__ import annotations

import os
import sys

from localcloud.home import log_dir
from localcloud.oss.server import HEALTH_PATH
from localcloud.resources import Context
from localcloud.supervisor import ProcessSpec

PROCESS_NAME = "oss"
_ENVIRONMENT = ("HOME", "LANG", "PATH", "PYTHONPATH", "TZ", "VIRTUAL_ENV")


def services(context: Context) -> tuple[ProcessSpec, ...]:
    """The processes that make up the local OSS: one."""
    platform = context.platform
    return (
        ProcessSpec(
            name=PROCESS_NAME,
            argv=(
                sys.executable,
                "-m",
                "localcloud.oss",
                "serve",
                "--home",
                str(platform.home.absolute()),
            ),
            env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
            cwd=platform.home.absolute(),
            log=log_dir(platform.home) / "oss.log",
            health_url=platform.endpoints["oss"] + HEALTH_PATH,
        ),
    )
