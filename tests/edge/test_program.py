"""The whole program with an edge, declared offline: its key and its issuer."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from guardrails.declare import Declared, declare
from stack_config.config import ConfigError
from tests.support.stacks import declared

EDGE = {
    "edge": "cloudflare",
    "edgeHostname": "ask.example.com",
    "edgeCloudflareAccountId": "0" * 32,
    "edgeCloudflareZoneId": "1" * 32,
    "edgeIssuer": "https://login.example.com/",
    "edgeAudience": "customrag",
    "edgeJwksUrl": "https://login.example.com/keys",
    "edgeRequestsPerMinute": "20",
}
BEHIND = {
    "loadBalancer": "true",
    "chatAddressType": "Internet",
    "chatDomainName": "origin.example.com",
    "chatAllowedCidrBlocks": '["173.245.48.0/20"]',
}


@pytest.fixture(scope="module")
def local(edge_folder: str) -> dict[str, Declared]:
    return {item.name: item for item in declared("local")}


def bindings(stack: dict[str, Declared]) -> dict[str, dict[str, Any]]:
    return {binding["name"]: binding for binding in stack["edge"].inputs["bindings"]}


def test_the_template_of_the_local_stack_declares_an_edge(local: dict[str, Declared]) -> None:
    assert {name for name, item in local.items() if item.type.startswith("cloudflare:")} == {
        "edge",
        "edge-subdomain",
        "edge-domain",
    }
    bound = bindings(local)
    issuer = bound["TOKEN_ISSUER"]["text"]
    assert bound["JWKS_URL"]["text"] == f"{issuer}/.well-known/jwks.json"
    assert bound["TOKEN_AUDIENCE"]["text"] == "customrag"


def test_the_application_receives_the_name_of_the_edges_key_and_may_read_it(
    local: dict[str, Declared],
) -> None:
    secret = local["edge-key"].inputs
    assert secret["secretData"] == bindings(local)["ORIGIN_KEY"]["text"]
    user_data = base64.b64decode(local["chat"].inputs["userData"]).decode()
    unquoted = user_data.replace("\\", "").replace('"', "")
    assert f"CUSTOMRAG_EDGE_SECRET={secret['secretName']}n" in unquoted
    assert secret["secretData"] not in user_data
    assert secret["secretName"] in local["identity-chat-policy"].inputs["policyDocument"]


def test_a_changed_key_replaces_the_node_because_it_reads_the_key_at_startup(
    local: dict[str, Declared],
) -> None:
    other = {item.name: item for item in declare("local", config={"edgeOriginKey": "another"})}
    assert other["chat"].inputs["userData"] != local["chat"].inputs["userData"]
    assert "userData" not in other["chat"].secrets


def test_the_key_is_secret_in_the_worker_and_in_kms(local: dict[str, Declared]) -> None:
    assert "bindings" in local["edge"].secrets
    assert "secretData" in local["edge-key"].secrets


def test_a_stack_without_an_edge_declares_no_part_of_it() -> None:
    dev = declared("dev")
    assert [i for i in dev if i.component in ("edge", "edge-key", "cloudflare")] == []
    data = [base64.b64decode(i.inputs["userData"]) for i in dev if "userData" in i.inputs]
    assert data
    assert not any(b"EDGE" in text for text in data)


def test_the_worker_of_a_cloud_stack_receives_the_configuration(edge_folder: str) -> None:
    prod = {item.name: item for item in declare("prod", config={**EDGE, **BEHIND})}
    bound = bindings(prod)
    assert bound["TOKEN_ISSUER"]["text"] == EDGE["edgeIssuer"]
    assert bound["TOKEN_AUDIENCE"]["text"] == EDGE["edgeAudience"]
    assert bound["JWKS_URL"]["text"] == EDGE["edgeJwksUrl"]
    assert bound["CALLER_LIMITER"]["simple"] == {"limit": 20, "period": 60}
    assert prod["edge-domain"].inputs["hostname"] == "ask.example.com"
    assert "baseUrl" not in prod["cloudflare"].inputs


def test_the_error_names_each_missing_setting_of_the_edge() -> None:
    with pytest.raises(ConfigError) as refused:
        declare("prod", config={"edge": "cloudflare"})
    for key in ("edgeHostname", "edgeIssuer", "edgeAudience", "edgeJwksUrl"):
        assert f"customrag:{key}" in str(refused.value)
