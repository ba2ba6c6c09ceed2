"""The daemon as a process: start, adopt, status, stop.

Runs only VPC and OSS; the end-to-end test starts the whole cloud.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest

import localcloud
from localcloud import control
from localcloud.__main__ import _is_named
from localcloud.core.errors import LocalCloudError
from localcloud.core.home import init_home, is_free, load_platform
from tests.localcloud.running import lives, until

SERVICES = ("vpc", "oss")
CODE = Path(localcloud.__file__).parent


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    init_home(tmp_path)
    yield tmp_path
    control.stop(tmp_path)


def command(home: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "localcloud", *arguments, "--home", str(home)]


def run(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(home, *arguments), capture_output=True, text=True, check=False)


def row(home: Path, name: str) -> dict[str, Any]:
    return next(item for item in control.status(home) if item["name"] == name)


def test_concurrent_starts_start_one_daemon(home: Path) -> None:
    starts = [
        subprocess.Popen(command(home, "start", "--services", "vpc"), stdout=subprocess.PIPE)
        for _ in range(3)
    ]
    outputs = sorted(start.communicate()[0].decode().splitlines()[-1] for start in starts)
    assert outputs == [
        "the local cloud is already running",
        "the local cloud is already running",
        "the local cloud is running",
    ]


def test_a_second_daemon_is_refused(home: Path) -> None:
    control.start(home, ("vpc",))
    done = run(home, "serve", "--services", "vpc")
    assert (done.returncode, "is already running" in done.stderr) == (1, True)


def test_next_daemon_adopts_services_of_a_killed_daemon(home: Path) -> None:
    control.start(home, SERVICES)
    oss, daemon = row(home, "oss")["pid"], psutil.Process(row(home, "daemon")["pid"])
    daemon.kill()
    until(lambda: not lives(daemon), "the daemon is dead")
    assert lives(psutil.Process(oss))
    assert control.start(home, SERVICES)
    assert row(home, "oss")["pid"] == oss
    assert row(home, "oss")["restarts"] == 0


def test_daemon_with_other_code_is_replaced_with_its_services(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    control.start(home, SERVICES)
    oss, daemon = (psutil.Process(row(home, name)["pid"]) for name in ("oss", "daemon"))
    assert not control.start(home, SERVICES)
    # Services find the packages beside the local cloud's own, as in a checkout.
    shutil.copytree(CODE.parent / "provider_facts", home / "other" / "provider_facts")
    package = shutil.copytree(CODE, home / "other" / "localcloud")
    (package / "__init__.py").write_text("# Other code.\n")
    monkeypatch.setenv("PYTHONPATH", f"{home / 'other'}{os.pathsep}{CODE.parent}")
    named = ("--home", str(home), "--services", ",".join(SERVICES))
    done = subprocess.run(
        [sys.executable, "-P", "-m", "localcloud", "start", *named],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "the local cloud is running"
    assert not lives(daemon)
    assert not lives(oss)
    assert row(home, "oss")["state"] == "running"


def test_killed_service_restarts(home: Path) -> None:
    control.start(home, SERVICES)
    first = row(home, "oss")["pid"]
    os.kill(first, signal.SIGKILL)
    until(lambda: row(home, "oss")["restarts"] == 1, "the restart is reported")
    until(lambda: row(home, "oss")["state"] == "running", "it runs again")
    assert row(home, "oss")["pid"] != first


def test_stop_leaves_no_process_and_no_port(home: Path) -> None:
    control.start(home, SERVICES)
    running = [psutil.Process(item["pid"]) for item in control.status(home)]
    addresses = [item["address"].split(":") for item in control.status(home)]
    assert len(running) == 2
    done = run(home, "stop")
    assert done.stdout.strip() == "the local cloud is stopped"
    assert not any(lives(process) for process in running)
    assert all(is_free(host, int(port)) for host, port in addresses)


def test_stop_ends_services_of_a_killed_daemon(home: Path) -> None:
    control.start(home, SERVICES)
    oss, daemon = (psutil.Process(row(home, name)["pid"]) for name in ("oss", "daemon"))
    daemon.kill()
    until(lambda: not lives(daemon), "the daemon is dead")
    control.stop(home)
    assert not lives(oss)


def test_sigterm_stops_daemon_and_services(home: Path) -> None:
    control.start(home, SERVICES)
    oss, daemon = (psutil.Process(row(home, name)["pid"]) for name in ("oss", "daemon"))
    daemon.terminate()
    until(lambda: not lives(daemon), "the daemon ends")
    assert not lives(oss)


def test_stop_without_daemon_is_success(home: Path) -> None:
    assert run(home, "stop").returncode == 0


def test_status_prints_a_table(home: Path) -> None:
    control.start(home, SERVICES)
    lines = run(home, "status").stdout.splitlines()
    assert lines[0].split() == ["name", "state", "pid", "address", "restarts", "reason"]
    assert [line.split()[:2] for line in lines[1:]] == [["daemon", "running"], ["oss", "running"]]


def test_logs_of_unknown_process_lists_known_processes(home: Path) -> None:
    done = run(home, "logs", "nothing")
    assert done.returncode == 1
    assert done.stderr == "error: there is no process 'nothing'; give one of daemon\n"


def test_missing_home_error_says_how_to_create_it(tmp_path: Path) -> None:
    done = run(tmp_path / "nowhere", "status")
    assert done.returncode == 1
    assert "python -m localcloud init --home" in done.stderr


def test_failed_start_shows_the_daemon_log(home: Path) -> None:
    with pytest.raises(LocalCloudError, match="No module named 'localcloud\\.nothing'"):
        control.start(home, ("nothing",))


def test_service_that_cannot_start_is_reported_with_its_log(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "_FIRST_REPORT_SECONDS", 0.0)
    address = urlsplit(load_platform(home).endpoints["oss"])
    lines: list[str] = []
    with (
        socket.create_server((address.hostname or "", address.port or 0)),
        pytest.raises(LocalCloudError, match=r"oss is \w+: exited .*\n(.*\n)*.*in use"),
    ):
        control.start(home, SERVICES, report=lines.append)
    assert any(line.startswith("  … waiting for oss, ") for line in lines)


def test_everything_binds_to_loopback(home: Path) -> None:
    control.start(home, SERVICES)
    hosts = set()
    for item in control.status(home):
        for process in (psutil.Process(item["pid"]),):
            listening = [c for c in process.net_connections("inet") if c.status == "LISTEN"]
            assert listening, item["name"]
            hosts |= {connection.laddr.ip.split(".")[0] for connection in listening}
    assert hosts == {"127"}


def test_the_health_route_names_the_home(home: Path) -> None:
    control.start(home, ("vpc",))
    address = row(home, "daemon")["address"]
    with urllib.request.urlopen(f"http://{address}/_local/health", timeout=10) as response:
        assert str(home) in response.read().decode()


@pytest.mark.parametrize("name", ["ecs/i-1/customrag-chat", "customrag-chat", "chat", "i-1"])
def test_process_is_found_by_part_of_its_name(name: str) -> None:
    assert _is_named("ecs/i-1/customrag-chat", name)
    assert not _is_named("ecs/i-2/customrag-embedding", name)
