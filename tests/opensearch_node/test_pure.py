"""The node's files, roles and users: pure functions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from opensearch_node.__main__ import Watcher
from opensearch_node.configuration import jvm_options, opensearch_yml
from opensearch_node.errors import AuthorityChangedError, NodeError
from opensearch_node.package import lay_libtorch, provide_package
from opensearch_node.secrets import read_secrets
from opensearch_node.security import roles, users
from opensearch_node.settings import NodeSettings

CERTIFICATES = {
    "ca": "CA",
    "node": "NODE",
    "node_key": "NODE KEY",
    "admin": "ADMIN",
    "admin_key": "ADMIN KEY",
}


def settings(**changes: Any) -> NodeSettings:
    values: dict[str, Any] = {
        "region_id": "cn-hangzhou",
        "kms_endpoint": "https://kms",
        "bind_host": "0.0.0.0",
        "opensearch_cluster_name": "search",
        "opensearch_node_name": "node-2",
        "opensearch_address": "10.0.0.12",
        "opensearch_cluster_managers": "node-1=10.0.0.11,node-2=10.0.0.12,node-3=10.0.0.13",
        "opensearch_certificates": "certificates",
        "opensearch_users": "deployer=a,reader=b",
        "opensearch_index_prefix": "knowledge",
    }
    return NodeSettings(**{**values, **changes})


def test_nodes_find_each_other_by_the_addresses_of_the_cluster_managers() -> None:
    written = yaml.safe_load(opensearch_yml(settings()))
    assert written["discovery.seed_hosts"] == [f"10.0.0.1{number}:9300" for number in (1, 2, 3)]
    assert written["cluster.initial_cluster_manager_nodes"] == ["node-1", "node-2", "node-3"]
    assert "discovery.type" not in written


def test_single_cluster_manager_is_a_cluster_of_one_node() -> None:
    alone = settings(opensearch_cluster_managers="node-2=10.0.0.12")
    written = yaml.safe_load(opensearch_yml(alone))
    assert written["discovery.type"] == "single-node"
    assert "discovery.seed_hosts" not in written


def test_node_for_models_has_that_role_only() -> None:
    written = yaml.safe_load(opensearch_yml(settings(opensearch_roles="ml")))
    assert written["node.roles"] == ["ml"]


def test_every_connection_is_encrypted_by_the_clusters_own_authority() -> None:
    written = yaml.safe_load(opensearch_yml(settings()))
    assert written["plugins.security.ssl.http.enabled"] is True
    for layer in ("transport", "http"):
        assert written[f"plugins.security.ssl.{layer}.pemtrustedcas_filepath"] == "ca.pem"
    assert "plugins.security.disabled" not in written


def test_heap_is_the_setting() -> None:
    assert "-Xms2048m\n-Xmx2048m\n" in jvm_options(settings(opensearch_heap_mib=2048))


def test_secrets_are_read_by_their_names() -> None:
    stored = {"certificates": json.dumps(CERTIFICATES), "a": "one", "b": "two"}
    found = read_secrets(settings(), stored.__getitem__)
    assert found.certificates.node_key == "NODE KEY"
    assert found.passwords == {"deployer": "one", "reader": "two"}


@pytest.mark.parametrize("text", ["", "[]", '{"ca": "CA"}', '"CA"'])
def test_secret_of_another_form_is_refused_by_name(text: str) -> None:
    with pytest.raises(NodeError, match="KMS secret 'certificates' is not a JSON object with ca"):
        read_secrets(settings(), lambda name: text)


def test_keys_are_not_in_the_representation() -> None:
    found = read_secrets(
        settings(), {"certificates": json.dumps(CERTIFICATES), "a": "pw-a", "b": "pw-b"}.__getitem__
    )
    assert "KEY" not in repr(found)
    assert "pw-a" not in repr(found)


def test_only_the_nodes_user_can_read_the_certificates(tmp_path: Path) -> None:
    found = read_secrets(
        settings(), {"certificates": json.dumps(CERTIFICATES), "a": "x", "b": "y"}.__getitem__
    )
    found.certificates.write(tmp_path)
    found.certificates.write(tmp_path)
    assert {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {
        "ca.pem": 0o600,
        "node.pem": 0o600,
        "node.key": 0o600,
        "admin.pem": 0o600,
        "admin.key": 0o600,
    }


def test_reader_may_not_write() -> None:
    reader = roles("knowledge")["customrag_reader"]
    (permission,) = reader["index_permissions"]
    assert permission["index_patterns"] == ["knowledge*"]
    assert not {"crud", "write", "indices_all"} & set(permission["allowed_actions"])


def test_unknown_user_is_refused() -> None:
    with pytest.raises(NodeError, match=r"has \['root'\]. Allowed are \['deployer'"):
        users({"root": "x"})


class FakeAdmin:
    """Stands in for the client of the engine's API, and records the calls."""

    def __init__(self) -> None:
        self.calls: list[Any] = []
        self.error: Exception | None = None
        self.lapsed: list[str] = []

    def __enter__(self) -> FakeAdmin:
        return self

    def __exit__(self, *_error: object) -> None: ...

    def apply(self, index_prefix: str, passwords: dict[str, str]) -> None:
        if self.error is not None:
            raise self.error
        self.calls.append(dict(passwords))

    def reload_certificates(self) -> None:
        self.calls.append("reload")

    def lapsed_models(self) -> list[str]:
        return self.lapsed

    def deploy(self, model_id: str) -> None:
        self.calls.append(f"deploy {model_id}")


