"""The policy pack under the real engine, started by our own language host.

It cannot prove how an official CLI's host starts it.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tools.engine import Project
from tools.paths import Paths

pytestmark = pytest.mark.engine

# Resources of a provider that lives in the program: what a pack sees of them is what it sees of
# any. The pack reads types by their token, so they are declared under the cloud's.
PROGRAM = """
import pulumi

config = pulumi.Config("customrag")
provider = pulumi.ProviderResource("alicloud", "cloud", {})


class Anything(pulumi.CustomResource):
    def __init__(self, token, name, **inputs):
        super().__init__(token, name, inputs, pulumi.ResourceOptions(provider=provider))


bucket = Anything("alicloud:oss/bucket:Bucket", "corpus", bucket="corpus", tags={
    "project": "customrag", "stack": "dev", "environment": "dev", "owner": "x",
    "cost-center": "x", "managed-by": "pulumi"})
Anything("alicloud:oss/bucketAcl:BucketAcl", "acl", bucket=bucket.id,
         acl=config.get("acl") or "private")
if not config.get_bool("open"):
    Anything("alicloud:oss/bucketPublicAccessBlock:BucketPublicAccessBlock", "block",
             bucket=bucket.id, blockPublicAccess=True)
Anything("alicloud:oss/bucketServerSideEncryption:BucketServerSideEncryption", "encryption",
         bucket=bucket.id, sseAlgorithm="AES256")
"""

PLUGIN = """
import sys

from pulumi.provider.experimental import provider as p
from pulumi.provider.experimental.server import main


class Cloud(p.Provider):
    async def check_config(self, request):
        return p.CheckResponse(inputs=request.new_inputs)

    async def configure(self, request):
        return p.ConfigureResponse(accept_secrets=True, supports_preview=True)

    async def check(self, request):
        return p.CheckResponse(inputs=request.new_inputs)

    async def create(self, request):
        return p.CreateResponse(resource_id="", properties=request.properties)


main(sys.argv[1:], "4.0.0", Cloud())
"""


@pytest.fixture
def stack(project: Project) -> Project:
    """A stack `dev` that keeps every rule, with the pack at hand."""
    plugin = project.folder / "plugin"
    plugin.mkdir()
    (plugin / "PulumiPlugin.yaml").write_text("runtime: python\n")
    (plugin / "__main__.py").write_text(PLUGIN)
    project.write(
        PROGRAM,
        settings="plugins:\n  providers:\n    - {name: alicloud, path: plugin, version: 4.0.0}\n",
    )
    project.succeed("stack", "init", "dev")
    project.succeed("config", "set", "customrag:environment", "dev")
    project.succeed("config", "set", "customrag:llmModel", "qwen-plus")
    return project


def preview(stack: Project, checkout: Paths) -> tuple[int, str]:
    pack = Path(checkout.checkout, "infra", "policy")
    done = stack.run("preview", "--policy-pack", str(pack))
    return done.returncode, done.stdout + done.stderr


def test_the_pack_passes_a_good_stack_and_fails_the_preview_of_every_bad_one(
    stack: Project, checkout: Paths
) -> None:
    code, shown = preview(stack, checkout)
    assert code == 0, shown
    assert "customrag@v0.1.0" in shown

    # A rule of one resource, one between resources, one of the configuration, one of prod.
    for key, value, rule in (
        ("acl", "public-read", "bucket-acl-is-private"),
        ("open", "true", "bucket-blocks-public-access"),
        ("llmModel", "qwen-turbo", "no-retired-model"),
        ("environment", "prod", "protected-in-prod"),
    ):
        before = stack.run("config", "get", f"customrag:{key}")
        stack.succeed("config", "set", f"customrag:{key}", value)
        code, shown = preview(stack, checkout)
        assert code != 0, shown
        assert rule in shown, shown
        assert "mandatory" in shown
        if before.returncode == 0:
            stack.succeed("config", "set", f"customrag:{key}", before.stdout.strip())
        else:
            stack.succeed("config", "rm", f"customrag:{key}")
