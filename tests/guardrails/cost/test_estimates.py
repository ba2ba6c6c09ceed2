"""The cost of declared resources. Tests amounts, not prices."""

from __future__ import annotations

from typing import Any

import pytest

from guardrails.cost.estimates import estimate
from guardrails.cost.model import Estimate, Line, Period, difference
from guardrails.cost.prices import load_prices
from guardrails.placeholders import unknown
from tests.guardrails.cost.support import GPU, REGION, Item, node

TEMPLATE = "alicloud:ecs/ecsLaunchTemplate:EcsLaunchTemplate"
GROUP = "alicloud:ess/scalingGroup:ScalingGroup"


def of(*items: Item, **more: Any) -> Estimate:
    return estimate(items, region_id=REGION, **more)


def price(item: str) -> float:
    found = load_prices().find(item, REGION)
    assert found is not None, item
    return found.cny


def line(found: Estimate, item: str) -> Line:
    (only,) = [line for line in found.lines if line.price.item == item]
    return only


def test_an_instance_and_its_disk_cost_730_hours_a_month() -> None:
    found = of(node())
    assert line(found, f"ecs/{GPU}").cny == pytest.approx(730 * price(f"ecs/{GPU}"))
    disk = line(found, "disk/cloud_essd/PL1")
    assert disk.cny == pytest.approx(730 * 40 * price("disk/cloud_essd/PL1"))
    assert found.monthly_cny == pytest.approx(sum(each.cny for each in found.lines))
    assert found.hourly_cny == pytest.approx(found.monthly_cny / 730)


def test_a_data_disk_costs_its_size_at_its_level_and_its_attachment_nothing() -> None:
    disk = Item(
        "alicloud:ecs/ecsDisk:EcsDisk",
        "data",
        {"category": "cloud_essd", "performanceLevel": "PL0", "size": 100},
    )
    found = estimate(
        [disk, Item("alicloud:ecs/ecsDiskAttachment:EcsDiskAttachment", "data", {})],
        region_id=REGION,
    )
    assert not found.unpriced
    (line,) = found.lines
    assert (line.what, line.price.item) == ("data disk of 100 GiB", "disk/cloud_essd/PL0")
    assert line.cny == pytest.approx(100 * line.price.cny_per_month)


def test_a_prepaid_data_disk_is_reported_as_not_priced() -> None:
    disk = Item("alicloud:ecs/ecsDisk:EcsDisk", "data", {"paymentType": "Subscription"})
    (missing,) = estimate([disk], region_id=REGION).unpriced
    assert "paymentType is 'Subscription'" in missing.why


def test_a_spot_instance_costs_a_share_and_its_disk_the_full_price() -> None:
    found, full = of(node(spotStrategy="SpotAsPriceGo")), of(node())
    share = price("spot/ecs")
    assert line(found, f"ecs/{GPU}").cny == pytest.approx(share * line(full, f"ecs/{GPU}").cny)
    disk = "disk/cloud_essd/PL1"
    assert line(found, disk).cny == pytest.approx(line(full, disk).cny)


def test_idle_machines_are_listed_dearest_first() -> None:
    found = of(node("cpu", "ecs.g7.large"), node("gpu"))
    assert [each.name for each in found.idle] == ["gpu", "cpu"]
    assert [each.name for each in found.idle if "GPU" in each.idle] == ["gpu"]


def test_only_spot_machines_have_a_price_range() -> None:
    found, full = of(node(spotStrategy="SpotAsPriceGo")), of(node())
    spot, demand = (line(each, f"ecs/{GPU}") for each in (found, full))
    assert spot.spot_cny == pytest.approx((0.1 * demand.cny, demand.cny))
    assert demand.spot_cny is None
    assert (found.spot, full.spot) == ([spot], [])


def test_the_price_range_of_a_spot_job_ends_at_its_bid() -> None:
    spec = {"ecsSpec": GPU, "useSpotInstance": True, "spotSpec": {"spotDiscountLimit": 0.5}}
    (run,) = of(Item("customrag:pai:DlcJob", "training", {"jobSpecs": [spec]})).runs
    hours = 4 * price(f"ecs/{GPU}")
    assert run.spot_cny == pytest.approx((0.1 * hours, 0.5 * hours))


