"""Bootstrap an empty account, sign in with a token, and store a stack's state.

The engine, the CLI, the tokens, STS and the S3 signatures are real. The cloud is the local one.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from localcloud import control
from localcloud.alicloud import VERSION
from localcloud.core.access import ATTACHMENTS, POLICIES, ROLES, AccessControl
from localcloud.core.home import init_home, load_platform
from localcloud.core.store import open_store
from tests.support.oidc_issuer import Issuer, running_issuer
from tests.tools.conftest import project
from tests.tools.engine import Project
from tools.paths import Paths
from tools.plugins import ALICLOUD, launcher

__all__ = ["project"]
pytestmark = pytest.mark.engine

REPOSITORY = "org/name"
TEAM = "platform-team"
PASSPHRASE = "only for the state of dev"
PROGRAM = """
import pulumi

pulumi.export("secret", pulumi.Config().require_secret("password"))
"""


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "home"
    init_home(folder)
    control.start(folder, ("ram", "ims", "sts", "kms", "oss"))
    yield folder
    control.stop(folder)


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with running_issuer() as running:
        yield running


@pytest.fixture
def bootstrapped(project: Project, home: Path, issuer: Issuer, checkout: Paths) -> Project:
    """Deploy the bootstrap program to a local cloud."""
    plugin = project.folder / "plugin"
    plugin.mkdir()
    executable = plugin / "pulumi-resource-alicloud"
    executable.write_text(launcher(ALICLOUD, checkout))
    executable.chmod(0o755)
    project.succeed("plugin", "install", "resource", "alicloud", VERSION, "--file", str(plugin))
    # Use a copy of the project file, so that no stack file remains in the checkout.
    source = checkout.checkout / "bootstrap"
    text = (source / "Pulumi.yaml").read_text().replace("../.venv", sys.prefix)
    (project.folder / "Pulumi.yaml").write_text(f"{text}main: {source}\n")
    project.succeed("stack", "init", "main")
    platform = load_platform(home)
    for key, value in {
        "accountId": platform.account_id,
        "repository": REPOSITORY,
        "owner": "platform-team",
        "costCenter": "rag",
        "kmsInstanceId": "kst-tests",
        "issuerUrl": issuer.url,
        "platformFile": str(home / "platform.json"),
    }.items():
        project.succeed("config", "set", key, value)
    project.succeed("config", "set", "--path", "environments[0]", "dev")
    people = f"acs:ram::{platform.account_id}:role/{TEAM}"
    project.succeed("config", "set", "--path", "operatorPrincipals[0]", people)
    project.succeed("config", "set", "--secret", "passphrase-dev", PASSPHRASE)
    pack = checkout.checkout / "guardrails" / "policy"
    project.succeed("up", "--yes", "--skip-preview", "--policy-pack", str(pack))
    return project


class Actions:
    """The endpoint at which GitHub issues tokens to a job."""

    def __init__(self, issuer: Issuer, subject: str) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                audience = self.path.rpartition("audience=")[2]
                token = issuer.token(sub=subject, aud=audience)
                body = json.dumps({"value": token}).encode()
                self.send_response(200 if self.headers["Authorization"] == "Bearer job" else 403)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the base's name
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = Thread(target=self.server.serve_forever, daemon=True)

    def __enter__(self) -> dict[str, str]:
        self.thread.start()
        return {
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"http://127.0.0.1:{self.server.server_port}/?v=1",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "job",
        }

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


def signed_in(
    home: Path, issuer: Issuer, subject: str, role: str, environment: str = "dev"
) -> tuple[int, dict[str, str], str]:
    """Sign in like a job; return the exit status, the variables for its next steps, and its log."""
    github_env = home / f"github-{subject.replace(':', '-')}-{role}"
    github_env.touch()
    command = [
        *(sys.executable, "-m", "bootstrap.sign_in", "--environment", environment),
        *("--role", role, "--account-id", load_platform(home).account_id),
        *("--platform-file", str(home / "platform.json")),
    ]
    with Actions(issuer, f"repo:{REPOSITORY}:{subject}") as job:
        done = subprocess.run(
            command,
            cwd=Path(__file__).resolve().parents[2],
            env={"PATH": os.environ["PATH"], "GITHUB_ENV": str(github_env), **job},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    lines = github_env.read_text().splitlines()
    variables = dict(line.split("=", 1) for line in lines)
    return done.returncode, variables, done.stdout + done.stderr


def session_of_a_person(home: Path) -> dict[str, str]:
    """Return the variables of a single sign-on session: a session of the team's role."""
    store = open_store(home)
    may_assume = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}
    account_id = load_platform(home).account_id
    record = {
        "trust_policy": "{}",
        "max_session_duration": 3600,
        "arn": f"acs:ram::{account_id}:role/{TEAM}",
        "role_id": "300000000000000009",
    }
    store.table(ROLES).put(TEAM, record)
    document = json.dumps({"Version": "1", "Statement": [may_assume]})
    store.table(POLICIES).put(TEAM, {"document": document})
    store.table(ATTACHMENTS).put(TEAM, {"role_name": TEAM, "policy_name": TEAM})
    session = AccessControl(home, store).issue(TEAM, "alice", 900)
    store.close()
    return {
        "ALIBABA_CLOUD_ACCESS_KEY_ID": session.access_key_id,
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": session.access_key_secret,
        "ALIBABA_CLOUD_SECURITY_TOKEN": session.security_token or "",
    }


