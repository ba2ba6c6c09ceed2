"""The child processes of the language host."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.tools.engine import wait_until
from tools.language_host import child
from tools.language_host.processes import CHILD

_WITHOUT_PULUMI = """
import runpy, sys
sys.path.insert(0, sys.argv[2])
module = runpy.run_path(sys.argv[1], run_name="child")
sys.exit(module["run_program"]({"mode": "program"}))
"""
ROOT = str(Path(__file__).resolve().parents[2])


def _raise() -> None:
    raise ValueError("no such thing")


def test_a_traceback_starts_at_the_first_line_of_the_project(tmp_path: Path) -> None:
    try:
        _raise()
    except ValueError as error:
        text = child._program_error(error, "infra/.", ROOT)
    assert text.startswith("Program failed with an unhandled exception:")
    assert "test_child.py" in text
    assert text.rstrip().endswith("ValueError: no such thing")


def test_frames_of_the_host_are_left_out_of_a_traceback() -> None:
    frames: dict[str, object] = {"_raise": _raise}
    exec(compile("def call(): _raise()", child.__file__, "exec"), frames)  # noqa: S102
    call = frames["call"]
    assert callable(call)
    try:
        call()
    except ValueError as error:
        error.__traceback__ = error.__traceback__ and error.__traceback__.tb_next
        text = child._program_error(error, "infra/.", ROOT)
    assert "language_host" not in text
    assert "_raise" in text


def _start(order: dict[str, object]) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [sys.executable, str(CHILD)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin is not None
    process.stdin.write(json.dumps(order).encode() + b"\n")
    process.stdin.flush()
    return process


def _plugin(folder: Path, text: str, *arguments: str) -> subprocess.Popen[bytes]:
    (folder / "__main__.py").write_text(text)
    return _start({"mode": "plugin", "module": "", "target": str(folder), "args": list(arguments)})


def test_a_child_ends_when_its_host_ends(tmp_path: Path) -> None:
    program = "import time\nprint('up', flush=True)\ntime.sleep(600)\n"
    with _plugin(tmp_path, program) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        assert process.poll() is None
        process.stdin.close()
        wait_until(lambda: process.poll() is not None, "the child ended")
    assert process.returncode == child.HOST_GONE


def test_a_plugin_gets_its_arguments_and_returns_its_exit_code(tmp_path: Path) -> None:
    program = "import sys\nprint(sys.argv[1:])\nsys.exit(7)\n"
    with _plugin(tmp_path, program, "a", "b") as process:
        assert process.stdout is not None
        assert process.stdout.read().strip() == b"['a', 'b']"
    assert process.returncode == 7


def test_a_plugin_cannot_read_the_hosts_pipe(tmp_path: Path) -> None:
    program = "import sys\nprint(repr(sys.stdin.read()))\n"
    with _plugin(tmp_path, program) as process:
        assert process.stdout is not None
        assert process.stdout.read() == b"''\n"


def test_a_python_without_the_sdk_is_reported_with_the_fix(tmp_path: Path) -> None:
    (tmp_path / "pulumi.py").write_text("raise ImportError('no pulumi here')")
    command = [sys.executable, "-c", _WITHOUT_PULUMI, str(CHILD), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == child.FAILED_AND_SHOWN
    assert "make setup" in done.stderr
