"""Certificates of the local CAS through the vendor's client."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alibabacloud_tea_openapi.exceptions import AlibabaCloudException

from localcloud.cas.certificates import trusted_file
from providers.clients.credentials import credentials_provider
from providers.clients.errors import ClientError, NotFoundError
from providers.clients.generic import GenericClient
from tests.localcloud.alb.support import DOMAIN, self_signed
from tests.localcloud.running import LocalStack, running_stack

VERSION = "2020-04-07"


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[LocalStack]:
    with running_stack(tmp_path / "home", ["cas"]) as made:
        yield made


@pytest.fixture
def cas(stack: LocalStack) -> GenericClient:
    platform = stack.context.platform
    keys = credentials_provider(platform.access_key_id, platform.access_key_secret)
    return GenericClient(platform.endpoints["api"], platform.region_id, keys)


def upload(cas: GenericClient, name: str = "chat", **changes: Any) -> dict[str, Any]:
    """Upload a certificate."""
    certificate, key = self_signed(DOMAIN)
    given = {"Name": name, "Cert": certificate, "Key": key, **changes}
    return cas.rpc("UploadUserCertificate", VERSION, given)


def test_certificate_details_do_not_include_the_key(cas: GenericClient) -> None:
    number = upload(cas)["CertId"]
    detail = cas.rpc("GetUserCertificateDetail", VERSION, {"CertId": number})
    assert detail["CertIdentifier"] == f"{number}-cn-hangzhou"
    assert detail["Sans"] == DOMAIN
    assert detail["Expired"] is False
    wanted = datetime.datetime.now(datetime.UTC).date() + datetime.timedelta(days=30)
    assert detail["EndDate"] == wanted.isoformat()
    assert "Key" not in detail and "PRIVATE" not in str(detail)


def test_uploaded_certificate_is_trusted(cas: GenericClient, stack: LocalStack) -> None:
    upload(cas)
    assert "BEGIN CERTIFICATE" in trusted_file(stack.home).read_text("ascii")


def test_missing_certificate_is_not_found(cas: GenericClient) -> None:
    with pytest.raises(NotFoundError):
        cas.rpc("GetUserCertificateDetail", VERSION, {"CertId": 1})


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"Key": self_signed("other")[1]}, "CertificateKeyNotMatch"),
        ({"Cert": "no PEM"}, "InvalidCertificate"),
        (dict(zip(("Cert", "Key"), self_signed(days=-1), strict=True)), "CertificateExpired"),
    ],
)
def test_invalid_certificate_is_refused(
    cas: GenericClient, changes: dict[str, str], code: str
) -> None:
    with pytest.raises((ClientError, AlibabaCloudException), match=code):
        upload(cas, **changes)


def test_duplicate_name_is_refused(cas: GenericClient) -> None:
    upload(cas)
    with pytest.raises(ClientError, match="NameRepeat"):
        upload(cas)
