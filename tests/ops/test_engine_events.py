"""What the engine's events say, which locks are stale, and how a rehearsal shows its steps."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from ops.engine import Engine
from ops.events import Outcome, products, read_events
from ops.locks import PULL_REQUEST_LOCK, is_stale_lock
from ops.rehearse.story import Step, _line_of
from ops.rehearse.summary import render, step_lines
from ops.teardown.leaks import Left
from ops.terminal import WIDTH


def _step(op: str, name: str, kind: str = "alicloud:oss/bucket:Bucket", **more: Any) -> str:
    metadata = {
        "op": op,
        "urn": f"urn:pulumi:dev::customrag::{kind}::{name}",
        "type": kind,
        "provider": "urn:pulumi:dev::customrag::pulumi:providers:alicloud::alicloud::1",
        **more,
    }
    return json.dumps({"resOutputsEvent": {"metadata": metadata}})


def test_each_resource_is_listed_once_and_a_replacement_is_one_change() -> None:
    found = read_events(
        [
            _step("create", "made"),
            _step("update", "changed", diffs=["tags"]),
            _step("create-replacement", "replaced"),
            _step("delete-replaced", "replaced"),
            _step("same", "left"),
        ]
    )
    assert [str(change) for change in found.changes] == [
        "create made [alicloud:oss/bucket:Bucket]",
        "update changed [alicloud:oss/bucket:Bucket] (tags)",
        "replace replaced [alicloud:oss/bucket:Bucket]",
    ]
    assert found.same == 1


def test_components_and_providers_are_not_counted() -> None:
    found = read_events(
        [
            _step("create", "part", "customrag:storage:Storage", provider=""),
            _step("create", "alicloud", "pulumi:providers:alicloud"),
        ]
    )
    assert list(found.changes) == []


def _at(at: int, kind: str, operation: str) -> str:
    event = json.loads(_step(operation, "training", "customrag:pai:DlcJob"))
    return json.dumps({"timestamp": at, kind: event["resOutputsEvent"]})


def test_change_takes_from_its_first_event_to_its_last() -> None:
    found = read_events(
        [
            _at(110, "resourcePreEvent", "create"),
            _at(172, "resOutputsEvent", "create"),
        ]
    )
    assert [change.seconds for change in found.changes] == [62]


def test_refresh_before_an_update_does_not_count() -> None:
    log = [
        _at(100, "resourcePreEvent", "refresh"),
        _at(101, "resOutputsEvent", "same"),
        _at(110, "resourcePreEvent", "same"),
        _at(111, "resOutputsEvent", "same"),
    ]
    assert read_events(log).same == 1
    assert read_events(log[:2], "refresh").same == 1


def test_configuration_of_the_command_is_in_its_events() -> None:
    found = read_events([json.dumps({"preludeEvent": {"config": {"p:corpusDir": "mine"}}})])
    assert found.config == {"p:corpusDir": "mine"}


def test_created_resources_are_counted_by_product() -> None:
    job = "customrag:pai:DlcJob"
    found = read_events([_step("create", "a"), _step("create", "b"), _step("same", "c", job)])
    assert products(found.changes) == "alicloud oss 2"


def test_command_that_never_began_has_no_log_and_no_changes(tmp_path: Path) -> None:
    pulumi = tmp_path / "pulumi"
    pulumi.write_text("#!/bin/sh\necho refused\nexit 1\n")
    pulumi.chmod(0o755)
    variables = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    outcome = Engine(stack="dev", logs=tmp_path / "logs", environment=variables).run("up", "up")
    assert isinstance(outcome, Outcome)
    assert (outcome.code, list(outcome.changes)) == (1, [])


def test_violations_and_errors_have_no_colour_codes() -> None:
    policy = {
        "policyName": "no-public-bucket",
        "enforcementLevel": "mandatory",
        "message": "<{%fg 1%}>it is public<{%reset%}>",
    }
    error = {"severity": "error", "message": "<{%fg 1%}>it broke<{%reset%}>\n"}
    found = read_events(
        [json.dumps({"policyEvent": policy}), json.dumps({"diagnosticEvent": error}), '{"cut'],
    )
    assert list(found.violations) == ["no-public-bucket (mandatory): it is public"]
    assert list(found.errors) == ["it broke"]


def test_failed_step_says_why_within_eighty_columns() -> None:
    step = Step(name="up", ended_well=False, seconds=65.0, lines=("a reason " * 30,))
    lines = step_lines(step)
    assert lines[0].startswith("FAIL up                1:05  a reason")
    assert max(map(len, lines)) <= WIDTH


def test_rehearsal_with_a_failed_step_is_shown_as_failed_with_its_replacements() -> None:
    text = render(
        "dev",
        [
            Step(name="up", ended_well=True, seconds=60.0, lines=("3 created",)),
            Step(name="leak check", ended_well=False, seconds=0.0, lines=("a bucket",)),
        ],
        replaced=[{"key": "platform", "why": "the local cloud's"}],
        declared={"owner": "us"},
        outputs={},
    )
    assert "Rehearsal of dev: FAILED, in 1:00" in text
    assert "1 values as declared; 1 replaced:" in text
    assert "platform: the local cloud's" in text


def test_error_names_its_resource_unless_it_is_an_error_of_the_program() -> None:
    prefix = "urn:pulumi:dev::customrag::"
    found = read_events(
        json.dumps({"diagnosticEvent": {"severity": "error", "message": "refused", "urn": urn}})
        for urn in (
            f"{prefix}alicloud:vpc/switch:Switch::network-a",
            f"{prefix}pulumi:pulumi:Stack::customrag-dev",
            "",
        )
    )
    assert list(found.errors) == ["network-a: refused", "refused", "refused"]


_LOCKED = """error: the stack is currently locked by 2 lock(s). Either wait for the others
  file:///state/.pulumi/locks/a.json: created by root@here (pid 7) at 2026-11-21T18:00:00Z
  file:///state/.pulumi/locks/b.json: created by root@{host} (pid 8) at 2026-11-21T18:00:00Z
