"""List the operators of the torch that runs this file, for `training.torchscript.operators`.

Run it with a Python that has only that torch (torch 1.13.1 wants Python 3.11 or older):

    uv venv --python 3.11 /tmp/torch-1.13.1
    uv pip install --python /tmp/torch-1.13.1/bin/python torch==1.13.1 "numpy<2"
    /tmp/torch-1.13.1/bin/python training/torchscript/list_operators.py \\
        > training/torchscript/operators-1.13.1.txt

The first line is the highest version of the file format that this torch reads. The others are
schemas, as torch prints them. Operators that write into an argument `out`, and those of backward
passes, are left out: no trace of an inference has them.
"""

from __future__ import annotations

import sys

import torch

__all__ = ["lines"]


def lines() -> list[str]:
    """Return the lines of the file."""
    library: object = torch._C
    schemas = {str(schema) for schema in library._jit_get_all_schemas()}  # type: ignore[attr-defined]
    wanted = sorted(
        schema
        for schema in schemas
        if schema.startswith(("aten::", "prim::"))
        and "!) out" not in schema
        and "_backward" not in schema.partition("(")[0]
    )
    version = library._get_max_operator_version()  # type: ignore[attr-defined]
    return [f"file format version {version}", *wanted]


if __name__ == "__main__":
    sys.stdout.write("".join(f"{line}\n" for line in lines()))
