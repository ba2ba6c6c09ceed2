"""Whatever is deleted or changed by hand, the stack can be updated again, and answers.

Every resource of the local stack is deleted and changed behind Pulumi's back, in a few rounds that
share one stack. `outcomes` has what must come of each; a resource of a new type fails here until it
has an expectation there. What it cannot prove: that Alibaba Cloud deletes, changes and refuses as
the local cloud does.

The stack has documents as people have them. Before the rounds, every file is accounted for, and
answers come from all of them. What that cannot prove: answers with a multilingual model.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

import httpx
import pytest

from localcloud.core.errors import CloudError
from tests.e2e.behind import Behind, Resource, can_change
from tests.e2e.checkout import Checkout, Finished
from tests.e2e.cloud import Cloud
from tests.e2e.outcomes import OUTCOMES, Outcome
from tests.support import hard_documents

pytestmark = pytest.mark.e2e

UP_SECONDS = 1800.0
MODELS = "storage-artifacts"
"""The bucket of the trained model, which the round that deletes the rest leaves."""
SETTINGS = ("--yes", "--skip-preview", "--suppress-outputs")
IN_PART = {
    "docs/boiler.pdf": "page 2",
    "docs/lines.jsonl": "1 of 2 lines",
}
"""Documents that are read in part, and what the list says is missing."""


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
def up(private: Checkout) -> Finished:
    """Bring the stack up with documents of every kind."""
    hard_documents.write(private.corpus)
    hard_documents.write_odd_names(private.corpus)
    return private.start_up(timeout_seconds=UP_SECONDS).wait().check()


@pytest.fixture(scope="module")
def names(behind: Behind, up: Finished) -> set[str]:
    """Return the resources of the stack once it is up."""
    return {resource.name for resource in behind.resources()}


@pytest.fixture(scope="module")
def chat(private: Checkout, cloud: Cloud, up: Finished) -> Iterator[httpx.Client]:
    """Return a client of the edge with a token."""
    token = private.make("token").check().output.strip()
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(
        base_url=cloud.outputs()["edge_url"], headers=headers, timeout=120.0
    ) as client:
        yield client


def _documents(private: Checkout) -> dict[str, dict[str, object]]:
    done = private.make("documents", JSON="1").check()
    rows = json.loads(done.output)
    return {row["document"]: row for row in rows}


def test_up_reads_everything_that_can_be_read(up: Finished) -> None:
    assert "2 in part" in up.words
    assert "1 unread" in up.words


def test_every_file_is_accounted_for(private: Checkout, up: Finished) -> None:
    rows = _documents(private)
    found = {f"docs/{path.name}" for path in (private.corpus / "docs").iterdir()}
    assert {key for key in found if key.isascii()} <= rows.keys()
    assert {key for key, row in rows.items() if row["outcome"] == "part"} == IN_PART.keys()
    for key, missing in IN_PART.items():
        assert missing in str(rows[key]), rows[key]
    (unread,) = [row for row in rows.values() if row["outcome"] == "unread"]
    assert "UTF-8" in str(unread)


def test_every_question_is_answered_from_its_document(chat: httpx.Client) -> None:
    wrong = []
    for asked in hard_documents.ASKED:
        answer = chat.post("/api/ask", json={"question": asked.question}).raise_for_status().json()
        cited = [answer["sources"][number - 1]["document_key"] for number in answer["citations"]]
        right = asked.answer in answer["answer"] and any(asked.document in key for key in cited)
        if not right:
            wrong.append((asked.question, answer["state"], answer["answer"], cited))
    assert wrong == []


def test_a_chinese_question_without_an_answer_is_refused_in_chinese(chat: httpx.Client) -> None:
    body = {"question": hard_documents.NOT_IN_DOCUMENTS}
    answer = chat.post("/api/ask", json=body).raise_for_status().json()
    assert answer["state"] == "not_in_documents"
    assert "文档" in answer["answer"]


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
