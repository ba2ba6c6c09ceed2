"""Paths of a node or a container, made those of the folders that stand for them here.

Owns substitution in text: there is no container and no root file system of a node's own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path


def substitute_paths(text: str, real: Mapping[str, Path]) -> str:
    """``text`` with each path, as a whole or as the start of a longer one, made real.

    ``/mnt/data`` is replaced in ``--dir=/mnt/data/x``, not in ``/mnt/data2``, ``/srv/mnt/data`` or
    ``oss://bucket/mnt/data``.

    Args:
        text: A command, a setting or a file.
        real: The folder or file that stands for each path; the longest path counts.
    """
    if not real:
        return text
    paths = "|".join(re.escape(path) for path in sorted(real, key=len, reverse=True))
    return re.sub(
        rf"(?<![\w./-])({paths})(?![\w.-])", lambda found: str(real[found.group(1)]), text
    )
