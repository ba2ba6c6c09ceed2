"""Cases of the rules about tags, sizes, protection and hosted models."""

from __future__ import annotations

from guardrails.policy.model import STACK_TYPE, Setting
from tests.guardrails.policy.cases.support import (
    ADDRESS,
    BALANCER,
    BUCKET,
    DEV,
    DISK,
    GROUP,
    INSTANCE,
    KEY,
    NAT,
    PR,
    PROD,
    RULE,
    SCALING,
    SEARCH,
    SECRET,
    TAGS,
    TEMPLATE,
    Case,
    job,
    one,
    pod,
    user_data,
)

VIOLATING: dict[str, list[Case]] = {
    "tags-are-there": [
        Case("nodes of a group", one(TEMPLATE, templateTags=TAGS)),
        Case("a template", one(TEMPLATE, tags=TAGS)),
        Case("no tags", one(BUCKET)),
        Case("no environment", one(BUCKET, tags={**TAGS, "environment": ""})),
        Case("a pr stack without an expiry date", one(BUCKET, tags=TAGS), PR),
    ],
    "owner-is-named-in-prod": [
        Case("no owner", one(BUCKET, tags={**TAGS, "owner": "unset"}), PROD),
        Case("no cost center", one(BUCKET, tags={**TAGS, "cost-center": "unset"}), PROD),
    ],
    "pr-stack-is-small": [
        Case("a scaling configuration", one(SCALING, instanceTypes=["ecs.g7.16xlarge"]), PR),
        Case(
            "an override",
            one(GROUP, launchTemplateOverrides=[{"instanceType": "ecs.g7.16xlarge"}]),
            PR,
        ),
        Case(
            "large warm nodes",
            one(SEARCH, warmNodeConfiguration={"spec": "elasticsearch.sn2ne.4xlarge"}),
            PR,
        ),
        Case("a large node", one(INSTANCE, instanceType="ecs.g7.4xlarge"), PR),
        Case("two GPUs", one(TEMPLATE, instanceType="ecs.gn7i-c8g2.2xlarge"), PR),
        Case("an unknown size", one(INSTANCE, instanceType="ecs.ebmgn7"), PR),
        Case("a large pod", job(jobSpecs=pod(ecsSpec="ecs.gn7i-c32g1.8xlarge")), PR),
        Case("too many pods", job(jobSpecs=pod(podCount=2)), PR),
        Case("too many search nodes", one(SEARCH, dataNodeConfiguration={"amount": 3}), PR),
        Case("a large data disk of a node", one(DISK, size=41), PR),
        Case("a large disk", one(SEARCH, dataNodeConfiguration={"disk": 500}), PR),
        Case(
            "large masters",
            one(SEARCH, masterConfiguration={"spec": "elasticsearch.sn2ne.4xlarge"}),
            PR,
        ),
        Case("a large group", one(GROUP, maxSize=10), PR),
    ],
    "pr-gpu-is-spot": [
        Case(
            "a template",
            one(TEMPLATE, instanceType="ecs.gn7i-c8g1.2xlarge", spotStrategy="NoSpot"),
            PR,
        ),
        Case("one of several types", one(SCALING, instanceTypes=["ecs.gn7i-c8g1.2xlarge"]), PR),
        Case("a node", one(INSTANCE, instanceType="ecs.gn7i-c8g1.2xlarge"), PR),
        Case("a pod", job(jobSpecs=pod()), PR),
    ],
    "pr-stack-bills-by-the-hour": [
        Case("a node", one(INSTANCE, instanceChargeType="PrePaid"), PR),
        Case("the search cluster", one(SEARCH, paymentType="Subscription"), PR),
    ],
    "job-ends": [
        Case("no limit", job(jobSpecs=pod())),
        Case("a week", job(jobSpecs=pod(), maxRunningTimeMinutes=7 * 24 * 60)),
        Case("zero", job(jobSpecs=pod(), maxRunningTimeMinutes=0)),
        Case("an ingest run", one("customrag:rag:IngestRun", jobSpecs=pod())),
    ],
    "protected-in-prod": [
        Case("a bucket", one(BUCKET), PROD),
        Case("a data disk", one(DISK), PROD),
        Case("the search cluster", one(SEARCH), PROD),
        Case("a key", one(KEY), PROD),
    ],
    "deletion-protection-in-prod": [
        Case("the NAT gateway", one(NAT, deletionProtection=False), PROD),
        Case("the public address", one(ADDRESS), PROD),
        Case("the load balancer", one(BALANCER, deletionProtectionEnabled=False), PROD),
        Case("a key", one(KEY, deletionProtection="Disabled"), PROD),
        Case("the scaling group", one(GROUP), PROD),
    ],
    "no-forced-deletion-in-prod": [
        Case("a bucket", one(BUCKET, forceDestroy=True), PROD),
        Case("a secret", one(SECRET, forceDeleteWithoutRecovery=True), PROD),
    ],
    "no-retired-model": [
        Case(
            "configured",
            one(STACK_TYPE),
            Setting(environment="dev", config={"llmModel": "qwen-turbo"}),
        ),
        Case("on a node", one(INSTANCE, userData=user_data("qwen-max"))),
        Case("in a job", job(envs={"RERANKER": "gte-rerank"})),
    ],
}

