"""The tables behind the checks, and the alternatives to sold-out instance types."""

from __future__ import annotations

from dataclasses import replace

import pytest

from guardrails.preflight.alternatives import similar_specs, similar_types
from guardrails.preflight.checks.identity import SERVICE_ROLES, uses_model_studio
from guardrails.preflight.checks.storage import _covers
from guardrails.preflight.subject import Demand
from localcloud.ram.service_roles import SERVICE_ROLES as LOCAL_ROLES
from providers.clients.offers import EcsSpec
from rag.hosted_models import ON_SALE
from rag.models import RETIRED
from tests.guardrails.preflight.conftest import Stage


def demand(instance_type: str) -> Demand:
    return Demand(
        what="node",
        key="embeddingInstanceType",
        instance_type=instance_type,
        count=1,
        most=1,
        zone_ids=("cn-hangzhou-h",),
    )


def test_a_model_is_either_on_sale_or_retired() -> None:
    assert ON_SALE.keys() & RETIRED.keys() == set()


def test_the_local_account_has_every_service_role() -> None:
    assert {role.name for role in SERVICE_ROLES} == set(LOCAL_ROLES)


def test_every_role_has_a_reason_and_a_source() -> None:
    lacking = [role.name for role in SERVICE_ROLES if not role.why or "https://" not in role.source]
    assert lacking == []


@pytest.mark.parametrize(
    ("url", "whose"),
    [
        ("https://dashscope.aliyuncs.com/compatible-mode/v1", True),
        ("https://ws-1.cn-beijing.maas.aliyuncs.com/compatible-mode/v1", True),
        ("https://llm.example.com/v1", False),
        ("https://aliyuncs.com.example.com/v1", False),
    ],
)
def test_model_studio_is_recognised_by_its_host(stage: Stage, url: str, whose: bool) -> None:
    assert uses_model_studio(stage.config(llmBaseUrl=url)) is whose


def test_alternatives_begin_with_the_same_family_and_the_smallest(stage: Stage) -> None:
    found = similar_types(demand("ecs.gn7i-c8g1.2xlarge"), "cn-hangzhou-h", stage.cloud())
    assert found[:2] == ["ecs.gn7i-c16g1.4xlarge", "ecs.gn7i-c32g1.8xlarge"]
    assert all(name.startswith("ecs.gn") for name in found)
    assert "ecs.gn6i-c4g1.xlarge" not in found  # Too small.


def test_alternatives_to_a_cpu_type_have_no_gpu(stage: Stage) -> None:
    found = similar_types(demand("ecs.g7.large"), "cn-hangzhou-h", stage.cloud())
    assert found[0] == "ecs.g7.xlarge"
    assert not any(name.startswith("ecs.gn") for name in found)


def test_an_unknown_type_has_no_alternatives(stage: Stage) -> None:
    assert similar_types(demand("ecs.none.large"), "cn-hangzhou-h", stage.cloud()) == []
    assert similar_specs(None, stage.cloud(), spot=False) == []


def test_a_cloud_that_does_not_answer_gives_no_alternatives(stage: Stage) -> None:
    stage.faults.inject("api-down", {"operation": "*"})
    spec = EcsSpec(name="x", cpu=1, memory_gib=1, gpu=0, available=False, spot=False)
    cloud = replace(stage.cloud(), region_id="cn-hangzhou")
    assert similar_types(demand("ecs.g7.large"), "cn-hangzhou-h", cloud) == []
    assert similar_specs(spec, cloud, spot=False) == []


@pytest.mark.parametrize(
    ("name", "host", "covered"),
    [
        ("chat.example.com", "chat.example.com", True),
        ("*.example.com", "chat.example.com", True),
        ("*.example.com", "CHAT.example.com", True),
        ("*.example.com", "a.chat.example.com", False),
        ("example.com", "chat.example.com", False),
    ],
)
def test_a_wildcard_stands_for_one_label(name: str, host: str, covered: bool) -> None:
    assert _covers(name, host) is covered
