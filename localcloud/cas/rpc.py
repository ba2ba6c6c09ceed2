"""CAS 2020-04-07 over RPC: uploaded certificates.

Source: https://api.aliyun.com/document/cas/2020-04-07/UploadUserCertificate,
.../GetUserCertificateDetail (2026-11).
"""

from __future__ import annotations

import time
from typing import Any, Final

from localcloud.cas.certificates import Certificates
from localcloud.core.rpc import RpcApi, RpcCall

API: Final = RpcApi("cas", "cas", "2020-04-07")
_RESOURCE: Final = "acs:yundun-cert:*:*:*"


@API.action("UploadUserCertificate", *("Name", "Cert", "Key"), notes="PEM, RSA and ECDSA")
def upload(call: RpcCall) -> dict[str, Any]:
    """Answer UploadUserCertificate."""
    call.authorise("yundun-cert:UploadUserCertificate", _RESOURCE)
    number, _ = Certificates(call.context).upload(
        call.required("Name"), call.required("Cert"), call.required("Key")
    )
    return {"CertId": number, "ResourceId": f"cas-upload-{number}"}


@API.action(
    "GetUserCertificateDetail", *("CertId", "CertFilter"), notes="never returns the private key"
)
def detail(call: RpcCall) -> dict[str, Any]:
    """Answer GetUserCertificateDetail, without the private key."""
    call.authorise("yundun-cert:GetUserCertificateDetail", _RESOURCE)
    number = call.required("CertId")
    record = Certificates(call.context).get(number)
    # CertFilter leaves out what is secret and what is long.
    filtered = call.parameters.get("CertFilter", "false") == "true"
    return {
        "Id": int(number),
        "CertIdentifier": record["identifier"],
        "Name": record["name"],
        **({} if filtered else {"Cert": record["certificate"]}),
        "Common": record["common"],
        "Sans": record["sans"],
        "Issuer": record["issuer"],
        "StartDate": record["start_date"],
        "EndDate": record["end_date"],
        "NotAfter": record["not_after_ms"],
        "Expired": record["not_after_ms"] <= time.time() * 1000,
        "Fingerprint": record["fingerprint"],
        "Algorithm": record["algorithm"],
        "BuyInAliyun": False,
    }
