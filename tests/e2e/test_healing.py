"""Whatever is deleted or changed by hand, the stack can be updated again, and answers.

Every resource of the local stack is deleted and changed behind Pulumi's back, in a few rounds that
share one stack. `outcomes` has what must come of each; a resource of a new type fails here until it
has an expectation there. What it cannot prove: that Alibaba Cloud deletes, changes and refuses as
the local cloud does.
"""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from localcloud.core.errors import CloudError
from tests.e2e.behind import Behind, Resource, can_change
from tests.e2e.checkout import Checkout
from tests.e2e.outcomes import OUTCOMES, Outcome

pytestmark = pytest.mark.e2e

UP_SECONDS = 900.0
MODELS = "storage-artifacts"
"""The bucket of the trained model, which the round that deletes the rest leaves."""
SETTINGS = ("--yes", "--skip-preview", "--suppress-outputs")


@pytest.fixture(scope="module")
def behind(private: Checkout) -> Behind:
    """Return the stack, seen past Pulumi."""
    return Behind(private)


def delete_all(behind: Behind, resources: Iterable[Resource]) -> None:
    """Delete resources, each before those that it depends on; hold each to its expectation."""
    for resource in reversed(list(resources)):
        expected, before = OUTCOMES[resource.type].deleted, behind.read(resource)
        if before is None:
            continue
        try:
            behind.delete(resource)
        except CloudError as error:
            assert expected is Outcome.REFUSED, (resource.name, error)
            continue
        if expected is not Outcome.KEPT:
            still_there = behind.read(resource) == before
            assert still_there == (expected is Outcome.STAYS), resource.name


def _heals(private: Checkout, behind: Behind, names: set[str]) -> None:
    """`make up` makes everything as declared again, and gets an answer to its question."""
    done = private.start_up(timeout_seconds=UP_SECONDS).wait().check()
    assert "Sources:" in done.output
    assert {resource.name for resource in behind.resources()} == names
    again = ("up", "--stack", behind.stack, *SETTINGS, "--refresh", "--expect-no-changes")
    private.pulumi(*again).check()


@pytest.fixture(scope="module")
def names(private: Checkout, behind: Behind) -> set[str]:
    """Return the resources of the stack once it is up."""
    private.start_up(timeout_seconds=UP_SECONDS).wait().check()
    return {resource.name for resource in behind.resources()}


def test_parts_are_created_again_in_what_contains_them(
    private: Checkout, behind: Behind, names: set[str]
) -> None:
    found = behind.resources()
    delete_all(behind, [item for item in found if not OUTCOMES[item.type].is_container])
    _heals(private, behind, names)


def test_a_plain_update_moves_the_alias_back_and_reports_a_lost_index(
    private: Checkout, behind: Behind
) -> None:
    found = {item.type: item for item in behind.resources()}
    plain = ("up", "--stack", behind.stack, *SETTINGS)
    behind.delete(found["customrag:elasticsearch:Alias"])
    private.pulumi(*plain).check()
    behind.delete(found["customrag:elasticsearch:Index"])
    failed = private.pulumi(*plain)
    assert failed.code != 0
    assert "was deleted. Run `pulumi refresh`, then `pulumi up`" in failed.words
    assert "Traceback" not in failed.output


def test_everything_is_created_again(private: Checkout, behind: Behind, names: set[str]) -> None:
    """Except one bucket. Nothing uses the resources that the cloud refused to delete before."""
    delete_all(behind, [item for item in behind.resources() if item.name != MODELS])
    _heals(private, behind, names)


def test_everything_that_can_be_changed_is_changed_back_and_a_lost_model_is_trained_again(
    private: Checkout, behind: Behind, names: set[str]
) -> None:
    """The bucket of the models goes last, with the model in it, as in the report of this fault."""
    found = behind.resources()
    fixed = {kind for kind, item in OUTCOMES.items() if item.changed is Outcome.FIXED}
    assert {item.type for item in found if not can_change(item.type)} == fixed
    for resource in found:
        if can_change(resource.type):
            before = behind.read(resource)
            behind.change(resource)
            assert behind.read(resource) != before, resource.name
    (models,) = [item for item in found if item.name == MODELS]
    behind.delete(models)
    private.pulumi("refresh", "--stack", behind.stack, *SETTINGS).check()
    _heals(private, behind, names)
