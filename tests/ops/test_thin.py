"""Which lines of pulumi's plain display are left out."""

from __future__ import annotations

from ops.thin import thin

JOB = " +  customrag:pai:DlcJob model creating ({0}s) Running {0}s"


def _thin(*lines: str, seconds_between: float = 1.0) -> list[str]:
    now = [0.0]

    def clock() -> float:
        now[0] += seconds_between
        return now[0]

    return list(thin(lines, clock))


def test_running_job_is_shown_at_once_and_then_every_twenty_seconds() -> None:
    shown = _thin(*(JOB.format(second) for second in range(60)))
    assert shown == [JOB.format(second) for second in (0, 20, 40)]


def test_each_resource_is_shown_when_it_begins_and_ends() -> None:
    lines = [
        " +  alicloud:oss:Bucket a creating (0s) ",
        " +  alicloud:oss:Bucket b creating (0s) ",
        " +  alicloud:oss:Bucket a created (0.1s) ",
        " +  alicloud:oss:Bucket b **creating failed** error: no",
    ]
    assert _thin(*lines) == lines


def test_errors_are_always_shown() -> None:
    lines = [JOB.format(0), " +  customrag:pai:DlcJob model creating (1s) error: it failed"]
    assert _thin(*lines) == lines


def test_dots_and_their_blank_lines_are_left_out() -> None:
    lines = [
        "Updating (local):\n",
        "\n",
        "@ updating.....\n",
        "\n",
        "@ previewing update...\n",
        "x\n",
    ]
    assert _thin(*lines) == ["Updating (local):\n", "\n", "x\n"]


def test_everything_else_stays() -> None:
    lines = ["Diagnostics:", "    a message creating (things)", "Resources:", "    + 84 created"]
    assert _thin(*lines) == lines
