"""Clients against SDKs that fail as the vendors' do: errors, retries, credentials, endpoints."""

from __future__ import annotations

import json
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import pytest
import requests
from alibabacloud_tea_openapi.exceptions import ClientException, ServerException
from requests.adapters import BaseAdapter

from providers.clients import elasticsearch, openapi
from providers.clients.buckets import bucket_owner
from providers.clients.credentials import credentials_provider
from providers.clients.dlc import DlcClient, Job, Pod
from providers.clients.errors import (
    AccessDeniedError,
    ClientError,
    ConflictError,
    ConnectionFailedError,
    InvalidRequestError,
    NotFoundError,
    ServiceUnavailableError,
    ThrottledError,
    classify,
)
from providers.clients.generic import GenericClient
from providers.clients.kms import get_secret_value
from providers.clients.oss import OssClient
from providers.clients.oss_uri import OssUri, parse_oss_uri, relative_key
from providers.clients.retries import Retries

ROOT = Path(__file__).resolve().parents[2]
KEYS = credentials_provider("id", "secret")


def no_pause(attempts: int = 3) -> Retries:
    return Retries(attempts=attempts, sleep=lambda seconds: None)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (404, "NoSuchKey", NotFoundError),
        (400, "InvalidJob.NotFound", NotFoundError),
        (403, "AccessDenied", AccessDeniedError),
        (400, "InvalidAccessKeyId.NotFound", NotFoundError),
        (403, "SignatureDoesNotMatch", AccessDeniedError),
        (409, "BucketAlreadyExists", ConflictError),
        (400, "resource_already_exists_exception", ConflictError),
        (400, "Throttling.User", ThrottledError),
        (429, "", ThrottledError),
        (503, "ServiceUnavailable", ServiceUnavailableError),
        (400, "InvalidParameter", InvalidRequestError),
        (None, "", ConnectionFailedError),
    ],
)
def test_reply_is_classified_by_its_code_and_status(
    status: int | None, code: str, kind: type[ClientError]
) -> None:
    assert classify(status, code) is kind


def test_error_names_operation_code_and_request_id() -> None:
    error = NotFoundError(
        "gone", operation="GetJob dlc1", code="X", request_id="R", http_status=404
    )
    assert str(error) == "GetJob dlc1: gone (code X, HTTP 404, request id R)"


def test_transient_errors_are_retried_with_growing_pauses() -> None:
    pauses: list[float] = []
    calls: list[int] = []

    def flaky() -> str:
        calls.append(1)
        if len(calls) < 4:
            raise ThrottledError("slow down")
        return "done"

    retries = Retries(attempts=5, base_delay_seconds=1.0, sleep=pauses.append)
    assert retries.call(flaky) == "done"
    assert [0.5 * 2**n <= pause <= 2**n for n, pause in enumerate(pauses)] == [True] * 3


def test_other_errors_are_not_retried() -> None:
    calls: list[int] = []

    def denied() -> None:
        calls.append(1)
        raise AccessDeniedError("no")

    with pytest.raises(AccessDeniedError):
        no_pause().call(denied)
    assert len(calls) == 1


def test_last_error_is_raised_when_the_attempts_are_used_up() -> None:
    def down() -> None:
        raise ServiceUnavailableError("down")

    with pytest.raises(ServiceUnavailableError):
        no_pause().call(down)


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        ("http://127.0.0.1:8080", ("http", "127.0.0.1:8080")),
        (
            "https://pai-dlc.cn-hangzhou.aliyuncs.com/",
            ("https", "pai-dlc.cn-hangzhou.aliyuncs.com"),
        ),
        ("pai-dlc.cn-hangzhou.aliyuncs.com", ("https", "pai-dlc.cn-hangzhou.aliyuncs.com")),
    ],
)
def test_endpoint_is_split_into_protocol_and_host(endpoint: str, expected: tuple[str, str]) -> None:
    assert openapi.split_endpoint(endpoint) == expected


@pytest.mark.parametrize("endpoint", ["", "http://host/path", "ftp://host"])
def test_invalid_endpoint_is_refused(endpoint: str) -> None:
    with pytest.raises(ValueError, match="is not an endpoint"):
        openapi.split_endpoint(endpoint)


def test_explicit_keys_reach_both_kinds_of_sdk() -> None:
    credentials = credentials_provider("id", "secret", "token")
    key = credentials.get_credentials()
    assert (key.get_access_key_id(), key.get_access_key_secret()) == ("id", "secret")
    assert key.get_security_token() == "token"
    assert credentials.client.get_credential().security_token == "token"


def test_half_a_key_is_refused_and_the_missing_half_is_named() -> None:
    with pytest.raises(ValueError, match="access_key_secret is not"):
        credentials_provider("id")


def test_credentials_do_not_show_in_a_repr() -> None:
    credentials = credentials_provider("id", "very-secret", "the-token")
    shown = repr(credentials) + repr(credentials.get_credentials())
    assert "very-secret" not in shown
    assert "the-token" not in shown


