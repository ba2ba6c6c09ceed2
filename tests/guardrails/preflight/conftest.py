"""A whole local cloud in the test process, with the stack `dev` ready to be asked about it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from guardrails.declare import stack_config
from guardrails.preflight.checks import CHECKS
from guardrails.preflight.cloud import Cloud, local_cloud, read_platform
from guardrails.preflight.result import Line, Needs, Verdict
from guardrails.preflight.run import run_checks
from guardrails.preflight.subject import Subject
from localcloud import registry
from localcloud.core.access import Principal
from localcloud.core.home import data_dir, init_home
from localcloud.core.resources import Context
from localcloud.daemon import application, make_context
from localcloud.dashscope.server import application as model_endpoint
from localcloud.faults import Faults
from localcloud.faults.__main__ import main as faults_command
from localcloud.oss.application import Application
from localcloud.oss.server import Server
from localcloud.oss.storage import Storage
from providers.clients.credentials import credentials_provider
from providers.clients.generic import GenericClient
from stack_config.config import StackConfig
from tests.infra.conftest import corpus_dir, run_program
from tests.localcloud.running import served
from tests.support.configuration import with_values
from tests.support.pulumi_mocks import closed_loops

__all__ = ["closed_loops", "corpus_dir", "run_program"]

DOMAIN = "chat.customrag.internal"
MODEL = "smollm2-135m-instruct"


def certificate(host: str, days: int) -> tuple[str, str]:
    """Return a self-signed certificate that expires in some days, and its key, as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=400))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    plain = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return made.public_bytes(serialization.Encoding.PEM).decode(), plain.decode()


@dataclass(frozen=True)
class Stage:
    """The local cloud, and how `dev` is checked against it."""

    context: Context
    certificate_id: str

    @property
    def faults(self) -> Faults:
        return Faults(self.context.store)

    def inject(self, fault: str, about: Mapping[str, str]) -> None:
        """Inject a fault as a person does, by `python -m localcloud.faults`."""
        words = [f"{name}={value}" for name, value in about.items()]
        home = str(self.context.platform.home)
        assert faults_command(["inject", fault, *words, "--home", home]) == 0

    @property
    def platform_file(self) -> Path:
        return self.context.platform.home / "platform.json"

    @property
    def operator(self) -> Principal:
        """A session of the role that deploys: its keys end."""
        return self.context.access.issue("operator", "ada", 3600)

    def create(self, token: str, inputs: dict[str, Any]) -> Any:
        """Make a declared resource; `token` without `alicloud:`."""
        return registry.handlers()[f"alicloud:{token}"].create(inputs, self.context)

    def upload(self, host: str, days: int) -> str:
        """Upload a certificate; its id as load balancers write it."""
        platform = self.context.platform
        own = credentials_provider(platform.access_key_id, platform.access_key_secret)
        client = GenericClient(platform.endpoints["api"], platform.region_id, own)
        public, private = certificate(host, days)
        number = client.rpc(
            "UploadUserCertificate",
            "2020-04-07",
            {"Name": f"{host}-{days}", "Cert": public, "Key": private},
        )["CertId"]
        return f"{number}-{platform.region_id}"

    @property
    def overlay(self) -> dict[str, str]:
        """What a stack's file leaves to the user, and what this cloud has of its own."""
        return {
            "accountId": self.context.platform.account_id,
            "chatCertificateId": self.certificate_id,
            "chatDomainName": DOMAIN,
            "llmModel": MODEL,
            "imageId": "local_python",
            "alarmContactEmails": '["on-call@customrag.internal"]',
        }

    def config(self, **changes: Any) -> StackConfig:
        """`dev` as its file says, with these keys changed, whether the values are valid or not."""
        values = {**stack_config("dev"), **self.overlay}
        return with_values(StackConfig.parse(values, stack="dev"), changes)

    def cloud(self, principal: Principal | None = None) -> Cloud:
        """Return the local cloud as an operator sees it."""
        caller = principal or self.operator
        return local_cloud(
            read_platform(self.platform_file),
            self.context.platform.region_id,
            credentials=credentials_provider(
                caller.access_key_id, caller.access_key_secret, caller.security_token
            ),
        )

    def subject(self, config: StackConfig | None = None, **changes: Any) -> Subject:
        """`dev`, as it is checked."""
        subject = Subject(
            stack="dev",
            config=config or self.config(),
            account_id=self.context.platform.account_id,
            overlay=self.overlay,
        )
        return replace(subject, **changes)

    def lines(
        self,
        *names: str,
        subject: Subject | None = None,
        principal: Principal | None = None,
        role_arn: str = "",
        fault: str = "",
        about: Mapping[str, str] | None = None,
    ) -> list[Line]:
        """Run some checks, or all except those that run the program; return their lines.

        Args:
            names: Names of checks; `credentials` always runs.
            subject: The stack; `dev` by default.
            principal: The caller; an operator by default.
            role_arn: Role to assume.
            fault: Fault to inject first.
            about: What the fault concerns.
        """
        if fault:
            self.inject(fault, about or {})
        chosen = [check for check in CHECKS if not names or check.name in (*names, "credentials")]
        caller = replace(self.cloud(principal), role_arn=role_arn)
        return run_checks(chosen, subject or self.subject(), caller, without=[Needs.PROGRAM])


