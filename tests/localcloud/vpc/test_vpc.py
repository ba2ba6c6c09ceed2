"""Networks, vSwitches and security groups."""

from __future__ import annotations

from typing import Any

import pytest

from localcloud.core.errors import CloudError
from localcloud.vpc.resources import INSTANCES
from tests.localcloud.control_plane import ControlPlane

VPC, VSWITCH = "vpc/network:Network", "vpc/switch:Switch"
GROUP, RULE = "ecs/securityGroup:SecurityGroup", "ecs/securityGroupRule:SecurityGroupRule"


def vpc(plane: ControlPlane, cidr: str = "10.0.0.0/16") -> str:
    return plane.create(VPC, {"vpcName": "net", "cidrBlock": cidr}).id


def vswitch(plane: ControlPlane, vpc_id: str, cidr: str = "10.0.1.0/24", **more: Any) -> str:
    inputs = {"vpcId": vpc_id, "cidrBlock": cidr, "zoneId": "cn-hangzhou-h", **more}
    return plane.create(VSWITCH, inputs).id


def rule(plane: ControlPlane, group: str, **more: Any) -> str:
    inputs = {
        "securityGroupId": group,
        "type": "ingress",
        "ipProtocol": "tcp",
        "portRange": "8000/8000",
        "cidrIp": "10.0.0.0/16",
    }
    return plane.create(RULE, {**inputs, **more}).id


def test_vpc_has_the_outputs_of_the_cloud(control_plane: ControlPlane) -> None:
    created = control_plane.create(VPC, {"vpcName": "named", "cidrBlock": "10.0.0.0/8"})
    assert created.id.startswith("vpc-bp1")
    assert created.outputs["status"] == "Available"
    assert created.outputs["routeTableId"].startswith("vtb-")


@pytest.mark.parametrize("cidr", ["8.8.8.0/24", "10.0.0.0/29", "10.0.0.0/7", "10.0.0.1/8", "ten"])
def test_vpc_with_public_cidr_block_is_refused(control_plane: ControlPlane, cidr: str) -> None:
    with pytest.raises(CloudError) as raised:
        vpc(control_plane, cidr)
    assert raised.value.code == "InvalidCidrBlock.Malformed"


def test_vswitch_outside_its_vpc_is_refused(control_plane: ControlPlane) -> None:
    with pytest.raises(CloudError, match=r"within its VPC's 10\.0\.0\.0/16"):
        vswitch(control_plane, vpc(control_plane), "10.1.0.0/24")


def test_overlapping_vswitch_is_refused(control_plane: ControlPlane) -> None:
    vpc_id = vpc(control_plane)
    first = vswitch(control_plane, vpc_id)
    with pytest.raises(CloudError, match=first) as raised:
        vswitch(control_plane, vpc_id, "10.0.1.128/25")
    assert raised.value.code == "InvalidCidrBlock.Overlapped"


def test_vswitches_of_two_vpcs_may_overlap(control_plane: ControlPlane) -> None:
    assert vswitch(control_plane, vpc(control_plane)) != vswitch(control_plane, vpc(control_plane))


def test_zone_of_another_region_is_refused(control_plane: ControlPlane) -> None:
    with pytest.raises(CloudError, match="this region has cn-hangzhou-h, cn-hangzhou-i"):
        vswitch(control_plane, vpc(control_plane), zoneId="cn-beijing-a")


def test_vswitch_in_missing_vpc_is_refused(control_plane: ControlPlane) -> None:
    with pytest.raises(CloudError) as raised:
        vswitch(control_plane, "vpc-none")
    assert raised.value.code == "InvalidVpcId.NotFound"


