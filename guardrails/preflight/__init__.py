"""Preflight: check against the cloud, before creating anything, whether a stack can come up.

Owns the checks, their verdicts and the report. Creates nothing. Does not own an organisation's
rules (`guardrails.policy`), bounds of config values (`stack_config`) or prices (`guardrails.cost`).

    python -m guardrails.preflight --stack dev
"""

from guardrails.preflight.checks import CHECKS
from guardrails.preflight.result import Check, Finding, Line, Verdict
from guardrails.preflight.run import run_checks
from guardrails.preflight.subject import Subject

__all__ = ["CHECKS", "Check", "Finding", "Line", "Subject", "Verdict", "run_checks"]
