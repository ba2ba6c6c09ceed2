"""Settings and results that the tests share."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from tests.providers.fakes import Engine, FakeServices

__all__ = ["engine_for", "model_id", "wanted"]


def engine_for(name: str, services: FakeServices) -> Engine:
    """Return the engine's steps for a resource, in real time."""
    engine = Engine(f"customrag:opensearch:{name}", services)
    engine.provider._clock = time.monotonic
    engine.provider._wait = engine.host.wait
    return engine


def wanted(folder: Path, **more: Any) -> dict[str, Any]:
    """Return the settings for models from `folder`."""
    names = {
        "only_run_on_ml_node": False,
        "allow_registering_model_via_url": True,
        "trusted_url_regex": f"^file://{folder}/.*$",
        # At 100 the breaker is off: the heap of a test engine is often nearly full.
        "jvm_heap_memory_threshold": 100,
        **more,
    }
    return {f"plugins.ml_commons.{name}": value for name, value in names.items()}


def model_id(engine: Engine) -> str:
    """Return the id of a deployed model."""
    assert engine.state is not None
    assert engine.state.outputs["state"] == "DEPLOYED"
    found: str = engine.state.outputs["modelId"]
    return found
