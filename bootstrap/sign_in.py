"""Sign a job or a person in to an environment, without a stored access key.

    python -m bootstrap.sign_in --environment dev --role deploy --account-id 1234567890123456
        in a job of GitHub Actions (`permissions: id-token: write`): writes to $GITHUB_ENV
    eval "$(python -m bootstrap.sign_in --environment dev --role operator ... )"
        a person with a session (any credentials that the SDK supports, except a static key)

Owns: the exchange of a token for a role's credentials, and the variables that the CLI, the
providers and the S3-compatible backend read. Does not own: the roles (`roles`). Credentials expire:
for a preview after an hour, for a deployment after four.

GitHub's token request: https://docs.github.com/en/actions/reference/security/oidc. Pulumi's
backend: https://www.pulumi.com/docs/iac/concepts/state-and-backends/. OSS's S3-compatible endpoint:
https://www.alibabacloud.com/help/en/oss/developer-reference/use-amazon-s3-sdks-to-access-oss (read
2026-11-21).
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import requests
from alibabacloud_kms20160120.client import Client as KmsClient
from alibabacloud_kms20160120.models import GetSecretValueRequest
from alibabacloud_sts20150401.client import Client as StsClient
from alibabacloud_sts20150401.models import AssumeRoleRequest, AssumeRoleWithOIDCRequest
from alibabacloud_tea_openapi.exceptions import AlibabaCloudException
from alibabacloud_tea_openapi.utils_models import Config

from bootstrap.program import state_bucket_name
from bootstrap.roles import passphrase_name, role_name
from providers.clients.credentials import credentials_provider

__all__ = ["Endpoints", "SignInError", "Wanted", "backend_url", "main", "sign_in"]

AUDIENCE = "customrag"
PROVIDER = "customrag-github"
_SECONDS = 15
_SESSION_SECONDS = {"preview": 3600, "deploy": 4 * 3600, "operator": 3600}


class SignInError(Exception):
    """Signing in failed. The message says what to change."""


@dataclass(frozen=True, kw_only=True)
class Endpoints:
    """Addresses of the services.

    Attributes:
        sts: Host of STS.
        kms: Host of KMS.
        s3: URL of OSS's S3-compatible API.
        protocol: `https`, or `http` for a local cloud.
        path_style: Whether the bucket's name is in the path, as a loopback address requires.
    """

    sts: str
    kms: str
    s3: str
    protocol: str = "https"
    path_style: bool = False

    @classmethod
    def of_region(cls, region_id: str) -> Endpoints:
        """Return the cloud's endpoints in a region."""
        return cls(
            sts=f"sts.{region_id}.aliyuncs.com",
            kms=f"kms.{region_id}.aliyuncs.com",
            s3=f"https://s3.oss-{region_id}.aliyuncs.com",
        )

    @classmethod
    def of_platform(cls, file: Path) -> Endpoints:
        """Return a local cloud's endpoints from its `platform.json`."""
        endpoints = json.loads(file.read_text(encoding="utf-8"))["endpoints"]
        api = urlsplit(endpoints["api"]).netloc
        return cls(sts=api, kms=api, s3=endpoints["oss"], protocol="http", path_style=True)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """The requested role.

    Attributes:
        environment: `dev`, `prod` or `pr`.
        role: `preview`, `deploy` or `operator`.
        account_id: The account.
        region_id: Its region.
    """

    environment: str
    role: str
    account_id: str
    region_id: str

    @property
    def role_arn(self) -> str:
        """ARN of the role."""
        name = role_name(self.environment, self.role)
        return f"acs:ram::{self.account_id}:role/{name}"


def backend_url(wanted: Wanted, endpoints: Endpoints) -> str:
    """Return the CLI's backend: the environment's folder in the account's state bucket."""
    query = {"region": wanted.region_id, "endpoint": endpoints.s3}
    if endpoints.path_style:
        query["s3ForcePathStyle"] = "true"
    bucket = state_bucket_name(wanted.account_id)
    return f"s3://{bucket}/{quote(wanted.environment)}?{urlencode(query)}"


