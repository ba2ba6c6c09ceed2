"""The supervisor, with real processes."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from localcloud.core.errors import SupervisorError
from localcloud.core.home import is_free
from localcloud.core.store import Store, open_store
from localcloud.core.supervisor import ProcessSpec, ProcessStatus, Supervisor
from tests.localcloud.running import lives, until

SLEEP = "import time; time.sleep(600)"


class Bench:
    """A store and the supervisors that use it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store: Store = open_store(folder)
        self.supervisors: list[Supervisor] = []

    def supervisor(self) -> Supervisor:
        made = Supervisor(self.store, self.folder / "runs")
        self.supervisors.append(made)
        return made

    def spec(self, program: str = SLEEP) -> ProcessSpec:
        return ProcessSpec(
            name="group/one",
            argv=(sys.executable, "-c", program),
            env={"PATH": os.environ["PATH"]},
            cwd=self.folder,
            log=self.folder / "logs" / "one.log",
            stop_timeout_seconds=2,
        )


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    for supervisor in made.supervisors:
        supervisor.detach()
    Supervisor(made.store, tmp_path / "runs", watch=False).stop_all()
    made.store.close()


def status_of(supervisor: Supervisor) -> ProcessStatus:
    found = supervisor.status("group/one")
    assert found is not None
    return found


def pid_of(supervisor: Supervisor) -> int:
    pid = until(lambda: status_of(supervisor).pid, "the program's pid is known")
    assert isinstance(pid, int)
    return pid


def test_unknown_process_has_no_status(bench: Bench) -> None:
    assert bench.supervisor().status("group/one") is None


def test_killed_process_restarts(bench: Bench) -> None:
    supervisor = bench.supervisor()
    supervisor.start(bench.spec())
    first = pid_of(supervisor)
    os.kill(first, signal.SIGKILL)
    until(lambda: status_of(supervisor).restarts == 1, "the restart is counted")
    until(lambda: status_of(supervisor).state == "running", "it runs again")
    assert pid_of(supervisor) != first


def test_signal_that_killed_a_process_is_recorded(bench: Bench) -> None:
    supervisor = bench.supervisor()
    supervisor.start(replace(bench.spec(), restart="never"))
    os.kill(pid_of(supervisor), signal.SIGKILL)
    status = until(
        lambda: status_of(supervisor) if status_of(supervisor).state == "exited" else None, "ends"
    )
    assert (status.exit_code, status.reason) == (-9, "killed by signal 9")


def test_exit_code_is_recorded(bench: Bench) -> None:
    supervisor = bench.supervisor()
    supervisor.start(replace(bench.spec("raise SystemExit(7)"), restart="never"))
    until(lambda: status_of(supervisor).state == "exited", "it ends")
    assert status_of(supervisor).exit_code == 7


def test_on_failure_policy_does_not_restart_after_success(bench: Bench) -> None:
    supervisor = bench.supervisor()
    supervisor.start(replace(bench.spec("pass"), restart="on-failure"))
    until(lambda: status_of(supervisor).state == "exited", "it ends")
    assert status_of(supervisor).restarts == 0


def test_process_that_keeps_failing_reaches_failed_state(bench: Bench) -> None:
    supervisor = bench.supervisor()
    supervisor.start(replace(bench.spec("raise SystemExit(3)"), max_restarts=1))
    until(lambda: status_of(supervisor).state == "failed", "it is given up")
    status = status_of(supervisor)
    assert (status.restarts, status.exit_code) == (1, 3)
    assert status.reason == "gave up after 1 restarts: exited with code 3"


def test_missing_program_exits_with_127(bench: Bench) -> None:
    supervisor = bench.supervisor()
    spec = replace(bench.spec(), argv=("/nonexistent/program",), restart="never")
    supervisor.start(spec)
    until(lambda: status_of(supervisor).state == "exited", "it ends")
    assert status_of(supervisor).exit_code == 127


def test_start_in_missing_folder_fails(bench: Bench) -> None:
    supervisor = bench.supervisor()
    supervisor.start(replace(bench.spec(), cwd=bench.folder / "nowhere"))
    assert status_of(supervisor).state == "failed"
    assert "it did not start" in status_of(supervisor).reason


def test_second_start_keeps_the_process(bench: Bench) -> None:
    supervisor = bench.supervisor()
    supervisor.start(bench.spec())
    first = pid_of(supervisor)
    supervisor.start(bench.spec())
    assert pid_of(supervisor) == first


def test_changed_spec_restarts_the_process(bench: Bench) -> None:
    supervisor = bench.supervisor()
    supervisor.start(bench.spec())
    first = psutil.Process(pid_of(supervisor))
    supervisor.start(replace(bench.spec(), env={"PATH": os.environ["PATH"], "NEW": "1"}))
    assert pid_of(supervisor) != first.pid
    assert not lives(first)


def test_process_gets_only_the_given_environment(bench: Bench) -> None:
    supervisor = bench.supervisor()
    program = "import os; print(sorted(os.environ), flush=True); raise SystemExit"
    supervisor.start(replace(bench.spec(program), env={"ONE": "1"}, restart="never"))
    until(lambda: status_of(supervisor).state == "exited", "it ends")
    names = set(eval(supervisor.log_tail("group/one")))  # noqa: S307 - our own program's output
    assert names - {"LC_CTYPE", "PWD", "SHLVL", "_", "OLDPWD"} == {"ONE", "LOCALCLOUD_PROCESS"}


CHILDREN = (
    "import subprocess, sys, time\n"
    "for new_session in (False, True):\n"
    "    subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'],"
    " start_new_session=new_session)\n"
    "print('started', flush=True)\n"
    "time.sleep(600)"
)


