"""The policy pack under the real engine, started by our own language host.

Does not test how the official CLI's host starts it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from guardrails.policy.model import STACK_TYPE, UNKNOWN, Setting
from guardrails.policy.rules import RULES
from tests.guardrails.policy.cases import PASSING, VIOLATING
from tests.guardrails.policy.cases.support import DEV, PR, PROD, Case
from tests.tools.engine import Project
from tools.paths import Paths

pytestmark = pytest.mark.engine

# The pack identifies types by their token, so resources of a small test provider can stand for the
# cloud's.
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

# Declares the resources in cases.json, named after their case.
CASES_PROGRAM = """
import json
from pathlib import Path

import pulumi

providers = {}
for name in ("alicloud", "customrag"):
    providers[name] = pulumi.ProviderResource(name, name, {})
unknown = pulumi.CustomResource("alicloud:index:Anything", "anything", {},
                                pulumi.ResourceOptions(provider=providers["alicloud"]))


def resolved(value, made):
    if isinstance(value, list):
        return [resolved(each, made) for each in value]
    if isinstance(value, dict) and "of" in value:
        return made[value["of"]].id
    return unknown.id if value == "<unknown>" else value


for group in json.loads(Path(__file__).parents[1].joinpath("cases.json").read_text()):
    made = []
    for item in group:
        options = pulumi.ResourceOptions(protect=item["protect"])
        if item["type"].startswith("pulumi:providers:"):
            pulumi.ProviderResource(item["type"].rpartition(":")[2], item["name"],
                                    item["inputs"], options)
            continue
        inputs = {key: resolved(value, made) for key, value in item["inputs"].items()}
        options.provider = providers[item["type"].partition(":")[0]]
        made.append(pulumi.CustomResource(item["type"], item["name"], inputs, options))
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


def with_plugin(project: Project, program: str) -> None:
    """Write a project whose providers accept everything that is declared."""
    settings = "plugins:\n  providers:\n"
    for name in ("alicloud", "customrag"):
        plugin = project.folder / name
        plugin.mkdir()
        (plugin / "PulumiPlugin.yaml").write_text("runtime: python\n")
        (plugin / "__main__.py").write_text(PLUGIN)
        settings += f"    - {{name: {name}, path: {name}, version: 4.0.0}}\n"
    project.write(program, settings=settings)
    project.succeed("stack", "init", "dev")


@pytest.fixture
def stack(project: Project) -> Project:
    """Return a stack `dev` that complies with every rule."""
    with_plugin(project, PROGRAM)
    project.succeed("config", "set", "customrag:environment", "dev")
    project.succeed("config", "set", "customrag:llmModel", "qwen-plus")
    return project


def preview(stack: Project, checkout: Paths) -> tuple[int, str]:
    pack = Path(checkout.checkout, "guardrails", "policy")
    done = stack.run("preview", "--policy-pack", str(pack))
    return done.returncode, done.stdout + done.stderr


def test_the_pack_fails_previews_that_violate_a_rule_and_passes_others(
    stack: Project, checkout: Paths
) -> None:
    code, shown = preview(stack, checkout)
    assert code == 0, shown
    assert "customrag@v0.1.0" in shown

    # A rule for one resource, one across resources, one for the configuration, and one for prod.
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


def as_declared(rule: str, number: int, case: Case) -> list[dict[str, Any]]:
    """Return the resources of a case in the form that the program reads."""
    urns = {item.urn: index for index, item in enumerate(case.resources) if item.urn}

    def value(key: str, given: Any, references: Mapping[str, Any]) -> Any:
        if isinstance(given, list):
            return [value(key, each, references) for each in given]
        if given is not UNKNOWN:
            return given
        named = [urns[urn] for urn in references.get(key, ())]
        # An unknown reference means the first sibling.
        return {"of": named[0] if named else 0} if len(case.resources) > 1 else "<unknown>"

    return [
        {
            "type": item.type,
            "name": f"{rule}.{number}.{index}",
            "protect": item.protect,
            "inputs": {
                key: value(key, given, item.references) for key, given in item.inputs.items()
            },
        }
        for index, item in enumerate(case.resources)
    ]


def cases_of(cases: Mapping[str, list[Case]], setting: Setting) -> dict[str, list[dict[str, Any]]]:
    """Return the cases of a setting that the program can declare, by rule and number."""
    return {
        f"{rule}.{number}": as_declared(rule, number, case)
        for rule, listed in cases.items()
        for number, case in enumerate(listed)
        if case.setting == setting and case.resources[0].type != STACK_TYPE
    }


def shown_violations(shown: str) -> set[tuple[str, str]]:
    """Return the rule and case of each violation that the CLI shows."""
    found = re.findall(r"\[mandatory\]\s+([\w-]+)\s+\(\S+: ([\w-]+\.\d+)\.\d+\)", shown)
    return {(rule, case) for rule, case in found}


@pytest.mark.parametrize("setting", [DEV, PROD, PR], ids=lambda setting: setting.environment)
def test_the_engine_finds_the_same_violations_as_the_rules(
    setting: Setting, project: Project, checkout: Paths
) -> None:
    with_plugin(project, CASES_PROGRAM)
    project.succeed("config", "set", "customrag:environment", setting.environment)
    violating = cases_of(VIOLATING, setting)
    (project.folder / "cases.json").write_text(json.dumps(list(violating.values())))
    code, shown = preview(project, checkout)
    assert code != 0, shown
    assert {(name.rpartition(".")[0], name) for name in violating} - shown_violations(
        shown
    ) == set(), shown

    # Rules across resources would also see other cases, so test only rules for one resource.
    alone = {rule.name for rule in RULES if rule.on_resource is not None}
    passing = cases_of({k: v for k, v in PASSING.items() if k in alone}, setting)
    (project.folder / "cases.json").write_text(json.dumps(list(passing.values())))
    _, shown = preview(project, checkout)
    assert "customrag@v0.1.0" in shown
    assert {
        (rule, name) for rule, name in shown_violations(shown) if name.startswith(f"{rule}.")
    } == set()
