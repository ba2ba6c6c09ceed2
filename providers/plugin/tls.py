"""Life cycles of ``customrag:tls:CertificateAuthority`` and ``customrag:tls:Certificate``.

Owns when a certificate is made and renewed. Does not own what it holds
(``providers.plugin.certificates``). Nothing here calls a service: a certificate is in the state.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import uuid4

from pluginhost import ProviderError, contains_unknown
from providers.declaration import inputs_of, outputs_of, secret_outputs_of
from providers.plugin.certificates import (
    USAGES,
    Authority,
    Issued,
    Request,
    issue_authority,
    issue_certificate,
    read_authority_certificate,
    read_authority_key,
    subject_text,
)
from providers.plugin.framework import Call, Change, Failure, Handler, Values, compare
from providers.tls import (
    Certificate,
    CertificateArgs,
    CertificateAuthority,
    CertificateAuthorityArgs,
)

__all__ = ["CertificateAuthorityHandler", "CertificateHandler"]

_WARNING: Final = timedelta(days=90)
_VALID: Final = "valid"
_NEW_AUTHORITY: Final = (
    "Make a new authority: run `pulumi up --replace` with the URN of its CertificateAuthority."
)
# Source: RFC 5280, appendix A.1, ub-common-name and ub-organization-name.
_NAME_LENGTH: Final = 64
# OpenSearch reads `nodes_dn` as a pattern, and compares it with Java's text of the subject. These
# characters are the same in Java's text and in ours, and never part of a pattern. Source:
# DefaultInterClusterRequestEvaluator and DefaultPrincipalExtractor of opensearch-project/security,
# read 2026-11-30.
_NAME: Final = re.compile(r"[A-Za-z0-9._-]+(?: [A-Za-z0-9._-]+)*")
# Source: RFC 1123, 2.1 (labels), RFC 1035, 2.3.4 (lengths), RFC 6125, 6.4.3 (the wildcard).
_DNS_LENGTH: Final = 253
_DNS_LABEL: Final = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_DNS_NAME: Final = re.compile(rf"(?:\*\.)?{_DNS_LABEL}(?:\.{_DNS_LABEL})*", re.IGNORECASE)


class CertificateAuthorityHandler(Handler):
    """An authority of the stack's own. It is made once, and again only for another name."""

    token = CertificateAuthority.token
    inputs = inputs_of(CertificateAuthorityArgs)
    outputs = outputs_of(CertificateAuthority)
    secret_outputs = secret_outputs_of(CertificateAuthority)
    needed = ("commonName",)
    adopts = False

    def check(self, inputs: Values) -> Iterator[Failure]:
        yield from _check_name("commonName", inputs)

    def diff(self, old_inputs: Values, olds: Values, news: Values, call: Call) -> list[Change]:
        changes = compare(self.inputs, old_inputs, news)
        if not changes:
            _warn_of_end(olds, call)
        return changes

    def create(self, inputs: Values, call: Call) -> tuple[str, dict[str, Any]]:
        return uuid4().hex, self.update({}, inputs, call)

    def read(self, inputs: Values, olds: Values, call: Call) -> tuple[Values, Values] | None:
        _warn_of_end(olds, call)
        return inputs, self.kept(olds)

    def update(self, olds: Values, inputs: Values, call: Call) -> dict[str, Any]:
        issued = issue_authority(str(inputs["commonName"]), int(inputs["validityDays"]), call.now())
        return _outputs(issued)

    def delete(self, inputs: Values, olds: Values, call: Call) -> None:
        """Do nothing, because the authority is only in the state."""


