"""Every type of the local stack has an expected outcome, and the documentation shows it.

Pure; that a stack behaves so is shown by `test_healing`.
"""

from __future__ import annotations

from tests.e2e.outcomes import MEANINGS, OUTCOMES, Outcome
from tests.support.stacks import declared


def test_every_declared_type_has_an_expected_outcome() -> None:
    types = {item.type for item in declared("local")}
    assert OUTCOMES.keys() == {name for name in types if not name.startswith("pulumi:")}


def test_every_outcome_has_a_meaning() -> None:
    assert MEANINGS.keys() == set(Outcome)
