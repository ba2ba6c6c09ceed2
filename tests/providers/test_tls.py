"""Life cycles of an authority and of the certificates that it signs, with a clock of the test's.

The chain is checked by the verifier of ``cryptography`` and by a handshake of OpenSSL. They cannot
prove that OpenSearch accepts the files.
"""

from __future__ import annotations

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509 import verification
from cryptography.x509.oid import ExtendedKeyUsageOID
from pulumi.provider.experimental import provider as sdk

from pluginhost import UNKNOWN, ProviderError, encode_map
from tests.providers.fakes import Engine, FakeDlc, FakeOss, FakeServices

DAY = timedelta(days=1)
NAMES = ["node-1.search.internal", "node-2.search.internal"]
ADDRESSES = ["10.0.0.9", "fd00::9"]


def engine_of(kind: str) -> Engine:
    return Engine(f"customrag:tls:{kind}", FakeServices(FakeOss(), FakeDlc()))


def outputs(engine: Engine) -> dict[str, Any]:
    assert engine.state is not None
    return engine.state.outputs


@pytest.fixture
def authority() -> Engine:
    engine = engine_of("CertificateAuthority")
    engine.up({"commonName": "search CA"})
    return engine


@pytest.fixture
def inputs(authority: Engine) -> dict[str, Any]:
    return {**signed_by(authority), "commonName": "node", "dnsNames": NAMES}


def signed_by(authority: Engine) -> dict[str, Any]:
    made = outputs(authority)
    return {"caCertificatePem": made["certificatePem"], "caPrivateKeyPem": made["privateKeyPem"]}


@pytest.fixture
def engine(inputs: dict[str, Any]) -> Engine:
    engine = engine_of("Certificate")
    engine.up(inputs)
    return engine


def certificate(engine: Engine) -> x509.Certificate:
    return x509.load_pem_x509_certificate(outputs(engine)["certificatePem"].encode())


def serial(engine: Engine) -> int:
    return certificate(engine).serial_number


def alternative_names(engine: Engine) -> x509.SubjectAlternativeName:
    extensions = certificate(engine).extensions
    return extensions.get_extension_for_class(x509.SubjectAlternativeName).value


def verifier(authority: Engine, at: datetime) -> verification.PolicyBuilder:
    return verification.PolicyBuilder().store(verification.Store([certificate(authority)])).time(at)


def test_a_client_trusts_the_server_by_name_and_address(
    authority: Engine, inputs: dict[str, Any]
) -> None:
    engine = engine_of("Certificate")
    engine.up({**inputs, "ipAddresses": ADDRESSES})
    builder = verifier(authority, engine.now)
    subjects: list[x509.DNSName | x509.IPAddress] = [x509.DNSName(name) for name in NAMES]
    subjects += [x509.IPAddress(ip_address(address)) for address in ADDRESSES]
    for subject in subjects:
        chain = builder.build_server_verifier(subject).verify(certificate(engine), [])
        assert [item.serial_number for item in chain] == [serial(engine), serial(authority)]


def test_a_server_trusts_the_client(authority: Engine, engine: Engine) -> None:
    found = verifier(authority, engine.now).build_client_verifier().verify(certificate(engine), [])
    assert len(found.chain) == 2


def test_another_authority_of_the_same_name_is_not_trusted(engine: Engine) -> None:
    other = engine_of("CertificateAuthority")
    other.up({"commonName": "search CA"})
    checks = verifier(other, engine.now).build_server_verifier(x509.DNSName(NAMES[0]))
    with pytest.raises(verification.VerificationError):
        checks.verify(certificate(engine), [])


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


def context(protocol: int, folder: Path, authority: Engine, engine: Engine) -> ssl.SSLContext:
    made = ssl.SSLContext(protocol)
    made.verify_mode = ssl.CERT_REQUIRED
    made.load_verify_locations(cadata=outputs(authority)["certificatePem"])
    made.load_cert_chain(
        written(folder, "node.pem", outputs(engine)["certificatePem"]),
        written(folder, "node.key", outputs(engine)["privateKeyPem"]),
    )
    return made


