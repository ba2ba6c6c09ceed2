"""Write ``docs/reference/local-cloud-coverage.md``: what the local cloud answers and declares.

Usage: python -m tools.coverage [--check]

1. API operations come from each service's ``OPERATIONS``.
2. Resource types and their inputs come from the handlers and the plugin's facts.
3. With ``--check`` nothing is written; the exit code says whether the file is up to date.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from localcloud import registry
from provider_facts import provenance, resource_type
from tools.markdown import item

COVERAGE_FILE = Path("docs/reference/local-cloud-coverage.md")
_HEADER = """\
# What the local cloud covers

Written by `python -m tools.coverage` from the code; a test fails when it is out of date.
Anything that is not listed here fails loudly, with the code `LocalCloud.NotSupported` or as a
check failure that names the property.
"""


def render() -> str:
    """Return the whole document."""
    return "\n".join((_HEADER, _operations(), _resource_types()))


def _operations() -> str:
    lines = ["## API operations", ""]
    operations = registry.operations()
    for service in registry.SERVICES:
        rows = [operation for operation in operations if operation.service == service]
        if not rows:
            continue
        lines += [f"### {service}", ""]
        for row in rows:
            limits = f". Limits: {row.notes}" if row.notes else ""
            lines.append(item(f"**{row.name}** ({row.api}){limits}"))
        lines.append("")
    return "\n".join(lines)


def _resource_types() -> str:
    sources, cloudflare = provenance(), provenance("cloudflare")
    lines = [
        "## Resource types",
        "",
        f"Shapes: {sources['shapes']} and {cloudflare['shapes']}.",
        f"Facts: {sources['facts']}, `{cloudflare['facts']}`. *Effective* inputs do something",
        "here; *recorded* ones are kept and returned without effect; *refused* ones are a check",
        "failure.",
        "",
    ]
    for token, handler in sorted(registry.handlers().items()):
        kind = resource_type(token)
        if kind is None:
            raise ValueError(f"{token} has a handler but no facts; run tools.alicloud_facts")
        refused = kind.inputs.keys() - handler.effective - handler.recorded
        lines.append(item(f"`{token}`"))
        for kind_of_input, names in (
            ("effective", handler.effective),
            ("recorded", handler.recorded),
            ("refused", refused),
        ):
            if names:
                lines.append(item(f"{kind_of_input}: {', '.join(sorted(names))}", indent=2))
    return "\n".join([*lines, ""])


def main() -> int:
    """Write or check the file; the exit code."""
    parser = argparse.ArgumentParser(description="Write docs/reference/local-cloud-coverage.md.")
    parser.add_argument("--check", action="store_true", help="only say whether it is up to date")
    check = parser.parse_args().check
    text = render()
    if check:
        current = COVERAGE_FILE.read_text("utf-8") if COVERAGE_FILE.exists() else ""
        if current != text:
            print(f"{COVERAGE_FILE} is out of date; run: python -m tools.coverage", file=sys.stderr)
            return 1
        return 0
    COVERAGE_FILE.parent.mkdir(exist_ok=True)
    COVERAGE_FILE.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
