"""The page ``local-cloud-coverage.md`` of docs: what the local cloud answers and declares.

API operations come from each service's ``OPERATIONS``; resource types and their inputs from the
handlers and the plugin's facts. `tools.reference` writes the file.
"""

from __future__ import annotations

from localcloud import registry
from provider_facts import provenance, resource_type
from tools.markdown import item

_HEADER = """\
# What the local cloud covers

Written by `python -m tools.reference` from the code; a test fails when it is out of date.
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
