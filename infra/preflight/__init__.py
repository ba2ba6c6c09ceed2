"""Preflight: what can be known before anything is made, asked before anything is made.

Owns the checks, their verdicts and how they are told. Creates nothing, in no cloud. Does not own
what an organisation wants (`infra.policy`), what a value may be (`infra.config`) nor what things
cost (`infra.cost`).

    python -m infra.preflight --stack dev
"""

from infra.preflight.checks import CHECKS
from infra.preflight.result import Check, Finding, Line, Verdict
from infra.preflight.run import run_checks
from infra.preflight.subject import Subject

__all__ = ["CHECKS", "Check", "Finding", "Line", "Subject", "Verdict", "run_checks"]
