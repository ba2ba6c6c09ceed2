"""The CLI as a process: which signals reach it, and the lock of one that was killed.

The CLI is a script that says what happened to it; what the real one does is `tests/e2e`'s.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ops.declared import ROOT
from ops.engine import Engine, EngineError, tail

SECONDS = 20.0
PATIENT = """\
#!{python}
import signal, sys, time
count = 0
def note(*_):
    global count
    count += 1
signal.signal(signal.SIGINT, note)
open({began!r}, "w").close()
deadline = time.monotonic() + {seconds}
while not count and time.monotonic() < deadline:
    time.sleep(0.01)
time.sleep(0.3)
open({counted!r}, "w").write(str(count))
"""
RUN = """\
import sys
from pathlib import Path
from ops.engine import Engine
Engine(stack="dev", logs=Path(sys.argv[1])).run("up", "up")
"""
RUN_ON_TERMINAL = """\
import fcntl, sys, termios
from pathlib import Path
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
from ops.engine import Engine
sys.exit(Engine(stack="dev", logs=Path(sys.argv[1])).run("up", "up", shown=True).code)
"""
LOCKED = """\
#!/bin/sh
echo "$1" >> {calls}
[ "$1" = cancel ] && exec rm {lock}
[ -f {lock} ] || exit 0
echo "error: the stack is currently locked by 1 lock(s)."
echo "  file:///locks/a.json: created by root@{host} (pid {pid}) at 2026-11-21T18:00:00Z"
exit 255
"""


def _cli(folder: Path, text: str) -> None:
    path = folder / "bin" / "pulumi"
    path.parent.mkdir()
    path.write_text(text)
    path.chmod(0o755)


def _to_the_group(process: subprocess.Popen[bytes]) -> None:
    os.killpg(process.pid, signal.SIGINT)


def _to_it_alone(signum: int) -> Callable[[subprocess.Popen[bytes]], None]:
    return lambda process: process.send_signal(signum)


@pytest.mark.parametrize(
    "send",
    [
        pytest.param(_to_the_group, id="ctrl-c"),
        pytest.param(_to_it_alone(signal.SIGINT), id="int"),
        pytest.param(_to_it_alone(signal.SIGTERM), id="term"),
        pytest.param(_to_it_alone(signal.SIGHUP), id="hup"),
    ],
)
def test_cli_is_interrupted_once_for_each_kind_of_signal(
    send: Callable[[subprocess.Popen[bytes]], None], tmp_path: Path
) -> None:
    began, counted = tmp_path / "began", tmp_path / "counted"
    names = {"began": str(began), "counted": str(counted)}
    _cli(tmp_path, PATIENT.format(python=sys.executable, seconds=SECONDS, **names))
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, str(tmp_path / "logs")],
        cwd=ROOT,
        env={**os.environ, "PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"},
        start_new_session=True,
    )
    try:
        deadline = time.monotonic() + SECONDS
        while not began.exists():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        send(process)
        assert process.wait(SECONDS) == 0
    finally:
        process.kill()
        process.wait()
    assert counted.read_text() == "1"


def test_ctrl_c_on_a_terminal_interrupts_the_cli_once(tmp_path: Path) -> None:
    """Pulumi may ask questions there, so it is in the foreground group, which gets Ctrl-C."""
    began, counted = tmp_path / "began", tmp_path / "counted"
    names = {"began": str(began), "counted": str(counted)}
    _cli(tmp_path, PATIENT.format(python=sys.executable, seconds=SECONDS, **names))
    ours, its = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", RUN_ON_TERMINAL, str(tmp_path / "logs")],
        cwd=ROOT,
        env={**os.environ, "PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"},
        stdin=its,
        stdout=its,
        start_new_session=True,
    )
    os.close(its)
    try:
        deadline = time.monotonic() + SECONDS
        while not began.exists():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        os.write(ours, b"\x03")
        assert process.wait(SECONDS) == 0
    finally:
        process.kill()
        process.wait()
        os.close(ours)
    assert counted.read_text() == "1"


def test_shown_command_prints_its_progress_and_keeps_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _cli(tmp_path, "#!/bin/sh\necho it begins; echo refused >&2; exit 3\n")
    variables = {"PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin"}
    engine = Engine(stack="dev", logs=tmp_path / "logs", environment=variables)
    outcome = engine.run("up", "up", shown=True)
    assert outcome.code == 3
    assert capsys.readouterr().out == "it begins\nrefused\n"
    assert list(tail(outcome.log)) == ["it begins", "refused"]


def _locked_by(pid: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[int, list[str]]:
    lock, calls = tmp_path / "lock", tmp_path / "calls"
    lock.touch()
    _cli(tmp_path, LOCKED.format(calls=calls, lock=lock, host=socket.gethostname(), pid=pid))
    path = f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"
    monkeypatch.setenv("PATH", path)
    code = Engine(stack="dev", logs=tmp_path / "logs").run("destroy", "destroy").code
    return code, calls.read_text().split()


def test_lock_of_an_engine_that_was_killed_here_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    code, calls = _locked_by(gone.pid, tmp_path, monkeypatch)
    assert (code, calls) == (0, ["destroy", "cancel", "destroy"])


def test_lock_of_a_running_engine_is_respected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = tmp_path / "pulumi-engine"
    engine.symlink_to("/bin/sleep")
    running = subprocess.Popen([str(engine), "60"])
    try:
        code, calls = _locked_by(running.pid, tmp_path, monkeypatch)
    finally:
        running.kill()
        running.wait()
    assert (code, calls) == (255, ["destroy"])


def test_user_who_is_not_signed_in_learns_how(tmp_path: Path) -> None:
    _cli(tmp_path, "#!/bin/sh\necho error: PULUMI_ACCESS_TOKEN must be set for login >&2; exit 1\n")
    variables = {"PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin"}
    with pytest.raises(EngineError, match="make sign-in"):
        Engine(stack="dev", logs=tmp_path, environment=variables).outputs()
