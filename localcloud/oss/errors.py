"""Errors of OSS: their codes, HTTP statuses and XML.

Owns ``OssError`` and the table of codes. Codes, statuses and messages are the vendor's:
https://help.aliyun.com/en/oss/user-guide/error-code-overview and the exception classes of oss2
2.19.1 (read 2026-11). ``EC`` numbers are from the vendor's examples; every other error
has ``0000-00000000``.

Hierarchy::

    Exception
    +-- OssError        an error reply of the server
"""

from __future__ import annotations

from collections.abc import Mapping

from localcloud.oss.xml import document

_UNKNOWN_EC = "0000-00000000"

STATUS: Mapping[str, int] = {
    "AccessDenied": 403,
    "BucketAlreadyExists": 409,
    "BucketNotEmpty": 409,
    "EntityTooLarge": 400,
    "EntityTooSmall": 400,
    "IllegalVersioningConfigurationException": 400,
    "InternalError": 500,
    "InvalidAccessKeyId": 403,
    "InvalidArgument": 400,
    "InvalidBucketName": 400,
    "InvalidDigest": 400,
    "InvalidEncryptionAlgorithmError": 400,
    "InvalidObjectName": 400,
    "InvalidPart": 400,
    "InvalidPartOrder": 400,
    "InvalidSecurityToken": 403,
    "InvalidTag": 400,
    "InvalidTargetBucket": 400,
    "InvalidTargetLocation": 400,
    "MalformedXML": 400,
    "MethodNotAllowed": 405,
    "NoSuchBucket": 404,
    "NoSuchKey": 404,
    "NoSuchLifecycle": 404,
    "NoSuchReplicationConfiguration": 404,
    "NoSuchServerSideEncryptionRule": 404,
    "NoSuchUpload": 404,
    "NoSuchVersion": 404,
    # oss2 maps NotImplemented to its own exception class at status 400 only.
    "NotImplemented": 400,
    "NotModified": 304,
    "PreconditionFailed": 412,
    "RequestTimeTooSkewed": 403,
    "SecurityTokenExpired": 403,
    "SignatureDoesNotMatch": 403,
}

_EC: Mapping[str, str] = {
    "AccessDenied": "0003-00000001",
    "InvalidAccessKeyId": "0002-00000902",
    "NoSuchBucket": "0015-00000101",
    "NoSuchKey": "0026-00000001",
    "SignatureDoesNotMatch": "0002-00000040",
}


class OssError(Exception):
    """An error reply of the server.

    Args:
        code: The vendor's error code; a key of ``STATUS``.
        message: What is wrong.
        details: Further elements of the XML, such as ``BucketName``.
        headers: Response headers of the reply.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        details: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = STATUS[code]
        self.details = dict(details or {})
        self.headers = dict(headers or {})

    @property
    def ec(self) -> str:
        """The vendor's fine-grained error number."""
        return _EC.get(self.code, _UNKNOWN_EC)

    def body(self, request_id: str, host_id: str) -> bytes:
        """Return the error as XML."""
        return document(
            "Error",
            {
                "Code": self.code,
                "Message": self.message,
                "RequestId": request_id,
                "HostId": host_id,
                **self.details,
                "EC": self.ec,
            },
        )


def no_such_bucket(name: str) -> OssError:
    """Return the error for a bucket that does not exist."""
    return OssError(
        "NoSuchBucket", "The specified bucket does not exist.", details={"BucketName": name}
    )


def no_such_key(key: str) -> OssError:
    """Return the error for an object that does not exist."""
    return OssError("NoSuchKey", "The specified key does not exist.", details={"Key": key})


def no_such_upload(upload_id: str) -> OssError:
    """Return the error for an upload that is missing, completed or aborted."""
    return OssError(
        "NoSuchUpload",
        "The specified upload does not exist. The upload ID may be invalid, or the upload may "
        "have been aborted or completed.",
        details={"UploadId": upload_id},
    )


def invalid_argument(name: str, value: str, message: str) -> OssError:
    """Return the error for an argument whose value is not allowed."""
    return OssError(
        "InvalidArgument", message, details={"ArgumentName": name, "ArgumentValue": value}
    )


def not_implemented(what: str) -> OssError:
    """Return the error for something that the local cloud does not support."""
    return OssError("NotImplemented", f"{what} is not supported by the local OSS.")
