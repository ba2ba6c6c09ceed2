"""The one image of the local cloud: this machine's interpreter, for nodes and for the pods of jobs.

Owns the environment that a process has before anything is configured. Not the process itself.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

# What an image would have of this machine. HOME is the process' own: a profile of the machine's
# user must not come before the role's credentials in the SDK's chain.
_PASSED_ON: Final = ("LANG", "LC_ALL", "TZ", "TMPDIR", "SSL_CERT_FILE", "LD_LIBRARY_PATH")
_CACHES: Final = {"HF_HOME": "huggingface", "MODELSCOPE_CACHE": "modelscope"}


def image_environment(home: Path) -> dict[str, str]:
    """The environment of a process: the interpreter first on its PATH, the caches of models.

    Args:
        home: The process' home folder.
    """
    # Not resolved: in a virtual environment the link is what finds its packages.
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
        # Jobs, nodes and engines share these cores. OpenMP threads that spin while they wait take
        # them from each other: a training step of seconds took 50 at a load of 30 on 2 cores.
        "OMP_WAIT_POLICY": "PASSIVE",
    }
