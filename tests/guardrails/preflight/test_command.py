"""The command: its report, its exit status, and its speed without credentials."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from guardrails.preflight.__main__ import main
from guardrails.preflight.checks import CHECKS
from guardrails.preflight.report import as_json, render
from guardrails.preflight.result import Line, Verdict
from tests.guardrails.preflight.conftest import Stage

ROOT = Path(__file__).resolve().parents[3]
LIMIT_SECONDS = 60.0
NOWHERE = {
    "ALIBABA_CLOUD_ECS_METADATA_DISABLED": "true",
    "ALIBABA_CLOUD_CLI_PROFILE_DISABLED": "true",
}


def run(*words: str, home: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command in its own process, with only the given credentials."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith("ALIBABA_CLOUD_")
    }
    return subprocess.run(
        [sys.executable, "-m", "guardrails.preflight", "--stack", "dev", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
        env={**kept, **NOWHERE, "HOME": str(home), **environment},
    )


def test_without_credentials_every_check_reports_and_the_status_is_1(tmp_path: Path) -> None:
    done = run("--json", home=tmp_path)
    assert done.returncode == 1, done.stderr
    found = json.loads(done.stdout)
    told = {line["check"] for line in found["lines"]}
    absent = {check.name for check in CHECKS} - told
    # They do not concern this stack.
    assert absent == {"cloudflare", "key", "kms-instance", "vswitch"}
    verdicts = {line["check"]: line["verdict"] for line in found["lines"]}
    assert verdicts["credentials"] == "FAIL"
    assert verdicts["stock"] == "WARN"
    assert done.stderr == ""
    assert list(tmp_path.iterdir()) == []


def options(stage: Stage) -> list[str]:
    sets = [word for key, value in stage.overlay.items() for word in ("--set", f"{key}={value}")]
    return ["--stack", "dev", *sets, "--platform-file", str(stage.platform_file)]


def test_against_a_complete_local_cloud_the_status_is_0(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main([*options(stage), "--json"])
    found = json.loads(capsys.readouterr().out)
    assert code == 0, found
    assert found["ok"] is True
    assert [line for line in found["lines"] if line["verdict"] != "PASS"] == []
    assert "budget" in {line["check"] for line in found["lines"]}


def test_an_exceeded_budget_fails(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    words = [*options(stage), "--only", "budget", "--set", "monthlyBudgetCny=100", "--json"]
    code = main(words)
    line = json.loads(capsys.readouterr().out)["lines"][-1]
    assert (code, line["verdict"]) == (1, "FAIL")
    assert "monthlyBudgetCny is 100" in line["found"]


def test_an_invalid_configuration_has_a_line_for_each_wrong_key(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main([*options(stage), "--set", "zoneIds=[]", "--set", "trainingPodCount=0"])
    assert code == 1
    out = capsys.readouterr().out
    assert "FAIL  configuration customrag:zoneIds: is []; give at least one zone" in out
    assert "FAIL  configuration customrag:trainingPodCount: is 0; it must be at least 1" in out


def test_single_checks_still_report_the_caller(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main([*options(stage), "--only", "zones,stock", "--json"])
    told = [
        (line["check"], line["verdict"]) for line in json.loads(capsys.readouterr().out)["lines"]
    ]
    assert code == 0
    assert sorted({check for check, _ in told}) == ["assume-role", "credentials", "stock", "zones"]
    assert {verdict for _, verdict in told} == {"PASS"}


def test_a_check_that_does_not_exist_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--stack", "dev", "--only", "weather"]) == 2
    assert "there is no check 'weather'" in capsys.readouterr().err


def test_a_local_stack_needs_no_preflight(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--stack", "local"]) == 1
    assert "uses no cloud account" in capsys.readouterr().out


LINE_KEYS = ["check", "about", "verdict", "found", "do"]
LINES = [
    Line(check="stock", about="ecs.g7.large", verdict=Verdict.FAIL, found="sold out", do="wait"),
    Line(check="region", about="", verdict=Verdict.PASS, found="cn-hangzhou", do=""),
]


def test_the_report_has_a_line_per_finding_and_the_remedy_below() -> None:
    assert render("dev", LINES) == (
        "Preflight of stack dev\n\n"
        "FAIL  stock ecs.g7.large: sold out\n"
        "      -> wait\n"
        "PASS  region: cn-hangzhou\n\n"
        "1 PASS, 0 WARN, 1 FAIL\n"
    )


def test_the_report_fits_80_columns() -> None:
    long = Line(check="stock", about="", verdict=Verdict.WARN, found="word " * 40, do="word " * 40)
    assert max(map(len, render("dev", [long]).splitlines())) <= 80


def test_json_has_counts_and_every_line() -> None:
    found = as_json("dev", LINES)
    assert (found["ok"], found["counts"]) == (False, {"PASS": 1, "WARN": 0, "FAIL": 1})
    assert found["lines"][0]["do"] == "wait"


def test_json_has_the_documented_keys() -> None:
    found = as_json("dev", LINES)
    assert found["version"] == 1
    assert list(found) == ["version", "stack", "ok", "counts", "lines"]
    assert all(list(line) == LINE_KEYS for line in found["lines"])
    document = (ROOT / "docs" / "reference" / "preflight.md").read_text(encoding="utf-8")
    assert [key for key in (*found, *LINE_KEYS) if f"`{key}`" not in document] == []


def test_every_check_is_documented() -> None:
    document = (ROOT / "docs" / "reference" / "preflight.md").read_text(encoding="utf-8")
    items = re.findall(r"^- ((?:`[a-z-]+`(?:, )?)+)\.", document, re.MULTILINE)
    named = {name for item in items for name in re.findall(r"[a-z-]+", item)}
    assert {check.name for check in CHECKS} - named == set()
