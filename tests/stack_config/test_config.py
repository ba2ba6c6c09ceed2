"""Configuration: what is refused, and that the message says what to change."""

from __future__ import annotations

import math
from typing import Any

import pulumi
import pytest
import yaml
from pydantic import ValidationError

from stack_config.config import SECRET_KEYS, ConfigError, StackConfig
from stack_config.group import keys_after
from stack_config.models import DASHSCOPE
from tests.infra.conftest import CLOUD_CONFIG, LOCAL_CONFIG, project_defaults
from training.bounds import BOUNDS, Bounds
from training.job_specs import PodSettings, TrainingSettings
from training.options import Options, SettingsError


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


def test_project_file_describes_exactly_the_keys_of_the_models(
    request: pytest.FixtureRequest,
) -> None:
    schema = yaml.safe_load((request.config.rootpath / "Pulumi.yaml").read_text())["config"]
    keys = {key for _, key in StackConfig.all_keys()} | SECRET_KEYS
    assert schema.keys() == {f"customrag:{key}" for key in keys}


def test_every_key_is_described_and_typed(request: pytest.FixtureRequest) -> None:
    schema = yaml.safe_load((request.config.rootpath / "Pulumi.yaml").read_text())["config"]
    for key, entry in schema.items():
        assert entry["description"].endswith("."), key
        assert entry["type"] in {"string", "integer", "boolean", "array"}, key


def test_the_language_model_answers_at_dashscope_unless_a_url_is_given() -> None:
    assert parse().language_model.base_url == DASHSCOPE
    given = parse(llmBaseUrl="http://127.0.0.1:11434/v1").language_model
    assert given.base_url == given.given_base_url == "http://127.0.0.1:11434/v1"
    text = refusal(llmBaseUrl="https://me:hush@models.example.com/v1")
    assert "customrag:llmBaseUrl" in text
    assert "without credentials, such as http://127.0.0.1:11434/v1" in text


def test_an_unknown_key_is_refused_with_similar_keys() -> None:
    message = refusal(embedingModel="x")
    assert "customrag:embedingModel is not a config key; did you mean embeddingModel" in message
    assert "customrag:xyz is not a config key; Pulumi.yaml lists every key" in refusal(xyz="1")


def test_a_missing_key_names_the_stack_file() -> None:
    values = {**project_defaults(), **LOCAL_CONFIG}
    del values["imageId"]
    with pytest.raises(ConfigError, match=r"customrag:imageId is missing.*Pulumi\.test\.yaml"):
        StackConfig.parse(values, stack="test")


def test_the_dimension_comes_from_the_model_catalogue() -> None:
    assert parse().embedding.dimension == 384
    assert parse(embeddingModel="hf:BAAI/bge-m3").embedding.dimension == 1024
    assert parse(embeddingModel="hf:BAAI/bge-m3", embeddingDimension="1024").embedding.dimension


def test_a_dimension_that_contradicts_the_catalogue_is_refused() -> None:
    message = refusal(embeddingDimension="768")
    assert "customrag:embeddingDimension is 768" in message
    assert "all-MiniLM-L6-v2 makes embeddings of 384. Remove the key" in message
    assert "hf:BAAI/bge-base-en-v1.5" in message


def test_a_model_outside_the_catalogue_needs_its_dimension() -> None:
    assert "customrag:embeddingDimension is 0; the catalogue does not list hf:org/model" in refusal(
        embeddingModel="hf:org/model"
    )
    assert parse(embeddingModel="hf:org/model", embeddingDimension="768").embedding.dimension == 768


def test_a_region_without_the_instance_family_is_refused() -> None:
    message = refusal(regionId="me-east-1", zoneIds='["me-east-1a"]')
    assert "customrag:trainingEcsSpec" in message
    assert "cn-hangzhou" in message


def test_a_zone_of_another_region_is_refused() -> None:
    assert "'cn-beijing-a' is not in region cn-hangzhou" in refusal(zoneIds='["cn-beijing-a"]')


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