PASSING: dict[str, list[Case]] = {
    "tags-are-there": [
        Case("a template and its nodes", one(TEMPLATE, tags=TAGS, templateTags=TAGS)),
        Case("all tags", one(BUCKET, tags=TAGS)),
        Case(
            "a pr stack with an expiry date",
            one(BUCKET, tags={**TAGS, "expires-at": "2026-11-24"}),
            PR,
        ),
        Case("a type without tags", one(RULE)),
    ],
    "owner-is-named-in-prod": [
        Case("an owner", one(BUCKET, tags=TAGS), PROD),
        Case("dev", one(BUCKET, tags={**TAGS, "owner": "unset"}), DEV),
    ],
    "pr-stack-is-small": [
        Case("a small node", one(INSTANCE, instanceType="ecs.g7.large"), PR),
        Case("a small data disk", one(DISK, size=40), PR),
        Case("one GPU", job(jobSpecs=pod()), PR),
        Case(
            "a small cluster",
            one(
                SEARCH,
                zoneCount=1,
                dataNodeConfiguration={
                    "spec": "elasticsearch.sn2ne.large",
                    "amount": 2.0,
                    "disk": 20,
                },
            ),
            PR,
        ),
        Case("prod", one(INSTANCE, instanceType="ecs.g7.16xlarge"), PROD),
    ],
    "pr-gpu-is-spot": [
        Case(
            "a spot node",
            one(INSTANCE, instanceType="ecs.gn7i-c8g1.2xlarge", spotStrategy="SpotAsPriceGo"),
            PR,
        ),
        Case("a spot pod", job(jobSpecs=pod(useSpotInstance=True)), PR),
        Case("no GPU", one(INSTANCE, instanceType="ecs.g7.large"), PR),
    ],
    "pr-stack-bills-by-the-hour": [
        Case("a node", one(INSTANCE, instanceChargeType="PostPaid"), PR),
        Case("prod", one(SEARCH, paymentType="Subscription"), PROD),
    ],
    "job-ends": [
        Case("a limit", job(jobSpecs=pod(), maxRunningTimeMinutes=240.0)),
        Case("spot", job(jobSpecs=pod(useSpotInstance=True))),
    ],
    "protected-in-prod": [
        Case("a bucket", one(BUCKET, protect=True), PROD),
        Case("dev", one(BUCKET), DEV),
    ],
    "deletion-protection-in-prod": [
        Case("the load balancer", one(BALANCER, deletionProtectionEnabled=True), PROD),
        Case("the other property", one(BALANCER, deletionProtectionConfig={"enabled": True}), PROD),
    ],
    "no-forced-deletion-in-prod": [
        Case("a bucket", one(BUCKET, forceDestroy=False), PROD),
        Case("pr", one(BUCKET, forceDestroy=True), PR),
    ],
    "no-retired-model": [
        Case(
            "configured",
            one(STACK_TYPE),
            Setting(environment="dev", config={"llmModel": "qwen-plus"}),
        ),
        Case("a name with the same beginning", one(INSTANCE, userData=user_data("qwen-max-2026"))),
    ],
}
