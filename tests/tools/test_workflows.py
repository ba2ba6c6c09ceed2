"""The workflows run `make` targets that exist, sign in safely and pass actionlint.

What it cannot prove: that GitHub's runners have what the jobs need, and that roles trust them.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from bootstrap.roles import DRIFT_SUFFIX, PREVIEW_SUFFIX
from tools import actionlint
from tools.paths import Paths

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".github" / "workflows"
WORKFLOWS = sorted(path.name for path in FOLDER.glob("*.yml"))
ACTIONS = sorted((ROOT / ".github" / "actions").glob("*/action.yml"))


def _load(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return document


def _events(name: str) -> set[str]:
    """Return the events that start a workflow; YAML reads the key `on` as true."""
    document: dict[object, Any] = yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))
    return set(document[True])


def _steps(document: dict[str, Any]) -> list[dict[str, Any]]:
    if "runs" in document:
        return list(document["runs"]["steps"])
    return [step for job in document["jobs"].values() for step in job.get("steps", [])]


def _jobs(name: str) -> dict[str, dict[str, Any]]:
    jobs: dict[str, dict[str, Any]] = _load(FOLDER / name)["jobs"]
    return jobs


def test_every_automated_task_has_a_workflow() -> None:
    assert {"ci.yml", "preview.yml", "pr-stack.yml", "sweep.yml", "drift.yml"} <= set(WORKFLOWS)
    assert {"night.yml", "release.yml", "deploy.yml"} <= set(WORKFLOWS)


@pytest.mark.parametrize("path", [*(FOLDER / name for name in WORKFLOWS), *ACTIONS], ids=str)
def test_every_step_runs_a_target_of_the_makefile(path: Path) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    for script in (step["run"] for step in _steps(_load(path)) if "run" in step):
        made = re.findall(r"\bmake (?:--silent )?([a-z-]+)", script)
        assert made, f"a step does its work without make: {script}"
        assert set(made) <= targets


@pytest.mark.parametrize("path", [*(FOLDER / name for name in WORKFLOWS), *ACTIONS], ids=str)
def test_actions_are_pinned_to_a_commit_and_name_its_version(path: Path) -> None:
    for used in re.findall(
        r"^ *(?:- )?uses: (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE
    ):
        assert re.fullmatch(r"\./\S+|[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", used), used


@pytest.mark.parametrize("name", WORKFLOWS)
def test_no_checkout_keeps_the_jobs_token(name: str) -> None:
    for job in _jobs(name).values():
        for step in job.get("steps", []):
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_workflow_has_only_read_permission_by_default(name: str) -> None:
    assert _load(FOLDER / name)["permissions"] == {"contents": "read"}


@pytest.mark.parametrize("name", WORKFLOWS)
def test_jobs_sign_in_to_the_cloud_with_their_own_token(name: str) -> None:
    for job in _jobs(name).values():
        if any("sign-in" in step.get("uses", "") for step in job.get("steps", [])):
            assert job["permissions"]["id-token"] == "write"
            assert "environment" in job
    text = (FOLDER / name).read_text(encoding="utf-8")
    assert not re.search(r"secrets\.\w*(ACCESS_KEY|SECRET_KEY|PASSPHRASE)", text)


def test_scheduled_jobs_do_not_wait_for_a_reviewer() -> None:
    # docs/explanation/state-and-identity.md requires reviewers for these.
    waiting = {"prod", "prod-preview"}
    for name in WORKFLOWS:
        if "schedule" not in _events(name):
            continue
        for job in _jobs(name).values():
            matrix = job.get("strategy", {}).get("matrix", {}).get("stack", [""])
            for stack in matrix:
                environment = job["environment"].replace("${{ matrix.stack }}", stack)
                assert environment not in waiting, name


def test_every_environment_of_a_job_has_a_role() -> None:
    known = {
        f"{environment}{suffix}"
        for environment in ("dev", "prod", "pr")
        for suffix in ("", PREVIEW_SUFFIX, DRIFT_SUFFIX)
    }
    for name in WORKFLOWS:
        for job in _jobs(name).values():
            if "environment" in job and "${{ startsWith" not in job["environment"]:
                text = re.sub(r"\$\{\{[^}]+\}\}", "dev", job["environment"])
                assert text in known, name


def test_jobs_that_run_a_pull_requests_code_cannot_write_to_github() -> None:
    for name in ("preview.yml", "pr-stack.yml"):
        for job in _jobs(name).values():
            checkouts = [
                s for s in job["steps"] if s.get("uses", "").startswith("actions/checkout")
            ]
            at_base = all("base.sha" in str(s.get("with", {}).get("ref")) for s in checkouts)
            permissions = job.get("permissions", {})
            writes = {key for key, value in permissions.items() if value == "write"} - {"id-token"}
            assert at_base or not writes


def test_jobs_of_forks_do_not_sign_in() -> None:
    ours = "github.event.pull_request.head.repo.full_name == github.repository"
    for name in WORKFLOWS:
        # That event would run a fork's request with the permissions of the base.
        assert "pull_request_target" not in _events(name), name
        if "pull_request" not in _events(name):
            continue
        for job in _jobs(name).values():
            for step in job.get("steps", []):
                if "sign-in" in step.get("uses", ""):
                    assert ours in f"{job.get('if')} {step.get('if')}"


def _group(action: str, labels: list[str], label: str | None) -> str:
    """Return the group of a run of pr-stack.yml, by the workflow's own expression."""
    event = SimpleNamespace(action=action, label=SimpleNamespace(name=label))
    text = _load(FOLDER / "pr-stack.yml")["concurrency"]["group"]
    (condition,) = re.findall(r"number \}\}\$\{\{(.+)&& format\(", text, re.DOTALL)
    for theirs, ours in (
        ("!contains(github.event.pull_request.labels.*.name, 'stack')", "'stack' not in labels"),
        ("github.event.", "event."),
        ("&&", "and"),
        ("||", "or"),
    ):
        condition = condition.replace(theirs, ours)
    assert "github." not in condition
    names = {"event": event, "labels": labels, "__builtins__": {}}
    return "its own" if eval(condition.strip(), names) else "the stack's"  # noqa: S307  ours


