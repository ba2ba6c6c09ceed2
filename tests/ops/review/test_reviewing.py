"""A whole review without an account: this tree against a commit, in a repository of the test's own.

The program runs under mocks, twice for each review. Proves nothing of what an engine would say.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from guardrails.declare import DeclareError
from ops.engine import Engine
from ops.review import reviewing
from ops.review.base import BaseError, checkout, commit_of, default_base, former, head_of
from ops.review.comment import render
from ops.review.previews import Planned, stack_exists
from stack_config.config import ConfigError
from tests.ops.review.support import resource

ROOT = Path(__file__).resolve().parents[3]
GPU_NODE = """
from pulumi_alicloud import ecs

ecs.Instance(
    "second-gpu",
    instance_type="ecs.gn7i-c8g1.2xlarge",
    image_id="image",
    system_disk_category="cloud_essd",
    system_disk_size=40,
    system_disk_encrypted=True,
    security_groups=["sg-1"],
)

check_budget("""


def git(folder: Path, *arguments: str) -> str:
    author = ("-c", "user.name=tests", "-c", "user.email=tests@example.com")
    done = subprocess.run(
        ["git", *author, *arguments], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return this tree, as far as the program needs it, as the one commit of a repository."""
    folder = tmp_path_factory.mktemp("repository")
    program = (
        "infra",
        "stack_config",
        "provider_facts",
        "guardrails",
        "components",
        "providers",
        "pluginhost",
    )
    parts = (*program, "rag", "training", "stacks")
    for part in (*parts, "examples", "edge"):
        if (ROOT / part).is_dir():
            ignored = shutil.ignore_patterns("__pycache__", "node_modules")
            shutil.copytree(ROOT / part, folder / part, ignore=ignored)
    for part in ("Pulumi.yaml", "pyproject.toml", "requirements.lock"):
        shutil.copy(ROOT / part, folder / part)
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message=base")
    return folder


@pytest.fixture
def changed(repository: Path) -> Path:
    """Return the repository with a GPU node more in its working tree, and a document."""
    program = repository / "infra" / "__main__.py"
    text = program.read_text()
    assert "\ncheck_budget(" in text
    program.write_text(text.replace("\ncheck_budget(", GPU_NODE))
    document = repository / "examples" / "corpus" / "docs" / "one-more.md"
    document.write_text("# One more\n\nThe valve opens at 3 bar.\n")
    return repository


def test_change_that_adds_a_gpu_node_shows_its_monthly_cost(changed: Path) -> None:
    commit = default_base(changed)
    with checkout(changed, commit) as tree:
        found = reviewing.review("dev", tree, commit, how="declared", root=changed)
    text = render(found)
    assert re.search(r"`second-gpu` adds [\d,]+ a month: ecs\.gn7i-c8g1\.2xlarge", text)
    assert found.cost is not None
    assert found.cost.monthly_cny > 1000
    assert "| `second-gpu` | Instance |  |  |  |" in text
    # The same tree except for the node and the document: nothing else may change.
    assert {change.resource.name for change in found.changes} == {
        "second-gpu",
        "corpus",
        "knowledge-ingest",
    }
    assert "`knowledge-ingest` embeds 1 of " in text
    assert "trains again" not in text
    # A node without tags is against the rules, and so is refused.
    assert found.refused
    assert any("second-gpu" in violation for violation in found.violations)


def test_failed_preview_of_the_engine_still_shows_the_declared_changes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    after = [resource("alicloud:oss/bucket:Bucket", "b")]
    monkeypatch.setattr(reviewing, "declare", lambda stack, *, root: after)
    monkeypatch.setattr(reviewing, "former", lambda stack, tree: [])
    monkeypatch.setattr(reviewing, "former_config", lambda stack, tree: {})
    failed = Planned(problems=["stack dev would cost more than its budget"])
    monkeypatch.setattr(reviewing, "plan", lambda *_, **__: failed)
    found = reviewing.review("dev", tmp_path, "0" * 40, how="engine")
    text = render(found)
    assert found.refused
    assert "### Preview of `dev`: **failed**, 1 created" in text
    assert "more than its budget" in text
    assert "| `part` | Bucket |" in text


def test_failing_program_of_the_base_is_noted_and_refuses_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def broken(stack: str, tree: Path) -> None:
        raise DeclareError("it failed:\nTypeError: no such size")

    monkeypatch.setattr(reviewing, "declare", lambda stack, *, root: [resource("t:t:T", "a")])
    monkeypatch.setattr(reviewing, "former", broken)
    monkeypatch.setattr(reviewing, "former_config", lambda stack, tree: {})
    monkeypatch.setattr(reviewing, "violations_of", lambda head, setting: [])
    found = reviewing.review("dev", tmp_path, "0" * 40, how="declared")
    assert "The base's own program fails (`TypeError: no such size`)" in render(found)
    assert not found.problems


def test_unreadable_settings_are_shown_in_the_comment(repository: Path, tmp_path: Path) -> None:
    file = repository / "stacks" / "Pulumi.dev.yaml"
    text = file.read_text()
    try:
        file.write_text(text + "\n   bad: [\n")
        found = reviewing.review("dev", tmp_path, "0" * 40, how="declared", root=repository)
    finally:
        file.write_text(text)
    assert found.refused
    assert "Pulumi.dev.yaml is not valid YAML" in render(found)
    assert str(repository) not in render(found)


def test_deleted_stack_file_is_reported_because_the_stack_is_still_billed(repository: Path) -> None:
    with checkout(repository, "HEAD") as tree, checkout(repository, "HEAD") as head:
        (head / "stacks" / "Pulumi.dev.yaml").unlink()
        for other in ("Pulumi.prod.yaml", "pr.template.yaml"):
            (head / "stacks" / other).unlink()
            (tree / "stacks" / other).unlink()
        assert reviewing.touched(tree, head) == ["dev"]
        found = reviewing.review("dev", tree, "0" * 40, how="declared", root=head)
        assert found.refused
        assert "make down STACK=dev" in render(found)
        with pytest.raises(ConfigError):
            reviewing.review("nowhere", tree, "0" * 40, how="declared", root=head)


def test_changed_setting_is_shown_without_secret_values() -> None:
    old = {"llmModel": "a", "llmApiKey": "hush", "owner": "x", "natGateway": "true"}
    new = {"llmModel": "b", "llmApiKey": "hush-hush", "owner": "x"}
    found = {item.path: item for item in reviewing._settings(old, new)}
    assert found.keys() == {"llmModel", "llmApiKey", "natGateway"}
    assert found["llmApiKey"].secret
    assert found["natGateway"].after is None
    assert reviewing._settings({}, new) == []


def test_tree_is_named_by_its_commit_and_a_merge_by_the_merged_one(tmp_path: Path) -> None:
    assert head_of(tmp_path) == "this tree"
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    git(tmp_path, "commit", "--quiet", "--allow-empty", "--message=one")
    assert head_of(tmp_path) == f"`{git(tmp_path, 'rev-parse', 'HEAD')[:10]}`"
    git(tmp_path, "checkout", "--quiet", "-b", "change")
    git(tmp_path, "commit", "--quiet", "--allow-empty", "--message=two")
    change = git(tmp_path, "rev-parse", "HEAD")[:10]
    git(tmp_path, "checkout", "--quiet", "main")
    git(tmp_path, "merge", "--quiet", "--no-ff", "--message=merge", "change")
    assert head_of(tmp_path) == f"`{change}` merged into its base"
    (tmp_path / "more").touch()
    assert head_of(tmp_path).endswith(" with uncommitted changes")


def test_stack_that_the_base_does_not_have_is_new(repository: Path, tmp_path: Path) -> None:
    with checkout(repository, "HEAD") as tree:
        (tree / "stacks" / "Pulumi.dev.yaml").unlink()
        assert former("dev", tree) is None


def test_missing_base_is_refused_with_what_to_give(repository: Path) -> None:
    with pytest.raises(BaseError, match="BASE=nowhere is not a commit in this repository"):
        commit_of(repository, "nowhere")


def test_tree_of_the_base_is_removed_afterwards(repository: Path) -> None:
    before = git(repository, "worktree", "list")
    with checkout(repository, "HEAD") as tree:
        assert (tree / "Pulumi.yaml").is_file()
    assert not tree.exists()
    assert git(repository, "worktree", "list") == before


def test_engine_is_not_asked_where_there_is_no_pulumi(tmp_path: Path) -> None:
    assert not stack_exists(Engine(stack="dev", logs=tmp_path, environment={"PATH": ""}))
