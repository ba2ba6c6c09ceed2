"""Declared resources as text: files in `expected/` beside the tests, to read and to compare.

    CUSTOMRAG_WRITE_EXPECTED=1 .venv/bin/pytest tests/components/test_declared.py \\
        tests/infra/test_environments.py

rewrites them; read the difference before you commit it. The text leaves out digests, which change
with every line of code, folders of this machine, and user data, which `tests/components/nodes`
reads.
"""

from __future__ import annotations

import difflib
import json
import os
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml

from guardrails.declare import Declared

__all__ = ["assert_expected", "names", "readable"]

_DIGEST = re.compile(r"(?<![0-9a-z])[0-9a-f]{12,64}(?![0-9a-z])")
_WRITE = "CUSTOMRAG_WRITE_EXPECTED"
_OPTIONS = ("protect", "retain", "existing")


def names(resources: Iterable[Declared]) -> str:
    """Return a line for each resource: component, type, name and options such as `protect`."""
    lines = []
    for item in sorted(resources, key=lambda item: (item.component, item.type, item.name)):
        options = [option for option in _OPTIONS if getattr(item, option)]
        lines.append(" ".join((item.component, item.type, item.name, *options)))
    return "\n".join(lines) + "\n"


def readable(resources: Iterable[Declared]) -> str:
    """Return types, names, options and inputs as YAML, with JSON documents expanded."""
    shown = {}
    for item in sorted(resources, key=lambda item: (item.type, item.name)):
        entry: dict[str, Any] = {name: getattr(item, name) for name in _OPTIONS}
        entry = {name: value for name, value in entry.items() if value}
        if item.secrets:
            entry["secrets"] = list(item.secrets)
        entry["inputs"] = {name: _shown(name, item.inputs[name]) for name in sorted(item.inputs)}
        shown[f"{item.type} {item.name}"] = entry
    return yaml.safe_dump(shown, sort_keys=False, width=100, allow_unicode=True)


def _shown(name: str, value: Any) -> Any:
    if name == "userData":
        return "<user data>"
    if name == "source":
        # A file of this machine.
        return _DIGEST.sub("<digest>", f"<folder>/{Path(value).name}")
    if isinstance(value, str):
        if value.startswith(("{", "[")):
            # Templates look like JSON, too.
            with suppress(ValueError):
                return _shown(name, json.loads(value))
        return _DIGEST.sub("<digest>", value)
    if isinstance(value, list):
        return [_shown("", item) for item in value]
    if isinstance(value, Mapping):
        return {key: _shown(key, value[key]) for key in sorted(value)}
    return value


def assert_expected(file: Path, text: str) -> None:
    """Compare a text with a file, or first write the file if the environment says so.

    Raises:
        AssertionError: The file differs, or does not exist.
    """
    if os.environ.get(_WRITE):
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    expected = file.read_text(encoding="utf-8") if file.exists() else ""
    difference = "\n".join(
        difflib.unified_diff(
            expected.splitlines(), text.splitlines(), "expected", "declared", lineterm=""
        )
    )
    assert not difference, (
        f"{file.name} differs; if the change is intended, set {_WRITE}=1 and run the test again:\n"
        f"{difference}"
    )
