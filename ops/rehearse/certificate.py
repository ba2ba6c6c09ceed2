"""A self-signed certificate for a rehearsal's load balancer, uploaded as a user would upload one.

Owns the certificate and its upload (CAS 2020-04-07 UploadUserCertificate,
https://api.aliyun.com/document/cas/2020-04-07/UploadUserCertificate, read 2026-11-21). It only
talks to the local cloud.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from providers.clients.credentials import credentials_provider
from providers.clients.generic import GenericClient

__all__ = ["self_signed", "upload_self_signed"]

_DAYS = 30
_CAS_VERSION = "2020-04-07"


def self_signed(host: str) -> tuple[str, str]:
    """Return a certificate for a host name, and its key, both PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    at = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(at - timedelta(minutes=5))
        .not_valid_after(at + timedelta(days=_DAYS))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return certificate.public_bytes(serialization.Encoding.PEM).decode(), private.decode()


def upload_self_signed(platform: Mapping[str, Any], host: str, *, name: str) -> str:
    """Upload a certificate to a local cloud; return its id as a listener takes it.

    Args:
        platform: The local cloud's platform file.
        host: The certificate's host name.
        name: The certificate's name there.

    Raises:
        ClientError: The local cloud refused it.
    """
    certificate, key = self_signed(host)
    client = GenericClient(
        platform["endpoints"]["api"],
        platform["region_id"],
        credentials_provider(platform["access_key_id"], platform["access_key_secret"]),
    )
    answer = client.rpc(
        "UploadUserCertificate", _CAS_VERSION, {"Name": name, "Cert": certificate, "Key": key}
    )
    return f"{answer['CertId']}-{platform['region_id']}"