class CertificateHandler(Handler):
    """A certificate that an authority signs, renewed before it ends."""

    token = Certificate.token
    inputs = inputs_of(CertificateArgs)
    outputs = outputs_of(Certificate)
    secret_outputs = secret_outputs_of(Certificate)
    needed = ("commonName",)
    adopts = False

    def check(self, inputs: Values) -> Iterator[Failure]:
        yield from _check_name("commonName", inputs)
        yield from _check_name("organization", inputs)
        yield from _check_items("dnsNames", inputs, _dns_problem)
        yield from _check_items("ipAddresses", inputs, _address_problem)
        yield from _check_items("usages", inputs, _usage_problem)
        yield from _check_combinations(inputs)
        yield from _check_authority(inputs)

    def diff(self, old_inputs: Values, olds: Values, news: Values, call: Call) -> list[Change]:
        changes = [
            change
            for change in compare(self.inputs, old_inputs, news)
            if not _says_the_same(change.property, old_inputs, news)
        ]
        if changes or contains_unknown(news):
            return changes
        status = _status(olds, news, call)
        if status.renews:
            call.log(status.text)
            changes.append(Change(path="notAfter", kind="update"))
            if olds.get("status") != _VALID:
                changes.append(Change(path="status", kind="update"))
        elif status.text != _VALID:
            call.log(status.text, "warning")
        return changes

    def preview_create(self, inputs: Values) -> dict[str, Any]:
        outputs = {**super().preview_create(inputs), "status": _VALID}
        if not contains_unknown([inputs["commonName"], inputs["organization"]]):
            outputs["subject"] = _subject(inputs)
        return outputs

    def create(self, inputs: Values, call: Call) -> tuple[str, dict[str, Any]]:
        return uuid4().hex, self.update({}, inputs, call)

    def read(self, inputs: Values, olds: Values, call: Call) -> tuple[Values, Values] | None:
        return inputs, {**self.kept(olds), "status": _status(olds, inputs, call).text}

    def update(self, olds: Values, inputs: Values, call: Call) -> dict[str, Any]:
        authority = _authority(inputs)
        end = authority.certificate.not_valid_after_utc
        if end <= call.now():
            raise ProviderError(
                f"the authority {authority.certificate.subject.rfc4514_string()} ended on "
                f"{end:%Y-%m-%d}, so it can sign nothing. {_NEW_AUTHORITY}"
            )
        request = Request(
            common_name=str(inputs["commonName"]),
            organization=str(inputs["organization"]),
            dns_names=sorted(_normal("dnsNames", inputs)),
            ip_addresses=sorted(_normal("ipAddresses", inputs)),
            usages=inputs["usages"],
            validity_days=int(inputs["validityDays"]),
        )
        outputs = _outputs(issue_certificate(request, authority, call.now()))
        outputs["subject"] = _subject(inputs)
        return {**outputs, "status": _status(outputs, inputs, call).text}

    def delete(self, inputs: Values, olds: Values, call: Call) -> None:
        """Do nothing, because the certificate is only in the state."""


@dataclass(frozen=True)
class _Status:
    """The state of a certificate in words, and whether the next update renews it."""

    text: str
    renews: bool = False


def _status(olds: Values, inputs: Values, call: Call) -> _Status:
    end = datetime.fromisoformat(str(olds["notAfter"]))
    if end - call.now() > timedelta(days=int(inputs["renewBeforeDays"])):
        return _Status(_VALID)
    authority = read_authority_certificate(str(inputs["caCertificatePem"]))
    if end < authority.not_valid_after_utc:
        return _Status(f"renews: ends on {end:%Y-%m-%d}", renews=True)
    return _Status(
        f"ends on {end:%Y-%m-%d} with its authority {authority.subject.rfc4514_string()}, so it "
        f"is not renewed. {_NEW_AUTHORITY}"
    )


def _warn_of_end(olds: Values, call: Call) -> None:
    end = datetime.fromisoformat(str(olds["notAfter"]))
    left = end - call.now()
    if left <= _WARNING:
        when = f"ends in {left.days} days, on" if left > timedelta() else "ended on"
        call.log(
            f"the authority {when} {end:%Y-%m-%d}, and it is not renewed by itself. Run `pulumi up "
            f"--replace '{call.urn}'`, which makes a new one and new certificates.",
            "warning",
        )


def _outputs(issued: Issued) -> dict[str, Any]:
    return {
        "certificatePem": issued.certificate_pem,
        "privateKeyPem": issued.private_key_pem,
        "notAfter": f"{issued.not_after:%Y-%m-%dT%H:%M:%SZ}",
    }


