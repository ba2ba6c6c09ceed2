"""The plugin as the engine calls it: configuration, secrets, unknowns, detailed diffs."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from pulumi.provider.experimental import provider as sdk

import providers
import providers.opensearch
from pluginhost import UNKNOWN, Host, PartialError, ProviderError, encode_map
from providers.plugin.framework import Input, compare
from providers.plugin.server import CONFIG, HANDLERS, CustomragProvider
from providers.plugin.services import CloudServices
from tests.providers.fakes import Engine, FakeDlc, FakeOss, FakeServices
from tests.providers.test_dlc_job import INPUTS

URN = "urn:pulumi:s::p::customrag:pai:DlcJob::n"
PROVIDER_URN = "urn:pulumi:s::p::pulumi:providers:customrag::n"


def plugin(services: Any = CloudServices) -> CustomragProvider:
    made = CustomragProvider(services=services)
    made.host = Host()
    return made


def check_config(config: Mapping[str, Any]) -> dict[str, str]:
    request = sdk.CheckRequest(PROVIDER_URN, {}, encode_map(config), b"")
    response = asyncio.run(plugin().check_config(request))
    return {item.property: item.reason for item in response.failures or ()}


def test_a_region_is_required() -> None:
    assert "required" in check_config({})["regionId"]


def test_half_a_key_is_refused() -> None:
    failures = check_config({"regionId": "cn-hangzhou", "accessKeyId": "id"})
    assert list(failures) == ["accessKeySecret"]


def test_an_unknown_setting_is_refused_with_those_there_are() -> None:
    assert "ossEndpoint" in check_config({"regionId": "r", "endpoint": "x"})["endpoint"]


def test_settings_not_known_yet_pass() -> None:
    assert (
        check_config({"regionId": UNKNOWN, "accessKeyId": UNKNOWN, "accessKeySecret": UNKNOWN})
        == {}
    )


@pytest.mark.parametrize("name", CONFIG)
def test_no_change_of_the_configuration_replaces_anything(name: str) -> None:
    old = dict.fromkeys(CONFIG, "old")
    request = sdk.DiffRequest(
        PROVIDER_URN, "id", encode_map(old), encode_map({**old, name: "new"}), []
    )
    response = asyncio.run(plugin().diff_config(request))
    assert (response.changes, response.replaces, response.diffs) == (True, [], [name])


def test_an_unknown_resource_type_is_refused_with_those_there_are() -> None:
    request = sdk.CreateRequest("urn:pulumi:s::p::customrag:pai:Dsw::n", {}, 0, True)
    with pytest.raises(ProviderError, match="customrag:pai:DlcJob"):
        asyncio.run(plugin().create(request))


def test_without_a_region_the_first_use_says_what_to_set() -> None:
    with pytest.raises(ProviderError, match="region_id"):
        _ = CloudServices({}).oss


def test_endpoints_default_to_the_regions_own() -> None:
    services = CloudServices({"regionId": "cn-beijing", "accessKeyId": "a", "accessKeySecret": "b"})
    assert services.oss.bucket("bucket").endpoint == "https://oss-cn-beijing.aliyuncs.com"


def test_a_password_is_secret_though_the_program_forgot_to_say_so() -> None:
    inputs = {
        "endpoint": "http://c:9200",
        "username": "elastic",
        "password": "p",
        "indexName": "i",
        "mappings": {},
    }
    urn = "urn:pulumi:s::p::customrag:elasticsearch:Index::n"
    checked = asyncio.run(plugin().check(sdk.CheckRequest(urn, {}, encode_map(inputs), b"")))
    assert checked.inputs is not None
    assert checked.inputs["password"].is_secret
    created = asyncio.run(plugin().create(sdk.CreateRequest(urn, encode_map(inputs), 0, True)))
    assert created.properties["password"].is_secret
    assert not created.properties["indexName"].is_secret


def test_a_password_of_the_wrong_type_is_not_shown() -> None:
    inputs = {
        "endpoint": "http://c:9200",
        "username": "elastic",
        "password": ["hush"],
        "indexName": "i",
        "mappings": {},
    }
    engine = Engine("customrag:elasticsearch:Index", FakeServices(FakeOss(), FakeDlc()))
    reason = engine.check(inputs)["failures"]["password"]
    assert reason == "is secret, so it is not shown here; allowed is a string"


def test_a_secret_input_is_a_secret_output() -> None:
    properties = encode_map(INPUTS, secrets=["triggers"])
    created = asyncio.run(plugin().create(sdk.CreateRequest(URN, properties, 0, True)))
    assert created.properties["triggers"].is_secret


def test_a_secret_stays_secret_in_a_resource_that_is_kept_half_made() -> None:
    dlc = FakeDlc()
    dlc.script = ["Failed"]
    engine = Engine("customrag:pai:DlcJob", FakeServices(FakeOss("b"), dlc))
    properties = encode_map(INPUTS, secrets=["triggers"])
    with pytest.raises(PartialError) as caught:
        asyncio.run(engine.provider.create(sdk.CreateRequest(URN, properties, 0, False)))
    assert encode_map(caught.value.properties)["triggers"].is_secret


def test_an_error_of_a_client_is_plain_words_for_the_user() -> None:
    engine = Engine("customrag:oss:Corpus", FakeServices(FakeOss(), FakeDlc()))
    inputs = {"bucket": "missing", "sourceDir": ".", "documents": {"a": "0" * 64}}
    with pytest.raises(ProviderError, match="no such bucket"):
        engine.up(inputs)


def test_an_ignored_change_does_not_count() -> None:
    engine = Engine("customrag:pai:DlcJob", FakeServices(FakeOss("b"), FakeDlc()))
    inputs = {**INPUTS, "resultUri": None}
    news = encode_map({**inputs, "userCommand": "another"})
    olds = encode_map({**inputs, "status": "Succeeded"})
    request = sdk.DiffRequest(URN, "id", olds, news, ["userCommand"])
    assert not asyncio.run(engine.provider.diff(request)).changes


def test_an_import_says_how_to_adopt_instead() -> None:
    engine = Engine("customrag:pai:DlcJob", FakeServices(FakeOss("b"), FakeDlc()))
    with pytest.raises(ProviderError, match="cannot be imported"):
        asyncio.run(engine.provider.read(sdk.ReadRequest(URN, "id", {}, {})))


def test_changes_are_named_by_their_path() -> None:
    declared = {"a": Input(kind="map"), "b": Input(kind="list", effect="replace")}
    changes = compare(
        declared,
        {"a": {"x": 1, "with space": {"y": 1}, "gone": 1}, "b": [{"c": 1}]},
        {"a": {"x": 1, "with space": {"y": 2}, 'q"t': 1}, "b": [{"c": UNKNOWN}]},
    )
    assert {(change.path, change.kind, change.replaces) for change in changes} == {
        ('a["with space"].y', "update", False),
        ("a.gone", "delete", False),
        ('a["q\\"t"]', "add", False),
        ("b[0].c", "update", True),
    }


def test_equal_numbers_of_different_types_do_not_count_as_a_change() -> None:
    declared = {"a": Input(kind="map")}
    assert compare(declared, {"a": {"x": 1.0}}, {"a": {"x": 1}}) == []


@pytest.mark.parametrize("handler", HANDLERS, ids=lambda handler: handler.token)
def test_the_class_of_a_resource_sends_the_inputs_that_the_plugin_declares(handler: Any) -> None:
    classes = {
        "customrag:oss:Corpus": (providers.Corpus, providers.CorpusArgs),
        "customrag:pai:DlcJob": (providers.DlcJob, providers.DlcJobArgs),
        "customrag:rag:IngestRun": (providers.IngestRun, providers.IngestRunArgs),
        "customrag:elasticsearch:Capabilities": (
            providers.SearchCapabilities,
            providers.SearchCapabilitiesArgs,
        ),
        "customrag:elasticsearch:Index": (providers.SearchIndex, providers.SearchIndexArgs),
        "customrag:elasticsearch:Alias": (providers.IndexAlias, providers.IndexAliasArgs),
        "customrag:elasticsearch:SearchTemplate": (
            providers.SearchTemplate,
            providers.SearchTemplateArgs,
        ),
        "customrag:elasticsearch:SnapshotSchedule": (
            providers.SnapshotSchedule,
            providers.SnapshotScheduleArgs,
        ),
        "customrag:ess:Rollout": (providers.Rollout, providers.RolloutArgs),
        "customrag:tls:CertificateAuthority": (
            providers.CertificateAuthority,
            providers.CertificateAuthorityArgs,
        ),
        "customrag:tls:Certificate": (providers.Certificate, providers.CertificateArgs),
        **{
            f"customrag:opensearch:{name}": (
                getattr(providers.opensearch, name),
                getattr(providers.opensearch, f"{name}Args"),
            )
            for name in providers.opensearch.__all__
            if not name.endswith("Args")
        },
    }
    from providers.wire import camel_case

    _, arguments = classes[handler.token]
    fields = {camel_case(name) for name in arguments.__dataclass_fields__}
    assert fields == set(handler.inputs)
