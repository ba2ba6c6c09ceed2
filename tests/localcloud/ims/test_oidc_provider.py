"""The OIDC provider as a resource: validation and updates."""

from __future__ import annotations

from typing import Any

import pytest

from localcloud.core.errors import CloudError
from tests.localcloud.control_plane import ControlPlane

TOKEN = "ims/oidcProvider:OidcProvider"


def inputs(name: str, **changed: Any) -> dict[str, Any]:
    return {
        "oidcProviderName": name,
        "issuerUrl": "https://token.actions.githubusercontent.com",
        "clientIds": ["customrag"],
        "fingerprints": ["ab" * 20],
        **changed,
    }


def test_provider_has_an_arn_and_can_be_read(control_plane: ControlPlane) -> None:
    created = control_plane.create(TOKEN, inputs("read-back"))
    account_id = control_plane.context.platform.account_id
    assert created.outputs["arn"] == f"acs:ram::{account_id}:oidc-provider/read-back"
    handler = control_plane.handler(TOKEN)
    assert handler.read("read-back", {}, control_plane.context) == created.outputs
    handler.delete("read-back", {}, control_plane.context)
    assert handler.read("read-back", {}, control_plane.context) is None


def test_client_ids_can_change_but_the_issuer_cannot(control_plane: ControlPlane) -> None:
    created = control_plane.create(TOKEN, inputs("changing"))
    handler, context = control_plane.handler(TOKEN), control_plane.context
    changed = handler.update(
        "changing", created.outputs, inputs("changing", clientIds=["b"]), context
    )
    assert changed["clientIds"] == ["b"]
    elsewhere = inputs("changing", issuerUrl="https://elsewhere.example")
    with pytest.raises(CloudError, match="issuerUrl"):
        handler.update("changing", created.outputs, elsewhere, context)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"issuerUrl": "http://issuer.example"}, "InvalidParameter.IssuerUrl"),
        ({"oidcProviderName": "not a name"}, "InvalidParameter.OIDCProviderName"),
        ({"clientIds": ["c"] * 51}, "InvalidParameter.ClientIds"),
        ({"fingerprints": ["f"] * 6}, "InvalidParameter.Fingerprints"),
        ({"issuanceLimitTime": 200}, "InvalidParameter.IssuanceLimitTime"),
    ],
)
def test_invalid_input_is_refused(
    control_plane: ControlPlane, changed: dict[str, Any], code: str
) -> None:
    with pytest.raises(CloudError) as raised:
        control_plane.create(TOKEN, inputs("refused", **changed))
    assert raised.value.code == code


def test_duplicate_name_is_refused(control_plane: ControlPlane) -> None:
    control_plane.create(TOKEN, inputs("twice"))
    with pytest.raises(CloudError) as raised:
        control_plane.create(TOKEN, inputs("twice"))
    assert raised.value.code == "EntityAlreadyExists.OIDCProvider"
