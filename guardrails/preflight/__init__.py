"""Preflight: what can be known before anything is made, asked before anything is made.

Owns the checks, their verdicts and how they are told. Creates nothing, in no cloud. Does not own
what an organisation wants (`guardrails.policy`), what a value may be (`stack_config.config`) nor
what things cost (`guardrails.cost`).

    python -m guardrails.preflight --stack dev
"""

from guardrails.preflight.checks import CHECKS
from guardrails.preflight.result import Check, Finding, Line, Verdict
from guardrails.preflight.run import run_checks
from guardrails.preflight.subject import Subject

__all__ = ["CHECKS", "Check", "Finding", "Line", "Subject", "Verdict", "run_checks"]
