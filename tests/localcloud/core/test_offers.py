"""Queries about what the local cloud offers: stock, quotas, roles, versions, keys, vSwitches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from localcloud import registry
from localcloud.core.home import init_home
from localcloud.core.instance_types import INSTANCE_TYPES
from localcloud.core.resources import Context
from localcloud.daemon import application, make_context
from localcloud.faults import Faults
from providers.clients import account, compute, offers
from providers.clients.credentials import credentials_provider
from providers.clients.errors import AccessDeniedError, ClientError, ServiceUnavailableError
from providers.clients.generic import GenericClient
from tests.localcloud.control_plane import document
from tests.localcloud.running import served

NODE, GPU = "ecs.g7.large", "ecs.gn7i-c8g1.2xlarge"


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Context]:
    home = tmp_path_factory.mktemp("offers")
    init_home(home)
    made = make_context(home)
    with served(application(made, lambda: None), made.platform.endpoints["api"]):
        yield made
    made.supervisor.stop_all()
    made.store.close()


@pytest.fixture
def faults(context: Context) -> Iterator[Faults]:
    found = Faults(context.store)
    yield found
    found.clear()


@pytest.fixture
def client(context: Context) -> GenericClient:
    return client_of(context, context.access.account)


def client_of(context: Context, principal: Any) -> GenericClient:
    platform = context.platform
    own = credentials_provider(
        principal.access_key_id, principal.access_key_secret, principal.security_token
    )
    return GenericClient(platform.endpoints["api"], platform.region_id, own)


def make(context: Context, token: str, inputs: dict[str, Any]) -> str:
    return str(registry.handlers()[f"alicloud:{token}"].create(inputs, context).id)


def test_stack_has_one_region_and_its_zones(context: Context, client: GenericClient) -> None:
    platform = context.platform
    assert compute.regions(client) == [platform.region_id]
    assert compute.zones(client, platform.region_id) == list(platform.zone_ids)


def test_known_instance_types_are_in_stock(context: Context, client: GenericClient) -> None:
    platform = context.platform
    zones = compute.available_zones(client, platform.region_id, NODE, spot=False)
    assert zones == sorted(platform.zone_ids)
    everything = compute.instance_types_in_stock(
        client, platform.region_id, platform.zone_ids[0], spot=True
    )
    assert everything == sorted(INSTANCE_TYPES)


def test_unknown_instance_type_is_in_no_zone(context: Context, client: GenericClient) -> None:
    region_id = context.platform.region_id
    assert compute.available_zones(client, region_id, "ecs.none.large", spot=False) == []


def test_sold_out_instance_type_is_in_no_zone(
    context: Context, client: GenericClient, faults: Faults
) -> None:
    faults.inject("sold-out", {"instance_type": NODE})
    assert compute.available_zones(client, context.platform.region_id, NODE, spot=False) == []


def test_instance_types_are_described_by_name(client: GenericClient) -> None:
    kinds = compute.instance_kinds(client, [NODE, GPU, "ecs.none.large"])
    assert set(kinds) == {NODE, GPU}
    assert (kinds[NODE].cpu, kinds[NODE].gpu, kinds[GPU].gpu) == (2, 0, 1)


def test_stock_query_for_other_resources_is_refused(client: GenericClient) -> None:
    with pytest.raises(ServiceUnavailableError, match="the supported value is InstanceType"):
        client.rpc("DescribeAvailableResource", "2014-05-26", {"DestinationResource": "DataDisk"})


def test_quota_usage_counts_the_instances_of_the_stack(
    context: Context, client: GenericClient
) -> None:
    instances = context.store.table("ecs.instances")
    instances.put("i-1", {"inputs": {"instanceType": GPU}})
    try:
        quota = account.product_quota(
            client, "ecs-spec", GPU, {"regionId": context.platform.region_id}
        )
        limits = compute.vcpus(client, context.platform.region_id, spot=False)
    finally:
        instances.delete("i-1")
    assert quota is not None
    assert (quota.used, quota.unit) == (8.0, "vCPU")
    assert limits.used == 8


def test_missing_quota_gives_none(context: Context, client: GenericClient) -> None:
    dimensions = {"regionId": context.platform.region_id}
    assert account.product_quota(client, "ecs-spec", "ecs.none.large", dimensions) is None


def test_quota_of_another_region_is_refused(client: GenericClient) -> None:
    with pytest.raises(ClientError, match="regionId"):
        account.product_quota(client, "ecs-spec", GPU, {"regionId": "cn-nowhere"})


def test_known_service_roles_exist_and_others_do_not(client: GenericClient) -> None:
    assert account.role_exists(client, "AliyunServiceRoleForBailian")
    assert not account.role_exists(client, "AliyunServiceRoleForTea")


def test_role_of_the_stack_exists(context: Context, client: GenericClient) -> None:
    trust = document(
        {
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Principal": {"Service": ["ecs.aliyuncs.com"]},
        }
    )
    make(context, "ram/role:Role", {"roleName": "ours", "assumeRolePolicyDocument": trust})
    assert account.role_exists(client, "ours")


def test_session_without_permission_cannot_query_roles(context: Context) -> None:
    trust = document(
        {
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Principal": {"Service": ["ecs.aliyuncs.com"]},
        }
    )
    make(context, "ram/role:Role", {"roleName": "blind", "assumeRolePolicyDocument": trust})
    client = client_of(context, context.access.issue("blind", "node", 900))
    with pytest.raises(AccessDeniedError, match="ram:GetRole"):
        account.role_exists(client, "ours")


def test_elasticsearch_offer_matches_local_instances(client: GenericClient) -> None:
    offer = offers.search_offer(client)
    assert "8.17_with_X-Pack" in offer.versions
    assert "elasticsearch.sn2ne.large" in offer.node_specs
    assert (offer.smallest_disk_gib, offer.largest_disk_gib) == (20, 5120)


def test_dlc_reports_available_specs(client: GenericClient, faults: Faults) -> None:
    assert offers.ecs_specs(client, [GPU])[GPU].available
    faults.inject("ecs-spec-unavailable", {"ecs_spec": GPU})
    spec = offers.ecs_specs(client, [GPU])[GPU]
    assert (spec.available, spec.spot) == (False, False)


def test_pai_is_activated_and_has_created_workspaces(
    context: Context, client: GenericClient
) -> None:
    inputs = {"workspaceName": "offers", "description": "d", "envTypes": ["prod"]}
    workspace_id = make(context, "pai/workspaceWorkspace:WorkspaceWorkspace", inputs)
    assert offers.pai_activated(client)
    assert offers.workspace_status(client, workspace_id) == "ENABLED"
    assert offers.workspace_status(client, "404") is None


def test_key_state_is_reported(context: Context, client: GenericClient) -> None:
    key_id = make(context, "kms/key:Key", {"status": "Disabled"})
    assert offers.key_state(client, key_id) == "Disabled"
    assert offers.key_state(client, "key-none") is None


def test_vswitches_of_a_vpc_are_listed_with_their_zones(
    context: Context, client: GenericClient
) -> None:
    vpc_id = make(context, "vpc/network:Network", {"cidrBlock": "10.0.0.0/8"})
    zone_id = context.platform.zone_ids[0]
    inputs = {"vpcId": vpc_id, "cidrBlock": "10.1.0.0/24", "zoneId": zone_id}
    vswitch_id = make(context, "vpc/switch:Switch", inputs)
    found = compute.vswitches(client, context.platform.region_id, vpc_id)
    assert found[vswitch_id].zone_id == zone_id
    assert found[vswitch_id].free_addresses == 252
    assert compute.vswitches(client, context.platform.region_id, "vpc-none") == {}
