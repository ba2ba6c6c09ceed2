"""Elasticsearch: versions, sizes and disks on offer, and the licence of the features in use."""

from __future__ import annotations

import re
from collections.abc import Iterator

from guardrails.preflight.cloud import Cloud
from guardrails.preflight.result import Check, Finding, Needs, failed, named, passed, warned
from guardrails.preflight.subject import Subject
from providers.clients.offers import (
    SearchInstance,
    search_instances,
    search_offer,
)

__all__ = ["CHECKS", "own_instance"]

_WORKING = "active"
# kNN search in the _search API, and byte-quantised HNSW, are in every 8.x that is on offer.
_MAJOR = 8


def _has_elasticsearch(subject: Subject) -> bool:
    return subject.config.engines.elasticsearch


def _version(subject: Subject, cloud: Cloud) -> Iterator[Finding]:
    config = subject.config
    if config.existing.elasticsearch_instance_id:
        yield _existing(config.existing.elasticsearch_instance_id, cloud)
        return
    wanted, offer = config.search.version, cloud.ask("elasticsearch", search_offer)
    if wanted in offer.versions:
        yield passed(f"{wanted} is on offer")
        return
    newer = sorted(version for version in offer.versions if version.startswith(f"{_MAJOR}."))
    what = f"set customrag:elasticsearchVersion to one of {', '.join(newer) or 'the console'}"
    own = own_instance(subject, cloud)
    if own is not None and own.version.split("_")[0].startswith(wanted.split("_")[0]):
        yield warned(
            f"{wanted} is no longer on offer, but {own.instance_id} has it", f"{what}, soon"
        )
    else:
        yield failed(f"{wanted} is not on offer in {config.region_id}", what)


def _existing(instance_id: str, cloud: Cloud) -> Finding:
    for instance in cloud.ask("elasticsearch", search_instances, instanceId=instance_id):
        if instance.instance_id != instance_id:
            continue
        major = re.match(r"\d+", instance.version)
        if instance.status != _WORKING:
            return failed(f"{instance_id} is {instance.status}", "wait until it is active")
        if major is None or int(major[0]) != _MAJOR:
            return failed(
                f"{instance_id} is Elasticsearch {instance.version}; the program needs {_MAJOR}.x",
                "upgrade it, or leave customrag:existingElasticsearchInstanceId empty",
            )
        return passed(f"{instance_id} is active, with {instance.version}")
    return failed(
        f"there is no instance {instance_id} in the region",
        "correct customrag:existingElasticsearchInstanceId, or leave it empty to create one",
    )


def own_instance(subject: Subject, cloud: Cloud) -> SearchInstance | None:
    """Return the instance that the stack itself has created."""
    name = subject.naming.physical("search")
    found = cloud.ask("elasticsearch", search_instances, description=name)
    return next((item for item in found if item.description == name), None)


def _nodes(subject: Subject, cloud: Cloud) -> Iterator[Finding]:
    config, offer = subject.config, cloud.ask("elasticsearch", search_offer)
    if own_instance(subject, cloud) is not None:
        yield passed("the instance already exists")
        return
    data, master = config.search.data_node_spec, config.search.master_node_spec
    yield named(data, _spec("elasticsearchDataNodeSpec", data, offer.node_specs))
    if master:
        yield named(master, _spec("elasticsearchMasterNodeSpec", master, offer.master_specs))
    wanted_gib = config.search.data_node_disk_gib
    smallest, largest = offer.smallest_disk_gib, offer.largest_disk_gib
    if largest and not smallest <= wanted_gib <= largest:
        found = f"a data node's disk of {wanted_gib} GiB is not on offer"
        do = f"set customrag:elasticsearchDataNodeDiskGib to {smallest} to {largest}"
        yield named("disk", failed(found, do))
    if offer.zones and config.zone_ids[0] not in offer.zones:
        do = f"put first in customrag:zoneIds one of {', '.join(sorted(offer.zones))}"
        yield named("zone", failed(f"Elasticsearch is not in {config.zone_ids[0]}", do))


def _spec(key: str, wanted: str, offered: frozenset[str]) -> Finding:
    if wanted in offered:
        return passed("on offer")
    family = wanted.rpartition(".")[0]
    near = sorted(spec for spec in offered if spec.startswith(family)) or sorted(offered)
    return failed("is not on offer", f"set customrag:{key} to one of {', '.join(near)}")


def _licence(subject: Subject, cloud: Cloud) -> Iterator[Finding]:
    """Check that the version has X-Pack, which has users with passwords.

    The other features in use (kNN on dense vectors, snapshots) are in the Basic licence, too
    (https://www.elastic.co/subscriptions, 8.x, read 2026-11). RRF, the linear retriever and
    _inference need Enterprise; that is why ranks are fused in `rag.fuse`.
    """
    version = subject.config.search.version
    if version.endswith("_with_X-Pack"):
        yield passed(f"{version} has X-Pack; the features in use need its Basic licence only")
    else:
        yield failed(
            f"{version} is a version without X-Pack, which has no users",
            "set customrag:elasticsearchVersion to one that ends in _with_X-Pack",
        )


CHECKS: tuple[Check, ...] = (
    Check(name="search-version", run=_version, concerns=_has_elasticsearch),
    Check(
        name="search-node",
        run=_nodes,
        concerns=lambda subject: (
            _has_elasticsearch(subject) and not subject.config.existing.elasticsearch_instance_id
        ),
    ),
    Check(name="licence", needs=Needs.NOTHING, run=_licence, concerns=_has_elasticsearch),
)