@pytest.mark.parametrize(
    ("key", "value", "allowed"),
    [
        ("trainingLearningRate", "0.05", "over 0 and at most 0.01"),
        ("trainingLearningRate", "0", "over 0 and at most 0.01"),
        ("trainingLearningRate", "inf", "give a finite number"),
        ("trainingLearningRate", "2,5e-5", "give a number"),
        ("trainingNumTrainEpochs", "200", "over 0 and at most 100"),
        ("trainingNumTrainEpochs", "nan", "give a finite number"),
        ("trainingBatchSize", "1", "at least 2, or 0"),
        ("trainingBatchSize", "-1", "at least 2, or 0"),
        ("trainingSeed", "-1", "from 0 to 4294967295"),
        ("trainingSeed", "4294967296", "from 0 to 4294967295"),
        ("trainingPodCount", "0", "at least 1"),
        ("trainingGpusPerPod", "-1", "from 0 to 8"),
        ("trainingGpusPerPod", "9", "from 0 to 8"),
        ("trainingMaxRunningTimeMinutes", "0", "at least 1"),
    ],
)
def test_what_the_training_job_would_refuse_is_refused_before_it_starts(
    key: str, value: str, allowed: str
) -> None:
    message = refusal(**{key: value})
    assert f"customrag:{key} is " in message
    assert allowed in message


JOB_SETTINGS = sorted(
    name
    for settings in (TrainingSettings, PodSettings)
    for name in settings.__annotations__
    if name in BOUNDS and name != "cross_encoder_epochs"
)
"""Every setting of the training job that has bounds. Each has a config key, except the passes of
the cross-encoder, which follow from `customrag:reranker`."""


def key_of(name: str) -> str:
    return "trainingBatchSize" if "batch_size" in name else keys_after("training")(name)


def at_the_edges(bounds: Bounds, whole: bool) -> tuple[list[float], list[float]]:
    """Return values just inside and just outside of bounds."""
    step = 1 if whole else 1e-9
    inside = [bounds.lowest + (step if bounds.over else 0)]
    outside = [bounds.lowest - (0 if bounds.over else step)]
    if bounds.highest is not None:
        inside.append(bounds.highest)
        outside.append(bounds.highest + step)
    return inside, outside if whole else [*outside, math.inf, -math.inf, math.nan]


@pytest.mark.parametrize("name", JOB_SETTINGS)
def test_configuration_plan_and_job_refuse_and_accept_the_same_values(name: str) -> None:
    whole = "float" not in str(
        {**TrainingSettings.__annotations__, **PodSettings.__annotations__}[name]
    )
    inside, outside = at_the_edges(BOUNDS[name], whole)
    for value in inside:
        parse(**{key_of(name): str(value)})
        plan_and_job(name, value)
    for value in outside:
        if name != "per_device_train_batch_size" or value:
            assert f"customrag:{key_of(name)} is " in refusal(**{key_of(name): str(value)})
        with pytest.raises(ValueError, match=f"{name} is {value}; it must be {BOUNDS[name]}"):
            plan_and_job(name, value)
        if name in Options.__annotations__:
            with pytest.raises(SettingsError, match=f"it must be {BOUNDS[name]}"):
                Options(corpus_dir="c", output_dir="o", **{name: value})  # type: ignore[arg-type]


def plan_and_job(name: str, value: float) -> None:
    """Give a value to what plans the job, and to the job if it has such a setting."""
    changes: dict[str, Any] = {name: value}
    if name in PodSettings.__annotations__:
        PodSettings(ecs_spec="ecs.g7.xlarge", image="i", **changes)
        return
    pods = PodSettings(ecs_spec="ecs.g7.xlarge", image="i")
    TrainingSettings(pods=pods, base_model="m", dimension=384, **changes)
    Options(corpus_dir="c", output_dir="o", **changes)


def keys_in(message: str) -> list[str]:
    lines = [line for line in message.splitlines() if line.startswith("  - customrag:")]
    return [line.removeprefix("  - customrag:").partition(" ")[0] for line in lines]


def test_all_wrong_values_are_reported_at_once() -> None:
    message = refusal(trainingSeed="x", zoneIds="y", edgeCacheSeconds="-1", typo="z")
    assert keys_in(message) == ["typo", "zoneIds", "trainingSeed", "edgeCacheSeconds"]


def test_all_broken_rules_are_reported_at_once() -> None:
    message = refusal(edgeHostname="a", chatMaxInstances="2", tearDown="x", typo="z")
    assert keys_in(message) == ["typo", "chatMaxInstances", "edgeHostname", "tearDown"]


def test_a_key_may_not_be_a_group() -> None:
    assert "customrag:training is not a config key" in refusal(training="x")


def test_values_cannot_be_changed_after_parsing() -> None:
    with pytest.raises(ValidationError):
        parse().training.seed = 7  # type: ignore[misc]
