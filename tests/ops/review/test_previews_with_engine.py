"""What the real engine says of a small program, read: a preview, and the drift of one resource.

Its provider keeps one thing in a file, so that the file can be changed behind the engine's back.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ops.engine import Engine
from ops.review import drift
from ops.review.changes import Kind
from ops.review.comment import Review, render
from ops.review.previews import Planned, plan, refresh, stack_exists
from tests.tools.engine import Project

pytestmark = pytest.mark.engine

PLUGIN = """
import sys
from pathlib import Path

from pulumi.provider.experimental import provider as p
from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.provider.experimental.server import main


class Real(p.Provider):
    async def check_config(self, request):
        return p.CheckResponse(inputs=request.new_inputs)

    async def configure(self, request):
        return p.ConfigureResponse(accept_secrets=True, supports_preview=True)

    async def check(self, request):
        return p.CheckResponse(inputs=request.new_inputs)

    async def diff(self, request):
        new = request.new_inputs
        diffs = [key for key in new if request.old_state.get(key) != new[key]]
        replaces = ["kind"] if "kind" in diffs else []
        return p.DiffResponse(changes=bool(diffs), diffs=diffs, replaces=replaces)

    async def create(self, request):
        if request.preview:
            return p.CreateResponse(resource_id="", properties=request.properties)
        properties = request.properties
        Path(properties["file"].value).write_text(properties["size"].value)
        return p.CreateResponse(resource_id="thing", properties=properties)

    async def read(self, request):
        file = Path(request.properties["file"].value)
        if not file.exists():
            return p.ReadResponse(resource_id="", properties={}, inputs={})
        now = {**request.properties, "size": PropertyValue(file.read_text())}
        return p.ReadResponse(resource_id=request.resource_id, properties=now, inputs=now)

    async def delete(self, request):
        return None


main(sys.argv[1:], "0.1.0", Real())
"""

PROGRAM = """
import pulumi


class Thing(pulumi.CustomResource):
    def __init__(self, name, opts, **props):
        super().__init__("real:index:Thing", name, props, opts)


class Part(pulumi.ComponentResource):
    def __init__(self, name):
        super().__init__("scratch:index:Part", name)
        config = pulumi.Config()
        Thing(
            "thing",
            pulumi.ResourceOptions(parent=self),
            file=config.require("file"),
            size=config.require("size"),
            kind=config.get("kind") or "a",
            password=pulumi.Output.secret(config.get("hush") or "hush-hush"),
        )


Part("part")
"""


@pytest.fixture
def project(tmp_path: Path, pulumi_path: str, pulumi_environment: dict[str, str]) -> Project:
    """Return a project whose stack `local` is up; its resource is the file `thing.txt`."""
    folder = tmp_path / "project"
    (folder / "plugin").mkdir(parents=True)
    (folder / "plugin" / "PulumiPlugin.yaml").write_text("runtime: python\n")
    (folder / "plugin" / "__main__.py").write_text(PLUGIN)
    found = Project(folder=folder, pulumi=pulumi_path, environment=pulumi_environment)
    found.write(
        PROGRAM,
        settings="plugins:\n  providers:\n    - {name: real, path: plugin, version: 0.1.0}\n",
    )
    found.succeed("stack", "init", "local")
    found.succeed("config", "set", "file", str(tmp_path / "thing.txt"))
    found.succeed("config", "set", "size", "small")
    found.succeed("up", "--yes", "--skip-preview")
    return found


def engine(project: Project, stack: str = "local") -> Engine:
    return Engine(
        stack=stack,
        logs=project.folder / "logs",
        environment=project.environment,
        root=project.folder,
    )


def planned(project: Project) -> Planned:
    return plan(engine(project))


def drifted(project: Project) -> Planned:
    return refresh(engine(project))


def test_preview_has_components_and_reasons_and_no_secret(project: Project) -> None:
    assert stack_exists(engine(project))
    assert not stack_exists(engine(project, "nowhere"))
    nothing = planned(project)
    assert (list(nothing.changes), list(nothing.problems)) == ([], [])
    assert [item.name for item in nothing.after] == ["thing"]

    for key, value in {"size": "large", "kind": "b", "hush": "hush-again"}.items():
        project.succeed("config", "set", key, value)
    found = planned(project)
    (change,) = found.changes
    assert change.kind is Kind.REPLACE
    assert change.resource.component == "part"
    properties = {item.path: item for item in change.properties}
    assert (properties["size"].before, properties["size"].after) == ("small", "large")
    assert properties["kind"].replaces
    assert properties["password"].secret
    text = render(Review(stack="local", basis="By the engine.", changes=found.changes))
    assert "hush" not in text
    assert "| `part` |  |  | Thing |  |" in text


def test_change_or_deletion_behind_the_engines_back_is_reported(
    project: Project, tmp_path: Path
) -> None:
    assert "none" in drift.render("local", drifted(project))
    (tmp_path / "thing.txt").write_text("tampered")
    report = drift.render("local", drifted(project))
    assert report.startswith("<!-- customrag-drift: local -->")
    assert "`thing`, `size`: deployed `small`, now `tampered`" in report
    assert "hush" not in report
    (tmp_path / "thing.txt").unlink()
    assert "| `part` | `thing` (real:index:Thing) | is gone |" in drift.render(
        "local", drifted(project)
    )
    # Looking changed nothing: the state still has it.
    assert "thing" in json.dumps(json.loads(project.succeed("stack", "export")))


def test_failed_preview_is_a_problem_and_not_an_empty_preview(project: Project) -> None:
    assert refresh(engine(project, "nowhere")).problems
    (project.folder / "infra" / "__main__.py").write_text("raise ValueError('no such size')\n")
    found = planned(project)
    assert any("no such size" in problem for problem in found.problems)
    assert list(found.changes) == []
