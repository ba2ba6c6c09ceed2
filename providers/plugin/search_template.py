"""Life cycle of ``customrag:elasticsearch:SearchTemplate``.

Sources: elastic.co/guide 8.19, "Create or update stored script API" and "Put Search Application"
(read 2026-11).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from providers.clients.errors import NotFoundError
from providers.declaration import inputs_of
from providers.plugin.framework import Call, Failure, Handler, Values
from providers.plugin.search import SearchCluster, cluster, instance_is_gone
from providers.search_template import (
    SEARCH_TEMPLATE_KINDS,
    SearchTemplate,
    SearchTemplateArgs,
)

__all__ = ["SearchTemplateHandler"]

# Of the Python client's own methods a warning says that the API is in beta.
_APPLICATIONS: Final = "/_application/search_application/"
_JSON: Final = {"accept": "application/json", "content-type": "application/json"}
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]*")


class SearchTemplateHandler(Handler):
    """A stored script, a search application, or nothing."""

    token = SearchTemplate.token
    inputs = inputs_of(SearchTemplateArgs)
    needed = ("endpoint", "username", "templateId", "kind")

    def check(self, inputs: Values) -> Iterator[Failure]:
        kind, name = inputs.get("kind"), inputs.get("templateId")
        if isinstance(kind, str) and kind not in SEARCH_TEMPLATE_KINDS:
            yield Failure("kind", f"is {kind!r}; allowed are {', '.join(SEARCH_TEMPLATE_KINDS)}")
        if isinstance(name, str) and not _NAME.fullmatch(name):
            yield Failure(
                "templateId",
                f"is {name!r}; allowed are lower-case letters, digits, - and _, a letter or digit "
                "first",
            )

    def preview_update(self, olds: Values, inputs: Values) -> dict[str, Any]:
        return {}

    def create(self, inputs: Values, call: Call) -> tuple[str, dict[str, Any]]:
        _store(cluster(inputs, call), inputs)
        return str(inputs["templateId"]), {}

    def read(self, inputs: Values, olds: Values, call: Call) -> tuple[Values, Values] | None:
        if instance_is_gone(inputs, call):
            return None
        if inputs["kind"] == "none":
            return inputs, {}
        stored = _stored_source(cluster(inputs, call), inputs)
        return None if stored is None else ({**inputs, "source": stored}, {})

    def update(self, olds: Values, inputs: Values, call: Call) -> dict[str, Any]:
        search = cluster(inputs, call)
        _store(search, inputs)
        if olds.get("kind") != inputs["kind"]:
            _remove(search, {**inputs, "kind": olds.get("kind")})
        return {}

    def delete(self, inputs: Values, olds: Values, call: Call) -> None:
        if inputs["kind"] != "none" and not instance_is_gone(inputs, call):
            _remove(cluster(inputs, call), inputs)


def _store(search: SearchCluster, inputs: Values) -> None:
    name = str(inputs["templateId"])
    script = {"lang": "mustache", "source": str(inputs["source"])}
    if inputs["kind"] == "stored_script":
        search.ask(
            f"PutScript {name}", lambda: search.client.put_script(id=name, script=dict(script))
        )
    elif inputs["kind"] == "search_application":
        body = {"indices": [str(inputs["alias"])], "template": {"script": script}}
        search.ask(
            f"PutSearchApplication {name}",
            lambda: search.client.perform_request(
                "PUT", f"{_APPLICATIONS}{name}", headers=_JSON, body=body
            ),
        )


def _stored_source(search: SearchCluster, inputs: Values) -> str | None:
    """Return the source that the cluster has; ``None`` if that name is free."""
    name = str(inputs["templateId"])
    try:
        if inputs["kind"] == "stored_script":
            found = search.ask(f"GetScript {name}", lambda: search.client.get_script(id=name))
            return _text(found["script"])
        answer = search.ask(
            f"GetSearchApplication {name}",
            lambda: search.client.perform_request("GET", f"{_APPLICATIONS}{name}", headers=_JSON),
        )
        return _text(answer.body["template"]["script"])
    except NotFoundError:
        return None


def _text(script: Mapping[str, Any]) -> str:
    return str(script["source"])


def _remove(search: SearchCluster, inputs: Values) -> None:
    name = str(inputs["templateId"])
    try:
        if inputs["kind"] == "stored_script":
            search.ask(f"DeleteScript {name}", lambda: search.client.delete_script(id=name))
        elif inputs["kind"] == "search_application":
            search.ask(
                f"DeleteSearchApplication {name}",
                lambda: search.client.perform_request(
                    "DELETE", f"{_APPLICATIONS}{name}", headers=_JSON
                ),
            )
    except NotFoundError:
        return
