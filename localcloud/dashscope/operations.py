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
            f"models: {', '.join(MODELS)}; text only, no tools, no JSON mode, no log "
            "probabilities; partial mode (a last assistant message with partial: true) works"
        ),
    ),
    Operation(
        service="dashscope",
        name="models.list, models.retrieve",
        api="GET /compatible-mode/v1/models",
        notes="the models of this machine only",
    ),
)