def test_chain_without_credentials_says_what_to_set() -> None:
    def fail() -> Any:
        raise ValueError("nothing found")

    credentials = credentials_provider("id", "secret")
    credentials.client = types.SimpleNamespace(get_credential=fail)
    with pytest.raises(AccessDeniedError, match="ALIBABA_CLOUD_CREDENTIALS_URI"):
        credentials.get_credentials()


@pytest.mark.parametrize(
    ("uri", "bucket", "key"),
    [
        ("oss://b/docs/a.md", "b", "docs/a.md"),
        ("oss://b.oss-cn-hangzhou-internal.aliyuncs.com/x/", "b", "x/"),
        ("oss://b.127.0.0.1:9000/x", "b", "x"),
        ("oss://b", "b", ""),
    ],
)
def test_oss_uri_is_read_with_and_without_its_endpoint(uri: str, bucket: str, key: str) -> None:
    assert parse_oss_uri(uri) == OssUri(bucket, key)


@pytest.mark.parametrize("uri", ["b/x", "s3://b/x", "oss:///x"])
def test_invalid_oss_uri_is_refused(uri: str) -> None:
    with pytest.raises(ValueError, match="not an OSS URI"):
        parse_oss_uri(uri)


@pytest.mark.parametrize("key", ["p/../../etc/passwd", "p/", "other/x"])
def test_object_cannot_leave_the_directory_it_is_downloaded_to(key: str) -> None:
    with pytest.raises(ValueError, match="object"):
        relative_key(OssUri("b", "p/"), key)


class FakeSdk:
    """A DLC SDK client whose methods return prepared answers, one for each call."""

    def __init__(self, **answers: list[Any]) -> None:
        self.answers = answers
        self.requests: list[tuple[str, tuple[Any, ...]]] = []

    def __getattr__(self, name: str) -> Any:
        def method(*arguments: Any) -> Any:
            self.requests.append((name, arguments))
            answer = self.answers[name].pop(0)
            if isinstance(answer, Exception):
                raise answer
            return types.SimpleNamespace(body=answer)

        return method


def dlc_client(**answers: list[Any]) -> tuple[DlcClient, FakeSdk]:
    sdk = FakeSdk(**answers)
    return DlcClient("host", "cn-hangzhou", KEYS, retries=no_pause(), client=sdk), sdk


def item(name: str, created: str = "", **fields: Any) -> Any:
    values = {
        "job_id": f"id-{name}",
        "display_name": name,
        "status": "Running",
        "sub_status": None,
        "reason_code": None,
        "reason_message": None,
        "duration": 5,
        "restart_times": None,
        "gmt_create_time": created,
        "pods": None,
        "is_deleted": False,
        **fields,
    }
    return types.SimpleNamespace(**values)


def test_fuzzy_name_filter_of_the_service_is_made_exact() -> None:
    body = types.SimpleNamespace(
        jobs=[item("Train-1"), item("train-1", "2"), item("my-train-1"), item("train-1-2", "1")],
        total_count=4,
    )
    client, _ = dlc_client(list_jobs=[body])
    found = client.find_jobs("1", "train-1")
    assert [job.display_name for job in found] == ["train-1-2", "train-1"]


def test_jobs_before_the_last_seven_days_and_the_first_page_are_found() -> None:
    pages = [
        types.SimpleNamespace(jobs=[item("a")] * 100, total_count=101),
        types.SimpleNamespace(jobs=[item("a-2")], total_count=101),
    ]
    client, sdk = dlc_client(list_jobs=pages)
    assert len(client.find_jobs("1", "a")) == 101
    assert [arguments[0].page_number for _, arguments in sdk.requests] == [1, 2]
    assert sdk.requests[0][1][0].start_time < "2026-06"


def test_throttled_read_is_retried() -> None:
    throttled = ServerException(status_code=503, code="Throttling", message="slow", request_id="R")
    client, sdk = dlc_client(get_job=[throttled, item("a")])
    assert client.get_job("id-a").display_name == "a"
    assert len(sdk.requests) == 2


def test_create_is_not_retried() -> None:
    client, sdk = dlc_client(create_job=[OSError("connection reset"), None])
    with pytest.raises(ConnectionFailedError):
        client.create_job({"DisplayName": "a"})
    assert len(sdk.requests) == 1


def test_refusal_keeps_the_services_code_message_and_request_id() -> None:
    denied = ClientException(
        status_code=403,
        code="NoPermission",
        message="code: 403, not allowed request id: R",
        data={"Message": "not allowed"},
        request_id="R",
    )
    client, _ = dlc_client(create_job=[denied])
    with pytest.raises(AccessDeniedError, match=r"not allowed \(code NoPermission") as caught:
        client.create_job({"DisplayName": "a"})
    assert caught.value.request_id == "R"