def test_the_dearest_month_has_the_largest_groups_and_the_highest_spot_price() -> None:
    found = of(
        Item(GROUP, "chat", {"minSize": 1, "maxSize": 3}),
        Item(TEMPLATE, "chat", {"instanceType": "ecs.g7.large"}),
        node("gpu", spotStrategy="SpotAsPriceGo"),
    )
    full = of(node("gpu"))
    chat = sum(each.cny for each in found.lines if each.name == "chat")
    assert found.dearest_monthly_cny == pytest.approx(3 * chat + full.monthly_cny)


def test_the_shares_of_the_month_by_basis_add_up_to_one() -> None:
    found = of(node("gpu", spotStrategy="SpotAsPriceGo"), node("cpu", "ecs.c7.large"))
    assert sum(found.shares.values()) == pytest.approx(1.0)
    assert found.shares["spot"] == pytest.approx(line(found, f"ecs/{GPU}").cny / found.monthly_cny)
    assert found.shares["assumed"] == found.assumed_share
    assert found.assumed_share == pytest.approx(
        line(found, "ecs/ecs.c7.large").cny / found.monthly_cny
    )


def test_a_spot_price_from_an_assumed_list_price_counts_as_assumed() -> None:
    found = of(node("cpu", "ecs.c7.large", spotStrategy="SpotAsPriceGo"))
    assert line(found, "ecs/ecs.c7.large").footing == "assumed"


def test_retained_resources_continue_to_cost_and_free_ones_are_not_listed() -> None:
    bucket = "alicloud:oss/bucket:Bucket"
    found = of(
        Item(bucket, "corpus", retain=True),
        Item(bucket, "scratch"),
        Item("alicloud:oss/bucketAcl:BucketAcl", "corpus-acl", retain=True),
        Item(bucket, "theirs", existing="theirs", retain=True),
    )
    (kept,) = found.kept
    assert (kept.name, kept.fate) == ("corpus", "remains")
    assert kept.cny == pytest.approx(line(of(Item(bucket, "x")), "oss/standard-lrs").cny)


def test_a_deleted_key_costs_nothing_and_a_retained_key_needs_its_instance() -> None:
    key = "alicloud:kms/key:Key"
    (gone,) = of(Item(key, "key", {"pendingWindowInDays": 7})).kept
    assert gone.cny == 0
    assert gone.fate == "waits 7 days for deletion and costs nothing"
    stays, instance = of(Item(key, "key", retain=True)).kept
    assert stays.cny == pytest.approx(line(of(Item(key, "key")), "kms/key").cny)
    assert instance.name == "KMS instance"


def test_a_deleted_secret_can_be_restored_unless_deleted_without_recovery() -> None:
    secret = "alicloud:kms/secret:Secret"
    (kept,) = of(Item(secret, "password", {"recoveryWindowInDays": 30})).kept
    assert (kept.fate, kept.cny) == ("can be restored for 30 days", None)
    assert of(Item(secret, "password", {"forceDeleteWithoutRecovery": True})).kept == []


def test_an_instance_type_without_a_price_is_reported_as_not_priced() -> None:
    found = of(node("big", "ecs.gn99-c1g1.huge"))
    (gap,) = found.unpriced
    assert gap.name == "big"
    assert "no price of ecs/ecs.gn99-c1g1.huge in cn-hangzhou" in gap.why


def test_a_type_without_a_meter_is_reported_as_not_priced() -> None:
    (gap,) = of(Item("alicloud:rds/instance:Instance", "database")).unpriced
    assert "neither metered nor declared free" in gap.why


def test_a_prepaid_instance_is_reported_as_not_priced() -> None:
    found = of(node(instanceChargeType="PrePaid"))
    assert "PrePaid" in found.unpriced[0].why
    assert found.lines == []


def test_an_existing_resource_is_on_another_bill() -> None:
    found = of(Item("alicloud:oss/bucket:Bucket", "corpus", {}, existing="our-corpus"))
    assert found.lines == []
    assert any("our-corpus" in aside for aside in found.asides)


