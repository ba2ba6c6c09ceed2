"""Whether this machine can reach what an update connects to inside the VPC."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from guardrails.preflight.checks.search import own_instance
from guardrails.preflight.cloud import Cloud
from guardrails.preflight.result import Check, Finding, passed, warned
from guardrails.preflight.subject import Subject
from providers.clients.compute import vswitches
from providers.clients.offers import search_address

__all__ = ["CHECKS"]

# Never a FAIL, because previews run it, too, and need no connection.
_WHERE = (
    "run the update on a machine in the VPC, or connect this one by VPN or peering "
    "(docs/how-to/first-deploy.md, 3); previews run from anywhere"
)


def _reach(subject: Subject, cloud: Cloud) -> Iterator[Finding]:
    config = subject.config
    if subject.is_local:
        yield passed("a local cloud is on this machine")
        return
    instance_id = config.existing.elasticsearch_instance_id
    if not instance_id and (own := own_instance(subject, cloud)):
        instance_id = own.instance_id
    address = cloud.ask("elasticsearch", search_address, instance_id) if instance_id else None
    if address is not None:
        host, port = address
        if cloud.reaches(host, port):
            yield passed(f"Elasticsearch answers this machine at {host}:{port}")
        else:
            yield warned(
                f"this machine does not reach Elasticsearch at {host}:{port}, so an update that "
                "changes an index would fail",
                _WHERE,
            )
    elif config.existing.vpc_id:
        yield _in_vpc(subject, cloud)
    else:
        yield warned(
            "the VPC does not exist yet, so this machine is not in it: the first update gets as "
            "far as the index and then fails to connect",
            "connect this machine to the VPC then and run the update again (nothing is created "
            "twice), or use an existing VPC that it is in: customrag:existingVpcId",
        )


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
