"""``customrag:tls:*``: the certificates of servers inside a VPC, and the authority that signs them.

Owns what a program says about them. Does not own how they are made (``providers.plugin.tls``), nor
the files on the servers.
"""

from __future__ import annotations

import pulumi

from .declaration import Resource, argument, arguments
from .wire import Out

__all__ = ["Certificate", "CertificateArgs", "CertificateAuthority", "CertificateAuthorityArgs"]


@arguments
class CertificateAuthorityArgs:
    """Arguments of ``CertificateAuthority``.

    Attributes:
        common_name: The authority's name, at most 64 characters. A change makes a new key and
            certificate; every certificate of this authority follows in the same update.
        validity_days: Days until its end, 91 to 36,500. Default 3,650. A change alone is recorded
            for the next certificate.
    """

    common_name: pulumi.Input[str] = argument("string")
    validity_days: pulumi.Input[int] = argument(
        "integer", effect="ignore", default=3650, bounds=(91, 36_500)
    )


class CertificateAuthority(Resource[CertificateAuthorityArgs]):
    """A certificate authority of the stack's own: an ECDSA P-256 key and its certificate.

    It is not renewed by itself, because every server and client must get the new certificate at
    the same time. In its last 90 days, previews and refreshes warn. A deletion only removes it from
    the state; certificates that it signed stay valid.

    Why it exists: ``tls.SelfSignedCert`` of ``pulumi_tls`` is in a Go plugin, which a local stack
    would have to fetch from the internet. Delete it when the servers get their certificates from a
    service of the cloud, or when a local stack may fetch that plugin.

    Attributes:
        certificate_pem: The certificate in PEM. Clients and servers trust it.
        private_key_pem: Its key as unencrypted PKCS #8 PEM; secret.
        not_after: The end of its validity in UTC, e.g. ``2036-11-27T10:00:00Z``.
    """

    token = "customrag:tls:CertificateAuthority"  # noqa: S105 - a type token
    certificate_pem = Out[str]()
    private_key_pem = Out[str](secret=True)
    not_after = Out[str]()


@arguments
class CertificateArgs:
    """Arguments of ``Certificate``.

    Attributes:
        ca_certificate_pem: The authority's certificate in PEM. A change makes a new certificate.
        ca_private_key_pem: Its key in PEM, EC or RSA, without a password; kept secret.
        common_name: The name in the subject, e.g. ``node``; at most 64 characters.
        organization: The organization in the subject; at most 64 characters. Default
            ``customrag``.
        dns_names: Host names that clients connect to; ``*.`` may stand in place of the first label.
            Their order does not matter.
        ip_addresses: IPv4 and IPv6 addresses that clients connect to. Their order does not matter.
        validity_days: Days until its end, 2 to 3,650. Default 397. It ends earlier if the authority
            does. A change alone is recorded for the next certificate.
        renew_before_days: In its last days, as many as this, the next update renews the
            certificate. 1 or more, less than ``validity_days``. Default 30.
        usages: ``server``, ``client`` or both. Default both, because a node of a cluster is both. A
            server needs a host name or an address.
    """

    ca_certificate_pem: pulumi.Input[str] = argument("string")
    ca_private_key_pem: pulumi.Input[str] = argument("string", secret=True)
    common_name: pulumi.Input[str] = argument("string")
    organization: pulumi.Input[str] = argument("string", default="customrag")
    dns_names: pulumi.Input[list[pulumi.Input[str]]] = argument("string list", default=())
    ip_addresses: pulumi.Input[list[pulumi.Input[str]]] = argument("string list", default=())
    validity_days: pulumi.Input[int] = argument(
        "integer", effect="ignore", default=397, bounds=(2, 3650)
    )
    renew_before_days: pulumi.Input[int] = argument(
        "integer", effect="ignore", default=30, bounds=(1, None)
    )
    usages: pulumi.Input[list[pulumi.Input[str]]] = argument(
        "string list", default=("server", "client")
    )


class Certificate(Resource[CertificateArgs]):
    """A certificate of a server or a client: an ECDSA P-256 key, signed by an authority.

    An update in place makes a new key and certificate when the certificate has to say something
    else, or when it ends soon. A deletion only removes it from the state; copies of it stay valid
    until they end.

    Why it exists: ``tls.LocallySignedCert`` of ``pulumi_tls`` is in a Go plugin, which a local
    stack would have to fetch from the internet, and it is not renewed when it ends soon
    (https://github.com/pulumi/pulumi-tls/issues/39, open, read 2026-11-30). Delete it when the
    servers get their certificates from a service of the cloud, or when that issue is closed and a
    local stack may fetch that plugin.

    Attributes:
        certificate_pem: The certificate in PEM.
        private_key_pem: Its key as unencrypted PKCS #8 PEM, the form that OpenSearch reads; secret.
        not_after: The end of its validity in UTC, e.g. ``2027-12-31T10:00:00Z``.
        subject: Its subject by RFC 2253, e.g. ``CN=node,O=customrag``. OpenSearch compares it with
            ``plugins.security.nodes_dn`` and ``plugins.security.authcz.admin_dn``.
        status: ``valid``. After a refresh, it says if the certificate is renewed and when it ends.
    """

    token = "customrag:tls:Certificate"  # noqa: S105 - a type token
    certificate_pem = Out[str]()
    private_key_pem = Out[str](secret=True)
    not_after = Out[str]()
    subject = Out[str]()
    status = Out[str]()
