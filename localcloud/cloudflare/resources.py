"""Declared workers, their domain and their name on workers.dev.

API, with the error codes 10007 and 10021: https://developers.cloudflare.com/api/resources/workers/,
read 2026-11-21.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import ClassVar, Final
from urllib.parse import urlsplit

from localcloud.cloudflare.workers import DOMAINS, SCRIPTS, workers_of
from localcloud.core.errors import CloudError, not_supported
from localcloud.core.records import Plan, RecordHandler
from localcloud.core.resources import Context, Created, Properties, ResourceHandler
from localcloud.core.times import timestamp

SUBDOMAINS: Final = "cloudflare.subdomains"
_PERIODS: Final = (10, 60)


class _Served(RecordHandler):
    """A record that decides which worker runs; each change is applied at once."""

    def create(self, inputs: Properties, context: Context) -> Created:
        """Store the record and apply it."""
        created = super().create(inputs, context)
        workers_of(context).apply()
        return created

    def update(
        self, id: str, outputs: Properties, inputs: Properties, context: Context
    ) -> Properties:
        """Change the record and apply it."""
        record = super().update(id, outputs, inputs, context)
        workers_of(context).apply()
        return record

    def delete(self, id: str, outputs: Properties, context: Context) -> None:
        """Delete the record and apply the change."""
        super().delete(id, outputs, context)
        workers_of(context).apply()


class WorkersScriptHandler(_Served):
    """``cloudflare:index/workersScript:WorkersScript``: runs if a domain names it."""

    token: ClassVar[str] = "cloudflare:index/workersScript:WorkersScript"
    table: ClassVar[str] = SCRIPTS
    effective: ClassVar[frozenset[str]] = frozenset(
        {"scriptName", "content", "mainModule", "compatibilityDate", "bindings"}
    )
    recorded: ClassVar[frozenset[str]] = frozenset({"accountId", "observability"})

    def plan(self, inputs: Properties, context: Context, old: Properties | None) -> Plan:
        """Return the record of an uploaded script."""
        name, content = str(inputs["scriptName"]), inputs.get("content")
        for needed in ("content", "mainModule", "compatibilityDate"):
            if not inputs.get(needed):
                raise not_supported(
                    f"A worker without {needed}",
                    "set content, mainModule and compatibilityDate",
                )
        bindings = inputs.get("bindings") or []
        for binding in bindings:
            _check_binding(binding)
        names = [binding["name"] for binding in bindings]
        if len(set(names)) < len(names):
            raise CloudError("10021", f"Two bindings have the same name: {sorted(names)}.")
        digest = hashlib.sha256(str(content).encode()).hexdigest()
        return name, {
            "bindings": bindings,
            "createdOn": old["createdOn"] if old else timestamp(),
            "modifiedOn": timestamp(),
            "etag": digest,
            "handlers": ["fetch"],
            "hasAssets": False,
            "hasModules": True,
        }


def _check_binding(binding: Properties) -> None:
    kind = binding["type"]
    check = _CHECKS.get(kind)
    if check is None:
        raise not_supported(
            f"Binding {binding['name']} of type {kind}", f"use one of {', '.join(_CHECKS)}"
        )
    check(binding)


def _check_text(binding: Properties) -> None:
    if not isinstance(binding.get("text"), str):
        raise CloudError("10021", f"Binding {binding['name']} has no text; set it to a string.")


def _check_limit(binding: Properties) -> None:
    simple = binding.get("simple") or {}
    if not str(binding.get("namespaceId", "")).isdigit():
        raise CloudError("10021", f"namespaceId of {binding['name']} must be a positive integer.")
    if simple.get("period") not in _PERIODS or float(simple.get("limit", 0)) < 1:
        raise CloudError(
            "10021",
            f"simple of {binding['name']} is {simple}; limit must be at least 1, and "
            "period 10 or 60.",
        )


_CHECKS: Final[dict[str, Callable[[Properties], None]]] = {
    "plain_text": _check_text,
    "secret_text": _check_text,
    "ratelimit": _check_limit,
}


class WorkersCustomDomainHandler(_Served):
    """``cloudflare:index/workersCustomDomain:WorkersCustomDomain``: gives a worker its domain."""

    token: ClassVar[str] = "cloudflare:index/workersCustomDomain:WorkersCustomDomain"
    table: ClassVar[str] = DOMAINS
    effective: ClassVar[frozenset[str]] = frozenset({"hostname", "service"})
    recorded: ClassVar[frozenset[str]] = frozenset({"accountId", "zoneId"})

    def plan(self, inputs: Properties, context: Context, old: Properties | None) -> Plan:
        """Return the record of a domain; its worker must exist."""
        own = urlsplit(context.platform.endpoints["edge"]).hostname
        if inputs["hostname"] != own:
            raise not_supported(
                f"Hostname {inputs['hostname']!r}",
                f"use {own}, the only hostname of the local edge",
            )
        if context.store.table(SCRIPTS).get(str(inputs["service"])) is None:
            raise CloudError("10007", f"Worker {inputs['service']} does not exist.", 404)
        domain_id = hashlib.sha256(f"domain {own}".encode()).hexdigest()[:40]
        return domain_id, {}


class WorkersScriptSubdomainHandler(RecordHandler):
    """``cloudflare:index/workersScriptSubdomain:WorkersScriptSubdomain``: always off."""

    token: ClassVar[str] = "cloudflare:index/workersScriptSubdomain:WorkersScriptSubdomain"
    table: ClassVar[str] = SUBDOMAINS
    effective: ClassVar[frozenset[str]] = frozenset({"scriptName", "enabled", "previewsEnabled"})
    recorded: ClassVar[frozenset[str]] = frozenset({"accountId"})

    def plan(self, inputs: Properties, context: Context, old: Properties | None) -> Plan:
        """Return the record; the local cloud has no workers.dev."""
        if inputs["enabled"] or inputs.get("previewsEnabled"):
            raise not_supported("workers.dev", "set enabled and previewsEnabled to false")
        return str(inputs["scriptName"]), {}


HANDLERS: tuple[type[ResourceHandler], ...] = (
    WorkersScriptHandler,
    WorkersCustomDomainHandler,
    WorkersScriptSubdomainHandler,
)
