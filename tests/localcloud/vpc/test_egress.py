"""NAT gateways, elastic IP addresses and SNAT entries, and their dependencies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from localcloud.core.errors import CloudError
from tests.localcloud.control_plane import ControlPlane

VPC, VSWITCH = "vpc/network:Network", "vpc/switch:Switch"
NAT, SNAT = "vpc/natGateway:NatGateway", "vpc/snatEntry:SnatEntry"
EIP, BINDING = "ecs/eipAddress:EipAddress", "ecs/eipAssociation:EipAssociation"


@dataclass(frozen=True)
class WayOut:
    """The ids of the resources for outbound traffic of a VPC."""

    vpc: str
    vswitch: str
    gateway: str
    table: str
    address: str
    ip: str


@pytest.fixture
def way_out(control_plane: ControlPlane) -> WayOut:
    vpc = control_plane.create(VPC, {"vpcName": "net", "cidrBlock": "10.0.0.0/16"}).id
    vswitch = control_plane.create(
        VSWITCH, {"vpcId": vpc, "cidrBlock": "10.0.1.0/24", "zoneId": "cn-hangzhou-h"}
    ).id
    gateway = control_plane.create(
        NAT, {"vpcId": vpc, "vswitchId": vswitch, "natType": "Enhanced", "natGatewayName": "nat"}
    )
    address = control_plane.create(EIP, {"addressName": "nat"})
    return WayOut(
        vpc=vpc,
        vswitch=vswitch,
        gateway=gateway.id,
        table=gateway.outputs["snatTableIds"],
        address=address.id,
        ip=address.outputs["ipAddress"],
    )


def bind(plane: ControlPlane, way_out: WayOut) -> str:
    inputs = {"allocationId": way_out.address, "instanceId": way_out.gateway}
    return plane.create(BINDING, {**inputs, "instanceType": "Nat"}).id


def entry(plane: ControlPlane, way_out: WayOut, **more: Any) -> Any:
    inputs = {"snatTableId": way_out.table, "snatIp": way_out.ip}
    return plane.create(SNAT, {**inputs, "sourceVswitchId": way_out.vswitch, **more})


def code_of(plane: ControlPlane, token: str, id_: str) -> str:
    handler = plane.handler(token)
    outputs = handler.read(id_, {}, plane.context)
    with pytest.raises(CloudError) as raised:
        handler.delete(id_, outputs, plane.context)
    return raised.value.code


def test_snat_entry_uses_a_bound_address(control_plane: ControlPlane, way_out: WayOut) -> None:
    bind(control_plane, way_out)
    created = entry(control_plane, way_out)
    assert created.id == f"{way_out.table}:{created.outputs['snatEntryId']}"
    assert created.outputs["sourceCidr"] == "10.0.1.0/24"


def test_snat_entry_with_unbound_address_is_refused(
    control_plane: ControlPlane, way_out: WayOut
) -> None:
    with pytest.raises(CloudError) as raised:
        entry(control_plane, way_out)
    assert raised.value.code == "InvalidSnatIp.Malformed"


def test_second_snat_entry_of_a_vswitch_is_refused(
    control_plane: ControlPlane, way_out: WayOut
) -> None:
    bind(control_plane, way_out)
    entry(control_plane, way_out)
    with pytest.raises(CloudError) as raised:
        entry(control_plane, way_out)
    assert raised.value.code == "Forbidden.SourceCIDR.Duplicate"


def test_resource_in_use_cannot_be_deleted(control_plane: ControlPlane, way_out: WayOut) -> None:
    binding = bind(control_plane, way_out)
    made = entry(control_plane, way_out).id
    assert code_of(control_plane, VPC, way_out.vpc) == "DependencyViolation.VSwitch"
    assert code_of(control_plane, NAT, way_out.gateway) == "DependencyViolation"
    assert code_of(control_plane, EIP, way_out.address) == "IncorrectEipStatus"
    assert code_of(control_plane, BINDING, binding) == "OperationUnsupported.EipInSnatEntry"
    for token, id_ in (
        (SNAT, made),
        (BINDING, binding),
        (EIP, way_out.address),
        (NAT, way_out.gateway),
        (VSWITCH, way_out.vswitch),
        (VPC, way_out.vpc),
    ):
        control_plane.handler(token).delete(id_, {}, control_plane.context)
        assert control_plane.handler(token).read(id_, {}, control_plane.context) is None


def test_protected_gateway_cannot_be_deleted(control_plane: ControlPlane, way_out: WayOut) -> None:
    handler = control_plane.handler(NAT)
    inputs = {"vpcId": way_out.vpc, "vswitchId": way_out.vswitch, "natType": "Enhanced"}
    handler.update(
        way_out.gateway, {}, {**inputs, "deletionProtection": True}, control_plane.context
    )
    code = code_of(control_plane, NAT, way_out.gateway)
    assert code == "OperationDenied.DeletionProtectionEnabled"
    handler.update(
        way_out.gateway, {}, {**inputs, "deletionProtection": False}, control_plane.context
    )
    handler.delete(way_out.gateway, {}, control_plane.context)


def test_normal_nat_gateway_is_refused(control_plane: ControlPlane, way_out: WayOut) -> None:
    with pytest.raises(CloudError) as raised:
        control_plane.create(
            NAT, {"vpcId": way_out.vpc, "vswitchId": way_out.vswitch, "natType": "Normal"}
        )
    assert raised.value.code == "InvalidParameter.NatType"
