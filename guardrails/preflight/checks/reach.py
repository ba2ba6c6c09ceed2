"""Whether this machine can reach what an update connects to inside the VPC."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from components.network import OPENSEARCH_PORT, plan_cidr_blocks
from components.opensearch import plan_nodes
from guardrails.preflight.checks.search import own_instance
from guardrails.preflight.cloud import Cloud
from guardrails.preflight.result import Check, Finding, passed, warned
from guardrails.preflight.subject import Subject
from providers.clients.compute import running_instances, vswitches
from providers.clients.offers import search_address

__all__ = ["CHECKS"]

# Never a FAIL, because previews run it, too, and need no connection.
_WHERE = (
    "run the update on a machine in the VPC, or connect this one by VPN or peering "
    "(docs/how-to/first-deploy.md, 3); previews run from anywhere"
)


def _reach(subject: Subject, cloud: Cloud) -> Iterator[Finding]:
    if subject.is_local:
        yield passed("a local cloud is on this machine")
        return
    with_elasticsearch = subject.config.engines.elasticsearch
    engine = "Elasticsearch" if with_elasticsearch else "OpenSearch"
    address = (_elasticsearch if with_elasticsearch else _opensearch)(subject, cloud)
    if address is not None:
        host, port = address
        if cloud.reaches(host, port):
            yield passed(f"{engine} answers this machine at {host}:{port}")
        else:
            yield warned(
                f"this machine does not reach {engine} at {host}:{port}, so an update that "
                "changes an index would fail",
                _WHERE,
            )
    elif subject.config.existing.vpc_id:
        yield _in_vpc(subject, cloud)
    else:
        yield warned(
            "the VPC does not exist yet, so this machine is not in it: the first update gets as "
            "far as the index and then fails to connect",
            "connect this machine to the VPC then and run the update again (nothing is created "
            "twice), or use an existing VPC that it is in: customrag:existingVpcId",
        )


def _elasticsearch(subject: Subject, cloud: Cloud) -> tuple[str, int] | None:
    instance_id = subject.config.existing.elasticsearch_instance_id
    if not instance_id and (own := own_instance(subject, cloud)):
        instance_id = own.instance_id
    return cloud.ask("elasticsearch", search_address, instance_id) if instance_id else None


def _opensearch(subject: Subject, cloud: Cloud) -> tuple[str, int] | None:
    """Return the address of the first node, which the program chooses; None before it exists."""
    config = subject.config
    there = cloud.ask("ecs", running_instances, cloud.region_id, subject.tags)
    if config.opensearch.instance_type not in there:
        return None
    nodes = plan_nodes(
        plan_cidr_blocks(config.network.cidr_block, config.zone_ids),
        data_nodes=config.opensearch.nodes,
        ml_nodes=config.opensearch.ml_nodes,
    )
    return nodes[0].address, OPENSEARCH_PORT


def _in_vpc(subject: Subject, cloud: Cloud) -> Finding:
    vpc_id = subject.config.existing.vpc_id
    for vswitch in cloud.ask("vpc", vswitches, cloud.region_id, vpc_id).values():
        if not vswitch.cidr_block:
            continue
        network = ipaddress.ip_network(vswitch.cidr_block, strict=False)
        own = cloud.own_address(str(network[1]))
        if own and ipaddress.ip_address(own) in network:
            return passed(f"this machine ({own}) is in {vpc_id}")
    return warned(
        f"there is no Elasticsearch yet to try, and no address of this machine is in {vpc_id}",
        f"if a VPN or peering connects them, continue; else {_WHERE}",
    )


CHECKS: tuple[Check, ...] = (Check(name="reach", run=_reach),)
