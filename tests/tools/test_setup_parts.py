"""The parts of the set-up that need neither the network nor the engine."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tools import cli, environment, plugins, prerequisites, virtualenv
from tools.errors import MissingError, StackError, StepError
from tools.paths import Paths
from tools.progress import StepContext
from tools.setup import only_one


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    checkout = tmp_path / "it's a checkout"
    checkout.mkdir()
    return Paths(checkout=checkout, cache=tmp_path / "cache")


def _fake(folder: Path, name: str, script: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return program


def _cli(tmp_path: Path, *, brings_host: bool = True) -> cli.Cli:
    return cli.Cli(path=tmp_path / "cli" / "pulumi", version=(3, 259, 0), brings_host=brings_host)


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("v3.259.0\n", (3, 259, 0)),
        ("3.250.1-alpha.2+abc", (3, 250, 1)),
        ("pulumi", None),
        ("", None),
    ],
)
def test_the_versions_that_the_cli_prints_are_parsed(
    text: str, version: tuple[int, ...] | None
) -> None:
    assert prerequisites.version_of(["echo", text], cli.PRINTED) == version


def test_the_users_own_cli_is_used_when_it_is_new_enough(paths: Paths, tmp_path: Path) -> None:
    own = _fake(tmp_path / "bin", "pulumi", "echo v3.245.0")
    _fake(cli.cached_path(paths).parent, "pulumi", "echo v3.259.0")
    found = cli.find(paths, {"PATH": str(tmp_path / "bin")})
    assert found is not None
    assert found.path == own


def test_the_cached_cli_is_preferred_to_an_old_one_on_path(paths: Paths, tmp_path: Path) -> None:
    _fake(tmp_path / "bin", "pulumi", "echo v3.244.9")
    cached = _fake(cli.cached_path(paths).parent, "pulumi", "echo v3.259.0")
    found = cli.find(paths, {"PATH": str(tmp_path / "bin")})
    assert found is not None
    assert found.path == cached


def test_a_cli_that_does_not_run_is_not_found(paths: Paths, tmp_path: Path) -> None:
    _fake(tmp_path / "bin", "pulumi", "exit 1")
    assert cli.find(paths, {"PATH": str(tmp_path / "bin")}) is None


def test_a_missing_cli_is_reported_with_three_ways_to_get_it(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(cli, "_INSTALLER", "http://127.0.0.1:9/")
    with pytest.raises(MissingError, match=r"on PATH.*installer.*Go 1\.21"):
        cli.provide(paths, StepContext("pulumi", tmp_path / "pulumi.log"))


def test_the_host_launcher_uses_the_checkout_of_its_working_directory(tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    host = checkout / "tools" / "language_host" / "__main__.py"
    host.parent.mkdir(parents=True)
    host.write_text("")
    _fake(checkout / ".venv" / "bin", "python", 'echo "$@"')
    (checkout / "infra").mkdir()
    elsewhere = Paths(checkout=tmp_path / "elsewhere", cache=tmp_path / "cache")
    launcher = cli.write_host(tmp_path / "bin", elsewhere)
    done = subprocess.run(
        [str(launcher), "127.0.0.1:1"],
        cwd=checkout / "infra",
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == [str(host), "127.0.0.1:1"]


def test_an_official_host_beside_the_cli_is_kept(paths: Paths, tmp_path: Path) -> None:
    official = tmp_path / "bin" / cli.HOST_NAME
    official.parent.mkdir()
    official.write_bytes(b"\x7fELF")
    cli.write_host(official.parent, paths, only_if_built=True)
    assert official.read_bytes() == b"\x7fELF"


def test_the_env_file_sets_up_a_shell_without_a_secret(paths: Paths, tmp_path: Path) -> None:
    paths.home.mkdir(parents=True)
    paths.passphrase.write_text("not to be seen")
    environment.write_env_file(paths, _cli(tmp_path))
    assert "not to be seen" not in paths.env_file.read_text()
    script = 'set -eu; . "$1"; echo "$PULUMI_BACKEND_URL"; echo "$PATH"; echo "$PULUMI_HOME"'
    done = subprocess.run(
        ["sh", "-c", script, "sh", str(paths.env_file)],
        env={"PATH": "/usr/bin:/bin", "PULUMI_CONFIG_PASSPHRASE": "another"},
        capture_output=True,
        text=True,
        check=True,
    )
    backend, path, home = done.stdout.splitlines()
    assert backend == paths.backend_url
    assert path == f"{tmp_path / 'cli'}:{paths.venv / 'bin'}:/usr/bin:/bin"
    assert home == str(paths.pulumi_home)


def test_a_cloud_stack_keeps_the_users_pulumi_settings(paths: Paths, tmp_path: Path) -> None:
    base = {"PATH": "/bin", "PULUMI_BACKEND_URL": "oss://mine", "PULUMI_CONFIG_PASSPHRASE": "own"}
    found = environment.command_environment(paths, "dev", _cli(tmp_path), base)
    assert found["PULUMI_BACKEND_URL"] == "oss://mine"
    assert found["PULUMI_CONFIG_PASSPHRASE"] == "own"
    assert "PULUMI_HOME" not in found
    assert "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION" not in found


def test_exports_of_a_cloud_stack_keep_the_shells_sign_in(paths: Paths, tmp_path: Path) -> None:
    script = 'set -eu; eval "$1"; echo "$PATH"; echo "$PULUMI_BACKEND_URL"'
    text = environment.exports(paths, "dev", _cli(tmp_path))
    done = subprocess.run(
        ["sh", "-c", script, "sh", text],
        env={"PATH": "/usr/bin:/bin", "PULUMI_BACKEND_URL": "s3://mine"},
        capture_output=True,
        text=True,
        check=True,
    )
    path, backend = done.stdout.splitlines()
    assert path == f"{tmp_path / 'cli'}:{paths.venv / 'bin'}:/usr/bin:/bin"
    assert backend == "s3://mine"
    assert "PASSPHRASE" not in text


def test_a_cli_without_a_host_gets_our_host_on_its_path(paths: Paths, tmp_path: Path) -> None:
    first = environment.path_entries(paths, _cli(tmp_path, brings_host=False))[0]
    assert os.access(Path(first) / cli.HOST_NAME, os.X_OK)


def test_a_local_stack_gets_the_host_as_a_plugin_and_not_from_path(
    paths: Paths, tmp_path: Path
) -> None:
    found = _cli(tmp_path, brings_host=False)
    variables = environment.command_environment(paths, "local", found, {"PATH": "/bin"})
    assert variables["PULUMI_IGNORE_AMBIENT_PLUGINS"] == "true"
    plugin = paths.pulumi_home / "plugins" / "language-python-v3.259.0" / cli.HOST_NAME
    assert os.access(plugin, os.X_OK)
    assert variables["PATH"].split(os.pathsep)[0] == str(found.path.parent)


def test_a_plugins_launcher_runs_its_module_from_the_checkout(paths: Paths) -> None:
    _fake(paths.venv / "bin", "python", 'echo "$PYTHONPATH" "$@"')
    text = plugins.launcher(plugins.ALICLOUD, paths)
    done = subprocess.run(
        ["sh", "-c", text, "sh", "127.0.0.1:1"], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == f"{paths.checkout} -P -m localcloud.alicloud 127.0.0.1:1"


def test_a_plugin_is_installed_again_only_when_its_launcher_changes(
    paths: Paths, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    installed = plugins.installed_path(plugins.CUSTOMRAG, home)
    copy = (
        f'mkdir -p "{installed.parent}"; echo run >> "{tmp_path}/runs"; '
        f'cp "$7"/* "{installed.parent}"'
    )
    pulumi = _fake(tmp_path, "pulumi", copy)
    context = StepContext("plugins", tmp_path / "plugins.log")

    def provide() -> str:
        return plugins.provide(
            plugins.CUSTOMRAG,
            paths,
            context,
            pulumi=pulumi,
            pulumi_home=home,
            environment=dict(os.environ),
        )

    assert provide() == "installed customrag 0.1.0"
    assert provide() == ""
    installed.write_text("of another checkout")
    assert provide() != ""
    assert (tmp_path / "runs").read_text().split() == ["run", "run"]
    assert installed.stat().st_mode & stat.S_IXUSR


def test_the_environment_is_stale_when_the_lock_changes(paths: Paths) -> None:
    paths.lock_file.write_text("a==1\n")
    _fake(paths.venv / "bin", "python", "exit 0")
    (paths.venv / ".customrag-installed").write_text(virtualenv.stamp_text(paths.lock_file))
    assert virtualenv.is_installed(paths)
    paths.lock_file.write_text("a==2\n")
    assert not virtualenv.is_installed(paths)


def test_only_one_command_at_a_time_changes_a_checkout(paths: Paths) -> None:
    with only_one(paths):
        code = (
            "import sys; from pathlib import Path; from tools.paths import Paths; "
            "from tools.setup import only_one\n"
            "with only_one(Paths(checkout=Path(sys.argv[1]), cache=Path(sys.argv[1]))): pass"
        )
        root = Path(__file__).resolve().parents[2]
        done = subprocess.run(
            [sys.executable, "-c", code, str(paths.checkout)],
            cwd=root,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode != 0
    assert StackError.__name__ in done.stderr
    assert f"process {os.getpid()}" in done.stderr
    with only_one(paths):
        pass


def test_java_home_comes_before_path(tmp_path: Path) -> None:
    _fake(tmp_path / "jdk" / "bin", "java", "echo 'openjdk version \"21.0.2\"' >&2")
    assert prerequisites.java_major({"JAVA_HOME": str(tmp_path / "jdk")}) == 21


def test_old_java_is_missing_java(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _fake(tmp_path / "bin", "java", "echo 'openjdk version \"11.0.1\"' >&2")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    missing = prerequisites.find_missing(venv=tmp_path, needs_maven=True)
    assert [item.what for item in missing] == ["Java 17 or newer", "Maven"]
    assert prerequisites.find_missing(venv=tmp_path, needs_maven=False)[0].apt[0].startswith("open")


def test_missing_programs_are_reported_with_one_command_that_installs_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _fake(tmp_path / "bin", "apt-get", "exit 0")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    missing = prerequisites.find_missing(venv=tmp_path, needs_maven=True)
    assert not prerequisites.can_install()
    message = str(prerequisites.report(missing))
    assert "Java 17 or newer, for Elasticsearch" in message
    assert message.splitlines()[-1].strip() == (
        "sudo apt-get update && sudo apt-get install -y --no-install-recommends "
        "openjdk-17-jre-headless maven"
    )


def test_root_installs_the_packages_that_apt_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _fake(tmp_path / "bin", "apt-get", f'echo "$@" >> "{tmp_path}/calls"')
    _fake(tmp_path / "bin", "apt-cache", 'case "$3" in openjdk-17*) exit 100;; esac')
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/bin:/usr/bin")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    java = prerequisites.Missing(
        what="Java", why="x", apt=("openjdk-17-jre-headless", "openjdk-21-jre-headless")
    )
    assert prerequisites.can_install()
    note = prerequisites.install([java], StepContext("machine", tmp_path / "machine.log"))
    assert note == "installed openjdk-21-jre-headless"
    calls = (tmp_path / "calls").read_text().splitlines()
    assert calls == ["update", "install -y --no-install-recommends openjdk-21-jre-headless"]


def test_a_failing_apt_fails_the_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _fake(tmp_path / "bin", "apt-get", "echo no network >&2; exit 100")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/bin:/usr/bin")
    with pytest.raises(StepError, match="no network"):
        prerequisites.install([], StepContext("this machine", tmp_path / "machine.log"))


def test_a_system_other_than_linux_is_refused_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match=r"Darwin.*127\.0\.0\.0/8"):
        prerequisites.check_machine(venv=tmp_path, program="Darwin")


def test_a_full_disk_is_reported_before_an_installation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prerequisites, "VENV_GIB", 10.0**9)
    with pytest.raises(MissingError, match="GiB free"):
        prerequisites.check_machine(venv=tmp_path / ".venv")