def test_two_nodes_shake_hands_with_openssl(tmp_path: Path) -> None:
    authority, engine = engine_of("CertificateAuthority"), engine_of("Certificate")
    # OpenSSL reads the clock of the machine.
    authority.now = engine.now = datetime.now(UTC)
    authority.up({"commonName": "search CA"})
    engine.up({**signed_by(authority), "commonName": "node", "dnsNames": ["node-1.internal"]})
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = context(ssl.PROTOCOL_TLS_SERVER, tmp_path, authority, engine).wrap_bio(
        to_server, to_client, server_side=True
    )
    client = context(ssl.PROTOCOL_TLS_CLIENT, tmp_path, authority, engine).wrap_bio(
        to_client, to_server, server_hostname="node-1.internal"
    )
    for side in (client, server, client, server):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    for side in (client, server):
        peer = side.getpeercert()
        assert peer is not None
        assert peer["subject"] == ((("organizationName", "customrag"),), (("commonName", "node"),))


def test_a_certificate_holds_what_opensearch_needs(authority: Engine, engine: Engine) -> None:
    extensions = certificate(engine).extensions
    assert extensions.get_extension_for_class(x509.BasicConstraints).value.ca is False
    assert extensions.get_extension_for_class(x509.KeyUsage).value.digital_signature
    assert set(extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == {
        ExtendedKeyUsageOID.SERVER_AUTH,
        ExtendedKeyUsageOID.CLIENT_AUTH,
    }
    issuer = extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    own = certificate(authority).extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    assert issuer.key_identifier == own.value.key_identifier
    made = outputs(engine)
    assert made["subject"] == "CN=node,O=customrag"
    assert made["notAfter"] == "2028-01-02T10:30:00Z"
    assert made["status"] == "valid"
    assert made["privateKeyPem"].startswith("-----BEGIN PRIVATE KEY-----")
    key = serialization.load_pem_private_key(made["privateKeyPem"].encode(), password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    assert key.curve.name == "secp256r1"
    assert key.public_key() == certificate(engine).public_key()


def test_an_authority_may_sign_certificates_but_no_other_authority(authority: Engine) -> None:
    extensions = certificate(authority).extensions
    constraints = extensions.get_extension_for_class(x509.BasicConstraints)
    assert constraints.critical
    assert constraints.value == x509.BasicConstraints(ca=True, path_length=0)
    usage = extensions.get_extension_for_class(x509.KeyUsage).value
    assert (usage.key_cert_sign, usage.digital_signature) == (True, False)
    assert outputs(authority)["notAfter"] == "2036-11-28T10:30:00Z"


def test_a_client_needs_no_host_name(authority: Engine) -> None:
    engine = engine_of("Certificate")
    engine.up({**signed_by(authority), "commonName": "admin", "usages": ["client"]})
    extensions = certificate(engine).extensions
    usages = extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usages) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    with pytest.raises(x509.ExtensionNotFound):
        alternative_names(engine)


@pytest.mark.parametrize(
    "changed",
    [
        {"commonName": "other"},
        {"organization": "Example Ltd."},
        {"dnsNames": ["node-3.search.internal"]},
        {"ipAddresses": ["10.0.0.9"]},
        {"usages": ["server"]},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_a_change_of_what_it_says_makes_another_certificate_and_key_in_place(
    engine: Engine, inputs: dict[str, Any], changed: dict[str, Any]
) -> None:
    before = dict(outputs(engine))
    assert engine.up({**inputs, **changed}) == "update"
    after = outputs(engine)
    assert after["certificatePem"] != before["certificatePem"]
    assert after["privateKeyPem"] != before["privateKeyPem"]


@pytest.mark.parametrize(
    "changed",
    [
        {"validityDays": 90},
        {"renewBeforeDays": 60},
        {"dnsNames": [NAMES[1].upper(), NAMES[0], NAMES[1]]},
        {"usages": ["client", "server"]},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_a_change_that_leads_to_the_same_certificate_makes_none(
    engine: Engine, inputs: dict[str, Any], changed: dict[str, Any]
) -> None:
    assert engine.up({**inputs, **changed}) == "same"


def test_another_spelling_of_an_address_makes_no_certificate(
    engine: Engine, inputs: dict[str, Any]
) -> None:
    engine.up({**inputs, "ipAddresses": ["fd00::9"]})
    assert engine.up({**inputs, "ipAddresses": ["FD00:0::9"]}) == "same"


def test_another_validity_counts_for_the_next_certificate(
    engine: Engine, inputs: dict[str, Any]
) -> None:
    engine.up({**inputs, "validityDays": 90})
    engine.now += 367 * DAY
    assert engine.up({**inputs, "validityDays": 90}) == "update"
    assert outputs(engine)["notAfter"] == "2028-03-02T10:30:00Z"


def test_a_certificate_is_renewed_when_it_ends_soon(engine: Engine, inputs: dict[str, Any]) -> None:
    before = serial(engine)
    engine.now += 366 * DAY
    assert engine.up(inputs) == "same"
    engine.now += DAY
    assert engine.diff(inputs).diffs == ["notAfter"]
    assert engine.log == "renews: ends on 2028-01-02"
    assert engine.up(inputs) == "update"
    assert serial(engine) != before
    assert engine.up(inputs) == "same"


def test_a_longer_time_of_renewal_counts_at_once(engine: Engine, inputs: dict[str, Any]) -> None:
    engine.now += 300 * DAY
    assert engine.up(inputs) == "same"
    assert engine.up({**inputs, "renewBeforeDays": 100}) == "update"


def test_a_refresh_shows_that_the_certificate_will_be_renewed(
    engine: Engine, inputs: dict[str, Any]
) -> None:
    before = dict(outputs(engine))
    engine.refresh()
    assert outputs(engine) == before
    engine.now += 367 * DAY
    engine.refresh()
    assert outputs(engine) == {**before, "status": "renews: ends on 2028-01-02"}
    assert engine.diff(inputs).diffs == ["notAfter", "status"]
    assert engine.preview(inputs)["status"] == "valid"
    assert engine.up(inputs) == "update"
    assert outputs(engine)["status"] == "valid"


def test_a_certificate_ends_with_its_authority_and_is_not_renewed_in_vain(
    engine: Engine, inputs: dict[str, Any], authority: Engine
) -> None:
    engine.now = datetime(2036, 11, 1, tzinfo=UTC)
    assert engine.up(inputs) == "update"
    assert outputs(engine)["notAfter"] == outputs(authority)["notAfter"]
    engine.host.messages.clear()
    assert engine.up(inputs) == "same"
    ((severity, message),) = engine.host.messages
    assert severity == "warning"
    assert "ends on 2036-11-28 with its authority CN=search CA" in message
    engine.refresh()
    assert outputs(engine)["status"] == message


def test_an_authority_that_has_ended_signs_nothing(inputs: dict[str, Any]) -> None:
    engine = engine_of("Certificate")
    engine.now += 3650 * DAY
    with pytest.raises(
        ProviderError, match=r"CN=search CA ended on 2036-11-28.*Make a new authority"
    ):
        engine.up(inputs)


def test_an_authority_is_not_renewed_but_warns_in_its_last_90_days(authority: Engine) -> None:
    same = {"commonName": "search CA"}
    authority.now += 3559 * DAY
    assert authority.up(same) == "same"
    authority.refresh()
    assert authority.log == ""
    authority.now += DAY
    assert authority.up(same) == "same"
    assert "the authority ends in 90 days, on 2036-11-28" in authority.log
    authority.host.messages.clear()
    authority.refresh()
    ((severity, message),) = authority.host.messages
    assert severity == "warning"
    assert f"`pulumi up --replace '{authority.urn}'`" in message


def test_another_name_makes_another_authority_and_its_certificates(
    authority: Engine, engine: Engine, inputs: dict[str, Any]
) -> None:
    assert authority.up({"commonName": "search CA 2"}) == "update"
    assert engine.up({**inputs, **signed_by(authority)}) == "update"
    checks = verifier(authority, engine.now).build_server_verifier(x509.DNSName(NAMES[0]))
    assert len(checks.verify(certificate(engine), [])) == 2


def test_another_validity_of_an_authority_is_recorded_only(authority: Engine) -> None:
    assert authority.up({"commonName": "search CA", "validityDays": 7300}) == "same"


def test_a_preview_knows_the_subject_and_not_the_addresses(inputs: dict[str, Any]) -> None:
    engine = engine_of("Certificate")
    unknown = {
        **inputs,
        "caCertificatePem": UNKNOWN,
        "caPrivateKeyPem": UNKNOWN,
        "dnsNames": UNKNOWN,
        "ipAddresses": [UNKNOWN, "10.0.0.9"],
    }
    assert engine.check(unknown)["failures"] == {}
    shown = engine.preview(unknown)
    assert shown["subject"] == "CN=node,O=customrag"
    assert shown["certificatePem"] is UNKNOWN


def test_a_preview_of_an_unknown_address_shows_an_update(
    engine: Engine, inputs: dict[str, Any]
) -> None:
    difference = engine.diff({**inputs, "ipAddresses": [UNKNOWN]})
    assert (difference.diffs, difference.replaces) == (["ipAddresses"], [])


def test_private_keys_are_secret_in_the_state(authority: Engine, inputs: dict[str, Any]) -> None:
    for engine, given in (
        (authority, {"commonName": "a"}),
        (engine_of("Certificate"), inputs),
    ):
        properties = encode_map(engine.check(given)["inputs"])
        for preview in (True, False):
            request = sdk.CreateRequest(engine.urn, properties, 0, preview)
            made = asyncio.run(engine.provider.create(request)).properties
            secret = {name for name, value in made.items() if value.is_secret}
            assert secret == made.keys() & {"privateKeyPem", "caPrivateKeyPem"}


def test_deleting_and_importing_do_nothing_outside(engine: Engine) -> None:
    engine.destroy()
    assert engine.state is None
    with pytest.raises(ProviderError, match="makes another one"):
        asyncio.run(engine.provider.read(sdk.ReadRequest(engine.urn, "id", {}, {})))


def encrypted(pem: str) -> str:
    key = serialization.load_pem_private_key(pem.encode(), password=None)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"password"),
    ).decode()


def ed25519_key() -> str:
    key = ed25519.Ed25519PrivateKey.generate()
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def test_a_key_that_cannot_sign_is_refused_and_not_shown(
    engine: Engine, inputs: dict[str, Any]
) -> None:
    own = outputs(engine)["privateKeyPem"]
    for key, problem in (
        (own, "does not belong to the certificate of CN=search CA"),
        (encrypted(own), "has a password"),
        (ed25519_key(), "allowed are EC and RSA keys"),
        (own.replace("PRIVATE", "PUBLIC"), "is not a private key in PEM"),
        ([own], "is secret, so it is not shown here; allowed is a string"),
    ):
        failures = engine.check({**inputs, "caPrivateKeyPem": key})["failures"]
        assert problem in failures["caPrivateKeyPem"]
        assert own.splitlines()[1] not in failures["caPrivateKeyPem"]


def test_a_certificate_that_is_not_an_authority_is_refused(
    engine: Engine, inputs: dict[str, Any]
) -> None:
    own = {
        "caCertificatePem": outputs(engine)["certificatePem"],
        "caPrivateKeyPem": outputs(engine)["privateKeyPem"],
    }
    failures = engine.check({**inputs, **own})["failures"]
    assert "CN=node,O=customrag, which is not an authority" in failures["caCertificatePem"]
    failures = engine.check({**inputs, "caCertificatePem": "text"})["failures"]
    assert "is not a certificate in PEM" in failures["caCertificatePem"]


@pytest.mark.parametrize(
    ("wrong", "name", "reason"),
    [
        ({"commonName": "*.search"}, "commonName", "is '*.search'; allowed are 1 to 64 letters"),
        ({"organization": "a, b"}, "organization", "is 'a, b'; allowed are"),
        ({"commonName": "a" * 65}, "commonName", "allowed are 1 to 64"),
        ({"dnsNames": ["a b"]}, "dnsNames", "holds 'a b'; allowed are host names"),
        ({"dnsNames": ["10.0.0.9"]}, "dnsNames", "give it in ip_addresses"),
        ({"ipAddresses": ["10.0.0.0/24"]}, "ipAddresses", "holds '10.0.0.0/24'; allowed are IPv4"),
        ({"ipAddresses": ["fe80::1%eth0"]}, "ipAddresses", "allowed are IPv4 and IPv6"),
        ({"usages": ["email"]}, "usages", "holds 'email'; allowed are server, client"),
        ({"usages": []}, "usages", "is empty; give server, client or both"),
        ({"dnsNames": []}, "dnsNames", "Give a host name or an address"),
        ({"validityDays": 30}, "renewBeforeDays", "is 30; allowed is less than validity_days"),
        ({"validityDays": 3651}, "validityDays", "is 3651; allowed is 2 to 3650"),
        ({"renewBeforeDays": 0}, "renewBeforeDays", "is 0; allowed is 1 or more"),
    ],
)
def test_a_wrong_input_is_refused_with_what_is_allowed(
    inputs: dict[str, Any], wrong: dict[str, Any], name: str, reason: str
) -> None:
    failures = engine_of("Certificate").check({**inputs, **wrong})["failures"]
    assert list(failures) == [name]
    assert reason in failures[name]


def test_an_authority_of_a_few_days_is_refused() -> None:
    failures = engine_of("CertificateAuthority").check({"commonName": "a", "validityDays": 90})
    assert "is 90; allowed is 91 to 36500" in failures["failures"]["validityDays"]