def test_a_group_costs_its_smallest_size_and_at_most_its_largest() -> None:
    found = of(
        Item(
            GROUP, "chat", {"minSize": 2, "maxSize": 6, "launchTemplateId": unknown("chat-t", "id")}
        ),
        Item(TEMPLATE, "other-t", {"instanceType": GPU}),
        Item(TEMPLATE, "chat-t", {"instanceType": "ecs.g7.large"}),
    )
    instances = line(found, "ecs/ecs.g7.large")
    assert instances.cny == pytest.approx(2 * 730 * price("ecs/ecs.g7.large"))
    assert instances.most_cny == pytest.approx(3 * instances.cny)
    assert instances.what == "2 (to 6) × ecs.g7.large"
    assert found.most_monthly_cny == pytest.approx(3 * found.monthly_cny)


def test_the_template_of_a_group_is_found_by_name_if_ids_are_unknown() -> None:
    found = of(
        Item(GROUP, "chat-group", {"minSize": 1}),
        Item(TEMPLATE, "other", {"instanceType": GPU}),
        Item(TEMPLATE, "chat", {"instanceType": "ecs.g7.large"}),
    )
    assert line(found, "ecs/ecs.g7.large").name == "chat-group"


def test_a_group_without_a_template_is_not_priced() -> None:
    (gap,) = of(Item(GROUP, "chat", {"minSize": 1})).unpriced
    assert "launch template" in gap.why


def test_a_search_cluster_costs_each_kind_of_node_and_every_disk() -> None:
    found = of(
        Item(
            "alicloud:elasticsearch/instance:Instance",
            "search",
            {
                "paymentType": "PayAsYouGo",
                "dataNodeConfiguration": {
                    "amount": 3,
                    "spec": "elasticsearch.sn2ne.xlarge",
                    "disk": 100,
                    "diskType": "cloud_essd",
                    "performanceLevel": "PL1",
                },
                "masterConfiguration": {"spec": "elasticsearch.sn2ne.large", "amount": 3},
            },
        )
    )
    data = line(found, "elasticsearch/elasticsearch.sn2ne.xlarge")
    assert data.cny == pytest.approx(3 * 730 * price("elasticsearch/elasticsearch.sn2ne.xlarge"))
    assert line(found, "elasticsearch/elasticsearch.sn2ne.large").what.startswith("3 master")
    disks = [each for each in found.lines if each.price.item == "disk/cloud_essd/PL1"]
    assert sorted(each.what for each in disks) == [
        "data disks of 300 GiB",
        "master disks of 60 GiB",
    ]


def test_a_job_costs_its_longest_run_and_nothing_a_month() -> None:
    job = Item(
        "customrag:pai:DlcJob",
        "training",
        {
            "maxRunningTimeMinutes": 120,
            "jobSpecs": [{"ecsSpec": GPU, "podCount": 2, "useSpotInstance": False}],
        },
    )
    found = of(job)
    assert found.monthly_cny == 0
    (run,) = found.runs
    assert run.cny == pytest.approx(2 * 2 * price(f"ecs/{GPU}"))


def test_a_spot_job_never_costs_more_than_its_bid() -> None:
    spec = {"ecsSpec": GPU, "useSpotInstance": True, "spotSpec": {"spotDiscountLimit": 0.1}}
    found = of(Item("customrag:pai:DlcJob", "training", {"jobSpecs": [spec]}))
    assert found.runs[0].cny == pytest.approx(4 * 0.1 * price(f"ecs/{GPU}"))


def test_a_job_on_the_users_own_quota_is_not_priced() -> None:
    (gap,) = of(Item("customrag:pai:DlcJob", "training", {"resourceId": "quota1"})).unpriced
    assert "quota" in gap.why


def test_a_load_balancer_on_the_internet_pays_for_an_address_in_each_zone() -> None:
    inputs = {
        "loadBalancerEdition": "Standard",
        "addressType": "Internet",
        "zoneMappings": [{}, {}],
    }
    found = of(Item("alicloud:alb/loadBalancer:LoadBalancer", "chat", inputs))
    assert line(found, "eip/address").cny == pytest.approx(2 * 730 * price("eip/address"))
    inside = of(Item("alicloud:alb/loadBalancer:LoadBalancer", "chat", {"addressType": "Intranet"}))
    assert {each.price.item for each in inside.lines} == {"alb/Basic", "alb/lcu"}


