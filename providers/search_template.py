"""A stored search: ``customrag:elasticsearch:SearchTemplate``."""

from __future__ import annotations

import pulumi

from .declaration import Resource, argument, arguments
from .search import ClusterArgs
from .wire import Out

__all__ = ["SEARCH_TEMPLATE_KINDS", "SearchTemplate", "SearchTemplateArgs"]

SEARCH_TEMPLATE_KINDS = ("search_application", "stored_script", "none")


@arguments
class SearchTemplateArgs(ClusterArgs):
    """Arguments of ``SearchTemplate``.

    Attributes:
        template_id: Its name in the cluster, lower case.
        source: The body of the search, in Elasticsearch's mustache.
        kind: ``stored_script``, which every licence allows; ``search_application``, which needs a
            licence, and searches `alias`; ``none`` for a cluster that accepts neither: the resource
            then stores nothing.
        alias: Index or alias that a search application searches.
        instance_id: See ``SearchIndexArgs``.
    """

    template_id: pulumi.Input[str] = argument("string", effect="replace")
    source: pulumi.Input[str] = argument("string")
    kind: pulumi.Input[str] = argument("string")
    alias: pulumi.Input[str] = argument("string")
    instance_id: pulumi.Input[str] | None = argument("string", effect="ignore", default=None)


class SearchTemplate(Resource[SearchTemplateArgs]):
    """A search that anyone with an HTTP client can run by its name and parameters.

    Why it exists: ``pulumi_alicloud`` has nothing inside a cluster. Delete it to delete the stored
    script or the search application; no index changes.
    """

    token = "customrag:elasticsearch:SearchTemplate"  # noqa: S105 - a type token
    template_id = Out[str]()
    kind = Out[str]()