def sign_in(
    wanted: Wanted, endpoints: Endpoints, environment: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """Return the variables that make the CLI and the providers act in the role.

    Args:
        wanted: The requested role.
        endpoints: Addresses of the services.
        environment: Environment variables; they distinguish a GitHub job from a person.

    Raises:
        SignInError: There is no token, or the role's trust policy does not accept it.
    """
    try:
        credentials = _assumed(wanted, endpoints, environment)
        passphrase = _passphrase(wanted, endpoints, credentials)
    except AlibabaCloudException as error:
        raise SignInError(
            f"cannot assume {wanted.role_arn}: {error.code}: {error.message} Its trust policy "
            "names who may assume it. Run bootstrap again after a change; see "
            "docs/explanation/state-and-identity.md"
        ) from error
    return {
        "ALIBABA_CLOUD_ACCESS_KEY_ID": credentials.access_key_id,
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": credentials.access_key_secret,
        "ALIBABA_CLOUD_SECURITY_TOKEN": credentials.security_token,
        "AWS_ACCESS_KEY_ID": credentials.access_key_id,
        "AWS_SECRET_ACCESS_KEY": credentials.access_key_secret,
        "AWS_SESSION_TOKEN": credentials.security_token,
        # Otherwise the SDK first looks for the metadata service of an AWS machine.
        "AWS_EC2_METADATA_DISABLED": "true",
        "PULUMI_BACKEND_URL": backend_url(wanted, endpoints),
        "PULUMI_CONFIG_PASSPHRASE": passphrase,
    }


def _assumed(wanted: Wanted, endpoints: Endpoints, environment: Mapping[str, str]) -> Any:
    session = f"{wanted.role}-{int(time.time())}"
    seconds = _SESSION_SECONDS[wanted.role]
    if "ACTIONS_ID_TOKEN_REQUEST_URL" in environment:
        client = StsClient(Config(endpoint=endpoints.sts, protocol=endpoints.protocol))
        request = AssumeRoleWithOIDCRequest(
            oidcprovider_arn=f"acs:ram::{wanted.account_id}:oidc-provider/{PROVIDER}",
            role_arn=wanted.role_arn,
            oidctoken=_github_token(environment),
            role_session_name=session,
            duration_seconds=seconds,
        )
        return client.assume_role_with_oidc(request).body.credentials
    if wanted.role != "operator":
        raise SignInError(
            f"--role {wanted.role} is only for GitHub Actions jobs with `permissions: id-token: "
            "write`. People use --role operator"
        )
    config = Config(
        credential=credentials_provider().client,
        endpoint=endpoints.sts,
        protocol=endpoints.protocol,
    )
    assume = AssumeRoleRequest(
        role_arn=wanted.role_arn, role_session_name=session, duration_seconds=seconds
    )
    return StsClient(config).assume_role(assume).body.credentials


def _github_token(environment: Mapping[str, str]) -> str:
    url = environment["ACTIONS_ID_TOKEN_REQUEST_URL"]
    separator = "&" if "?" in url else "?"
    bearer = environment.get("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "")
    try:
        reply = requests.get(
            f"{url}{separator}audience={AUDIENCE}",
            headers={"Authorization": f"Bearer {bearer}"},
            timeout=_SECONDS,
        )
        reply.raise_for_status()
        return str(reply.json()["value"])
    except (requests.RequestException, ValueError, KeyError) as error:
        raise SignInError(
            f"GitHub did not issue a token ({error}). The job needs `permissions: id-token: write`"
        ) from error


def _passphrase(wanted: Wanted, endpoints: Endpoints, credentials: Any) -> str:
    client = KmsClient(
        Config(
            access_key_id=credentials.access_key_id,
            access_key_secret=credentials.access_key_secret,
            security_token=credentials.security_token,
            endpoint=endpoints.kms,
            protocol=endpoints.protocol,
            region_id=wanted.region_id,
        )
    )
    request = GetSecretValueRequest(secret_name=passphrase_name(wanted.environment))
    return str(client.get_secret_value(request).body.secret_data)


_SECRET = ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "ALIBABA_CLOUD_SECURITY_TOKEN")
_HIDDEN = frozenset({*_SECRET, "PULUMI_CONFIG_PASSPHRASE"})


def _write_variables(variables: Mapping[str, str], environment: Mapping[str, str]) -> None:
    """Write variables for the job's next steps, masked in its log, or as lines for a shell."""
    file = environment.get("GITHUB_ENV")
    if file is None:
        for name, value in variables.items():
            sys.stdout.write(f"export {name}={shlex.quote(value)}\n")
        return
    for name in sorted(_HIDDEN):
        sys.stdout.write(f"::add-mask::{variables[name]}\n")
    with Path(file).open("a", encoding="utf-8") as written:
        for name, value in variables.items():
            written.write(f"{name}={value}\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Sign in, write the variables, and return the exit status."""
    parser = argparse.ArgumentParser(prog="bootstrap.sign_in", description=__doc__.split("\n")[0])
    parser.add_argument("--environment", required=True, help="dev, prod or pr")
    parser.add_argument("--role", required=True, choices=sorted(_SESSION_SECONDS))
    parser.add_argument("--account-id", required=True)
    parser.add_argument("--region-id", default="cn-hangzhou")
    parser.add_argument("--platform-file", type=Path, help="a local cloud's platform.json")
    given = parser.parse_args(arguments)
    wanted = Wanted(
        environment=given.environment,
        role=given.role,
        account_id=given.account_id,
        region_id=given.region_id,
    )
    file = given.platform_file
    endpoints = Endpoints.of_platform(file) if file else Endpoints.of_region(given.region_id)
    try:
        variables = sign_in(wanted, endpoints)
    except SignInError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    _write_variables(variables, os.environ)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
