"""The preflight at the start of the program: a failure stops it, a warning does not."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from guardrails import preflight_mark
from guardrails.declare import stack_config
from guardrails.preflight.program import check_before
from stack_config.config import ConfigError, StackConfig
from tests.guardrails.preflight.conftest import MODEL, Stage
from tests.infra.conftest import LOCAL_CONFIG, Recorder


def before(stage: Stage, config: StackConfig) -> list[str]:
    """Run the preflight; return its warnings."""
    warnings: list[str] = []
    check_before(
        "rehearse-dev",
        config,
        model_api_key="",
        platform_file=stage.platform_file,
        warn=warnings.append,
    )
    return warnings


def rehearsed(stage: Stage) -> StackConfig:
    """Return `dev` as a rehearsal configures it."""
    values = {**stack_config("dev"), **stage.overlay, "platform": "local"}
    return StackConfig.parse(values, stack="rehearse-dev")


def test_a_preflight_that_passes_is_silent(stage: Stage) -> None:
    assert before(stage, rehearsed(stage)) == []


def test_a_failure_stops_the_program_and_says_what_to_do(stage: Stage) -> None:
    stage.faults.inject("model-retired", {"model": MODEL})
    with pytest.raises(ConfigError) as refused:
        before(stage, rehearsed(stage))
    assert f"preflight, language-model {MODEL}: is not served by" in str(refused.value)
    assert "customrag:preflight false" in str(refused.value)


def test_a_warning_does_not_stop_the_program(stage: Stage) -> None:
    about = {"instance_type": "ecs.g7.large", "zone_id": "cn-hangzhou-h"}
    stage.faults.inject("sold-out", about)
    (warning,) = before(stage, rehearsed(stage))
    assert warning.startswith("preflight, stock ecs.g7.large (chat application): sold out in")


def test_a_missing_platform_file_is_not_the_preflights_concern(stage: Stage) -> None:
    missing = stage.platform_file.with_name("none.json")
    check_before(
        "rehearse-dev",
        rehearsed(stage),
        model_api_key="",
        platform_file=missing,
        warn=pytest.fail,
    )


def test_the_program_loads_the_clients_only_for_a_preflight() -> None:
    code = "import sys, infra.context; print('guardrails.preflight' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


REHEARSAL = {**LOCAL_CONFIG, "llmModel": MODEL}


def test_a_rehearsal_whose_preflight_fails_declares_nothing(
    stage: Stage, run_program: Callable[..., Recorder], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUSTOMRAG_HOME", str(stage.context.platform.home))
    declared: list[str] = []
    monkeypatch.setattr(Recorder, "new_resource", lambda _, args: declared.append(args.typ))
    stage.faults.inject("pai-not-activated", {})
    with pytest.raises(ConfigError, match="preflight, pai: PAI is not activated"):
        run_program(REHEARSAL, stack="rehearse-dev")
    assert [typ for typ in declared if typ != "pulumi:pulumi:Stack"] == []


def test_a_rehearsal_whose_preflight_passes_runs(
    stage: Stage, run_program: Callable[..., Recorder], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUSTOMRAG_HOME", str(stage.context.platform.home))
    recorder = run_program(REHEARSAL, stack="rehearse-dev")
    assert recorder.of_type("alicloud:pai/workspaceWorkspace:WorkspaceWorkspace")


def test_a_local_stack_runs_no_preflight(
    stage: Stage, run_program: Callable[..., Recorder], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUSTOMRAG_HOME", str(stage.context.platform.home))
    stage.faults.inject("pai-not-activated", {})
    assert run_program(REHEARSAL, stack="local").declared


def test_the_program_skips_the_preflight_that_make_up_has_run(
    stage: Stage, run_program: Callable[..., Recorder], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUSTOMRAG_HOME", str(stage.context.platform.home))
    monkeypatch.setenv(
        preflight_mark.VARIABLE, preflight_mark.mark("rehearse-dev", datetime.now(UTC))
    )
    stage.faults.inject("pai-not-activated", {})
    assert run_program(REHEARSAL, stack="rehearse-dev").declared


def test_the_program_does_not_skip_the_preflight_for_another_stacks_mark(
    stage: Stage, run_program: Callable[..., Recorder], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUSTOMRAG_HOME", str(stage.context.platform.home))
    monkeypatch.setenv(preflight_mark.VARIABLE, preflight_mark.mark("dev", datetime.now(UTC)))
    stage.faults.inject("pai-not-activated", {})
    with pytest.raises(ConfigError, match="preflight, pai: PAI is not activated"):
        run_program(REHEARSAL, stack="rehearse-dev")
