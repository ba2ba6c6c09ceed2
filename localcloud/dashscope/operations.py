"""The operations of the local DashScope, for the generated coverage table."""

from __future__ import annotations

from localcloud.core.operations import Operation
from localcloud.dashscope.models import MODELS

__all__ = ["OPERATIONS"]

OPERATIONS: tuple[Operation, ...] = (
    Operation(
        service="dashscope",
        name="chat.completions.create",
        api="POST /compatible-mode/v1/chat/completions",
        notes=(
            f"models: {', '.join(MODELS)}; text only; temperature, top_p, max_tokens, seed, stream "
            "and stream_options"
        ),
    ),
    Operation(
        service="dashscope",
        name="models.list",
        api="GET /compatible-mode/v1/models",
        notes="the models of this machine only",
    ),
)
