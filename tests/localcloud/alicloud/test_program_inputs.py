"""What the program declares, checked as the plugin would; no engine, no daemon."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from google.protobuf.struct_pb2 import Struct
from pulumi.provider.experimental.property_value import PropertyValue

from localcloud import registry
from localcloud.alicloud.check import Support, check
from pluginhost import decode_map
from provider_facts import resource_type
from tests.infra.conftest import CLOUD_CONFIG, LOCAL_CONFIG, Recorder, corpus_dir, run_program
from tests.support.pulumi_mocks import closed_loops

__all__ = ["closed_loops", "corpus_dir", "run_program"]


@pytest.mark.parametrize("config", [LOCAL_CONFIG, CLOUD_CONFIG], ids=["local", "cloud"])
def test_the_local_plugin_takes_every_input_of_the_program(
    run_program: Callable[..., Recorder],
    config: dict[str, str],
) -> None:
    handlers = registry.handlers()
    refused = []
    for declared in run_program(config).declared:
        if not declared.typ.startswith("alicloud:"):
            continue
        kind = resource_type(declared.typ)
        assert kind is not None, declared.typ
        handler = handlers[declared.typ]
        wire = Struct()
        wire.update(declared.inputs)
        inputs = decode_map(PropertyValue.unmarshal_map(wire), keep_secrets=True)
        _, failures = check(kind, inputs, Support(handler.effective, handler.recorded))
        refused += [f"{declared.name}: {item.path} {item.reason}" for item in failures]
    assert refused == []
