"""The preflight that the program runs on itself, so that a plain `pulumi up` has it, too.

Owns: when it runs. Does not own: what it checks (`guardrails`).
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pulumi

from guardrails.preflight_mark import VARIABLE, holds
from stack_config.config import NAMESPACE, StackConfig
from stack_config.kinds import PlatformKind

__all__ = ["check_account"]


def check_account(stack: str, config: StackConfig, home: Path) -> None:
    """Run the preflight, unless it is switched off or `make up` has just run it.

    A local stack has no account to check; only a rehearsal of a cloud stack asks its local cloud.

    Raises:
        stack_config.config.ConfigError: A check fails.
    """
    local = config.platform is PlatformKind.LOCAL
    if not config.preflight or config.tear_down or (local and not stack.startswith("rehearse-")):
        return
    if holds(os.environ.get(VARIABLE, ""), stack, datetime.now(UTC)):
        return
    # Imported here, because its clients take half a second to load.
    from guardrails.preflight.program import check_before

    check_before(
        stack,
        config,
        model_api_key=pulumi.Config(NAMESPACE).get("llmApiKey") or "",
        platform_file=home / "platform.json" if local else None,
        warn=pulumi.log.warn,
    )
