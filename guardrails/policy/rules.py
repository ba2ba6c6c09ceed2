"""All rules of the policy pack, and the check of a stack against them. Pure.

Owns the list. Each group of rules is a module of its own.
"""

from __future__ import annotations

from collections.abc import Sequence

from guardrails.policy import (
    encryption,
    hosted_models,
    permissions,
    protection,
    public_access,
    sizes,
    tagging,
)
from guardrails.policy.model import Resource, Rule, Setting, Violation

__all__ = ["RULES", "violations"]

RULES: tuple[Rule, ...] = (
    *public_access.RULES,
    *encryption.RULES,
    *permissions.RULES,
    *tagging.RULES,
    *sizes.RULES,
    *protection.RULES,
    *hosted_models.RULES,
)


def violations(resources: Sequence[Resource], setting: Setting) -> list[Violation]:
    """Return the violations of every rule by the resources of one stack, in the rules' order."""
    return [found for rule in RULES for found in rule.violations(resources, setting)]
