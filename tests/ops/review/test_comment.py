"""The Markdown of a pull request."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from guardrails.cost.estimates import estimate
from guardrails.cost.model import difference
from guardrails.cost.render import money
from guardrails.declare import Declared
from ops.review.changes import PropertyChange, compare
from ops.review.comment import Review, marker, render
from tests.ops.review.support import resource

NODE = "alicloud:ecs/instance:Instance"
CLUSTER = "alicloud:elasticsearch/instance:Instance"
GPU = "ecs.gn7i-c8g1.2xlarge"
REGION = "cn-hangzhou"


def month(instance_type: str, *, with_disk: bool = False) -> str:
    """Return what a node costs a month, as a comment says it: prices change, and tests need not."""
    lines = estimate([node("a", instance_type)], region_id=REGION).lines
    return money(sum(line.cny for line in lines[: 2 if with_disk else 1]))


def node(name: str, instance_type: str, component: str = "nodes", **more: Any) -> Declared:
    inputs = {"instanceType": instance_type, "systemDiskCategory": "cloud_essd", **more}
    return resource(NODE, name, inputs, component=component)


def review(before: list[Declared], after: list[Declared], **more: Any) -> Review:
    cost = difference(
        estimate(before, region_id=REGION) if before else None, estimate(after, region_id=REGION)
    )
    changes = compare(before, after)
    return Review(stack="dev", basis="Compared.", changes=changes, cost=cost, **more)


def test_first_line_is_the_marker_of_the_comment() -> None:
    one = render(review([], [node("a", GPU)])).splitlines()[0]
    other = render(review([node("a", GPU)], [])).splitlines()[0]
    assert one == other == marker("dev") == "<!-- customrag-preview: dev -->"


def test_added_gpu_node_shows_its_cost_in_the_headline_and_in_a_line() -> None:
    text = render(review([node("a", "ecs.g7.large")], [node("a", "ecs.g7.large"), node("b", GPU)]))
    more = month(GPU, with_disk=True)
    assert f"### Preview of `dev`: 1 created, **+{more} CNY a month**" in text
    assert f"- `b` adds {month(GPU)} a month: {GPU}" in text
    assert re.search(rf"\| a month \| [\d,]+ \| [\d,]+ \| \+{more} \|", text)
    assert "`nightHours` would stop it at night" in text


def test_removed_node_shows_the_saving() -> None:
    text = render(review([node("a", "ecs.g7.large"), node("b", GPU)], [node("a", "ecs.g7.large")]))
    assert f"1 deleted, **−{month(GPU, with_disk=True)} CNY a month**" in text
    assert f"- `b` saves {month(GPU)} a month: {GPU}" in text


def test_changed_size_shows_both_sizes_and_the_difference() -> None:
    text = render(review([node("a", "ecs.g7.large")], [node("a", "ecs.g7.xlarge")]))
    assert re.search(r"- `a`: was ecs\.g7\.large, now ecs\.g7\.xlarge: \+[\d,]+ a month", text)
    assert "| `nodes` |  |  | Instance |  |" in text
    assert "`instanceType`: `ecs.g7.large` → `ecs.g7.xlarge`, which recreates the resource" in text


def test_comment_without_changes_says_so_in_a_line() -> None:
    text = render(review([node("a", GPU)], [node("a", GPU)]))
    assert "nothing changes" in text
    assert "as before" in text
    assert "<details>" not in text


def test_secrets_are_not_shown() -> None:
    before = resource(CLUSTER, "s", {"password": "old-hush"}, secrets=("password",))
    after = resource(
        CLUSTER,
        "s",
        {"password": "new-hush", "settingConfig": {"api_key": "hush"}},
        secrets=("password",),
    )
    text = render(review([before], [after], problems=["refused sk-0123456789abcdef"]))
    assert "hush" not in text
    assert "sk-0123456789abcdef" not in text
    assert "`password`: changed" in text


def test_document_name_cannot_break_out_of_inline_code() -> None:
    def corpus(name: str) -> list[Declared]:
        return [resource("customrag:oss:Corpus", "corpus", {"documents": {name: "1"}})]

    text = render(Review(stack="dev", basis="", changes=compare(corpus("a"), corpus("`` **x**"))))
    assert "``` documents.`` **x** ```: — → `1`" in text


def test_stack_over_its_budget_is_refused_with_the_excess() -> None:
    costs = round(estimate([node("a", GPU)], region_id=REGION).monthly_cny)
    found = review([], [node("a", GPU)], monthly_budget_cny=costs - 500)
    assert found.refused
    assert f"**Over the budget** of {costs - 500:,} CNY a month, by 50" in render(found)
    assert not review([], [node("a", GPU)], monthly_budget_cny=costs + 500).refused


def test_policy_violations_are_listed_and_refuse_the_change() -> None:
    found = review([], [node("a", GPU)], violations=["`no-public-bucket`: `b`: it is public"])
    assert found.refused
    assert "- `no-public-bucket`: `b`: it is public" in render(found)


def test_unpriced_resources_are_emphasised() -> None:
    text = render(review([], [node("a", "ecs.odd.huge")]))
    assert "- **not priced:** `a`: the table has no price of ecs/ecs.odd.huge" in text


def test_failed_preview_shows_only_the_reason() -> None:
    found = Review(stack="dev", basis="Compared.", problems=["ConfigError: no such key"])
    text = render(found)
    assert found.refused
    assert "### Preview of `dev`: failed" in text
    assert "ConfigError: no such key" in text
    assert "policy pack" not in text


def test_every_details_block_is_closed_and_set_off_by_blank_lines() -> None:
    text = render(review([], [node("a", GPU), node("b", "ecs.g7.large")]))
    assert text.count("<details>") == text.count("</details>") == 2
    # GitHub reads what follows a summary without a blank line as HTML.
    assert len(re.findall(r"</summary>\n\n- ", text)) == 2


def test_comment_fits_the_limit_of_github() -> None:
    many = [node(f"node-{number}", "ecs.g7.large") for number in range(2000)]
    text = render(review([], many))
    assert len(text) < 65_536
    assert "and more, cut off here" in text
    assert text.count("<details>") == text.count("</details>")
    assert text.count("<details>") == text.count("</details>")


def test_prices_of_what_changes_have_their_source_and_day() -> None:
    text = render(review([], [node("a", GPU)]))
    said = r"`ecs/ecs\.gn7i-c8g1\.2xlarge` [\d.]+ CNY/hour, \w+, page of 2023-06, \[read \d{4}-"
    assert re.search(said, text)


def test_spot_machine_s_cost_is_given_as_a_range() -> None:
    found = review([], [node("a", GPU, spotStrategy="SpotAsPriceGo")])
    assert found.cost is not None
    (line,) = found.cost.after.spot
    assert line.spot_cny is not None
    least, most = (money(cny) for cny in line.spot_cny)
    assert f"(spot: {least} to {most}, by the market)" in render(found)


def test_new_resource_that_outlives_the_stack_is_listed_once() -> None:
    bucket = replace(node("corpus", GPU), type="alicloud:oss/bucket:Bucket", inputs={}, retain=True)
    said = "- `corpus` remains after `make down`, for 2.40 a month"
    assert said in render(review([], [bucket]))
    assert said not in render(review([bucket], [bucket, node("a", GPU)]))


def test_share_of_assumed_prices_is_shown_if_it_matters() -> None:
    assert "84% of the monthly cost uses assumed prices" in render(
        review([], [node("a", "ecs.c7.large")])
    )
    assert "uses assumed prices" not in render(review([], [node("a", GPU)]))


def test_comment_with_a_too_long_front_is_cut_as_well() -> None:
    lines = [f"embeds document {number}" for number in range(20_000)]
    text = render(review([], [node("a", GPU)], embeddings=lines))
    assert len(text) < 65_536
    assert text.endswith("… and more.\n")


def test_many_violations_are_counted_and_not_all_listed() -> None:
    text = render(review([], [node("a", GPU)], violations=["`rule`: no"] * 100))
    assert text.count("`rule`: no") == 40
    assert "… and 60 more" in text


def test_changed_setting_comes_before_its_effects() -> None:
    settings = [
        PropertyChange(path="embeddingModel", before="all-MiniLM-L6-v2", after="hf:BAAI/bge-small"),
        PropertyChange(path="llmApiKey", before="hush", after="hush-hush", secret=True),
    ]
    text = render(review([], [node("a", GPU)], settings=settings))
    assert "- `embeddingModel`: `all-MiniLM-L6-v2` → `hf:BAAI/bge-small`" in text
    assert "- `llmApiKey`: changed" in text
    assert "hush" not in text
    assert text.index("**Settings**") < text.index("| component |")


def test_deleted_bucket_is_emphasised_and_a_protected_one_is_marked() -> None:
    bucket = resource("alicloud:oss/bucket:Bucket", "corpus", {"bucket": "a"})
    text = render(review([bucket], []))
    assert "**Deleted with its data**\n\n- `corpus` (Bucket) is deleted\n" in text
    other = replace(bucket, inputs={"bucket": "b"}, protect=True)
    text = render(review([replace(bucket, protect=True)], [other]))
    assert "- `corpus` (Bucket) is replaced, but it is protected" in text
    assert "Deleted with its data" not in render(review([], [bucket]))


def test_replaced_data_disk_is_emphasised_and_its_node_is_not() -> None:
    disk = resource("alicloud:ecs/ecsDisk:EcsDisk", "index-data", {"zoneId": "cn-hangzhou-h"})
    moved = replace(disk, inputs={"zoneId": "cn-hangzhou-i"})
    text = render(review([disk, node("a", GPU)], [moved]))
    assert "**Deleted with its data**\n\n- `index-data` (EcsDisk) is replaced\n\n" in text


def test_component_name_cannot_add_a_table_cell() -> None:
    text = render(review([], [node("a", GPU, component="a|b` | **c**")]))
    assert "| `` a\\|b` \\| **c** `` | Instance |" in text
