"""Maps the paths of a node or container to folders on this machine.

Owns the substitution in text. A local node has no container and no root file system.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path


def substitute_paths(text: str, real: Mapping[str, Path]) -> str:
    """Replace each mapped path in ``text``, whole or as the start of a longer path.

    ``/mnt/data`` is replaced in ``--dir=/mnt/data/x``, not in ``/mnt/data2``, ``/srv/mnt/data`` or
    ``oss://bucket/mnt/data``.

    Args:
        text: A command, a setting or the contents of a file.
        real: The real folder or file for each path; the longest matching path counts.
    """
    if not real:
        return text
    paths = "|".join(re.escape(path) for path in sorted(real, key=len, reverse=True))
    return re.sub(
        rf"(?<![\w./-])({paths})(?![\w.-])", lambda found: str(real[found.group(1)]), text
    )
