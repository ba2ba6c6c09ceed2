"""The OSS server as a supervised process."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from localcloud.core.code import CODE_VARIABLE, code_digest
from localcloud.core.home import log_dir
from localcloud.core.resources import Context
from localcloud.core.supervisor import ProcessSpec
from localcloud.oss.application import HEALTH_PATH

PROCESS_NAME = "oss"
_REPOSITORY: Final = Path(__file__).resolve().parents[2]


def services(context: Context) -> tuple[ProcessSpec, ...]:
    """Return the local OSS's only process."""
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
            # Not the daemon's environment: a later daemon from another shell adopts this process.
            env={
                "PATH": "/usr/local/bin:/usr/bin:/bin",
                "LANG": "C.UTF-8",
                CODE_VARIABLE: code_digest(),
            },
            cwd=_REPOSITORY,
            log=log_dir(platform.home) / "oss.log",
            health_url=platform.endpoints["oss"] + HEALTH_PATH,
        ),
    )
