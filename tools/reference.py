"""Writes docs/reference: config keys, outputs, policy rules, permissions, the local cloud.

    python -m tools.reference            writes them all
    python -m tools.reference --check    exits 1 and names pages that differ (the tests do this)

Owns: the tables between the markers. Does not own: the prose around them, nor the page about the
local cloud (`tools.coverage`), which is generated as a whole.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from tools.markdown import item, paragraph

ROOT = Path(__file__).resolve().parent.parent
COVERAGE_FILE = ROOT / "docs" / "reference" / "local-cloud-coverage.md"
BEGIN, END = "<!-- generated: begin -->", "<!-- generated: end -->"


def configuration_table(schema: dict[str, dict[str, Any]]) -> str:
    """Return a list of the config keys in `Pulumi.yaml`."""
    rows = []
    for key, entry in schema.items():
        default = f"default `{json.dumps(entry['default'])}`" if "default" in entry else "required"
        meaning = " ".join(entry["description"].split())
        rows.append(item(f"`{key}` ({entry['type']}, {default}). {meaning}"))
    return "\n".join(rows)


def outputs_table(outputs: dict[str, str]) -> str:
    """Return a list of the stack's outputs."""
    return "\n".join(item(f"`{name}`. {meaning}") for name, meaning in outputs.items())


def rules_table(rules: Iterable[tuple[str, str]]) -> str:
    """Return a list of the policy pack's rules."""
    return "\n".join(item(f"`{name}`. {description}") for name, description in rules)


def permissions_tables() -> str:
    """Return a section for each role, with the reason and documents of every permission."""
    from bootstrap.permissions_page import documents, holders

    lines: list[str] = []
    for holder in holders():
        lines += [
            f"### `{holder.name}`",
            "",
            paragraph(f"{holder.description}. {holder.assumed_by}"),
            "",
        ]
        for grant in holder.grants:
            actions = ", ".join(f"`{action}`" for action in grant.actions)
            lines.append(item(f"{grant.reason[0].upper()}{grant.reason[1:]}: {actions}"))
            lines += [item(f"`{resource}`", indent=2) for resource in grant.resources]
            lines += [item(f"<{url}>", indent=2) for url in documents(grant)]
        lines.append("")
    return "\n".join(lines).rstrip()


def with_table(page: str, table: str) -> str:
    """Return `page` with `table` between the markers.

    Raises:
        ValueError: The page has no markers.
    """
    if BEGIN not in page or END not in page:
        raise ValueError(f"the page lacks the lines {BEGIN} and {END}")
    head, _, rest = page.partition(BEGIN)
    return f"{head}{BEGIN}\n{table}\n{END}{rest.partition(END)[2]}"


def pages() -> dict[Path, str]:
    """Return the current text of each page."""
    sys.path.insert(0, str(ROOT))
    from guardrails.policy.rules import RULES
    from infra.outputs import OUTPUTS
    from tests.e2e import outcomes
    from tools import coverage

    schema = yaml.safe_load((ROOT / "Pulumi.yaml").read_text(encoding="utf-8"))["config"]
    tables = {
        ROOT / "docs" / "reference" / "configuration.md": configuration_table(schema),
        ROOT / "docs" / "reference" / "healing.md": outcomes.tables(),
        ROOT / "docs" / "reference" / "outputs.md": outputs_table(OUTPUTS),
        ROOT / "docs" / "reference" / "permissions.md": permissions_tables(),
        ROOT / "docs" / "reference" / "policy.md": rules_table(
            (rule.name, rule.description) for rule in RULES
        ),
    }
    return {
        COVERAGE_FILE: coverage.render(),
        **{path: with_table(path.read_text("utf-8"), table) for path, table in tables.items()},
    }


def main(arguments: list[str] | None = None) -> int:
    """Write or check the pages and return the exit status."""
    parser = argparse.ArgumentParser(description="Write the reference tables of docs/.")
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit 1 on a difference"
    )
    check = parser.parse_args(arguments).check
    stale = {path: text for path, text in pages().items() if path.read_text("utf-8") != text}
    if check:
        for path in stale:
            sys.stderr.write(
                f"{path.relative_to(ROOT)} is out of date; run python -m tools.reference\n"
            )
        return 1 if stale else 0
    for path, text in stale.items():
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
