"""The report of drift, as Markdown."""

from __future__ import annotations

from ops.review.changes import Change, Kind, PropertyChange
from ops.review.drift import marker, render
from ops.review.previews import Planned
from tests.ops.review.support import resource

BUCKET = "alicloud:oss/bucketAcl:BucketAcl"


def test_report_without_drift_says_so() -> None:
    text = render("prod", Planned())
    assert text.splitlines()[0] == marker("prod") == "<!-- customrag-drift: prod -->"
    assert "### Drift of `prod`: none" in text


def test_drift_is_shown_with_both_values_and_what_to_do() -> None:
    change = Change(
        kind=Kind.UPDATE,
        resource=resource(BUCKET, "corpus-acl", component="storage"),
        properties=[PropertyChange(path="acl", before="private", after="public-read")],
    )
    text = render("prod", Planned(changes=[change]))
    assert "1 resources differ from the deployment" in text
    assert "| `storage` | `corpus-acl` (alicloud:oss/bucketAcl:BucketAcl) | was changed |" in text
    assert "deployed `private`, now `public-read`" in text
    assert "pulumi up --stack prod" in text


def test_changed_secret_is_shown_without_its_values() -> None:
    change = Change(
        kind=Kind.UPDATE,
        resource=resource(BUCKET, "a"),
        properties=[PropertyChange(path="password", before="old-hush", after="new-hush")],
    )
    text = render("prod", Planned(changes=[change]))
    assert "hush" not in text
    assert "`password`: changed" in text


def test_failed_check_is_not_reported_as_no_drift() -> None:
    text = render("prod", Planned(problems=["denied: LTAI5tExampleKey"]))
    assert "the check failed" in text
    assert "denied" in text
    assert "LTAI5tExampleKey" not in text