def failing(lines: list[Line]) -> list[str]:
    """Return the checks with a line that fails."""
    return sorted({line.check for line in lines if line.verdict is Verdict.FAIL})


def only(lines: list[Line], check: str, about: str = "") -> Line:
    """Return the one line of a check, or of the thing that it is about."""
    found = [line for line in lines if line.check == check and about in line.about]
    assert len(found) == 1, [(line.check, line.about) for line in lines]
    return found[0]


@pytest.fixture(scope="session")
def served_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Every service that a preflight asks, on its own loopback address; no engine, no model."""
    home = tmp_path_factory.mktemp("preflight")
    init_home(home)
    context = make_context(home)
    platform = context.platform
    storage = Storage(data_dir(home, "oss"))
    faults = Faults(context.store)
    models = model_endpoint(
        platform.dashscope_api_key, {}, lambda name: faults.hits("model-retired", model=name)
    )
    with ExitStack() as stack:
        stack.callback(context.store.close)
        stack.callback(context.supervisor.stop_all)
        stack.callback(storage.close)
        for app, endpoint in (
            (Application(Server(platform, context.access, storage)), "oss"),
            (application(context, lambda: None), "api"),
            (models, "dashscope"),
        ):
            stack.enter_context(served(app, platform.endpoints[endpoint]))
        stage = Stage(context, "")
        _operator(stage)
        yield replace(stage, certificate_id=stage.upload(DOMAIN, days=365))


def _operator(stage: Stage) -> None:
    make_role(stage, "operator", {"Effect": "Allow", "Action": "*", "Resource": "*"})


def make_role(stage: Stage, name: str, *statements: Mapping[str, Any]) -> str:
    """Make a role that the account may assume and that may do this; its ARN."""
    account = f"acs:ram::{stage.context.platform.account_id}:root"
    trust = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"RAM": [account]},
    }
    stage.create(
        "ram/role:Role",
        {
            "roleName": name,
            "assumeRolePolicyDocument": json.dumps({"Version": "1", "Statement": [trust]}),
        },
    )
    stage.create(
        "ram/policy:Policy",
        {
            "policyName": name,
            "policyDocument": json.dumps({"Version": "1", "Statement": list(statements)}),
        },
    )
    stage.create(
        "ram/rolePolicyAttachment:RolePolicyAttachment",
        {"policyName": name, "policyType": "Custom", "roleName": name},
    )
    return f"acs:ram::{stage.context.platform.account_id}:role/{name}"


@pytest.fixture
def stage(served_cloud: Stage) -> Iterator[Stage]:
    """Return the local cloud without a fault."""
    served_cloud.faults.clear()
    yield served_cloud
    served_cloud.faults.clear()
