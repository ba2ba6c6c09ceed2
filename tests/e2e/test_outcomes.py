"""Every type of the local stack and of `dev` has an expected outcome.

Pure; `test_healing` shows that the local stack with Elasticsearch behaves so.
"""

from __future__ import annotations

from tests.e2e.behind import can_change
from tests.e2e.outcomes import MEANINGS, ONLY_DEV, OPENSEARCH, OUTCOMES, Outcome
from tests.support.stacks import declared


def _declared_types(stack: str) -> set[str]:
    return {item.type for item in declared(stack) if not item.type.startswith("pulumi:")}


def test_every_type_of_the_local_stack_has_an_expected_outcome() -> None:
    assert not OUTCOMES.keys() & OPENSEARCH.keys()
    assert OUTCOMES.keys() | OPENSEARCH.keys() == _declared_types("local")


def test_every_further_type_of_dev_has_an_expected_outcome() -> None:
    assert ONLY_DEV.keys() == _declared_types("dev") - _declared_types("local")


def test_every_type_that_is_not_fixed_has_a_change() -> None:
    changed = {name for name, item in OUTCOMES.items() if item.changed is not Outcome.FIXED}
    assert changed == {name for name in OUTCOMES if can_change(name)}


def test_every_outcome_has_a_meaning() -> None:
    assert MEANINGS.keys() == set(Outcome)
