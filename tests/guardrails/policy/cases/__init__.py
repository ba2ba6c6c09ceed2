"""A violating and a passing case for every rule of the policy pack, by group of rules."""

from tests.guardrails.policy.cases import encryption, operation, permissions, public_access

_GROUPS = (public_access, encryption, permissions, operation)
VIOLATING = {rule: cases for group in _GROUPS for rule, cases in group.VIOLATING.items()}
PASSING = {rule: cases for group in _GROUPS for rule, cases in group.PASSING.items()}
