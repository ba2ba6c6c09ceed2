"""The stacks of the repository under mocks: what each declares, and with which inputs.

It proves that the program runs with every stack's values, a first preview included, and that the
plugin of the local cloud, which knows the cloud provider's schema, takes every input. It does not
prove that the cloud does.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from pulumi import _types

from guardrails.declare import Declared, is_unknown, stack_config
from localcloud import registry
from localcloud.alicloud.check import Support, check
from pluginhost import UNKNOWN
from provider_facts import Shape, resource_type
from stack_config.config import ConfigError, StackConfig
from tests.support.stacks import STACKS, declared, of_type

CLOUD_STACKS = tuple(stack for stack in STACKS if stack != "local")
ROOT = Path(__file__).resolve().parents[2]
SDKS = {"alicloud": "pulumi_alicloud", "cloudflare": "pulumi_cloudflare"}


def sdk_class(token: str) -> type | None:
    """Return the SDK class of a type token; None for our own types and for providers."""
    package, module, name = token.split(":")
    if package not in SDKS:
        return None
    folder = module.partition("/")[0]
    path = SDKS[package] if folder == "index" else f"{SDKS[package]}.{folder}"
    found: type = getattr(importlib.import_module(path), name)
    return found


def deprecated_by_the_sdk(token: str) -> set[str]:
    """Return the wire names of a type's properties that the SDK marks as deprecated."""
    kind = sdk_class(token)
    if kind is None:
        return set()
    wire = {python: name for name, python in _types.resource_pulumi_to_py_names(kind).items()}
    return {
        wire[name]
        for name, member in inspect.getmembers_static(kind)
        if isinstance(member, property)
        and member.fget is not None
        and "_pulumi_deprecated_callable" in vars(member.fget)
    }


def deprecated_paths(value: Any, shape: Shape, path: str) -> Iterator[str]:
    """Yield the paths of deprecated inputs, at any depth, according to the provider's schema."""
    if shape.deprecated:
        yield path
    if isinstance(value, list) and shape.items is not None:
        for index, item in enumerate(value):
            yield from deprecated_paths(item, shape.items, f"{path}[{index}]")
    if isinstance(value, Mapping):
        for name, item in value.items():
            if name in shape.properties:
                yield from deprecated_paths(item, shape.properties[name], f"{path}.{name}")


def deprecated(item: Declared) -> list[str]:
    """Return the deprecated inputs of a resource."""
    kind = resource_type(item.type)
    found = set(item.inputs) & deprecated_by_the_sdk(item.type)
    for name, value in item.inputs.items():
        if kind is not None and name in kind.inputs:
            found.update(deprecated_paths(value, kind.inputs[name], name))
    return [f"{item.name}: {path}" for path in sorted(found)]


@pytest.mark.parametrize("stack", STACKS)
def test_no_stack_uses_a_deprecated_input(stack: str) -> None:
    assert [line for item in declared(stack) for line in deprecated(item)] == []


def test_a_deprecated_input_is_found() -> None:
    (cluster,) = of_type(declared("dev"), "alicloud:elasticsearch/instance:Instance").items()
    name, inputs = cluster
    old = Declared(
        type="alicloud:elasticsearch/instance:Instance",
        name=name,
        urn="",
        parent="",
        component=name,
        inputs={**inputs, "dataNodeAmount": 2},
    )
    assert deprecated(old) == ["search: dataNodeAmount"]


@pytest.mark.parametrize("stack", STACKS)
def test_the_local_plugin_accepts_every_input_of_every_stack(stack: str) -> None:
    handlers = registry.handlers()
    refused = []
    for item in declared(stack):
        if not item.type.startswith("alicloud:") or item.existing:
            continue
        kind = resource_type(item.type)
        assert kind is not None, item.type
        assert item.type in handlers, item.type
        inputs = {
            name: UNKNOWN if is_unknown(value) else value for name, value in item.inputs.items()
        }
        handler = handlers[item.type]
        _, failures = check(kind, inputs, Support(handler.effective, handler.recorded))
        refused += [f"{item.name}: {failure.path} {failure.reason}" for failure in failures]
    assert refused == []


@pytest.mark.parametrize("stack", STACKS)
def test_a_first_preview_declares_the_same_resources_as_the_update(stack: str) -> None:
    update = {(item.urn, item.protect) for item in declared(stack)}
    assert {(item.urn, item.protect) for item in declared(stack, preview=True)} == update


@pytest.mark.parametrize("stack", STACKS)
def test_every_taggable_resource_names_its_stack(stack: str) -> None:
    environment = stack.partition("-")[0]
    tagged = [item for item in declared(stack) if "tags" in item.inputs]
    assert len(tagged) > 10
    for item in tagged:
        tags = item.inputs["tags"]
        assert tags["stack"] == stack, item.name
        assert tags["environment"] == environment, item.name
        assert ("expires-at" in tags) is (environment == "pr"), item.name


@pytest.mark.parametrize("stack", CLOUD_STACKS)
def test_a_stack_file_lacks_only_values_that_the_user_must_choose(stack: str) -> None:
    with pytest.raises(ConfigError) as caught:
        StackConfig.parse(stack_config(stack, ROOT, template=True), stack=stack)
    lines = [line for line in str(caught.value).splitlines() if line.startswith("  - ")]
    keys = {line.removeprefix("  - customrag:").partition(" ")[0] for line in lines}
    assert (
        keys
        == {
            "dev": {"accountId", "chatCertificateId"},
            "prod": {"accountId", "chatCertificateId"},
            "pr-7": {"accountId", "expiresAt"},
        }[stack]
    )


@pytest.mark.parametrize("stack", CLOUD_STACKS)
def test_no_node_has_a_public_address(stack: str) -> None:
    nodes = of_type(declared(stack), "alicloud:ecs/instance:Instance")
    assert {inputs["internetMaxBandwidthOut"] for inputs in nodes.values()} == {0}


def test_prod_spreads_the_search_cluster_over_three_zones() -> None:
    (cluster,) = of_type(declared("prod"), "alicloud:elasticsearch/instance:Instance").values()
    assert cluster["zoneCount"] == 3
    assert cluster["dataNodeConfiguration"]["amount"] == 3
    assert cluster["masterConfiguration"]["amount"] == 3


def test_every_gpu_node_of_a_pull_request_is_a_spot_instance() -> None:
    node = of_type(declared("pr-7"), "alicloud:ecs/instance:Instance")["embedding-node"]
    assert node["spotStrategy"] == "SpotAsPriceGo"