@pytest.mark.parametrize(
    ("action", "labels", "label", "group"),
    [
        ("labeled", ["stack"], "stack", "the stack's"),
        ("synchronize", ["stack"], None, "the stack's"),
        ("closed", ["stack", "bug"], None, "the stack's"),
        ("unlabeled", [], "stack", "the stack's"),
        # These runs do nothing. In the stack's group they would replace a waiting tear-down.
        ("labeled", ["bug"], "bug", "its own"),
        ("labeled", ["stack", "bug"], "bug", "its own"),
        ("synchronize", [], None, "its own"),
        ("closed", [], None, "its own"),
    ],
)
def test_a_run_that_does_nothing_does_not_replace_a_waiting_run(
    action: str, labels: list[str], label: str | None, group: str
) -> None:
    assert _group(action, labels, label) == group


def test_no_step_hides_a_failure_of_make_in_a_pipe() -> None:
    # GitHub's shell without `shell: bash` has no pipefail.
    for path in [*(FOLDER / name for name in WORKFLOWS), *ACTIONS]:
        for script in (step["run"] for step in _steps(_load(path)) if "run" in step):
            assert not re.search(r"make [^\n]*\|", script), f"{path.name}: {script}"


def test_scripts_get_user_text_by_environment_only() -> None:
    for path in [*(FOLDER / name for name in WORKFLOWS), *ACTIONS]:
        for script in (step["run"] for step in _steps(_load(path)) if "run" in step):
            assert "${{" not in script, f"{path.name}: pass it by env: {script}"


def test_actionlint_finds_nothing(checkout: Paths) -> None:
    if not actionlint.executable(checkout).exists() and shutil.which("go") is None:
        pytest.skip("actionlint is built with Go, and Go is not installed")
    found = actionlint.check(checkout)
    assert found.returncode == 0, found.stdout + found.stderr