def _subject(inputs: Values) -> str:
    return subject_text(str(inputs["commonName"]), str(inputs["organization"]))


def _authority(inputs: Values) -> Authority:
    return Authority(
        certificate=read_authority_certificate(str(inputs["caCertificatePem"])),
        key=read_authority_key(str(inputs["caPrivateKeyPem"])),
    )


_NORMAL: Final[dict[str, Callable[[str], str]]] = {
    "dnsNames": str.lower,
    "ipAddresses": lambda text: str(ipaddress.ip_address(text)),
    "usages": str,
}


def _normal(name: str, inputs: Values) -> set[str]:
    return {_NORMAL[name](item) for item in inputs[name]}


def _says_the_same(name: str, old_inputs: Values, news: Values) -> bool:
    """Return whether two lists lead to the same certificate: same items in any order."""
    if name not in _NORMAL or contains_unknown([old_inputs.get(name), news.get(name)]):
        return False
    return _normal(name, old_inputs) == _normal(name, news)


def _check_name(name: str, inputs: Values) -> Iterator[Failure]:
    value = inputs.get(name)
    if isinstance(value, str) and (len(value) > _NAME_LENGTH or not _NAME.fullmatch(value)):
        yield Failure(
            name,
            f"is {value!r}; allowed are 1 to {_NAME_LENGTH} letters, digits, '.', '_', '-' and "
            "single spaces between them",
        )


def _check_items(
    name: str, inputs: Values, problem_of: Callable[[str], str | None]
) -> Iterator[Failure]:
    items = inputs.get(name)
    for item in items if isinstance(items, list) else ():
        problem = problem_of(item) if isinstance(item, str) else None
        if problem:
            yield Failure(name, f"holds {item!r}; {problem}")


def _dns_problem(text: str) -> str | None:
    if _address_problem(text) is None:
        return "that is an address, so give it in ip_addresses"
    if len(text) <= _DNS_LENGTH and _DNS_NAME.fullmatch(text):
        return None
    return (
        f"allowed are host names of at most {_DNS_LENGTH} ASCII characters, such as "
        "node-1.search.internal or *.search.internal"
    )


def _address_problem(text: str) -> str | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        address = None
    if address is None or "%" in text:
        return "allowed are IPv4 and IPv6 addresses, such as 10.0.0.9"
    return None


def _usage_problem(text: str) -> str | None:
    return None if text in USAGES else f"allowed are {', '.join(USAGES)}"


def _check_combinations(inputs: Values) -> Iterator[Failure]:
    validity, renew = inputs.get("validityDays"), inputs.get("renewBeforeDays")
    if isinstance(validity, int) and isinstance(renew, int) and renew >= validity:
        yield Failure(
            "renewBeforeDays",
            f"is {renew}; allowed is less than validity_days, which is {validity}",
        )
    usages = inputs.get("usages")
    if usages == []:
        yield Failure("usages", f"is empty; give {', '.join(USAGES)} or both")
    nameless = inputs.get("dnsNames") == [] and inputs.get("ipAddresses") == []
    if nameless and isinstance(usages, list) and "server" in usages:
        yield Failure(
            "dnsNames",
            "and ip_addresses are empty, so no client could check a server with this "
            "certificate. Give a host name or an address, or usages=['client']",
        )


def _check_authority(inputs: Values) -> Iterator[Failure]:
    pem, key_pem = inputs.get("caCertificatePem"), inputs.get("caPrivateKeyPem")
    certificate = key = None
    if isinstance(pem, str):
        try:
            certificate = read_authority_certificate(pem)
        except ValueError as error:
            yield Failure("caCertificatePem", str(error))
    if isinstance(key_pem, str):
        try:
            key = read_authority_key(key_pem)
        except ValueError as error:
            yield Failure("caPrivateKeyPem", str(error))
    if certificate and key and not Authority(certificate=certificate, key=key).matches:
        yield Failure(
            "caPrivateKeyPem",
            f"does not belong to the certificate of {certificate.subject.rfc4514_string()} in "
            "ca_certificate_pem. Give the certificate and the key of the same authority",
        )
