"""Export a saved embedding model by hand, and print the result as JSON.

    python -m training.torchscript --model-dir OUT/model --target OUT/model.zip

Exit status: 0 done; 2 the model cannot be exported, with the reason in one line on stderr.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from training.bounds import DEFAULT_LIBTORCH_VERSION, LIBTORCH_VERSIONS
from training.torchscript.errors import TorchScriptError
from training.torchscript.export import export_torchscript


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m training.torchscript")
    parser.add_argument("--model-dir", required=True, type=Path, help="folder of the saved model")
    parser.add_argument("--target", required=True, type=Path, help="zip to write")
    parser.add_argument(
        "--libtorch-version",
        choices=LIBTORCH_VERSIONS,
        default=DEFAULT_LIBTORCH_VERSION,
        help="libtorch of the OpenSearch cluster; default: %(default)s",
    )
    options = parser.parse_args(argv)
    try:
        written = export_torchscript(options.model_dir, options.target, options.libtorch_version)
    except TorchScriptError as error:
        print(f"torchscript: {error}", file=sys.stderr)
        return 2
    print(json.dumps({**asdict(written), "path": str(written.path)}, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
