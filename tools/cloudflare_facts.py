"""Write ``localcloud/cloudflare/facts.json``: what the local ``cloudflare`` plugin knows of types.

Usage: python -m tools.cloudflare_facts

Shapes come from the typed ``Args`` of the installed ``pulumi_cloudflare``. The SDK says nothing of
what replaces a resource: those few facts stand here.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import json
from pathlib import Path
from typing import Any

from tools.alicloud_facts import output_names, shapes

FACTS_FILE = Path("localcloud/cloudflare/facts.json")
TYPES = {
    "cloudflare:index/workersCustomDomain:WorkersCustomDomain": (
        "workers_custom_domain.WorkersCustomDomain"
    ),
    "cloudflare:index/workersScript:WorkersScript": "workers_script.WorkersScript",
    "cloudflare:index/workersScriptSubdomain:WorkersScriptSubdomain": (
        "workers_script_subdomain.WorkersScriptSubdomain"
    ),
}
# https://developers.cloudflare.com/api/resources/workers/, read 2026-11-21: these are part of the
# path that names the object, so another value is another object. (Assumed of the provider.)
_REPLACES = frozenset({"accountId", "scriptName", "hostname"})
# Marked so in the SDK's own text.
_DEPRECATED = frozenset({"environment"})


def sdk_classes(token: str) -> tuple[Any, Any]:
    """The resource class of a type, and its args class."""
    path, _, name = TYPES[token].rpartition(".")
    module = importlib.import_module(f"pulumi_cloudflare.{path}")
    return getattr(module, name), getattr(module, f"{name}Args")


def facts_of(token: str) -> dict[str, Any]:
    """The entry of one type."""
    resource_class, args_class = sdk_classes(token)
    inputs = shapes(args_class)
    for name in inputs.keys() & _REPLACES:
        inputs[name]["replaces"] = True
    for name in inputs.keys() & _DEPRECATED:
        inputs[name]["deprecated"] = True
    return {
        "computed": [name for name in output_names(resource_class) if name not in inputs],
        "inputs": dict(sorted(inputs.items())),
        "secret_outputs": [],
    }


def main() -> None:
    """Write the file."""
    document = {
        "provenance": {
            "facts": "tools/cloudflare_facts.py",
            "shapes": "the typed Args of pulumi_cloudflare "
            + importlib.metadata.version("pulumi-cloudflare"),
            "written_by": "python -m tools.cloudflare_facts",
        },
        "types": {token: facts_of(token) for token in TYPES},
    }
    FACTS_FILE.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
