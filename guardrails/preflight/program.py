"""The preflight at the start of the program: what fails stops it before anything is declared."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from guardrails.preflight.checks import CHECKS
from guardrails.preflight.cloud import (
    cloud_of_account,
    local_cloud,
    local_model_url,
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
    """Refuse to go on where an update would fail.

    Args:
        stack: The stack's name.
        config: Its configuration.
        model_api_key: The language model's key.
        platform_file: A local cloud's `platform.json`, of a rehearsal; None asks Alibaba Cloud.
        warn: Called with each line that warns.

    Raises:
        ConfigError: Lines fail; the message has them.
    """
    # Without credentials the SDK writes tracebacks, which would hide the list.
    logging.getLogger("credentials").setLevel(logging.CRITICAL)
    if platform_file is None:
        cloud = cloud_of_account(config.region_id, model_api_key=model_api_key)
        account_id, llm_base_url = config.account_id, config.language_model.base_url
    elif platform_file.exists():
        platform = read_platform(platform_file)
        cloud = local_cloud(platform, config.region_id)
        account_id, llm_base_url = str(platform["account_id"]), local_model_url(platform)
    else:
        return  # What makes the platform says what to do about it.
    subject = Subject(stack=stack, config=config, account_id=account_id, llm_base_url=llm_base_url)
    # What runs the program would run this again, and again; the preview tells the cost by itself.
    lines = run_checks(CHECKS, subject, cloud, without=(Needs.PROGRAM,))
    wrong = [line for line in lines if line.verdict is Verdict.FAIL]
    if wrong:
        raise ConfigError(
            f"the preflight of stack {stack!r} fails (`make preflight STACK={stack}` shows all of "
            "it; `pulumi config set customrag:preflight false` leaves it out):\n"
            + "\n".join(f"  - {one_line(line)}" for line in wrong)
        )
    for line in lines:
        if line.verdict is Verdict.WARN:
            warn(one_line(line))