@pytest.fixture
def stored() -> dict[str, str]:
    return {"certificates": json.dumps(CERTIFICATES), "a": "one", "b": "two"}


@pytest.fixture
def admin() -> FakeAdmin:
    return FakeAdmin()


@pytest.fixture
def watcher(stored: dict[str, str], admin: FakeAdmin, tmp_path: Path) -> Watcher:
    node = settings(opensearch_state=tmp_path)
    node.configuration.mkdir()
    return Watcher(
        node,
        read_secrets(node, stored.__getitem__),
        read=lambda: read_secrets(node, stored.__getitem__),
        admin=lambda: admin,  # type: ignore[arg-type, return-value]
    )


def test_users_are_written_once(watcher: Watcher, admin: FakeAdmin) -> None:
    watcher.look()
    watcher.look()
    assert admin.calls == [{"deployer": "one", "reader": "two"}]


def test_new_password_is_written(
    watcher: Watcher, admin: FakeAdmin, stored: dict[str, str]
) -> None:
    watcher.look()
    stored["b"] = "three"
    watcher.look()
    assert admin.calls[-1] == {"deployer": "one", "reader": "three"}


def test_lapsed_model_is_deployed_once(watcher: Watcher, admin: FakeAdmin) -> None:
    watcher.look()
    admin.lapsed = ["m1"]
    watcher.look()
    watcher.look()
    assert admin.calls[1:] == ["deploy m1"]


def test_refused_password_is_tried_again(
    watcher: Watcher, admin: FakeAdmin, capsys: pytest.CaptureFixture[str]
) -> None:
    admin.error = NodeError("OpenSearch refused internalusers/reader: 400 Weak password")
    watcher.look()
    assert "trying again later: OpenSearch refused internalusers/reader" in capsys.readouterr().err
    admin.error = None
    watcher.look()
    assert len(admin.calls) == 1


def test_renewed_certificate_is_written_and_loaded(
    watcher: Watcher, admin: FakeAdmin, stored: dict[str, str], tmp_path: Path
) -> None:
    watcher.look()
    stored["certificates"] = json.dumps({**CERTIFICATES, "node": "RENEWED"})
    watcher.look()
    watcher.look()
    assert admin.calls[1:] == ["reload"]
    assert (tmp_path / "config" / "node.pem").read_text() == "RENEWED"


def test_other_authority_restarts_the_engine(watcher: Watcher, stored: dict[str, str]) -> None:
    stored["certificates"] = json.dumps({**CERTIFICATES, "ca": "OTHER"})
    with pytest.raises(AuthorityChangedError, match="another authority"):
        watcher.look()


def test_image_without_opensearch_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NodeError, match="Choose an image with OpenSearch, or set customrag:open"):
        provide_package(settings(opensearch_home=tmp_path))


def test_package_without_a_digest_in_its_name_is_refused() -> None:
    with pytest.raises(NodeError, match=r"must end in -<SHA-256>\.tar\.gz"):
        provide_package(settings(opensearch_package_uri="oss://packages/opensearch.tar.gz"))


def test_libtorch_follows_the_package(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name / "libtorch").mkdir(parents=True)
        (tmp_path / name / "libtorch" / "libtorch.so").write_text(name)
    for name in ("one", "two", "two"):
        lay_libtorch(tmp_path / name, tmp_path / "data")
    (laid,) = (tmp_path / "data").rglob("libtorch.so")
    assert laid.read_text() == "two"
