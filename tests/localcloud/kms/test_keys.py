"""Keys and aliases: rotation, deletion and use by secrets."""

from __future__ import annotations

from typing import Any

import pytest

from localcloud.core.errors import CloudError
from tests.localcloud.control_plane import ControlPlane

KEY, ALIAS, SECRET = "kms/key:Key", "kms/alias:Alias", "kms/secret:Secret"


def key(plane: ControlPlane, **more: Any) -> Any:
    return plane.create(KEY, {"pendingWindowInDays": 7, **more})


def refused(plane: ControlPlane, token: str, inputs: dict[str, Any]) -> str:
    with pytest.raises(CloudError) as raised:
        plane.create(token, inputs)
    return raised.value.code


def test_a_rotating_key_has_a_date_of_its_next_rotation(control_plane: ControlPlane) -> None:
    rotating = {"automaticRotation": "Enabled", "rotationInterval": "365d"}
    assert key(control_plane, **rotating).outputs["nextRotationDate"]


def test_an_alias_needs_an_existing_key(control_plane: ControlPlane) -> None:
    made = key(control_plane)
    alias = control_plane.create(ALIAS, {"aliasName": "alias/one", "keyId": made.id})
    assert alias.id == "alias/one"
    taken = {"aliasName": "alias/one", "keyId": made.id}
    assert refused(control_plane, ALIAS, taken) == "Forbidden.AliasAlreadyExists"
    nowhere = {"aliasName": "alias/two", "keyId": "key-nowhere"}
    assert refused(control_plane, ALIAS, nowhere) == "Forbidden.KeyNotFound"


def test_a_deleted_key_waits_and_cannot_be_used(control_plane: ControlPlane) -> None:
    made = key(control_plane)
    control_plane.create(ALIAS, {"aliasName": "alias/gone", "keyId": made.id})
    handler = control_plane.handler(KEY)
    handler.delete(made.id, {}, control_plane.context)
    assert handler.read(made.id, {}, control_plane.context) is None
    assert control_plane.handler(ALIAS).read("alias/gone", {}, control_plane.context) is None
    secret = {"secretName": "s", "secretData": "x", "versionId": "v", "encryptionKeyId": made.id}
    assert refused(control_plane, SECRET, secret) == "Rejected.Disabled"


def test_a_protected_key_cannot_be_deleted(control_plane: ControlPlane) -> None:
    made = key(control_plane, deletionProtection="Enabled")
    handler = control_plane.handler(KEY)
    with pytest.raises(CloudError) as raised:
        handler.delete(made.id, {}, control_plane.context)
    assert raised.value.code == "Rejected.DeletionProtectionEnabled"


def test_a_secret_needs_an_existing_encryption_key(control_plane: ControlPlane) -> None:
    made = key(control_plane)
    inputs = {"secretName": "own-key", "secretData": "x", "versionId": "v"}
    created = control_plane.create(SECRET, {**inputs, "encryptionKeyId": made.id})
    assert created.outputs["encryptionKeyId"] == made.id
