"""Declared workers with their handlers, on real workerd."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from localcloud.cloudflare.resources import (
    WorkersCustomDomainHandler,
    WorkersScriptHandler,
    WorkersScriptSubdomainHandler,
)
from localcloud.cloudflare.workers import Workers
from localcloud.core.errors import CloudError
from localcloud.core.home import init_home
from localcloud.core.resources import Context
from localcloud.daemon import make_context

pytestmark = pytest.mark.engine

SCRIPT = "export default { fetch: (request, env) => new Response(env.GREETING + env.SECRET) };"
BINDINGS: list[dict[str, Any]] = [
    {"name": "GREETING", "type": "plain_text", "text": "hello "},
    {"name": "SECRET", "type": "secret_text", "text": "hush"},
    {
        "name": "LIMITER",
        "type": "ratelimit",
        "namespaceId": "7",
        "simple": {"limit": 2, "period": 60},
    },
]


@pytest.fixture
def context(tmp_path: Path) -> Iterator[Context]:
    init_home(tmp_path)
    made = make_context(tmp_path)
    yield made
    made.supervisor.stop_all()
    made.store.close()


def script(**changes: Any) -> dict[str, Any]:
    return {
        "accountId": "a",
        "scriptName": "edge",
        "content": SCRIPT,
        "mainModule": "worker.js",
        "compatibilityDate": "2025-10-01",
        "bindings": BINDINGS,
        **changes,
    }


def domain(context: Context, **changes: Any) -> dict[str, Any]:
    hostname = context.platform.endpoints["edge"].removeprefix("http://").partition(":")[0]
    return {"accountId": "a", "zoneId": "z", "hostname": hostname, "service": "edge", **changes}


def said(context: Context) -> str:
    with urllib.request.urlopen(context.platform.endpoints["edge"], timeout=10) as response:
        return str(response.read().decode())


def test_a_worker_runs_with_a_domain_and_follows_updates(context: Context) -> None:
    WorkersScriptHandler().create(script(), context)
    assert context.supervisor.status("edge") is None
    made = WorkersCustomDomainHandler().create(domain(context), context)
    assert said(context) == "hello hush"
    changed = [{**BINDINGS[0], "text": "bye "}, *BINDINGS[1:]]
    WorkersScriptHandler().update("edge", {}, script(bindings=changed), context)
    assert said(context) == "bye hush"
    WorkersCustomDomainHandler().delete(made.id, {}, context)
    assert context.supervisor.status("edge") is None
    with pytest.raises(OSError, match="refused"):
        said(context)


def test_a_worker_runs_again_after_a_restart_of_the_local_cloud(context: Context) -> None:
    WorkersScriptHandler().create(script(), context)
    WorkersCustomDomainHandler().create(domain(context), context)
    context.supervisor.stop_all()
    Workers(context).start()
    context.supervisor.wait_healthy("edge")
    assert said(context) == "hello hush"


def test_a_worker_that_cannot_start_is_refused_with_the_reason(context: Context) -> None:
    WorkersScriptHandler().create(script(content="export default {"), context)
    with pytest.raises(CloudError, match="does not start"):
        WorkersCustomDomainHandler().create(domain(context), context)


def test_only_the_owner_can_read_files_with_secrets(context: Context) -> None:
    WorkersScriptHandler().create(script(), context)
    WorkersCustomDomainHandler().create(domain(context), context)
    files = list((context.platform.home / "cloud" / "cloudflare").glob("edge-*"))
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"mainModule": None}, "mainModule"),
        ({"bindings": [{"name": "KV", "type": "kv_namespace"}]}, "kv_namespace"),
        ({"bindings": [BINDINGS[0], BINDINGS[0]]}, "same name"),
        ({"bindings": [{**BINDINGS[2], "simple": {"limit": 2, "period": 30}}]}, "10 or 60"),
        ({"bindings": [{**BINDINGS[2], "namespaceId": "seven"}]}, "positive integer"),
    ],
)
def test_an_unsupported_script_is_refused(
    context: Context, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(CloudError, match=said):
        WorkersScriptHandler().create(script(**changes), context)


def test_a_domain_needs_an_existing_worker(context: Context) -> None:
    with pytest.raises(CloudError, match="does not exist"):
        WorkersCustomDomainHandler().create(domain(context), context)


def test_another_hostname_is_refused(context: Context) -> None:
    WorkersScriptHandler().create(script(), context)
    with pytest.raises(CloudError, match="only hostname of the local edge"):
        WorkersCustomDomainHandler().create(domain(context, hostname="a.example"), context)


def test_workers_dev_is_refused(context: Context) -> None:
    inputs = {"accountId": "a", "scriptName": "edge", "enabled": True}
    with pytest.raises(CloudError, match=r"workers\.dev"):
        WorkersScriptSubdomainHandler().create(inputs, context)
