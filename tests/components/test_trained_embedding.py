"""What a trained embedding model hands on to other components."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from guardrails import placeholders
from tests.components.cases import CASES
from tests.support.components import declared_by
from tests.support.pulumi_mocks import closed_loops

__all__ = ["closed_loops"]

ZIP = {"path": "torchscript/model.zip", "sha256": "ab" * 32}


@pytest.mark.parametrize(
    ("written", "uri", "sha256"),
    [
        (ZIP, "oss://artifacts.oss/training/1/torchscript/model.zip", "ab" * 32),
        ({"refused": "the model reads 1024 tokens"}, None, None),
        (None, None, None),
    ],
)
def test_the_zip_for_opensearch_is_handed_on_if_the_job_wrote_one(
    written: Mapping[str, Any] | None,
    uri: str | None,
    sha256: str | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(placeholders._RESULT, "torchscript", written)
    found: dict[str, Any] = {}

    def program() -> None:
        model = CASES["trained"]("trained")
        for name in ("torchscript", "torchscript_uri", "torchscript_sha256"):
            getattr(model, name).apply(lambda value, name=name: found.update({name: value}))

    declared_by(program)
    assert found == {
        "torchscript": written,
        "torchscript_uri": uri,
        "torchscript_sha256": sha256,
    }
