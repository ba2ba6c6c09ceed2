"""Config keys of what users see: the chat application, its load balancer and the edge."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field

from stack_config.group import Flag, Group, Problem, Texts, Whole, bounded, keys_after, matching
from stack_config.kinds import AddressType, EdgeKind
from training.bounds import Bounds

__all__ = ["Chat", "Edge"]


def _blocks(blocks: tuple[str, ...]) -> tuple[str, ...]:
    for block in blocks:
        try:
            ipaddress.ip_network(block)
        except ValueError as error:
            raise ValueError(f"{error}; give CIDR blocks, such as 203.0.113.0/24") from error
    return blocks


class Chat(Group, alias_generator=keys_after("chat")):
    """The chat application, and the load balancer in front of it."""

    instance_type: str
    load_balancer: Flag = Field(alias="loadBalancer")
    certificate_id: str
    domain_name: str
    address_type: AddressType
    allowed_cidr_blocks: Annotated[Texts, AfterValidator(_blocks)]
    min_instances: Annotated[Whole, bounded(Bounds(1))]
    max_instances: Annotated[Whole, bounded(Bounds(1))]
    smoke_question: str = Field(alias="smokeQuestion")

    @property
    def faces_internet(self) -> bool:
        """Whether clients on the Internet can reach the load balancer."""
        return self.load_balancer and self.address_type is AddressType.INTERNET

    def problems(self) -> Iterator[Problem]:
        """Yield a load balancer without what it needs, or what only a load balancer can do."""
        if self.min_instances > self.max_instances:
            yield self.wrong(
                "min_instances",
                f"it must be from 1 to chatMaxInstances, which is {self.max_instances}",
            )
        internet = self.address_type is AddressType.INTERNET
        if self.load_balancer and not self.certificate_id:
            yield self.wrong(
                "certificate_id",
                "the load balancer's HTTPS listener needs a certificate; give the id of one from "
                "the SSL console",
            )
        if not self.load_balancer and internet:
            yield self.wrong(
                "address_type", "only a load balancer can face the Internet; set loadBalancer true"
            )
        elif not self.load_balancer and self.max_instances > 1:
            yield self.wrong("max_instances", "more than one instance needs loadBalancer true")
        if internet and not self.allowed_cidr_blocks:
            yield self.wrong(
                "allowed_cidr_blocks",
                "with chatAddressType Internet, list the CIDR blocks that may connect",
            )


class Edge(Group, alias_generator=keys_after("edge")):
    """The worker in front of the chat application."""

    kind: EdgeKind = Field(alias="edge")
    hostname: str
    cloudflare_account_id: str
    cloudflare_zone_id: str
    issuer: Annotated[str, matching(r"https://\S+", "an https:// URL", or_empty=True)]
    audience: str
    jwks_url: Annotated[str, matching(r"https://\S+", "an https:// URL", or_empty=True)]
    requests_per_minute: Annotated[Whole, bounded(Bounds(1))]
    cache_seconds: Annotated[Whole, bounded(Bounds(0), "0 caches no answers")]

    NEEDED: ClassVar[tuple[str, ...]] = (
        "hostname",
        "cloudflare_account_id",
        "cloudflare_zone_id",
        "issuer",
        "audience",
        "jwks_url",
    )
    """Fields that an edge on Cloudflare needs, and a stack without an edge must leave empty."""

    @property
    def exists(self) -> bool:
        """Whether the stack has an edge."""
        return self.kind is not EdgeKind.NONE

    def problems(self) -> Iterator[Problem]:
        """Yield values for an edge that the stack does not have."""
        if not self.exists:
            for field in self.NEEDED:
                if getattr(self, field):
                    yield self.wrong(
                        field,
                        "the stack has no edge; set edge to cloudflare, or remove this key",
                    )