@pytest.mark.parametrize("made", ["vswitch", "group"])
def test_vpc_in_use_cannot_be_deleted(control_plane: ControlPlane, made: str) -> None:
    vpc_id = vpc(control_plane)
    if made == "vswitch":
        handler, identifier = control_plane.handler(VSWITCH), vswitch(control_plane, vpc_id)
    else:
        handler = control_plane.handler(GROUP)
        identifier = control_plane.create(GROUP, {"vpcId": vpc_id}).id
    networks = control_plane.handler(VPC)
    with pytest.raises(CloudError, match=identifier) as raised:
        networks.delete(vpc_id, {}, control_plane.context)
    assert raised.value.code.startswith("DependencyViolation")
    handler.delete(identifier, {}, control_plane.context)
    networks.delete(vpc_id, {}, control_plane.context)
    assert networks.read(vpc_id, {}, control_plane.context) is None


@pytest.mark.parametrize(
    ("made", "code"),
    [("vswitch", "DependencyViolation.NetworkInterface"), ("group", "DependencyViolation")],
)
def test_network_of_an_instance_cannot_be_deleted(
    control_plane: ControlPlane, made: str, code: str
) -> None:
    vpc_id = vpc(control_plane)
    switch_id = vswitch(control_plane, vpc_id)
    group_id = control_plane.create(GROUP, {"vpcId": vpc_id}).id
    instances = control_plane.context.store.table(INSTANCES)
    instances.put("i-1", {"inputs": {"vswitchId": switch_id, "securityGroups": [group_id]}})
    token, identifier = (VSWITCH, switch_id) if made == "vswitch" else (GROUP, group_id)
    with pytest.raises(CloudError) as raised:
        control_plane.handler(token).delete(identifier, {}, control_plane.context)
    assert raised.value.code == code
    instances.delete("i-1")
    control_plane.handler(token).delete(identifier, {}, control_plane.context)


def test_delete_of_missing_vpc_is_success(control_plane: ControlPlane) -> None:
    control_plane.handler(VPC).delete("vpc-none", {}, control_plane.context)


def test_update_keeps_computed_properties(control_plane: ControlPlane) -> None:
    created = control_plane.create(VPC, {"vpcName": "a", "cidrBlock": "10.0.0.0/8", "tags": {}})
    outputs = control_plane.handler(VPC).update(
        created.id, {}, {"vpcName": "b", "cidrBlock": "10.0.0.0/8"}, control_plane.context
    )
    assert (outputs["vpcName"], outputs["routerId"]) == ("b", created.outputs["routerId"])
    assert "tags" not in outputs


def test_rule_id_follows_the_provider(control_plane: ControlPlane) -> None:
    group = control_plane.create(GROUP, {"vpcId": vpc(control_plane)}).id
    identifier = rule(control_plane, group)
    assert identifier == f"{group}:ingress:tcp:8000/8000:intranet:10.0.0.0/16:accept:1"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"ipProtocol": "icmpv6"}, "ipProtocol 'icmpv6' is not supported"),
        ({"cidrIp": "10.0.0.0/40"}, "cidrIp is '10.0.0.0/40'"),
        ({"sourceSecurityGroupId": "sg-none"}, "sourceSecurityGroupId is 'sg-none'"),
    ],
)
def test_invalid_rule_is_refused(
    control_plane: ControlPlane, given: dict[str, Any], message: str
) -> None:
    group = control_plane.create(GROUP, {"vpcId": vpc(control_plane)}).id
    with pytest.raises(CloudError, match=message):
        rule(control_plane, group, **given)


def test_group_named_by_another_group_cannot_be_deleted(control_plane: ControlPlane) -> None:
    vpc_id = vpc(control_plane)
    app, search = (control_plane.create(GROUP, {"vpcId": vpc_id}).id for _ in range(2))
    named = rule(control_plane, search, sourceSecurityGroupId=app, portRange="9200/9200")
    handler = control_plane.handler(GROUP)
    with pytest.raises(CloudError, match=search):
        handler.delete(app, {}, control_plane.context)
    handler.delete(search, {}, control_plane.context)
    assert control_plane.handler(RULE).read(named, {}, control_plane.context) is None
    handler.delete(app, {}, control_plane.context)
