"""CAS 2020-04-07 over RPC: uploaded certificates.

Source: https://api.aliyun.com/document/cas/2020-04-07/UploadUserCertificate,
.../GetUserCertificateDetail, .../ListUserCertificateOrder (2026-11).
"""

from __future__ import annotations

import time
from typing import Any, Final

from localcloud.cas.certificates import Certificates, Record
from localcloud.core.errors import CloudError
from localcloud.core.resources import Context
from localcloud.core.rpc import RpcAction, RpcCall

VERSION: Final = "2020-04-07"
_RESOURCE: Final = "acs:yundun-cert:*:*:*"
_MS_PER_DAY: Final = 24 * 3600 * 1000


class CasApi:
    """The operations of one local stack's CAS."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._certificates = Certificates(context)

    def upload(self, call: RpcCall) -> dict[str, Any]:
        """Answer UploadUserCertificate."""
        self._authorise(call, "UploadUserCertificate")
        number, _ = self._certificates.upload(
            call.required("Name"), call.required("Cert"), call.required("Key")
        )
        return {"CertId": number, "ResourceId": f"cas-upload-{number}"}

    def detail(self, call: RpcCall) -> dict[str, Any]:
        """Answer GetUserCertificateDetail, without the private key."""
        self._authorise(call, "GetUserCertificateDetail")
        number = call.required("CertId")
        record = self._certificates.get(number)
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

    def list(self, call: RpcCall) -> dict[str, Any]:
        """Answer ListUserCertificateOrder."""
        self._authorise(call, "ListUserCertificateOrder")
        kind = call.parameters.get("OrderType", "CPACK")
        if kind not in ("CERT", "UPLOAD"):
            raise CloudError(
                "InvalidParameter",
                f"OrderType is {kind!r}; the local cloud supports CERT and UPLOAD.",
            )
        keyword = call.parameters.get("Keyword", "")
        found = [
            _entry(number, record)
            for number, record in self._certificates.all()
            if keyword in record["name"] or keyword in record["sans"]
        ]
        page = call.number("CurrentPage", 1, 1, 1_000_000)
        size = call.number("ShowSize", 50, 1, 1_000_000)
        return {
            "TotalCount": len(found),
            "CurrentPage": page,
            "ShowSize": size,
            "CertificateOrderList": found[(page - 1) * size : page * size],
        }

    def delete(self, call: RpcCall) -> dict[str, Any]:
        """Answer DeleteUserCertificate."""
        self._authorise(call, "DeleteUserCertificate")
        self._certificates.delete(call.required("CertId"))
        return {}

    def _authorise(self, call: RpcCall, action: str) -> None:
        self._context.access.require(call.principal, f"yundun-cert:{action}", _RESOURCE)


def _entry(number: str, record: Record) -> dict[str, Any]:
    left = record["not_after_ms"] - time.time() * 1000
    soon = 0 < left < 30 * _MS_PER_DAY
    return {
        "CertificateId": int(number),
        "Name": record["name"],
        "CommonName": record["common"],
        "Sans": record["sans"],
        "Issuer": record["issuer"],
        "StartDate": record["start_date"],
        "EndDate": record["end_date"],
        "CertEndTime": record["not_after_ms"],
        "Expired": left <= 0,
        "Status": "EXPIRED" if left <= 0 else "WILLEXPIRED" if soon else "ISSUED",
        "Fingerprint": record["fingerprint"],
        "Algorithm": record["algorithm"],
        "Upload": True,
    }


def actions(context: Context) -> tuple[RpcAction, ...]:
    """Return the RPC operations of CAS."""
    api = CasApi(context)
    described = {
        "UploadUserCertificate": ({"Name", "Cert", "Key"}, api.upload),
        "GetUserCertificateDetail": ({"CertId", "CertFilter"}, api.detail),
        "ListUserCertificateOrder": ({"OrderType", "Keyword", "CurrentPage", "ShowSize"}, api.list),
        "DeleteUserCertificate": ({"CertId"}, api.delete),
    }
    return tuple(
        RpcAction(name=name, version=VERSION, parameters=frozenset(own), answer=answer)
        for name, (own, answer) in described.items()
    )
