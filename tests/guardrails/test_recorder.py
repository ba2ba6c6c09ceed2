"""The mocks under which the program runs. They reject unknown types and calls."""

from __future__ import annotations

import pulumi
import pulumi_alicloud as alicloud
import pytest

from guardrails.placeholders import UnknownTypeError
from tests.support.components import declared_by
from tests.support.pulumi_mocks import closed_loops

__all__ = ["closed_loops"]


def test_a_type_that_no_sdk_has_is_refused() -> None:
    with pytest.raises(UnknownTypeError, match=r"'x' is of type 'aws:s3/bucket:Bucket'"):
        declared_by(lambda: pulumi.CustomResource("aws:s3/bucket:Bucket", "x", {}))


def test_a_call_that_only_a_cloud_can_answer_is_refused() -> None:
    with pytest.raises(NotImplementedError, match="check it in preflight"):
        declared_by(lambda: alicloud.get_zones())


def test_options_and_secrets_of_a_resource_are_recorded() -> None:
    def program() -> None:
        alicloud.kms.Secret(
            "kept",
            secret_name="n",
            version_id="1",
            secret_data=pulumi.Output.secret("s3cret"),
            tags={"size": "1"},
            opts=pulumi.ResourceOptions(protect=True, retain_on_delete=True),
        )

    (secret,) = declared_by(program)
    assert (secret.protect, secret.retain, secret.secrets) == (True, True, ("secretData",))
    assert secret.inputs == {
        "secretName": "n",
        "versionId": "1",
        "secretData": "s3cret",
        "tags": {"size": "1"},
    }


def test_an_existing_resource_is_recorded_with_its_id() -> None:
    (bucket,) = declared_by(lambda: alicloud.oss.Bucket.get("theirs", "their-bucket"))
    assert bucket.existing == "their-bucket"
    assert not bucket.protect


def test_whole_numbers_are_integers_and_nested_unknowns_have_their_path() -> None:
    def program() -> None:
        key = alicloud.kms.Key("key")
        alicloud.vpc.Switch(
            "switch",
            cidr_block="10.0.0.0/24",
            vpc_id="vpc-1",
            zone_id="z",
            tags={"key": key.arn, "number": "1"},
        )
        alicloud.log.Store("store", project_name="p", logstore_name="s", retention_period=7)

    declared = {item.name: item.inputs for item in declared_by(program, preview=True)}
    assert declared["store"]["retentionPeriod"] == 7
    assert isinstance(declared["store"]["retentionPeriod"], int)
    assert declared["switch"]["tags"] == {"key": "unknown-yet.switch.tags.key", "number": "1"}
