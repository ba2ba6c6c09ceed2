"""Lends an OpenSearch cluster to one command: ``python -m localcloud.opensearch.borrow``.

Owns the cluster's life: it is created in its own home, and removed with its data when the command
ends. It does not belong to a stack, so it has no ECS instances and no KMS; the node's own modules
(`opensearch_node`) configure and start the engine as on a node. The command reads
CUSTOMRAG_OPENSEARCH_URL, _USERNAME, _PASSWORD and _CA (a file).

Usage: ``python -m localcloud.opensearch.borrow --home DIR COMMAND...``; returns the exit status of
the command.
"""

from __future__ import annotations

import datetime
import ipaddress
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from localcloud.core.accounts import give_away, plan_account, tidy
from localcloud.core.errors import LocalCloudError
from localcloud.core.jvm import QUICK_START
from localcloud.core.lending import lend_to_command
from localcloud.opensearch.package import fetch
from opensearch_node import engine
from opensearch_node.configuration import ADMIN_SUBJECT, NODE_SUBJECT
from opensearch_node.secrets import Certificates
from opensearch_node.security import DEPLOYER, INGEST, READER, AdminClient
from opensearch_node.settings import NodeSettings

__all__ = ["Authority", "Borrowed", "lend", "main"]

_READY_SECONDS = 300.0
_DAYS = 2


@dataclass(frozen=True, kw_only=True)
class Borrowed:
    """A running cluster of one node.

    Attributes:
        url: Its URL.
        ca_file: The certificate of its authority.
        authority: Issues other certificates for it.
        passwords: Password by user.
        settings: Its node's settings.
    """

    url: str
    ca_file: Path
    authority: Authority
    passwords: dict[str, str] = field(repr=False)
    settings: NodeSettings

    @property
    def environment(self) -> dict[str, str]:
        """Variables for a command that uses it as the deployer."""
        return {
            "CUSTOMRAG_OPENSEARCH_URL": self.url,
            "CUSTOMRAG_OPENSEARCH_USERNAME": DEPLOYER,
            "CUSTOMRAG_OPENSEARCH_PASSWORD": self.passwords[DEPLOYER],
            "CUSTOMRAG_OPENSEARCH_CA": str(self.ca_file),
        }


class Authority:
    """A certificate authority for a borrowed cluster."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name.from_rfc4514_string("CN=borrowed,O=customrag")
        self._certificate = _certificate(self._name, self._name, self._key, self._key, ca=True)

    def issue(self, addresses: Sequence[str]) -> Certificates:
        """Issue the certificates of a cluster whose nodes have `addresses`, for two days."""
        node, node_key = self._issue(NODE_SUBJECT, addresses)
        admin, admin_key = self._issue(ADMIN_SUBJECT, ())
        return Certificates(
            ca=_pem(self._certificate),
            node=node,
            node_key=node_key,
            admin=admin,
            admin_key=admin_key,
        )

    def _issue(self, subject: str, addresses: Sequence[str]) -> tuple[str, str]:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name.from_rfc4514_string(subject)
        leaf = _certificate(name, self._name, key, self._key, addresses=addresses)
        return _pem(leaf), key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode()


def _certificate(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    signer: ec.EllipticCurvePrivateKey,
    *,
    ca: bool = False,
    addresses: Sequence[str] = (),
) -> x509.Certificate:
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(days=_DAYS))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    )
    if not ca:
        usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
    if addresses:
        names = [x509.IPAddress(ipaddress.ip_address(item)) for item in addresses]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(signer, hashes.SHA256())


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


@contextmanager
def lend(home: Path) -> Iterator[Borrowed]:
    """Start a cluster of one node in `home`, and remove it afterwards.

    Args:
        home: A folder for the node; its content is removed before and after.

    Raises:
        LocalCloudError: The engine did not start; the message has the end of its log.
    """
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    account = plan_account(home, fetch(report=lambda line: print(line, flush=True)))
    address = "127.0.0.1"
    settings = NodeSettings(
        region_id="",
        kms_endpoint="",
        opensearch_cluster_name="borrowed",
        opensearch_node_name="node-1",
        opensearch_address=address,
        opensearch_cluster_managers=f"node-1={address}",
        opensearch_state=account.folder,
        opensearch_certificates="",
        opensearch_users="",
        opensearch_index_prefix="",
        port=_free_port(address),
    )
    passwords = {user: secrets.token_urlsafe(24) for user in (DEPLOYER, INGEST, READER)}
    authority = Authority()
    engine.prepare(settings, account.distribution, authority.issue([address]))
    options = settings.configuration / "jvm.options.d" / "local.options"
    options.write_text(QUICK_START, encoding="utf-8")
    give_away(account)
    log = home / "engine.log"
    with log.open("wb") as output:
        process = engine.start(settings, account.distribution, account.prefix, output)
    try:
        _wait(process, settings, passwords, log)
        yield Borrowed(
            url=settings.url,
            ca_file=settings.configuration / "ca.pem",
            authority=authority,
            passwords=passwords,
            settings=settings,
        )
    finally:
        engine.stop(process)
        for folder in {account.folder, home}:
            shutil.rmtree(folder, ignore_errors=True)
        tidy()


def _free_port(address: str) -> int:
    """Return a free port whose transport port, 100 higher, is free as well."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind((address, 0))
            port = int(first.getsockname()[1])
            try:
                second.bind((address, port + 100))
            except (OSError, OverflowError):
                continue
            return port


def _wait(
    process: subprocess.Popen[bytes],
    settings: NodeSettings,
    passwords: dict[str, str],
    log: Path,
) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    with AdminClient(settings.url, settings.configuration) as client:
        while not client.is_ready():
            if process.poll() is not None or time.monotonic() > deadline:
                # The log goes with the home.
                tail = "\n".join(log.read_text("utf-8", "replace").splitlines()[-15:])
                raise LocalCloudError(f"OpenSearch did not start. The end of its log:\n{tail}")
            time.sleep(0.5)
        client.apply(settings.opensearch_index_prefix, passwords)


@contextmanager
def _lend_variables(home: Path) -> Iterator[dict[str, str]]:
    print("starting OpenSearch", flush=True)
    with lend(home) as cluster:
        yield cluster.environment


def main(argv: Sequence[str] | None = None) -> int:
    """Lend a cluster to the command that the arguments name."""
    return lend_to_command("localcloud.opensearch.borrow", _lend_variables, argv)


if __name__ == "__main__":
    sys.exit(main())
