"""Pulumi's state in the local OSS: the real CLI, the S3-compatible API and STS credentials.

The tests cannot prove that OSS itself accepts these requests; its documentation says so.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from localcloud.core.access import Principal
from tests.localcloud.oss.local_oss import LocalOss
from tests.tools.conftest import project
from tests.tools.engine import Project

__all__ = ["project"]

pytestmark = pytest.mark.engine

BUCKET = "state-of-stacks"
PROGRAM = """
import pulumi

config = pulumi.Config()
pulumi.export("size", config.require_int("size"))
pulumi.export("secret", config.require_secret("password"))
"""


def statement(*actions: str, resource: str) -> dict[str, object]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource}


@pytest.fixture
def session(oss: LocalOss) -> Principal:
    """Return the session that CI gets for its role: credentials for this bucket only."""
    oss.client(BUCKET).create_bucket()
    objects = f"acs:oss:*:*:{BUCKET}/*"
    return oss.session(
        "ci-deploy",
        statement("oss:ListObjects", resource=f"acs:oss:*:*:{BUCKET}"),
        statement("oss:GetObject", "oss:PutObject", "oss:DeleteObject", resource=objects),
    )


def signed_in(project: Project, oss: LocalOss, session: Principal) -> Project:
    """Return the project with its backend in OSS."""
    endpoint = oss.endpoint
    return replace(
        project,
        environment={
            **project.environment,
            "AWS_ACCESS_KEY_ID": session.access_key_id,
            "AWS_SECRET_ACCESS_KEY": session.access_key_secret,
            "AWS_SESSION_TOKEN": session.security_token or "",
            "AWS_EC2_METADATA_DISABLED": "true",
            # A host name cannot combine a bucket with a loopback address, so the path has it.
            "PULUMI_BACKEND_URL": f"s3://{BUCKET}?region={oss.platform.region_id}"
            f"&endpoint={endpoint}&s3ForcePathStyle=true",
        },
    )


def test_stack_state_is_stored_in_oss_with_encrypted_secrets(
    project: Project, oss: LocalOss, session: Principal
) -> None:
    stack = signed_in(project, oss, session)
    stack.write(PROGRAM)
    stack.succeed("stack", "init", "dev")
    stack.succeed("config", "set", "size", "3")
    stack.succeed("config", "set", "--secret", "password", "not to be seen")
    stack.succeed("up", "--yes", "--skip-preview")
    stack.succeed("up", "--yes", "--skip-preview")
    assert stack.outputs()["size"] == 3
    assert "dev" in stack.succeed("stack", "ls")

    stored = {item.key for item in oss.client(BUCKET).list_objects_v2(max_keys=1000).object_list}
    assert ".pulumi/stacks/scratch/dev.json" in stored
    assert not any(key.startswith(".pulumi/locks/") for key in stored), "the lock is released"
    state = oss.client(BUCKET).get_object(".pulumi/stacks/scratch/dev.json").read().decode()
    assert "not to be seen" not in state
    assert json.loads(state)["checkpoint"]["latest"]["secrets_providers"]["type"] == "passphrase"
    assert not any(Path(stack.environment["PULUMI_HOME"]).rglob("dev.json"))

    stack.succeed("destroy", "--yes", "--skip-preview")
    stack.succeed("stack", "rm", "--yes", "dev")


def test_stack_init_without_permission_fails_with_accessdenied(
    project: Project, oss: LocalOss
) -> None:
    oss.client(BUCKET).create_bucket()
    stranger = oss.session("stranger", statement("oss:GetObject", resource="acs:oss:*:*:other/*"))
    stack = signed_in(project, oss, stranger)
    stack.write(PROGRAM)
    refused = stack.run("stack", "init", "dev")
    assert refused.returncode != 0
    assert "AccessDenied" in refused.stdout + refused.stderr
