"""Private addresses that a stack gives to its nodes. Cannot prove what a VPC routes."""

from __future__ import annotations

from typing import Any

import pytest

from localcloud.core.errors import CloudError
from tests.localcloud.ecs.conftest import Ecs
from tests.localcloud.ecs.test_instances import served, user_data, web


def test_node_with_a_given_address_serves_on_the_address_that_it_reports(ecs: Ecs) -> None:
    instance_id = ecs.create(web(), privateIp="10.0.0.10")
    outputs = ecs.read(instance_id) or {}
    assert outputs["privateIp"] == "10.0.0.10"
    assert served(outputs["primaryIpAddress"])["COLOUR"] == "red"


def test_nodes_find_each_other_by_their_given_addresses(ecs: Ecs) -> None:
    text = user_data([], **{"/etc/customrag/peers": "10.0.0.10, http://10.0.0.11:9200\n"})
    nodes = [ecs.create(text, privateIp=f"10.0.0.{number}") for number in (10, 11)]
    for node in nodes:
        ecs.boot(node)
    first, second = ((ecs.read(node) or {})["primaryIpAddress"] for node in nodes)
    for node in nodes:
        peers = (ecs.root(node) / "etc/customrag/peers").read_text()
        assert peers == f"{first}, http://{second}:9200\n"


def test_replaced_node_has_the_address_that_its_peers_know(ecs: Ecs) -> None:
    old = ecs.create(privateIp="10.0.0.10")
    address = (ecs.read(old) or {})["primaryIpAddress"]
    ecs.delete(old)
    other = (ecs.read(ecs.create()) or {})["privateIp"]
    new = ecs.create(privateIp="10.0.0.10")
    assert (ecs.read(new) or {})["primaryIpAddress"] == address != other


def test_cidr_blocks_and_other_addresses_stay(ecs: Ecs) -> None:
    content = "10.0.0.0/24 192.168.1.1 10.0.1.5 10.0.0.300 v10.0.0.9\n"
    node = ecs.create(user_data([], **{"/etc/customrag/other": content}))
    ecs.boot(node)
    assert (ecs.root(node) / "etc/customrag/other").read_text() == content


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("10.0.0", "InvalidPrivateIpAddress.Malformed"),
        ("10.0.1.10", "InvalidPrivateIpAddress"),
        ("10.0.0.0", "InvalidPrivateIpAddress"),
        ("10.0.0.253", "InvalidPrivateIpAddress"),
        ("10.0.0.9", "InvalidPrivateIpAddress.Duplicated"),
    ],
)
def test_address_that_is_not_free_in_the_vswitch_is_refused(
    ecs: Ecs, address: str, code: str
) -> None:
    ecs.create(privateIp="10.0.0.9")
    with pytest.raises(CloudError) as caught:
        ecs.create(privateIp=address)
    assert caught.value.code == code


def test_address_of_an_existing_instance_does_not_change(ecs: Ecs) -> None:
    instance_id = ecs.create(privateIp="10.0.0.9")
    kept: dict[str, Any] = ecs.update(instance_id, ecs.inputs(tags={"owner": "me"}))
    assert kept["privateIp"] == "10.0.0.9"
    with pytest.raises(CloudError, match=r"10\.0\.0\.8"):
        ecs.update(instance_id, ecs.inputs(privateIp="10.0.0.8"))


def test_deleted_vswitch_frees_the_addresses(ecs: Ecs) -> None:
    instance_id = ecs.create(privateIp="10.0.0.9")
    address = (ecs.read(instance_id) or {})["primaryIpAddress"]
    ecs.delete(instance_id)
    context = ecs.stack.context
    ecs.stack.handler("alicloud:vpc/switch:Switch").delete(ecs.vswitch_id, {}, context)
    assert context.addresses.allocate("another") == address
