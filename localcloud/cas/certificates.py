"""The certificates of one local stack: upload and look-up.

Owns the records, and ``trusted.pem``: the certificates that clients on this machine trust to reach
the stack's load balancers, because no public authority has signed them. Only the process of a load
balancer (``localcloud.alb``) reads the keys.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtensionOID, NameOID

from localcloud.core.errors import CloudError
from localcloud.core.home import data_dir
from localcloud.core.resources import Context

CERTIFICATES: Final = "cas.certificates"

Record = dict[str, Any]


def trusted_file(home: Path) -> Path:
    """Return the PEM file of every certificate that was uploaded to a stack."""
    return data_dir(home, "cas") / "trusted.pem"


class Certificates:
    """Uploaded certificates.

    Args:
        context: The running local cloud.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._table = context.store.table(CERTIFICATES)

    def upload(self, name: str, certificate: str, key: str) -> tuple[int, Record]:
        """Store a certificate with its key.

        Args:
            name: Unique among the account's certificates.
            certificate: The server's certificate and then its chain, in PEM.
            key: The private key in PEM, without a password.

        Raises:
            CloudError: ``NameRepeat``, or the certificate or key is not valid.
        """
        parsed = _parse(certificate, key)
        with self._context.store.transaction():
            if any(record["name"] == name for record in self._table.values()):
                raise CloudError(
                    "NameRepeat", f"Name is {name!r}; a certificate with this name already exists."
                )
            number = int(self._context.ids.digits(8))
            record = {
                "name": name,
                "certificate": certificate,
                "key": key,
                "identifier": f"{number}-{self._context.platform.region_id}",
                **parsed,
            }
            self._table.put(str(number), record)
        self._write_trusted()
        return number, record

    def get(self, number: str) -> Record:
        """Return the certificate with a ``CertId``.

        Raises:
            CloudError: ``NotFound``.
        """
        record = self._table.get(number)
        if record is None:
            raise CloudError("NotFound", f"The certificate {number!r} does not exist.", 404)
        return record

    def by_identifier(self, identifier: str) -> Record | None:
        """Return the certificate with an identifier, ``<CertId>-<region id>``, or None."""
        for record in self._table.values():
            if record["identifier"] == identifier:
                return record
        return None

    def trusted(self) -> list[str]:
        """Return every certificate that a client of this stack trusts, with chains, each in PEM."""
        return [
            parsed.public_bytes(serialization.Encoding.PEM).decode()
            for record in self._table.values()
            for parsed in x509.load_pem_x509_certificates(record["certificate"].encode())
        ]

    def _write_trusted(self) -> None:
        path = trusted_file(self._context.platform.home)
        text = "".join(f"{record['certificate'].strip()}\n" for record in self._table.values())
        temporary = path.with_suffix(f".{os.getpid()}.tmp")
        temporary.write_text(text, encoding="ascii")
        temporary.replace(path)


def _parse(certificate: str, key: str) -> Record:
    try:
        chain = x509.load_pem_x509_certificates(certificate.encode())
        private = serialization.load_pem_private_key(key.encode(), password=None)
    except (ValueError, TypeError) as error:
        raise CloudError(
            "InvalidCertificate", f"Cert or Key is not valid PEM without a password: {error}."
        ) from error
    leaf = chain[0]
    if not isinstance(private, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise CloudError("InvalidCertificate", "Key must be an RSA or ECDSA key.")
    if private.public_key() != leaf.public_key():
        raise CloudError(
            "CertificateKeyNotMatch", "Key does not belong to the first certificate in Cert."
        )
    if leaf.not_valid_after_utc <= datetime.now(UTC):
        raise CloudError("CertificateExpired", f"Cert expired on {leaf.not_valid_after_utc:%F}.")
    names = [str(item.value) for item in leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    issuers = leaf.issuer.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    return {
        "common": names[0] if names else "",
        "sans": _names(leaf),
        "issuer": str(issuers[0].value) if issuers else "",
        "start_date": f"{leaf.not_valid_before_utc:%F}",
        "end_date": f"{leaf.not_valid_after_utc:%F}",
        "not_after_ms": int(leaf.not_valid_after_utc.timestamp() * 1000),
        "fingerprint": leaf.fingerprint(hashes.SHA1()).hex(),  # noqa: S303  (CAS names it so)
        "algorithm": "RSA" if isinstance(private, rsa.RSAPrivateKey) else "ECDSA",
    }


def _names(leaf: x509.Certificate) -> str:
    try:
        extension = leaf.extensions.get_extension_for_oid(ExtensionOID.SUBJECT_ALTERNATIVE_NAME)
    except x509.ExtensionNotFound:
        return ""
    value = extension.value
    if not isinstance(value, x509.SubjectAlternativeName):
        return ""
    addresses = [str(item) for item in value.get_values_for_type(x509.IPAddress)]
    return ",".join([*value.get_values_for_type(x509.DNSName), *addresses])