"""


def test_lock_is_stale_if_its_engine_ran_here_and_has_ended() -> None:
    assert is_stale_lock(_LOCKED.format(host="here"), "here", lambda _pid: False)


@pytest.mark.parametrize(
    ("text", "running"),
    [
        (_LOCKED.format(host="here"), {8}),
        (_LOCKED.format(host="elsewhere"), set()),
        ("error: access denied", set()),
        ("error: the stack is currently locked by 1 lock(s).", set()),
    ],
)
def test_other_refusals_are_not_stale_locks(text: str, running: set[int]) -> None:
    assert not is_stale_lock(text, "here", lambda pid: pid in running)


def test_arn_of_a_leak_is_shown_in_one_piece() -> None:
    name = "bucket/customrag-rehearse-prod-artifacts-replica-6e1bc0"
    left = Left(what=f"arn:acs:oss:cn-shanghai:3526668518354291:{name}", how="by its tags")
    shown = (f"{_line_of(left)}",)
    lines = step_lines(Step(name="leak check", ended_well=False, seconds=0, lines=shown))
    assert max(map(len, lines)) <= WIDTH
    assert lines[0] == "FAIL leak check        0:00"
    assert lines[1] == f"    oss cn-shanghai {name} (by"


def _lock(at: str, host: str = "runner-1") -> str:
    line = f"\n  s3://state/lock.json: created by runner@{host} (pid 7) at {at}"
    return f"error: the stack is currently locked by 1 lock(s). Either wait{line}"


def test_lock_that_is_older_than_any_job_is_stale_on_every_machine() -> None:
    now = datetime(2026, 11, 21, 12, tzinfo=UTC)
    hours = timedelta(hours=4)
    assert is_stale_lock(_lock("2026-11-21T07:59:00Z"), "here", longest=hours, now=now)
    assert is_stale_lock(_lock("2026-11-21T15:59:00+08:00"), "here", longest=hours, now=now)
    assert not is_stale_lock(_lock("2026-11-21T08:01:00Z"), "here", longest=hours, now=now)
    assert not is_stale_lock(_lock("2026-11-21T07:59:00Z"), "here", now=now)
    assert not is_stale_lock(_lock("soon"), "here", longest=hours, now=now)
    both = _lock("2026-11-21T07:59:00Z") + _lock("2026-11-21T08:01:00Z")
    assert not is_stale_lock(both, "here", longest=hours, now=now)


@pytest.mark.parametrize(("stack", "code"), [("pr-7", 0), ("dev", 255)])
def test_old_lock_is_removed_from_a_pull_request_stack_and_from_no_other(
    tmp_path: Path, stack: str, code: int
) -> None:
    pulumi = tmp_path / "pulumi"
    words = _lock("2020-01-01T00:00:00Z")
    pulumi.write_text(
        f"""#!/bin/sh
if [ "$1" = cancel ]; then touch {tmp_path}/cancelled; exit 0; fi
if [ -e {tmp_path}/cancelled ]; then exit 0; fi
cat <<'END'
{words}
END
exit 255
"""
    )
    pulumi.chmod(0o755)
    variables = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    engine = Engine(stack=stack, logs=tmp_path / "logs", environment=variables)
    assert engine.run("down", "destroy").code == code
    assert (tmp_path / "cancelled").exists() == (code == 0)


def test_no_job_on_a_pull_request_stack_may_hold_a_lock_that_long() -> None:
    folder = Path(__file__).resolve().parents[2] / ".github" / "workflows"
    for name in ("pr-stack.yml", "sweep.yml"):
        for job in yaml.safe_load((folder / name).read_text(encoding="utf-8"))["jobs"].values():
            assert timedelta(minutes=job["timeout-minutes"]) < PULL_REQUEST_LOCK