def lines_for_a_person(home: Path) -> str:
    """Return the lines that signing in as an operator prints."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "bootstrap.sign_in", "--environment", "dev"),
            *("--role", "operator", "--account-id", load_platform(home).account_id),
            *("--platform-file", str(home / "platform.json")),
        ],
        cwd=Path(__file__).resolve().parents[2],
        env={"PATH": os.environ["PATH"], "HOME": str(home), **session_of_a_person(home)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_job_signs_in_with_its_token_and_stores_a_stack_in_oss(
    bootstrapped: Project, home: Path, issuer: Issuer, tmp_path: Path
) -> None:
    outputs = bootstrapped.outputs()
    assert outputs["state_bucket"].startswith("customrag-ci-state-")
    assert PASSPHRASE not in bootstrapped.succeed("stack", "export")
    bootstrapped.succeed("preview", "--expect-no-changes")

    code, variables, log = signed_in(home, issuer, "environment:dev", "deploy")
    assert code == 0, log
    assert variables["PULUMI_CONFIG_PASSPHRASE"] == PASSPHRASE
    assert f"::add-mask::{PASSPHRASE}" in log

    # A preview job gets its own role, and no other role.
    code, looking, log = signed_in(home, issuer, "environment:dev-preview", "preview")
    assert code == 0, log
    for subject, role in (
        ("pull_request", "preview"),
        ("environment:dev-preview", "deploy"),
        ("environment:prod", "deploy"),
    ):
        code, nothing, log = signed_in(home, issuer, subject, role)
        assert (code, nothing) == (1, {})
        assert "AuthenticationFail.NoPermission" in log

    # A person gets a role with a session, and lines for a shell.
    assert f"export PULUMI_CONFIG_PASSPHRASE='{PASSPHRASE}'" in lines_for_a_person(home)

    folder = tmp_path / "stack"
    folder.mkdir()
    stack = replace(
        bootstrapped, folder=folder, environment={**bootstrapped.environment, **variables}
    )
    stack.write(PROGRAM)
    stack.succeed("stack", "init", "dev")
    stack.succeed("config", "set", "--secret", "password", "not to be seen")
    stack.succeed("up", "--yes", "--skip-preview")

    reader = replace(stack, environment={**stack.environment, **looking})
    reader.succeed("preview", "--expect-no-changes")
    refused = reader.run("up", "--yes", "--skip-preview")
    assert refused.returncode != 0
    assert "AccessDenied" in refused.stdout + refused.stderr
    shutil.rmtree(folder)