def test_log_storage_costs_money_after_the_included_days() -> None:
    store = "alicloud:log/store:Store"
    short, long = (
        of(Item(store, "s", {"retentionPeriod": 30})),
        of(Item(store, "s", {"retentionPeriod": 90})),
    )
    assert [each.price.item for each in short.lines] == ["log/ingested"]
    per_month = load_prices().usage["log_gb_month"]
    assert line(long, "log/storage").cny == pytest.approx(2 * per_month * price("log/storage"))


def test_questions_are_priced_by_tokens() -> None:
    found = of(llm_model="qwen-plus")
    usage = load_prices().usage
    tokens = usage["questions"] * usage["question_input_tokens"] / 1000
    assert line(found, "llm/qwen-plus/input").cny == pytest.approx(
        tokens * price("llm/qwen-plus/input")
    )


def test_the_region_comes_from_the_provider_of_the_stack() -> None:
    provider = "pulumi:providers:alicloud"
    found = estimate(
        [
            Item(provider, "alicloud-replica", {"region": "cn-shanghai"}),
            Item(provider, "alicloud", {"region": "cn-beijing"}),
        ]
    )
    assert found.region_id == "cn-beijing"


def test_without_a_provider_region_id_is_required() -> None:
    with pytest.raises(ValueError, match="Pass region_id"):
        estimate([node()])


def test_the_estimate_says_that_own_keys_need_a_paid_kms_instance() -> None:
    found = of(Item("alicloud:kms/key:Key", "key", {}))
    (aside,) = found.asides
    assert "KMS instance" in aside
    assert f"about {price('kms/instance') * 365 / 12:,.0f} CNY a month" in aside
    assert f"{price('kms/qps') * 365 / 12:,.0f} for each query a second" in aside


def test_the_budget_applies_to_the_largest_size() -> None:
    found = of(
        Item(GROUP, "chat", {"minSize": 1, "maxSize": 10}),
        Item(TEMPLATE, "chat", {"instanceType": "ecs.g7.large"}),
    )
    assert not found.over_budget(0)
    assert found.over_budget(round(found.monthly_cny) + 1)
    assert not found.over_budget(round(found.most_monthly_cny) + 1)


def test_a_difference_names_added_removed_and_changed_lines() -> None:
    before = of(node("a", "ecs.g7.large"), node("b", "ecs.g7.large"))
    after = of(node("b", "ecs.g7.xlarge"), node("c"))
    found = difference(before, after)
    assert {each.name for each in found.added} == {"c"}
    assert {each.name for each in found.removed} == {"a"}
    ((old, new),) = found.changed
    assert (old.what, new.what) == ("ecs.g7.large", "ecs.g7.xlarge")
    assert found.monthly_cny == pytest.approx(after.monthly_cny - before.monthly_cny)


def test_lines_with_equal_keys_are_compared_in_order() -> None:
    def disks(*sizes: int) -> Item:
        return node(
            "n",
            "ecs.g7.large",
            dataDisks=[{"category": "cloud_essd", "size": size} for size in sizes],
        )

    found = difference(of(disks(100, 200)), of(disks(100, 300)))
    assert found.added == []
    assert [(old.what, new.what) for old, new in found.changed] == [
        ("disk of 200 GiB", "disk of 300 GiB")
    ]


def test_the_difference_for_a_new_stack_is_its_whole_cost() -> None:
    after = of(node())
    found = difference(None, after)
    assert found.monthly_cny == after.monthly_cny
    assert len(found.added) == len(after.lines)


def test_the_month_leaves_out_jobs() -> None:
    found = of(node(), Item("customrag:pai:DlcJob", "t", {"jobSpecs": [{"ecsSpec": GPU}]}))
    assert [each.period for each in found.runs] == [Period.RUN]
    assert found.monthly_cny == pytest.approx(of(node()).monthly_cny)