def descendants(supervisor: Supervisor) -> list[psutil.Process]:
    pid = pid_of(supervisor)
    until(lambda: "started" in supervisor.log_tail("group/one"), "the children are started")
    return psutil.Process(pid).children()


def test_stop_ends_descendants(bench: Bench) -> None:
    supervisor = bench.supervisor()
    supervisor.start(bench.spec(CHILDREN))
    children = descendants(supervisor)
    supervisor.stop("group/one")
    assert len(children) == 2
    assert not any(lives(child) for child in children)
    assert status_of(supervisor).state == "stopped"


def test_descendants_of_a_killed_process_end_before_the_restart(bench: Bench) -> None:
    supervisor = bench.supervisor()
    supervisor.start(bench.spec(CHILDREN))
    children = descendants(supervisor)
    os.kill(pid_of(supervisor), signal.SIGKILL)
    until(lambda: status_of(supervisor).restarts == 1, "the restart is counted")
    assert not any(lives(child) for child in children)


def test_process_that_ignores_sigterm_is_killed(bench: Bench) -> None:
    program = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "print('started', flush=True); time.sleep(600)"
    )
    supervisor = bench.supervisor()
    supervisor.start(replace(bench.spec(program), stop_timeout_seconds=0.2))
    until(lambda: "started" in supervisor.log_tail("group/one"), "it ignores the signal")
    process = psutil.Process(pid_of(supervisor))
    supervisor.stop("group/one")
    assert not lives(process)


def test_stopped_process_does_not_restart(bench: Bench) -> None:
    supervisor = bench.supervisor()
    supervisor.start(bench.spec())
    supervisor.stop("group/one")
    assert bench.supervisor().status("group/one") == status_of(supervisor)


def test_next_supervisor_adopts_running_process(bench: Bench) -> None:
    first = bench.supervisor()
    first.start(bench.spec())
    pid = pid_of(first)
    first.detach()
    second = bench.supervisor()
    assert status_of(second).state == "running"
    assert second.start(bench.spec()).pid == pid


def test_adopted_process_restarts_when_it_dies(bench: Bench) -> None:
    first = bench.supervisor()
    first.start(bench.spec())
    first.detach()
    second = bench.supervisor()
    os.kill(pid_of(second), signal.SIGKILL)
    until(lambda: status_of(second).restarts == 1, "the restart is counted")
    assert status_of(second).exit_code in (-9, None)


def test_exit_code_of_unwatched_process_is_known(bench: Bench) -> None:
    gate = bench.folder / "gate"
    program = (
        "import time; from pathlib import Path\n"
        f"while not Path({str(gate)!r}).exists(): time.sleep(0.01)\n"
        "raise SystemExit(5)"
    )
    first = bench.supervisor()
    first.start(replace(bench.spec(program), restart="never"))
    process = psutil.Process(pid_of(first))
    first.detach()
    gate.touch()
    until(lambda: not lives(process), "the program ends")
    second = bench.supervisor()
    until(lambda: status_of(second).state == "exited", "its end is seen")
    assert status_of(second).exit_code == 5


def test_process_is_running_once_its_health_url_answers(bench: Bench) -> None:
    port = next(port for port in range(18000, 18100) if is_free("127.0.0.1", port))
    gate = bench.folder / "gate"
    program = (
        "import http.server, time; from pathlib import Path\n"
        f"while not Path({str(gate)!r}).exists(): time.sleep(0.01)\n"
        f"http.server.HTTPServer(('127.0.0.1', {port}), "
        "http.server.SimpleHTTPRequestHandler).serve_forever()"
    )
    supervisor = bench.supervisor()
    supervisor.start(replace(bench.spec(program), health_url=f"http://127.0.0.1:{port}/"))
    assert status_of(supervisor).state == "starting"
    gate.touch()
    assert supervisor.wait_healthy("group/one").state == "running"
    assert supervisor.address("group/one") == f"127.0.0.1:{port}"


def test_process_that_never_gets_healthy_ends(bench: Bench) -> None:
    supervisor = bench.supervisor()
    supervisor.start(
        replace(
            bench.spec(),
            health_url="http://127.0.0.1:9/",
            health_timeout_seconds=0.1,
            restart="never",
        )
    )
    until(lambda: status_of(supervisor).state == "exited", "it is ended")
    assert "did not answer within 0.1 s" in status_of(supervisor).reason


def test_wait_for_ended_process_shows_its_log(bench: Bench) -> None:
    supervisor = bench.supervisor()
    supervisor.start(replace(bench.spec("raise SystemExit('no model')"), restart="never"))
    until(lambda: status_of(supervisor).state == "exited", "it ends")
    with pytest.raises(SupervisorError, match=r"group/one is exited.*\n.*no model"):
        supervisor.wait_healthy("group/one")


def test_wait_for_a_process_that_ends_again_and_again_shows_its_log(bench: Bench) -> None:
    supervisor = bench.supervisor()
    program = "raise SystemExit('no model')"
    supervisor.start(replace(bench.spec(program), health_url="http://127.0.0.1:9/"))
    with pytest.raises(SupervisorError, match=r"exited with code 1.*\n.*no model"):
        supervisor.wait_healthy("group/one")
    assert status_of(supervisor).failed_starts == 2


def test_forgotten_process_is_unknown(bench: Bench) -> None:
    supervisor = bench.supervisor()
    supervisor.start(bench.spec())
    process = psutil.Process(pid_of(supervisor))
    supervisor.forget("group/one")
    assert supervisor.names() == ()
    assert not lives(process)
