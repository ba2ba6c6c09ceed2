"""X.509 certificates with ECDSA P-256 keys and SHA-256 signatures, made by ``cryptography``.

Owns what a certificate holds and how PEM is read. Does not own when one is made, nor where it is
kept. A message of an error never holds a private key.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

__all__ = [
    "USAGES",
    "Authority",
    "Issued",
    "Request",
    "issue_authority",
    "issue_certificate",
    "read_authority_certificate",
    "read_authority_key",
    "subject_text",
]

AuthorityKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

USAGES: Final = {
    "server": ExtendedKeyUsageOID.SERVER_AUTH,
    "client": ExtendedKeyUsageOID.CLIENT_AUTH,
}
"""The purposes of a certificate by their names."""
# A server whose clock is slow would refuse a certificate that starts now. Assumed: an hour.
_CLOCK_SKEW: Final = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class Issued:
    """A certificate and its key.

    Attributes:
        certificate_pem: The certificate in PEM.
        private_key_pem: Its key as unencrypted PKCS #8 PEM.
        not_after: The end of its validity, in UTC.
    """

    certificate_pem: str
    private_key_pem: str = field(repr=False)
    not_after: datetime


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a certificate says.

    Attributes:
        common_name: CN of the subject.
        organization: O of the subject.
        dns_names: Host names of the subject.
        ip_addresses: IPv4 and IPv6 addresses of the subject.
        usages: Keys of ``USAGES``.
        validity_days: Days from now to its end, if the authority does not end earlier.
    """

    common_name: str
    organization: str
    dns_names: Collection[str]
    ip_addresses: Collection[str]
    usages: Collection[str]
    validity_days: int


@dataclass(frozen=True, kw_only=True)
class Authority:
    """The certificate and the key that sign others."""

    certificate: x509.Certificate
    key: AuthorityKey = field(repr=False)

    @property
    def matches(self) -> bool:
        """Whether the key belongs to the certificate."""
        return self.key.public_key() == self.certificate.public_key()


def read_authority_certificate(pem: str) -> x509.Certificate:
    """Return the certificate of an authority.

    Raises:
        ValueError: The text is not a PEM certificate, or not the certificate of an authority.
    """
    try:
        certificate = x509.load_pem_x509_certificate(pem.encode())
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    except x509.ExtensionNotFound:
        constraints = None
    except ValueError as error:
        raise ValueError(
            "is not a certificate in PEM; give the text from -----BEGIN CERTIFICATE----- to "
            "-----END CERTIFICATE-----"
        ) from error
    if constraints is None or not constraints.ca:
        raise ValueError(
            f"is the certificate of {certificate.subject.rfc4514_string()}, which is not an "
            "authority; give a certificate whose basicConstraints say CA:TRUE"
        )
    return certificate


def read_authority_key(pem: str) -> AuthorityKey:
    """Return the private key of an authority.

    Raises:
        ValueError: The text is not a private key in PEM, has a password, or is of another kind
            than EC and RSA. The message does not hold the text.
    """
    try:
        key = serialization.load_pem_private_key(pem.encode(), password=None)
    except TypeError:
        raise ValueError("has a password; give the key without one") from None
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError(
            "is not a private key in PEM (it is secret, so it is not shown here); give the text "
            "from -----BEGIN PRIVATE KEY----- to -----END PRIVATE KEY-----"
        ) from None
    if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise ValueError(f"is of the kind {type(key).__name__}; allowed are EC and RSA keys")
    return key


def subject_text(common_name: str, organization: str) -> str:
    """Return a subject by RFC 2253, e.g. ``CN=node,O=customrag``."""
    return _subject(common_name, organization).rfc4514_string()


def issue_authority(common_name: str, validity_days: int, now: datetime) -> Issued:
    """Return a new authority, which signs itself and may sign servers and clients only."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    usage = _key_usage(key_cert_sign=True, crl_sign=True)
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    end = now.replace(microsecond=0) + timedelta(days=validity_days)
    builder = (
        _builder(name, name, key, now, end)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(identifier, critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier),
            critical=False,
        )
    )
    return _issued(builder.sign(key, hashes.SHA256()), key)


def issue_certificate(request: Request, authority: Authority, now: datetime) -> Issued:
    """Return a new certificate with a new key. It does not outlast its authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _subject(request.common_name, request.organization)
    end = now.replace(microsecond=0) + timedelta(days=request.validity_days)
    end = min(end, authority.certificate.not_valid_after_utc)
    usages = [oid for name, oid in USAGES.items() if name in request.usages]
    builder = (
        _builder(subject, authority.certificate.subject, key, now, end)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(digital_signature=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(_authority_identifier(authority), critical=False)
    )
    names: list[x509.GeneralName] = [x509.DNSName(name) for name in request.dns_names]
    names += [x509.IPAddress(ipaddress.ip_address(text)) for text in request.ip_addresses]
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return _issued(builder.sign(authority.key, hashes.SHA256()), key)


def _subject(common_name: str, organization: str) -> x509.Name:
    # RFC 2253 writes the parts in reverse, so that the text begins with CN.
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    now: datetime,
    end: datetime,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now.replace(microsecond=0) - _CLOCK_SKEW)
        .not_valid_after(end)
    )


def _key_usage(
    *, digital_signature: bool = False, key_cert_sign: bool = False, crl_sign: bool = False
) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _authority_identifier(authority: Authority) -> x509.AuthorityKeyIdentifier:
    """Return the identifier that the authority's own certificate has, or the usual one."""
    make = x509.AuthorityKeyIdentifier
    try:
        own = authority.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    except x509.ExtensionNotFound:
        return make.from_issuer_public_key(authority.key.public_key())
    return make.from_issuer_subject_key_identifier(own.value)


def _issued(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> Issued:
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return Issued(
        certificate_pem=certificate.public_bytes(serialization.Encoding.PEM).decode(),
        private_key_pem=private.decode(),
        not_after=certificate.not_valid_after_utc,
    )
