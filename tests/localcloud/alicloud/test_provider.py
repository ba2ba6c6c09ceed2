"""The provider: the life of a resource, against a running control plane."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from pulumi.provider.experimental import provider as sdk

from localcloud.alicloud.client import DaemonClient
from localcloud.alicloud.provider import AlicloudProvider, client_token
from pluginhost import UNKNOWN, ProviderError, Secret, encode_map
from tests.localcloud.alicloud.conftest import Engine, plain
from tests.localcloud.control_plane import ControlPlane

VPC, VSWITCH, SECRET = "vpc/network:Network", "vpc/switch:Switch", "kms/secret:Secret"
NETWORK = {"vpcName": "net", "cidrBlock": "10.0.0.0/8"}


def test_a_preview_knows_the_inputs_and_no_other_outputs(engine: Engine) -> None:
    identifier, outputs = engine.create(VPC, "preview", NETWORK, preview=True)
    shown = plain(outputs)
    assert identifier == ""
    assert {name: shown[name] for name in NETWORK} == NETWORK
    assert shown["routeTableId"] is UNKNOWN
    assert shown["resourceGroupId"] is UNKNOWN


def test_a_preview_creates_nothing(engine: Engine, control_plane: ControlPlane) -> None:
    before = control_plane.context.store.table("vpc.networks").items()
    engine.create(VPC, "nothing", NETWORK, preview=True)
    assert control_plane.context.store.table("vpc.networks").items() == before


def test_a_preview_downstream_of_one_passes(engine: Engine) -> None:
    inputs = {"vpcId": UNKNOWN, "cidrBlock": "10.1.0.0/24", "zoneId": "cn-hangzhou-h"}
    _, outputs = engine.create(VSWITCH, "downstream", inputs, preview=True)
    assert plain(outputs)["vpcId"] is UNKNOWN


def test_a_created_resource_has_inputs_and_outputs(engine: Engine) -> None:
    identifier, outputs = engine.create(VPC, "whole", NETWORK)
    assert identifier.startswith("vpc-")
    assert plain(outputs).items() >= {**NETWORK, "status": "Available"}.items()


def test_a_create_that_was_cut_off_is_adopted(engine: Engine) -> None:
    first, _ = engine.create(VPC, "cut-off", NETWORK)
    engine.restart()
    second, outputs = engine.create(VPC, "cut-off", NETWORK)
    assert second == first
    assert plain(outputs)["routeTableId"].startswith("vtb-")


def test_a_resource_that_a_killed_engine_created_is_adopted_with_new_tags(engine: Engine) -> None:
    first, _ = engine.create(VPC, "tagged", {**NETWORK, "tags": {"expires-at": "monday"}})
    engine.restart()
    tags = {"expires-at": "tuesday"}
    again, outputs = engine.create(VPC, "tagged", {**NETWORK, "tags": tags})
    assert again == first
    assert plain(outputs)["tags"] == tags
    engine.restart()
    assert plain(engine.create(VPC, "tagged", {**NETWORK, "tags": tags})[1])["tags"] == tags


def test_a_resource_that_is_being_replaced_is_not_adopted(engine: Engine) -> None:
    first, outputs = engine.create(VPC, "replaced", NETWORK)
    engine.restart()
    engine.diff(VPC, "replaced", first, plain(outputs), NETWORK)
    assert engine.create(VPC, "replaced", NETWORK)[0] != first


def test_a_deleted_resource_is_not_adopted(engine: Engine) -> None:
    first, outputs = engine.create(VPC, "deleted", NETWORK)
    engine.delete(VPC, "deleted", first, outputs)
    engine.restart()
    assert engine.create(VPC, "deleted", NETWORK)[0] != first


def test_a_refresh_that_misses_a_resource_forgets_its_creation(
    engine: Engine, control_plane: ControlPlane
) -> None:
    identifier, outputs = engine.create(VPC, "lost", NETWORK)
    control_plane.handler(VPC).delete(identifier, plain(outputs), control_plane.context)
    created = control_plane.context.store.table("resources.created")
    assert identifier in {entry["id"] for entry in created.values()}
    engine.read(VPC, "lost", identifier, state=outputs)
    assert identifier not in {entry["id"] for entry in created.values()}


def test_two_resources_with_the_same_inputs_have_different_tokens() -> None:
    assert client_token("urn:a", NETWORK) != client_token("urn:b", NETWORK)
    assert client_token("urn:a", {"a": 1, "b": 2}) == client_token("urn:a", {"b": 2, "a": 1})


def test_check_failures_name_the_property(engine: Engine) -> None:
    response = engine.check(VPC, "wrong", {"vpcNam": "x", "cidrBlock": 5})
    assert [failure.property for failure in response.failures or []] == ["vpcNam", "cidrBlock"]


def test_a_deprecated_input_is_a_warning(engine: Engine) -> None:
    engine.check(VPC, "old", {"name": "x"})
    assert engine.host.lines == ["warning: name of alicloud:vpc/network:Network is deprecated"]


def test_an_unsupported_type_lists_the_supported_ones(engine: Engine) -> None:
    with pytest.raises(ProviderError, match=r"alicloud:slb/x:Y is not supported.*vpc/network"):
        engine.check("slb/x:Y", "a", {})


def test_a_service_error_keeps_the_clouds_code(engine: Engine) -> None:
    inputs = {"vpcId": "vpc-none", "cidrBlock": "10.0.0.0/24", "zoneId": "cn-hangzhou-h"}
    with pytest.raises(ProviderError, match=r"create failed: InvalidVpcId\.NotFound: vpcId is"):
        engine.create(VSWITCH, "orphan", inputs)


def test_diff_distinguishes_a_replacement_from_an_update(engine: Engine) -> None:
    old = {"vpcId": "v", "cidrBlock": "10.0.0.0/24", "zoneId": "a", "vswitchName": "x"}
    response = engine.diff(VSWITCH, "d", "vsw", old, {**old, "zoneId": "b", "vswitchName": "y"})
    assert response.replaces == ["zoneId"]
    assert response.diffs == ["vswitchName", "zoneId"]
    assert {path: item.kind.name for path, item in response.detailed_diff.items()} == {
        "vswitchName": "UPDATE",
        "zoneId": "UPDATE_REPLACE",
    }


def test_unchanged_inputs_have_no_diff(engine: Engine) -> None:
    identifier, outputs = engine.create(VPC, "same", NETWORK)
    response = engine.diff(VPC, "same", identifier, plain(outputs), NETWORK)
    assert (response.changes, response.diffs) == (False, [])


def test_an_update_changes_in_place(engine: Engine) -> None:
    identifier, outputs = engine.create(VPC, "updated", NETWORK)
    changed = engine.update(VPC, "updated", identifier, outputs, {**NETWORK, "vpcName": "other"})
    assert plain(changed)["vpcName"] == "other"
    assert plain(changed)["routerId"] == plain(outputs)["routerId"]


def secret_inputs(name: str, data: Any) -> dict[str, Any]:
    return {"secretName": name, "secretData": data, "versionId": "v1"}


def test_a_secret_by_its_facts_is_secret_in_the_state(engine: Engine) -> None:
    _, outputs = engine.create(SECRET, "by-facts", secret_inputs("by-facts", "hush"))
    assert plain(outputs)["secretData"] == Secret("hush")


def test_a_secret_by_the_program_is_secret_in_the_state(engine: Engine) -> None:
    _, outputs = engine.create(VPC, "by-program", {**NETWORK, "description": Secret("hush")})
    assert plain(outputs)["description"] == Secret("hush")


def test_a_secret_stays_secret_through_a_refresh(engine: Engine) -> None:
    identifier, state = engine.create(VPC, "refreshed", {**NETWORK, "description": Secret("hush")})
    response = engine.read(VPC, "refreshed", identifier, state=state, inputs=state)
    assert plain(response.properties)["description"] == Secret("hush")


def test_a_refresh_shows_drift_in_outputs_and_inputs(
    engine: Engine, control_plane: ControlPlane
) -> None:
    identifier, state = engine.create(VPC, "drifted", NETWORK)
    control_plane.context.store.table("vpc.networks").update(
        identifier, lambda old: {**(old or {}), "vpcName": "renamed"}
    )
    response = engine.read(VPC, "drifted", identifier, state=state, inputs=encode_map(NETWORK))
    assert plain(response.properties)["vpcName"] == "renamed"
    assert plain(response.inputs) == {**NETWORK, "vpcName": "renamed"}


def test_a_refresh_of_a_deleted_resource_returns_an_empty_response(engine: Engine) -> None:
    assert engine.read(VPC, "gone", "vpc-gone").resource_id is None


def test_an_import_needs_only_the_id(engine: Engine) -> None:
    identifier, _ = engine.create(VPC, "imported", {**NETWORK, "tags": {"a": "b"}})
    inputs = plain(engine.read(VPC, "imported", identifier).inputs)
    assert {name: inputs[name] for name in ("vpcName", "cidrBlock", "tags")} == {
        **NETWORK,
        "tags": {"a": "b"},
    }
    assert "name" not in inputs


def test_delete_of_a_resource_in_use_fails_with_the_clouds_code(engine: Engine) -> None:
    vpc_id, state = engine.create(VPC, "in-use", NETWORK)
    inputs = {"vpcId": vpc_id, "cidrBlock": "10.0.0.0/24", "zoneId": "cn-hangzhou-h"}
    vswitch_id, vswitch_state = engine.create(VSWITCH, "in-use", inputs)
    with pytest.raises(ProviderError, match=r"DependencyViolation\.VSwitch"):
        engine.delete(VPC, "in-use", vpc_id, state)
    engine.delete(VSWITCH, "in-use", vswitch_id, vswitch_state)
    engine.delete(VPC, "in-use", vpc_id, state)


class BlockedClient(DaemonClient):
    """A daemon that does not answer until it is released."""

    def __init__(self, plane: ControlPlane) -> None:
        super().__init__(plane.context.platform)
        self.asked, self.released = threading.Event(), threading.Event()

    def resource(self, operation: str, document: dict[str, Any]) -> dict[str, Any]:
        self.asked.set()
        assert self.released.wait(30), "the call was never released"
        return super().resource(operation, document)


def test_cancel_ends_a_waiting_call(engine: Engine, control_plane: ControlPlane) -> None:
    client = BlockedClient(control_plane)
    provider = AlicloudProvider(client)
    properties = engine.checked(VPC, "slow", NETWORK)

    async def cancelled() -> None:
        request = sdk.CreateRequest(engine.urn(VPC, "slow"), properties, 0, False)
        call = asyncio.create_task(provider.create(request))
        await asyncio.to_thread(client.asked.wait, 30)
        await provider.cancel()
        try:
            await call
        finally:
            client.released.set()

    with pytest.raises(ProviderError, match="cancelled during create"):
        asyncio.run(cancelled())


def invoked(engine: Engine, token: str, **arguments: Any) -> dict[str, Any]:
    request = sdk.InvokeRequest(f"alicloud:index/{token}:{token}", encode_map(arguments))
    return plain(asyncio.run(engine.provider.invoke(request)).return_value or {})


def test_an_unsupported_invoke_is_refused(engine: Engine) -> None:
    with pytest.raises(ProviderError, match="getImages is not supported"):
        invoked(engine, "getImages")


def configured(config: dict[str, Any]) -> None:
    request = sdk.ConfigureRequest({}, encode_map(config), True, False)
    asyncio.run(AlicloudProvider().configure(request))


def test_configure_needs_a_platform_file() -> None:
    with pytest.raises(ProviderError, match=r"needs the path of its platform\.json"):
        configured({"sharedCredentialsFile": "/nonexistent/credentials"})


def test_another_region_has_no_networks(engine: Engine) -> None:
    engine.provider._region_id = "cn-beijing"
    with pytest.raises(ProviderError, match="is in cn-hangzhou"):
        engine.check("vpc/network:Network", "net", {"cidrBlock": "10.0.0.0/8"})


def test_settings_of_the_cloud_provider_are_refused(engine: Engine) -> None:
    request = sdk.CheckRequest("", {}, encode_map({"assumeRole": {}}), b"")
    response = asyncio.run(engine.provider.check_config(request))
    assert [item.property for item in response.failures or []] == [
        "assumeRole",
        "sharedCredentialsFile",
    ]


@pytest.mark.parametrize("name", ["sharedCredentialsFile", "endpoints", "accessKey"])
def test_no_change_of_configuration_replaces_resources(engine: Engine, name: str) -> None:
    request = sdk.DiffRequest("", "", encode_map({name: "a"}), encode_map({name: "b"}), [])
    response = asyncio.run(engine.provider.diff_config(request))
    assert (response.changes, response.replaces) == (True, [])
