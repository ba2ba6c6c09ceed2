"""Which search engines this machine can run for a stack on it.

Owns what becomes of OpenSearch for root on a machine without user namespaces, where the engine
refuses to start: a new local stack is made without it, a configuration that asks for it is refused.
"""

from __future__ import annotations

import os
import re
import subprocess
import textwrap

from tools.errors import StackError
from tools.paths import Paths
from tools.progress import WIDTH

__all__ = ["left_out", "refuse"]

_ENGINES = re.compile(
    r"^(?P<key>\s*[\"']?customrag:searchEngines[\"']?:)(?P<names>[^#\n]*)", re.MULTILINE
)
_OPENSEARCH, _ELASTICSEARCH = "opensearch", "elasticsearch"
_WHY = "OpenSearch refuses to run as root, and this machine forbids user namespaces"
_PROBE_SECONDS = 120


def left_out(paths: Paths, text: str) -> tuple[str, str]:
    """Return the text of a new stack's file without OpenSearch, and what to tell the user.

    Nothing is left out, and there is nothing to tell, if this machine can run it, or if it is the
    only engine.
    """
    found = _ENGINES.search(text)
    names = _names(text)
    if not found or _ELASTICSEARCH not in names or not _cannot_run(paths, names):
        return text, ""
    made = f"{text[: found.start()]}{found['key']} {_ELASTICSEARCH}{text[found.end() :]}"
    told = (
        f"The stack has Elasticsearch alone: {_WHY}. Run make as an ordinary user, in a "
        "fresh clone, to have both engines."
    )
    return made, textwrap.fill(told, WIDTH, initial_indent="  ", subsequent_indent="  ")


def refuse(paths: Paths) -> None:
    """Refuse a stack's file that asks for OpenSearch where it cannot run.

    Raises:
        StackError: It does.
    """
    if not paths.stack_file.is_file():
        return
    if _cannot_run(paths, _names(paths.stack_file.read_text(encoding="utf-8"))):
        told = (
            f"customrag:searchEngines in {paths.stack_file.relative_to(paths.checkout)} has "
            f"opensearch, but {_WHY}. Nothing was created or changed. Run make as an ordinary "
            f"user, or set it to {_ELASTICSEARCH}."
        )
        raise StackError(textwrap.fill(told, WIDTH))


def _names(text: str) -> list[str]:
    found = _ENGINES.search(text)
    return re.findall(r"[a-z]+", found["names"]) if found else []


def _cannot_run(paths: Paths, names: list[str]) -> bool:
    """Return whether these engines have one that the local cloud cannot start on this machine."""
    if _OPENSEARCH not in names or os.geteuid() != 0:
        return False
    # The local cloud decides, because it starts the engine.
    command = [str(paths.python), "-m", "localcloud.core.accounts", str(paths.home)]
    done = subprocess.run(command, cwd=paths.checkout, timeout=_PROBE_SECONDS, check=False)
    return done.returncode != 0
