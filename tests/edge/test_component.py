"""The exact types, names and inputs of the edge's component under mocks, without Cloudflare.

Does not prove that Cloudflare accepts the inputs. The local plugin checks them against the SDK's
types.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi.runtime import mocks as pulumi_mocks
from pulumi.runtime import rpc
from pulumi.runtime.stack import run_pulumi_func

from components.edge import Edge, EdgeArgs, WorkerMissingError, answers_version, read_worker
from localcloud import registry
from localcloud.alicloud.check import Support, check
from provider_facts import Shape, resource_type, shape_of, type_tokens
from rag.headers import EDGE_KEY
from tests.support.pulumi_mocks import closed_loops
from tools.alicloud_facts import output_names, sdk_classes, shapes
from tools.cloudflare_facts import TYPES

__all__ = ["closed_loops"]

SCRIPT = "cloudflare:index/workersScript:WorkersScript"
SUBDOMAIN = "cloudflare:index/workersScriptSubdomain:WorkersScriptSubdomain"
DOMAIN = "cloudflare:index/workersCustomDomain:WorkersCustomDomain"


def arguments(**changes: Any) -> EdgeArgs:
    values: dict[str, Any] = {
        "script_name": "customrag-dev-edge",
        "content": "export default {};",
        "account_id": "account",
        "zone_id": "zone",
        "url": "https://ask.example.com",
        "origin_url": "https://origin.example.com",
        "origin_key": "hush",
        "issuer": "https://login.example.com/",
        "audience": "customrag",
        "jwks_url": "https://login.example.com/keys",
        "answers_version": "v1",
        "requests_per_minute": 30,
        "cache_seconds": 600,
        **changes,
    }
    return EdgeArgs(**values)


class Recorder(pulumi_mocks.Mocks):
    """Records declared resources and rejects unexpected types."""

    def __init__(self, *, preview: bool) -> None:
        self.preview = preview
        self.declared: dict[str, pulumi_mocks.MockResourceArgs] = {}

    def new_resource(
        self, args: pulumi_mocks.MockResourceArgs
    ) -> tuple[str | None, dict[str, Any]]:
        if args.typ == "customrag:edge:Edge":
            return None, dict(args.inputs)
        if args.typ not in (SCRIPT, SUBDOMAIN, DOMAIN):
            raise AssertionError(f"{args.name}: unexpected resource type {args.typ}")
        self.declared[args.name] = args
        return "" if self.preview else f"{args.name}-id", dict(args.inputs)

    def call(self, args: pulumi_mocks.MockCallArgs) -> Any:
        raise AssertionError(f"unexpected call of {args.token}")


def declared(*, preview: bool = False, **changes: Any) -> tuple[Recorder, list[str]]:
    recorder = Recorder(preview=preview)
    urls: list[str] = []

    def program() -> None:
        Edge("edge", arguments(**changes)).url.apply(urls.append)

    async def body() -> None:
        pulumi.runtime.set_mocks(recorder, project="customrag", stack="dev", preview=preview)
        await run_pulumi_func(program)

    asyncio.run(body())
    return recorder, urls


def plain(value: Any) -> Any:
    """Return a value from the wire without its secret markers."""
    if isinstance(value, dict):
        if rpc._special_sig_key in value:
            return plain(value["value"])
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value


def test_the_edge_is_a_script_with_a_domain_and_without_workers_dev() -> None:
    recorder, urls = declared()
    types = {name: args.typ for name, args in recorder.declared.items()}
    assert types == {"edge": SCRIPT, "edge-subdomain": SUBDOMAIN, "edge-domain": DOMAIN}
    assert recorder.declared["edge-domain"].inputs == {
        "accountId": "account",
        "zoneId": "zone",
        "hostname": "ask.example.com",
        "service": "customrag-dev-edge",
    }
    assert recorder.declared["edge-subdomain"].inputs == {
        "accountId": "account",
        "scriptName": "customrag-dev-edge",
        "enabled": False,
        "previewsEnabled": False,
    }
    assert urls == ["https://ask.example.com"]


def test_the_script_receives_the_issuer_and_the_limits() -> None:
    recorder, _ = declared()
    inputs = recorder.declared["edge"].inputs
    assert inputs.keys() == {
        "accountId",
        "scriptName",
        "content",
        "mainModule",
        "compatibilityDate",
        "bindings",
        "observability",
    }
    bindings = {binding["name"]: binding for binding in plain(inputs["bindings"])}
    texts = {name: b["text"] for name, b in bindings.items() if b["type"] == "plain_text"}
    assert texts == {
        "ORIGIN_URL": "https://origin.example.com",
        "TOKEN_ISSUER": "https://login.example.com/",
        "TOKEN_AUDIENCE": "customrag",
        "JWKS_URL": "https://login.example.com/keys",
        "ANSWERS_VERSION": "v1",
        "CACHE_SECONDS": "600",
    }
    assert bindings["ORIGIN_KEY"]["type"] == "secret_text"
    assert bindings["CALLER_LIMITER"]["simple"] == {"limit": 30, "period": 60}
    assert bindings["TENANT_LIMITER"]["simple"] == {"limit": 300, "period": 60}
    assert bindings["ADDRESS_LIMITER"]["simple"] == {"limit": 300, "period": 60}
    limiters = [binding for binding in bindings.values() if binding["type"] == "ratelimit"]
    namespaces = {binding["namespaceId"] for binding in limiters}
    assert len(namespaces) == 3
    assert all(name.isdigit() for name in namespaces)


def test_the_local_plugin_accepts_every_input_and_none_is_deprecated() -> None:
    handlers = registry.handlers()
    recorder, _ = declared()
    refused = []
    for args in recorder.declared.values():
        kind = resource_type(args.typ)
        assert kind is not None
        handler = handlers[args.typ]
        inputs = plain(args.inputs)
        _, failures = check(kind, inputs, Support(handler.effective, handler.recorded))
        refused += [f"{args.name}: {item.path} {item.reason}" for item in failures]
        refused += [name for name in inputs if kind.inputs[name].deprecated]
    assert refused == []


def test_a_first_preview_declares_everything_without_known_outputs() -> None:
    recorder, urls = declared(preview=True)
    assert set(recorder.declared) == {"edge", "edge-subdomain", "edge-domain"}
    assert urls == []


@pytest.mark.parametrize(
    ("changes", "argument"),
    [
        ({"script_name": "Not A Name"}, "script_name"),
        ({"requests_per_minute": 0}, "requests_per_minute"),
        ({"cache_seconds": -1}, "cache_seconds"),
        ({"url": "ask.example.com"}, "url"),
        ({"url": "https://ask.example.com/path"}, "url"),
    ],
)
def test_the_error_names_an_argument_that_is_not_valid(
    changes: dict[str, Any], argument: str
) -> None:
    with pytest.raises(ValueError, match=argument):
        arguments(**changes)


def test_the_answers_version_changes_with_each_of_its_parts() -> None:
    versions = {answers_version(*parts) for parts in [("a", "b"), ("a", "c"), ("ab", ""), ("a",)]}
    assert len(versions) == 4


def test_the_error_for_a_missing_worker_says_how_to_build_it(tmp_path: Path) -> None:
    with pytest.raises(WorkerMissingError, match="make setup"):
        read_worker(tmp_path)


def bare(shape: Shape) -> Any:
    """Return the parts of a shape that the SDK's Args contain."""
    items = None if shape.items is None else bare(shape.items)
    return shape.type, shape.required, items, {k: bare(v) for k, v in shape.properties.items()}


@pytest.mark.parametrize("token", sorted(TYPES))
def test_the_shapes_of_the_plugin_match_the_installed_sdk(token: str) -> None:
    kind = resource_type(token)
    assert kind is not None
    resource_class, args_class = sdk_classes(token)
    expected = {name: bare(shape_of(entry)) for name, entry in shapes(args_class).items()}
    assert {name: bare(shape) for name, shape in kind.inputs.items()} == expected
    assert set(kind.computed) == set(output_names(resource_class)) - set(expected)


def test_every_type_that_the_plugin_knows_has_a_handler() -> None:
    assert set(type_tokens("cloudflare")) == set(TYPES) <= set(registry.handlers())


def test_the_worker_and_the_application_name_the_same_header() -> None:
    source = Path(__file__).parents[2] / "edge" / "src" / "handler.ts"
    assert f'ORIGIN_KEY_HEADER = "{EDGE_KEY}";' in source.read_text(encoding="utf-8")
