"""The whole program under mocks: the types that it may declare, and their computed outputs."""

from __future__ import annotations

import asyncio
import json
import runpy
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml
from pulumi.runtime import mocks as pulumi_mocks
from pulumi.runtime.stack import run_pulumi_func

from guardrails.placeholders import answer_of, outputs_of
from stack_config.config import SECRET_KEYS
from tests.support.pulumi_mocks import closed_loops

__all__ = ["closed_loops"]


@dataclass
class Recorder(pulumi_mocks.Mocks):
    """Record what the program declares; raise on an unknown type or call."""

    preview: bool
    declared: list[pulumi_mocks.MockResourceArgs] = field(default_factory=list)

    def new_resource(
        self, args: pulumi_mocks.MockResourceArgs
    ) -> tuple[str | None, dict[str, Any]]:
        if args.custom is False:
            return None, dict(args.inputs)  # a component
        outputs = outputs_of(args.typ, args.name, args.inputs)
        self.declared.append(args)
        if self.preview and not args.resource_id:
            return "", dict(args.inputs)
        return args.resource_id or f"{args.name}-id", outputs

    def call(self, args: pulumi_mocks.MockCallArgs) -> Any:
        return answer_of(args.token, args.args), []

    def of_type(self, typ: str) -> dict[str, dict[str, Any]]:
        """Return the inputs of every declared resource of a type, by logical name."""
        return {args.name: args.inputs for args in self.declared if args.typ == typ}


LOCAL_CONFIG = {
    "platform": "local",
    "environment": "local",
    "owner": "tests",
    "trainingImage": "local/python",
    "imageId": "local_python",
    "trainingGpusPerPod": "0",
    "deletionProtection": "false",
    "forceDestroy": "true",
    "secretRecoveryWindowDays": "0",
    "elasticsearchProtocol": "HTTP",
}
CLOUD_CONFIG = {
    "platform": "alicloud",
    "environment": "dev",
    # There is no cloud to ask.
    "preflight": "false",
    "accountId": "1234567890123456",
    "trainingImage": "registry.example/train:1",
    "imageId": "aliyun_3_x64",
    "elasticsearchPassword": "Secret-1234",
    "llmApiKey": "sk-secret",
}


def project_defaults() -> dict[str, str]:
    """Return the defaults of `Pulumi.yaml`, in the raw form in which Pulumi passes them."""
    root = Path(__file__).resolve().parents[2]
    schema = yaml.safe_load((root / "Pulumi.yaml").read_text())["config"]
    values: dict[str, str] = {}
    for key, entry in schema.items():
        if "default" in entry:
            default = entry["default"]
            values[key.removeprefix("customrag:")] = (
                default if isinstance(default, str) else json.dumps(default)
            )
    return values


@pytest.fixture
def corpus_dir(tmp_path: Path) -> Path:
    folder = tmp_path / "corpus"
    (folder / "docs").mkdir(parents=True)
    (folder / "docs" / "a.md").write_text("# A\n\nThe pump runs at 40 bar.\n")
    return folder


@pytest.fixture
def run_program(
    tmp_path: Path, corpus_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Recorder]:
    """Return a function that runs the program with config values on top of the defaults."""
    platform = {
        "account_id": "1234567890123456",
        "access_key_id": "LTAIxxxx",
        "access_key_secret": "very-secret",
        "dashscope_api_key": "sk-local",
        "endpoints": {
            "api": "http://127.83.0.2:8080",
            "oss": "http://127.83.0.3:9000",
            "dashscope": "http://127.83.0.4:8080",
            "issuer": "http://127.83.0.5:8080",
            "edge": "http://127.83.0.6:8787",
        },
    }
    (tmp_path / "platform.json").write_text(json.dumps(platform))
    monkeypatch.setenv("CUSTOMRAG_HOME", str(tmp_path))

    def run(config: dict[str, str], *, preview: bool = False, stack: str = "test") -> Recorder:
        recorder = Recorder(preview=preview)
        values = {**project_defaults(), "corpusDir": str(corpus_dir), **config}

        def declare() -> None:
            runpy.run_module("infra.__main__", run_name="__main__")

        async def body() -> None:
            pulumi.runtime.set_mocks(recorder, project="customrag", stack=stack, preview=preview)
            pulumi.runtime.set_all_config(
                {f"customrag:{key}": value for key, value in values.items()},
                [f"customrag:{key}" for key in SECRET_KEYS & values.keys()],
            )
            await run_pulumi_func(declare)

        asyncio.run(body())
        return recorder

    return run
