"""Configuration: what is refused, and that the message says what to change."""

from __future__ import annotations

import dataclasses

import pulumi
import pytest
import yaml

from stack_config.config import SECRET_KEYS, ConfigError, StackConfig, config_key
from tests.infra.conftest import CLOUD_CONFIG, LOCAL_CONFIG, project_defaults


def parse(**changes: str) -> StackConfig:
    return StackConfig.parse({**project_defaults(), **LOCAL_CONFIG, **changes}, stack="test")


def refusal(**changes: str) -> str:
    with pytest.raises(ConfigError) as caught:
        parse(**changes)
    return str(caught.value)


def test_a_refusal_is_shown_by_the_engine_without_a_traceback() -> None:
    # A `RunError` is what language hosts show so: `tests/tools/test_language_host_with_engine.py`.
    assert issubclass(ConfigError, pulumi.RunError)


def test_local_template_is_complete(request: pytest.FixtureRequest) -> None:
    template = yaml.safe_load((request.config.rootpath / "stacks/local.template.yaml").read_text())
    values = {
        key.removeprefix("customrag:"): value if isinstance(value, str) else str(value).lower()
        for key, value in template["config"].items()
    }
    assert StackConfig.parse({**project_defaults(), **values}, stack="local").platform == "local"


def test_every_key_of_the_project_file_is_a_field_and_the_other_way_round(
    request: pytest.FixtureRequest,
) -> None:
    schema = yaml.safe_load((request.config.rootpath / "Pulumi.yaml").read_text())["config"]
    fields = {f"customrag:{config_key(field.name)}" for field in dataclasses.fields(StackConfig)}
    assert schema.keys() == fields | {f"customrag:{key}" for key in SECRET_KEYS}


def test_every_key_is_described_and_typed(request: pytest.FixtureRequest) -> None:
    schema = yaml.safe_load((request.config.rootpath / "Pulumi.yaml").read_text())["config"]
    for key, entry in schema.items():
        assert entry["description"].endswith("."), key
        assert entry["type"] in {"string", "integer", "boolean", "array"}, key


def test_an_unknown_key_is_refused_with_its_neighbours() -> None:
    message = refusal(embedingModel="x")
    assert "customrag:embedingModel is no config key" in message
    assert "embeddingModel" in message


def test_a_missing_key_names_the_stack_file() -> None:
    values = {**project_defaults(), **LOCAL_CONFIG}
    del values["imageId"]
    with pytest.raises(ConfigError, match=r"customrag:imageId is missing.*Pulumi\.test\.yaml"):
        StackConfig.parse(values, stack="test")


def test_a_dimension_that_is_not_the_models_is_refused() -> None:
    message = refusal(embeddingDimension="768")
    assert "customrag:embeddingDimension is 768" in message
    assert "makes embeddings of 384" in message


def test_a_region_without_the_wanted_instances_is_refused() -> None:
    message = refusal(regionId="me-east-1", zoneIds='["me-east-1a"]')
    assert "customrag:trainingEcsSpec" in message
    assert "cn-hangzhou" in message


def test_a_zone_of_another_region_is_refused() -> None:
    assert "'cn-beijing-a', which is not in region cn-hangzhou" in refusal(
        zoneIds='["cn-beijing-a"]'
    )


def test_a_cloud_stack_needs_its_account() -> None:
    assert "customrag:accountId" in refusal(**{**CLOUD_CONFIG, "accountId": "12"})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("platform", "aws"),
        ("deletionProtection", "yes"),
        ("trainingSeed", "4.2"),
        ("trainingLearningRate", "fast"),
        ("trainingLearningRate", "-1"),
        ("zoneIds", "cn-hangzhou-h"),
        ("zoneIds", "[]"),
        ("elasticsearchProtocol", "ftp"),
        ("indexAlias", "Upper"),
        ("trainingPodCount", "0"),
        ("secretRecoveryWindowDays", "3"),
        ("embeddingDimension", "100"),
    ],
)
def test_a_wrong_value_is_named_with_its_key(key: str, value: str) -> None:
    message = refusal(**{key: value})
    assert f"customrag:{key}" in message


def test_all_problems_are_told_at_once() -> None:
    message = refusal(trainingSeed="x", zoneIds="y")
    assert "trainingSeed" in message
    assert "zoneIds" in message
