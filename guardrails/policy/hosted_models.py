"""Rules: no stack uses a hosted model that has retired or is about to retire.

Owns where a model's name can be: the configuration, a node's user data, a job's environment and
command. Does not own the names (`rag.models.RETIRED`). Preflight asks the cloud.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator

from guardrails.policy.model import STACK_TYPE, Resource, Setting, resource_rule, texts
from rag.models import RETIRED

__all__ = ["RULES"]

_CONFIG_KEYS = ("llmModel", "embeddingModel")
_CARRIERS = {
    "alicloud:ecs/instance:Instance": ("userData",),
    "alicloud:ecs/ecsLaunchTemplate:EcsLaunchTemplate": ("userData",),
    "alicloud:ess/scalingConfiguration:ScalingConfiguration": ("userData",),
    "customrag:pai:DlcJob": ("envs", "userCommand"),
    "customrag:rag:IngestRun": ("envs", "userCommand"),
}
# Whole names only: `qwen-turbo-2025-04-28` has its own retirement date.
_NAME = re.compile(
    r"(?<![\w.-])("
    + "|".join(re.escape(name) for name in sorted(RETIRED, key=len, reverse=True))
    + r")(?![\w.-])"
)


def _decoded(text: str) -> str:
    """Decode user data, which is in base64."""
    try:
        return base64.b64decode(text, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return text


def _retired_in(text: str, where: str) -> Iterator[str]:
    for name in sorted(set(_NAME.findall(text))):
        retirement = RETIRED[name]
        yield (
            f"{where} names model {name!r}, which is offline since {retirement.offline}. Use "
            f"{retirement.replacement} instead ({retirement.source})."
        )


@resource_rule("no-retired-model", "No stack uses a hosted model that its vendor has retired.")
def _not_retired(resource: Resource, setting: Setting) -> Iterator[str]:
    if resource.type == STACK_TYPE:
        for key in _CONFIG_KEYS:
            yield from _retired_in(setting.config.get(key, ""), f"customrag:{key}")
    for name in _CARRIERS.get(resource.type, ()):
        for text in texts(resource.inputs.get(name)):
            yield from _retired_in(_decoded(text), name)


RULES = (_not_retired,)
