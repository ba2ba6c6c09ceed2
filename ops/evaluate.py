"""`python -m ops.evaluate …`: `training.evaluate`, reading documents as the local stack does.

Owns which options of reading `make eval` measures with. All arguments go to `training.evaluate`,
which takes the place of this process. Needs no stack: without the local stack's file, the options
have their defaults.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from guardrails.declare import stack_config
from ops.declared import ROOT, stacks_with_files
from stack_config.config import ConfigError, StackConfig

__all__ = ["main", "reading_arguments"]

_STACK = "local"


def reading_arguments(root: Path = ROOT) -> list[str]:
    """Return the options of `training.evaluate` for the local stack's `customrag:document…` keys.

    Raises:
        ConfigError: The configuration of the local stack is not valid.
    """
    if _STACK not in stacks_with_files(root):
        return []
    config = StackConfig.parse(stack_config(_STACK, root), stack=_STACK)
    given = config.documents.read_options.arguments()
    return [word for option, value in given for word in (option, value) if word]


def main(arguments: Sequence[str] | None = None) -> None:
    """Become `training.evaluate`; exit with 2 if the configuration is not valid."""
    try:
        reading = reading_arguments()
    except ConfigError as error:
        print(f"evaluate: {error}", file=sys.stderr)
        raise SystemExit(2) from error
    if reading:
        print(f"reading the documents as stack {_STACK} does: {' '.join(reading)}", flush=True)
    given = sys.argv[1:] if arguments is None else arguments
    words = [sys.executable, "-m", "training.evaluate", *reading, *given]
    os.execv(sys.executable, words)  # noqa: S606 - this Python, and no shell


if __name__ == "__main__":
    main()
