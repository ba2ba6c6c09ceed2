"""Reads files with markitdown or docling, in an environment of its own.

    PEER_PYTHON benchmarks/readers_peer.py markitdown FILE... > result.json

`benchmarks.readers` runs it. Imports nothing of the project, because the peers' packages and the
project's are not installed together. Prints the version, and for each file the Markdown, the
seconds, and the error if it failed. It reads the first file twice, so that loading does not
count.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from collections.abc import Callable
from importlib import metadata, util


def reader(name: str) -> Callable[[str], str]:
    """Return the function that reads a file into Markdown."""
    if name == "markitdown":
        from markitdown import MarkItDown  # type: ignore[import-not-found, unused-ignore]

        markitdown = MarkItDown(enable_plugins=False)
        return lambda path: str(markitdown.convert(path).text_content)
    from docling.document_converter import (  # type: ignore[import-not-found, unused-ignore]
        DocumentConverter,
    )

    docling = DocumentConverter()
    return lambda path: str(docling.convert(path).document.export_to_markdown())


def main() -> None:
    """Read the files of the command line."""
    warnings.simplefilter("ignore")
    name, *paths = sys.argv[1:]
    if util.find_spec(name) is None:
        sys.exit(f"{sys.executable} has no package {name}")
    read = reader(name)
    results = []
    for path in [*paths[:1], *paths]:
        start = time.perf_counter()
        text, error = "", ""
        try:
            text = read(path)
        except Exception as problem:  # noqa: BLE001 - a peer may raise anything
            error = " ".join(f"{type(problem).__name__}: {problem}".split())[:300]
        results.append(
            {"path": path, "text": text, "error": error, "seconds": time.perf_counter() - start}
        )
    print(json.dumps({"version": metadata.version(name), "files": results[1:]}))


if __name__ == "__main__":
    main()