def test_log_comes_from_the_master_pod() -> None:
    logs = types.SimpleNamespace(logs=["one\ntwo", "three"])
    client, sdk = dlc_client(get_pod_logs=[logs])
    pods = tuple(
        Pod(pod_id=f"pod-{kind}", pod_uid="", type=kind, status="Running")
        for kind in ("Worker", "Master")
    )
    job = Job(job_id="j", display_name="a", status="Running", pods=pods)
    assert client.log_lines(job, max_lines=2) == ["two", "three"]
    assert sdk.requests[0][1][1] == "pod-Master"


def test_binary_secret_is_refused() -> None:
    body = types.SimpleNamespace(secret_data="AA==", secret_data_type="binary", request_id="R")
    with pytest.raises(InvalidRequestError, match="binary"):
        get_secret_value("host", "r", "s", KEYS, client=FakeSdk(get_secret_value=[body]))


class Adapter(BaseAdapter):
    """A transport of ``requests`` that answers from a list."""

    def __init__(self, *answers: Any) -> None:
        super().__init__()
        self.answers = list(answers)
        self.sent: list[requests.PreparedRequest] = []

    def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:  # type: ignore[override]
        self.sent.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        status, headers, body = answer
        response = requests.Response()
        response.status_code = status
        response.headers.update(headers)
        response.raw = Body(body)
        response.request = request
        return response

    def close(self) -> None:
        return None


class Body:
    """A response's raw stream."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    def read(self, amount: int | None = None, **_: Any) -> bytes:
        size = len(self.content) if amount is None else amount
        taken, self.content = self.content[:size], self.content[size:]
        return taken

    def close(self) -> None:
        return None

    def release_conn(self) -> None:
        return None


def oss_client(*answers: Any) -> tuple[OssClient, Adapter]:
    client = OssClient("http://oss.example", "cn-hangzhou", KEYS, retries=no_pause())
    adapter = Adapter(*answers)
    client._session.session.mount("http://", adapter)
    return client, adapter


def test_broken_connection_is_retried() -> None:
    client, adapter = oss_client(
        requests.ConnectionError("reset"), (200, {"Content-Length": "4"}, b"text")
    )
    assert client.get_bytes("oss://b1x/key") == b"text"
    assert len(adapter.sent) == 2


def test_requests_are_signed_with_version_four() -> None:
    client, adapter = oss_client((200, {"Content-Length": "4"}, b"text"))
    client.get_bytes("oss://b1x/key")
    assert str(adapter.sent[0].headers["authorization"]).startswith("OSS4-HMAC-SHA256")


def test_download_cut_short_leaves_no_file(tmp_path: Path) -> None:
    short = (200, {"Content-Length": "400"}, b"text")
    client, adapter = oss_client(short, short, short)
    with pytest.raises(ConnectionFailedError, match="4 of 400 bytes"):
        client.download("oss://b1x/key", tmp_path / "f")
    assert list(tmp_path.iterdir()) == []
    assert len(adapter.sent) == 3


def test_invalid_json_is_refused() -> None:
    client, _ = oss_client((200, {"Content-Length": "4"}, b"text"))
    with pytest.raises(ClientError, match="not JSON"):
        client.get_json("oss://b1x/key")


def test_unreachable_cluster_is_a_connection_error() -> None:
    client = elasticsearch.client("http://127.0.0.1:1", "elastic", "p", max_retries=0)
    with pytest.raises(elasticsearch.TransportError) as caught:
        client.indices.get(index="x")
    error = elasticsearch.convert_error("GetIndex x", caught.value)
    assert isinstance(error, ConnectionFailedError)
    client.close()


@pytest.mark.parametrize("module", ["oss", "kms", "elasticsearch", "dlc", "credentials"])
def test_client_imports_neither_pulumi_nor_another_services_sdk(module: str) -> None:
    sdks = {
        "oss2": "oss",
        "alibabacloud_pai_dlc20201203": "dlc",
        "alibabacloud_kms20160120": "kms",
        "elasticsearch": "elasticsearch",
    }
    code = (
        f"import providers.clients.{module}, sys, json;"
        f"print(json.dumps([m for m in {['pulumi', *sdks]!r} if m in sys.modules]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert set(json.loads(done.stdout)) <= {sdk for sdk, owner in sdks.items() if owner == module}


@pytest.mark.parametrize("token", ["first-part\nsecond-part", "first-part\n"])
def test_token_that_is_not_a_valid_header_is_in_no_message(token: str) -> None:
    given = credentials_provider("LTAI5tKnown", "secret", token)
    for ask in (
        lambda: GenericClient("http://127.0.0.1:1", "cn-hangzhou", given).rpc("Ask", "2020-01-01"),
        lambda: bucket_owner("http://127.0.0.1:1", "cn-hangzhou", given, "a-bucket"),
    ):
        with pytest.raises(ConnectionFailedError, match="line break") as refused:
            ask()
        assert "first-part" not in str(refused.value)
