"""Steps run in parallel where they can, and all end when one fails."""

from __future__ import annotations

import io
import signal
import subprocess
import sys
import threading
import time
from graphlib import CycleError
from pathlib import Path

import pytest

from tests.tools.engine import is_running, wait_until
from tools.errors import StepError
from tools.progress import WIDTH, Display, Step, StepContext, run_steps


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def _display() -> tuple[Display, io.StringIO]:
    stream = io.StringIO()
    return Display(stream), stream


def test_a_step_waits_for_the_steps_that_it_needs(tmp_path: Path) -> None:
    order: list[str] = []

    def action(name: str) -> Step:
        return Step(name=name, action=lambda _c: order.append(name) or "done", needs=needs[name])

    needs: dict[str, tuple[str, ...]] = {"first": (), "second": ("first",), "third": ("second",)}
    run_steps([action(name) for name in reversed(needs)], logs=tmp_path, display=_display()[0])
    assert order == ["first", "second", "third"]


def test_independent_steps_run_at_the_same_time(tmp_path: Path) -> None:
    both = threading.Barrier(2, timeout=10)

    def meet(_context: StepContext) -> str:
        both.wait()
        return "met"

    steps = [Step(name="a", action=meet), Step(name="b", action=meet)]
    assert set(run_steps(steps, logs=tmp_path, display=_display()[0])) == {"a", "b"}


def test_a_step_with_nothing_to_do_is_not_shown_or_timed(tmp_path: Path) -> None:
    display, stream = _display()
    took = run_steps([Step(name="a", action=lambda _c: "")], logs=tmp_path, display=display)
    assert took == {}
    assert stream.getvalue() == ""


def test_a_failure_names_the_step_its_last_lines_and_its_log(tmp_path: Path) -> None:
    def fail(context: StepContext) -> str:
        context.run([sys.executable, "-c", "print('the cause'); raise SystemExit(3)"])
        return "done"

    with pytest.raises(StepError) as error:
        run_steps([Step(name="make it", action=fail)], logs=tmp_path, display=_display()[0])
    assert str(error.value).startswith("make it: ")
    assert "exit code 3" in str(error.value)
    assert "  | the cause" in str(error.value)
    assert str(tmp_path / "make-it.log") in str(error.value)


def test_a_failure_ends_the_commands_of_the_other_steps(tmp_path: Path) -> None:
    started = threading.Event()

    def sleep(context: StepContext) -> str:
        started.set()
        context.run([sys.executable, "-c", "import time; time.sleep(600)"])
        return "slept"

    def fail(context: StepContext) -> str:
        assert started.wait(10)
        raise StepError(context.name, "failed on purpose")

    began = time.monotonic()
    steps = [Step(name="long", action=sleep), Step(name="bad", action=fail)]
    with pytest.raises(StepError, match="failed on purpose"):
        run_steps(steps, logs=tmp_path, display=_display()[0])
    assert time.monotonic() - began < 60


def test_a_command_that_exceeds_its_time_limit_is_ended_and_reported(tmp_path: Path) -> None:
    context = StepContext("wait", tmp_path / "wait.log")
    with pytest.raises(StepError, match="more than 1 s"):
        context.run([sys.executable, "-c", "import time; time.sleep(600)"], timeout_seconds=1)


def test_a_command_that_does_not_exist_is_reported(tmp_path: Path) -> None:
    with pytest.raises(StepError, match="cannot run no-such-program"):
        StepContext("x", tmp_path / "x.log").run(["no-such-program"])


def test_circular_needs_are_refused(tmp_path: Path) -> None:
    steps = [
        Step(name="a", action=lambda _c: "", needs=("b",)),
        Step(name="b", action=lambda _c: "", needs=("a",)),
    ]
    with pytest.raises(CycleError):
        run_steps(steps, logs=tmp_path, display=_display()[0])


def test_lines_fit_a_terminal(tmp_path: Path) -> None:
    display, stream = _display()
    steps = [Step(name="a step", action=lambda _c: "something " * 20)]
    run_steps(steps, logs=tmp_path, display=display)
    assert max(map(len, stream.getvalue().splitlines())) <= WIDTH


def test_a_terminal_gets_one_status_line_that_is_cleared() -> None:
    terminal = Terminal()
    display = Display(terminal)
    display.status({"a long step": time.monotonic() - 75})
    display.line("done")
    assert "a long step 1:15" in terminal.getvalue()
    assert terminal.getvalue().endswith("\r\x1b[2Kdone\n")


def test_ctrl_c_ends_the_commands_that_run(tmp_path: Path) -> None:
    script = f"""
import sys
from pathlib import Path
from tools.progress import Display, Step, run_steps
sleep = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
step = Step(name="long", action=lambda c: c.run([sys.executable, "-c", sleep]) or "slept")
run_steps([step], logs=Path({str(tmp_path)!r}), display=Display())
"""
    log = tmp_path / "long.log"
    root = Path(__file__).resolve().parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", script], cwd=root, stderr=subprocess.DEVNULL
    ) as process:
        wait_until(lambda: log.exists() and log.read_text().count("\n") >= 2, "it runs")
        command = int(log.read_text().splitlines()[1])
        process.send_signal(signal.SIGINT)
        wait_until(lambda: process.poll() is not None, "the set-up ended")
    wait_until(lambda: not is_running(command), "its command ended")
