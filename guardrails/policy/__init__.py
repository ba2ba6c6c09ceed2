"""The policy pack: what no stack of this project may be, whatever its configuration says.

Owns the rules (pure, one module for each group), the pack that hands them to Pulumi (`pack`), and
their run on a declaration without an engine (`check`). A rule that a stack breaks is mandatory: the
preview fails. Names the environment by the stack's configuration, else by the tag `environment`;
what is neither counts as prod.

Run by `pulumi preview --policy-pack guardrails/policy`.
"""

from guardrails.policy.model import UNKNOWN, Resource, Rule, Setting, Violation
from guardrails.policy.rules import RULES, violations

__all__ = ["RULES", "UNKNOWN", "Resource", "Rule", "Setting", "Violation", "violations"]
