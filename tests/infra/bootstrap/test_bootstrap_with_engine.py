"""The way in, from nothing: bootstrap an account, sign in by a token, keep a stack's state.

The engine, the CLI, the tokens, STS and the S3 signatures are real; the cloud is the local one.
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
from localcloud.home import init_home, load_platform
from tests.support.oidc_issuer import Issuer, running_issuer
from tests.tools.conftest import project
from tests.tools.engine import Project
from tools.paths import Paths
from tools.plugins import ALICLOUD, launcher

__all__ = ["project"]
pytestmark = pytest.mark.engine

REPOSITORY = "org/name"
PASSPHRASE = "of the state of dev, and of nothing else"
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
    """The bootstrap program, with its stack up on a local cloud."""
    plugin = project.folder / "plugin"
    plugin.mkdir()
    executable = plugin / "pulumi-resource-alicloud"
    executable.write_text(launcher(ALICLOUD, checkout))
    executable.chmod(0o755)
    project.succeed("plugin", "install", "resource", "alicloud", VERSION, "--file", str(plugin))
    # A copy of the project file: the stack's own file must not be left in the checkout.
    source = checkout.checkout / "infra" / "bootstrap"
    text = (source / "Pulumi.yaml").read_text().replace("../../.venv", sys.prefix)
    (project.folder / "Pulumi.yaml").write_text(f"{text}main: {source}\n")
    project.succeed("stack", "init", "main")
    platform = load_platform(home)
    for key, value in {
        "accountId": platform.account_id,
        "repository": REPOSITORY,
        "owner": "platform-team",
        "costCenter": "rag",
        "kmsInstanceId": "kst-of-the-tests",
        "issuerUrl": issuer.url,
        "platformFile": str(home / "platform.json"),
    }.items():
        project.succeed("config", "set", key, value)
    project.succeed("config", "set", "--path", "environments[0]", "dev")
    project.succeed("config", "set", "--secret", "passphrase-dev", PASSPHRASE)
    pack = checkout.checkout / "infra" / "policy"
    project.succeed("up", "--yes", "--skip-preview", "--policy-pack", str(pack))
    return project


class Actions:
    """What GitHub gives a job: an address that makes tokens for it."""

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
    """Sign in as a job does; exit status, the next steps' variables, and the job's log."""
    github_env = home / f"github-{subject.replace(':', '-')}-{role}"
    github_env.touch()
    command = [
        *(sys.executable, "-m", "infra.bootstrap.sign_in", "--environment", environment),
        *("--role", role, "--account-id", load_platform(home).account_id),
        *("--platform-file", str(home / "platform.json")),
    ]
    with Actions(issuer, f"repo:{REPOSITORY}:{subject}") as job:
        done = subprocess.run(
            command,
            cwd=Path(__file__).resolve().parents[3],
            env={"PATH": os.environ["PATH"], "GITHUB_ENV": str(github_env), **job},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    lines = github_env.read_text().splitlines()
    variables = dict(line.split("=", 1) for line in lines)
    return done.returncode, variables, done.stdout + done.stderr


def test_a_job_signs_in_by_its_token_and_keeps_a_stack_in_oss(
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

    # A job that only looks gets its own role, and no other's.
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
