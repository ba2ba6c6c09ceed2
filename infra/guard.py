"""The checks that the program runs on itself: a preflight first, an estimate of the cost last.

Owns: when they run, so that a plain `pulumi up` has them, too. The program uses `guardrails` only
through this module. Does not own: what they check.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pulumi

from guardrails.cost.collector import check_budget, start_estimate
from guardrails.preflight_mark import VARIABLE, holds
from stack_config.config import NAMESPACE, StackConfig
from stack_config.kinds import PlatformKind

__all__ = ["check_account", "check_budget", "start_estimate"]


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
