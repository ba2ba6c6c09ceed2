"""The report of drift, as Markdown."""

from __future__ import annotations

from ops.review.changes import Change, Kind, PropertyChange
from ops.review.drift import marker, render
from ops.review.previews import Planned
from tests.ops.review.support import resource

BUCKET = "alicloud:oss/bucketAcl:BucketAcl"


def test_a_cloud_that_is_as_deployed_is_said_to_be() -> None:
    text = render("prod", Planned())
    assert text.splitlines()[0] == marker("prod") == "<!-- customrag-drift: prod -->"
    assert "### Drift of `prod`: none" in text


def test_what_differs_is_told_with_both_values_and_what_to_do() -> None:
    change = Change(
        kind=Kind.UPDATE,
        resource=resource(BUCKET, "corpus-acl", component="storage"),
        properties=[PropertyChange(path="acl", before="private", after="public-read")],
    )
    text = render("prod", Planned(changes=[change]))
    assert "1 resources are not as deployed" in text
    assert "| `storage` | `corpus-acl` (alicloud:oss/bucketAcl:BucketAcl) | was changed |" in text
    assert "deployed `private`, now `public-read`" in text
    assert "pulumi up --stack prod" in text


def test_a_secret_that_differs_is_told_without_its_values() -> None:
    change = Change(
        kind=Kind.UPDATE,
        resource=resource(BUCKET, "a"),
        properties=[PropertyChange(path="password", before="old-hush", after="new-hush")],
    )
    text = render("prod", Planned(changes=[change]))
    assert "hush" not in text
    assert "`password`: changed" in text


def test_a_cloud_that_could_not_be_asked_is_not_said_to_be_as_deployed() -> None:
    text = render("prod", Planned(problems=["denied: LTAI5tExampleKey"]))
    assert "could not be looked for" in text
    assert "denied" in text
    assert "LTAI5tExampleKey" not in text
