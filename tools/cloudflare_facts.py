"""Write `provider_facts/cloudflare.json`: the facts about each cloudflare resource type in use.

Usage: python -m tools.cloudflare_facts

Shapes come from the typed `Args` of the installed `pulumi_cloudflare`. The SDK does not say what
replaces a resource, and no value checks of the provider are known: those few facts stand here.
"""

from __future__ import annotations

import importlib.metadata
import json
from pathlib import Path
from typing import Any

from tools.alicloud_facts import output_names, sdk_classes, shapes

FACTS_FILE = Path("provider_facts/cloudflare.json")
TYPES = (
    "cloudflare:index/workersCustomDomain:WorkersCustomDomain",
    "cloudflare:index/workersScript:WorkersScript",
    "cloudflare:index/workersScriptSubdomain:WorkersScriptSubdomain",
)
# https://developers.cloudflare.com/api/resources/workers/, read 2026-11-21: these are part of the
# path that names the object, so another value is another object. (Assumed for the provider.)
_REPLACES = frozenset({"accountId", "scriptName", "hostname"})
# The SDK's own text marks it as deprecated.
_DEPRECATED = frozenset({"environment"})


def facts_of(token: str) -> dict[str, Any]:
    """Return the entry of one type."""
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
