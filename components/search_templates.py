"""The application's own searches, stored in the cluster, so that anyone can run them by HTTP.

Owns: one stored search for each template, as a search application where the cluster accepts these,
else as a stored script, else not at all. Does not own: the templates (`rag.query`), the index.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi

import providers
from components.search_endpoint import SearchEndpoint

__all__ = ["SearchTemplates", "SearchTemplatesArgs", "template_kind"]


@dataclass(frozen=True, kw_only=True)
class SearchTemplatesArgs:
    """Arguments of `SearchTemplates`.

    Attributes:
        search: The search cluster.
        alias: Alias that the searches are for; their names begin with it.
        sources: The source of each template by its role, e.g. `words`.
        features: What the cluster accepts (`providers.SearchCapabilities.features`).
    """

    search: SearchEndpoint
    alias: str
    sources: Mapping[str, str]
    features: pulumi.Input[Mapping[str, Mapping[str, Any]]]


class SearchTemplates(pulumi.ComponentResource):
    """A stored search for each template.

    Attributes:
        stored: By role, `id` in the cluster and `kind`: `search_application`, `stored_script`, or
            `none` where the cluster accepts neither.
    """

    stored: pulumi.Output[Mapping[str, Mapping[str, str]]]

    def __init__(
        self, name: str, args: SearchTemplatesArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("customrag:search:SearchTemplates", name, None, opts)
        kind = pulumi.Output.from_input(args.features).apply(template_kind)
        made = {
            role: providers.SearchTemplate(
                f"{name}-{role}",
                providers.SearchTemplateArgs(
                    **args.search.arguments,
                    template_id=f"{args.alias}-{role}",
                    source=source,
                    kind=kind,
                    alias=args.alias,
                ),
                opts=pulumi.ResourceOptions(parent=self),
            )
            for role, source in args.sources.items()
        }
        self.stored = pulumi.Output.all(
            **{
                role: pulumi.Output.all(id=template.template_id, kind=template.kind)
                for role, template in made.items()
            }
        )
        self.register_outputs({"stored": self.stored})


def template_kind(features: Mapping[str, Mapping[str, Any]] | None) -> str:
    """Return the kind of stored search that a cluster accepts."""
    accepted = {name for name, found in (features or {}).items() if found["available"]}
    if "search_application" in accepted:
        return "search_application"
    return "stored_script" if "search_template" in accepted else "none"
