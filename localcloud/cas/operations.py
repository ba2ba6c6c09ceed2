"""The operations of CAS 2020-04-07 that the local cloud supports, for the coverage table."""

from __future__ import annotations

from localcloud.core.operations import Operation

_API = "RPC cas 2020-04-07"

OPERATIONS: tuple[Operation, ...] = (
    Operation(service="cas", name="UploadUserCertificate", api=_API, notes="PEM, RSA and ECDSA"),
    Operation(
        service="cas",
        name="GetUserCertificateDetail",
        api=_API,
        notes="never returns the private key",
    ),
    Operation(
        service="cas",
        name="ListUserCertificateOrder",
        api=_API,
        notes="OrderType CERT and UPLOAD",
    ),
    Operation(
        service="cas",
        name="DeleteUserCertificate",
        api=_API,
        notes="refused while a listener uses the certificate",
    ),
)
