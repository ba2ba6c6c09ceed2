"""The workflows: what they run is a `make` target that is here, and actionlint finds nothing.

What it cannot prove: that GitHub's runners have what the jobs want, and that roles open to them.
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
    """What starts a workflow; YAML reads the key `on` as the word for true."""
    document: dict[object, Any] = yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))
    return set(document[True])


def _steps(document: dict[str, Any]) -> list[dict[str, Any]]:
    if "runs" in document:
        return list(document["runs"]["steps"])
    return [step for job in document["jobs"].values() for step in job.get("steps", [])]


def _jobs(name: str) -> dict[str, dict[str, Any]]:
    jobs: dict[str, dict[str, Any]] = _load(FOLDER / name)["jobs"]
    return jobs


def test_there_is_a_workflow_for_each_thing_that_happens_by_itself() -> None:
    assert {"ci.yml", "preview.yml", "pr-stack.yml", "sweep.yml", "drift.yml"} <= set(WORKFLOWS)
    assert {"night.yml", "release.yml", "deploy.yml"} <= set(WORKFLOWS)


@pytest.mark.parametrize("path", [*(FOLDER / name for name in WORKFLOWS), *ACTIONS], ids=str)
def test_whatever_a_workflow_runs_is_a_target_of_the_makefile(path: Path) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    for script in (step["run"] for step in _steps(_load(path)) if "run" in step):
        made = re.findall(r"\bmake (?:--silent )?([a-z-]+)", script)
        assert made, f"a step does its work without make: {script}"
        assert set(made) <= targets


@pytest.mark.parametrize("path", [*(FOLDER / name for name in WORKFLOWS), *ACTIONS], ids=str)
def test_actions_are_pinned_to_a_commit_and_say_which_version_that_is(path: Path) -> None:
    for used in re.findall(
        r"^ *(?:- )?uses: (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE
    ):
        assert re.fullmatch(r"\./\S+|[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", used), used


@pytest.mark.parametrize("name", WORKFLOWS)
def test_no_checkout_leaves_the_jobs_token_behind(name: str) -> None:
    for job in _jobs(name).values():
        for step in job.get("steps", []):
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_workflow_reads_only_unless_a_job_says_otherwise(name: str) -> None:
    assert _load(FOLDER / name)["permissions"] == {"contents": "read"}


@pytest.mark.parametrize("name", WORKFLOWS)
def test_whoever_signs_in_to_the_cloud_does_so_by_its_own_token(name: str) -> None:
    for job in _jobs(name).values():
        if any("sign-in" in step.get("uses", "") for step in job.get("steps", [])):
            assert job["permissions"]["id-token"] == "write"
            assert "environment" in job
    text = (FOLDER / name).read_text(encoding="utf-8")
    assert not re.search(r"secrets\.\w*(ACCESS_KEY|SECRET_KEY|PASSPHRASE)", text)


def test_what_runs_by_the_clock_waits_for_no_reviewer() -> None:
    # docs/explanation/state-and-identity.md asks for reviewers of these.
    waiting = {"prod", "prod-preview"}
    for name in WORKFLOWS:
        if "schedule" not in _events(name):
            continue
        for job in _jobs(name).values():
            matrix = job.get("strategy", {}).get("matrix", {}).get("stack", [""])
            for stack in matrix:
                environment = job["environment"].replace("${{ matrix.stack }}", stack)
                assert environment not in waiting, name


def test_every_environment_of_a_job_opens_a_role() -> None:
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


def test_no_job_that_runs_a_pull_requests_code_may_write_to_github() -> None:
    for name in ("preview.yml", "pr-stack.yml"):
        for job in _jobs(name).values():
            checkouts = [
                s for s in job["steps"] if s.get("uses", "").startswith("actions/checkout")
            ]
            at_base = all("base.sha" in str(s.get("with", {}).get("ref")) for s in checkouts)
            permissions = job.get("permissions", {})
            writes = {key for key, value in permissions.items() if value == "write"} - {"id-token"}
            assert at_base or not writes


def test_nothing_of_a_forks_is_signed_in() -> None:
    ours = "github.event.pull_request.head.repo.full_name == github.repository"
    for name in WORKFLOWS:
        # That one would run with the base's rights on somebody else's wish.
        assert "pull_request_target" not in _events(name), name
        if "pull_request" not in _events(name):
            continue
        for job in _jobs(name).values():
            for step in job.get("steps", []):
                if "sign-in" in step.get("uses", ""):
                    assert ours in f"{job.get('if')} {step.get('if')}"


def _group(action: str, labels: list[str], label: str | None) -> str:
    """The group of pr-stack.yml's runs, as GitHub reads its expression; `and`, `or` are alike."""
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
        # These do nothing, and would take the place of a tear-down that waits for an update's end.
        ("labeled", ["bug"], "bug", "its own"),
        ("labeled", ["stack", "bug"], "bug", "its own"),
        ("synchronize", [], None, "its own"),
        ("closed", [], None, "its own"),
    ],
)
def test_what_is_none_of_a_stacks_business_does_not_push_out_what_waits(
    action: str, labels: list[str], label: str | None, group: str
) -> None:
    assert _group(action, labels, label) == group


def test_a_step_whose_output_is_kept_fails_with_what_it_runs() -> None:
    # GitHub's shell without `shell: bash` has no pipefail.
    for path in [*(FOLDER / name for name in WORKFLOWS), *ACTIONS]:
        for script in (step["run"] for step in _steps(_load(path)) if "run" in step):
            assert not re.search(r"make [^\n]*\|", script), f"{path.name}: {script}"


def test_no_users_text_is_pasted_into_a_script() -> None:
    for path in [*(FOLDER / name for name in WORKFLOWS), *ACTIONS]:
        for script in (step["run"] for step in _steps(_load(path)) if "run" in step):
            assert "${{" not in script, f"{path.name}: give it by env: {script}"


def test_actionlint_finds_nothing(checkout: Paths) -> None:
    if not actionlint.executable(checkout).exists() and shutil.which("go") is None:
        pytest.skip("actionlint is built with Go, and there is none")
    found = actionlint.check(checkout)
    assert found.returncode == 0, found.stdout + found.stderr
