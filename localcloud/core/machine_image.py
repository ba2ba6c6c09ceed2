"""The only image of the local cloud: this machine's Python, for nodes and the pods of jobs.

Owns the environment variables that the image gives to a process. It does not own the process.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

# Variables of this machine that the image passes on. HOME is not one of them: the SDKs would find
# the credentials of the machine's user there before those of the role.
_PASSED_ON: Final = (
    "LANG",
    "LC_ALL",
    "TZ",
    "TMPDIR",
    "SSL_CERT_FILE",
    "LD_LIBRARY_PATH",
    "JAVA_HOME",
)
_CACHES: Final = {"HF_HOME": "huggingface", "MODELSCOPE_CACHE": "modelscope"}


def image_environment(home: Path) -> dict[str, str]:
    """Return the environment of a process, with this interpreter first on its PATH.

    Args:
        home: The home folder of the process.
    """
    # Do not resolve the link: a virtual environment finds its packages by it.
    binaries = Path(sys.executable).parent
    environment = {key: os.environ[key] for key in _PASSED_ON if key in os.environ}
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    for variable, folder in _CACHES.items():
        environment[variable] = os.environ.get(variable) or str(Path(cache, folder))
    return {
        **environment,
        "HOME": str(home),
        "PATH": f"{binaries}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "ALIBABA_CLOUD_ECS_METADATA_DISABLED": "true",
        # Jobs, nodes and engines share the cores. OpenMP threads that spin while they wait slow
        # each other down: a training step of seconds took 50 s at a load of 30 on 2 cores.
        "OMP_WAIT_POLICY": "PASSIVE",
    }
