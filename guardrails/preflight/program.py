"""The preflight at the start of the program: a failure stops it before it declares anything."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from guardrails.preflight.checks import CHECKS
from guardrails.preflight.cloud import (
    cloud_of_account,
    local_cloud,
    read_platform,
)
from guardrails.preflight.report import one_line
from guardrails.preflight.result import Needs, Verdict
from guardrails.preflight.run import run_checks
from guardrails.preflight.subject import Subject
from stack_config.config import ConfigError, StackConfig

__all__ = ["check_before"]


def check_before(
    stack: str,
    config: StackConfig,
    *,
    model_api_key: str,
    platform_file: Path | None,
    warn: Callable[[str], None],
) -> None:
    """Stop the program if an update would fail.

    Args:
        stack: The stack's name.
        config: Its configuration.
        model_api_key: The language model's key.
        platform_file: `platform.json` of a rehearsal's local cloud; None asks Alibaba Cloud.
        warn: Called with each warning.

    Raises:
        ConfigError: Checks fail; the message lists them.
    """
    # Without credentials the SDK logs tracebacks, which would hide the list.
    logging.getLogger("credentials").setLevel(logging.CRITICAL)
    if platform_file is None:
        cloud = cloud_of_account(config.region_id, model_api_key=model_api_key)
        account_id = config.account_id
    elif platform_file.exists():
        platform = read_platform(platform_file)
        cloud = local_cloud(platform, config.region_id)
        account_id = str(platform["account_id"])
    else:
        return  # `make_platform` reports the missing file.
    subject = Subject(stack=stack, config=config, account_id=account_id)
    # A check that runs the program would recurse. The preview reports the cost anyway.
    lines = run_checks(CHECKS, subject, cloud, without=(Needs.PROGRAM,))
    wrong = [line for line in lines if line.verdict is Verdict.FAIL]
    if wrong:
        raise ConfigError(
            f"The preflight of stack {stack!r} failed. `make preflight STACK={stack}` shows every "
            "check; `pulumi config set customrag:preflight false` skips them.\n"
            + "\n".join(f"  - {one_line(line)}" for line in wrong)
        )
    for line in lines:
        if line.verdict is Verdict.WARN:
            warn(one_line(line))
