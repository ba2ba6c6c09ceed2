"""The language host under the real engine: programs, plugins, policies, Ctrl-C and kill -9.

It cannot prove anything about an official CLI, which has its own host.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest

from tests.tools.engine import (
    SLOW_PROGRAM,
    Project,
    descendants,
    end,
    is_running,
    wait_until,
)

pytestmark = pytest.mark.engine

PROGRAM = """
import sys
import pulumi
from helper import GREETING

config = pulumi.Config()


class Box(pulumi.ComponentResource):
    def __init__(self, name, opts=None):
        super().__init__("scratch:index:Box", name, None, opts)
        self.register_outputs({})


async def announce(args):
    pulumi.log.info(f"the hook saw {args.name}")


hook = pulumi.ResourceHook("announce", announce)
Box("box", pulumi.ResourceOptions(hooks=pulumi.ResourceHookBinding(after_create=[hook])))
pulumi.export("greeting", GREETING)
pulumi.export("size", config.require_int("size"))
pulumi.export("secret", config.require_secret("password"))
pulumi.export("stack", f"{pulumi.get_project()}/{pulumi.get_stack()}")
pulumi.export("root", pulumi.runtime.get_root_directory())
pulumi.export("prefix", sys.prefix)
"""

SETTINGS = "config:\n  scratch:size:\n    type: integer\n    default: 3\n"


def test_a_program_gets_config_secrets_names_and_its_interpreter(project: Project) -> None:
    project.write(PROGRAM, settings=SETTINGS)
    (project.folder / "infra" / "helper.py").write_text("GREETING = 'from beside the program'\n")
    project.succeed("stack", "init", "local")
    project.succeed("config", "set", "--secret", "password", "not to be seen")
    shown = project.succeed("up", "--yes", "--skip-preview")
    assert "the hook saw box" in shown
    assert "not to be seen" not in shown
    outputs = project.outputs()
    assert outputs["greeting"] == "from beside the program"
    assert outputs["size"] == 3
    assert outputs["secret"] == "[secret]"
    assert outputs["stack"] == "scratch/local"
    assert outputs["root"] == str(project.folder)
    assert outputs["prefix"] == sys.prefix
    project.succeed("preview", "--expect-no-changes")
    project.succeed("destroy", "--yes", "--skip-preview")


def test_a_traceback_shows_the_program_and_not_the_host(project: Project) -> None:
    project.write("import pulumi\n\ndef deep():\n    raise ValueError('no such thing')\n\ndeep()\n")
    project.succeed("stack", "init", "local")
    failed = project.run("up", "--yes", "--skip-preview")
    assert failed.returncode != 0
    assert "ValueError: no such thing" in failed.stdout
    assert f"{project.folder}/infra/__main__.py" in failed.stdout.replace("/./", "/")
    assert "runpy" not in failed.stdout
    assert "language_host" not in failed.stdout


def test_a_run_error_is_shown_without_a_traceback(project: Project) -> None:
    project.write("import pulumi\nraise pulumi.RunError('size must be 1 to 3; it is 9')\n")
    project.succeed("stack", "init", "local")
    failed = project.run("up", "--yes", "--skip-preview")
    assert failed.returncode != 0
    assert "size must be 1 to 3; it is 9" in failed.stdout
    assert "Traceback" not in failed.stdout
    assert "unhandled" not in failed.stdout


def test_a_killed_program_fails_the_update_with_the_name_of_the_signal(
    project: Project,
) -> None:
    project.write("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n")
    project.succeed("stack", "init", "local")
    failed = project.run("up", "--yes", "--skip-preview")
    assert failed.returncode != 0
    assert "killed by signal 9" in failed.stdout


def test_a_missing_virtualenv_is_named(project: Project) -> None:
    project.write("")
    file = project.folder / "Pulumi.yaml"
    file.write_text("name: scratch\nruntime: {name: python, options: {virtualenv: nowhere}}\n")
    (project.folder / "__main__.py").write_text("")
    project.succeed("stack", "init", "local")
    failed = project.run("up", "--yes", "--skip-preview")
    assert failed.returncode != 0
    assert "'nowhere'" in failed.stdout
    assert "make setup" in failed.stdout


def test_a_plugin_in_python_is_started_and_stopped(project: Project, tmp_path: Path) -> None:
    project.write(SLOW_PROGRAM, settings=project.write_plugin())
    project.succeed("stack", "init", "local")
    process = project.begin_slow_update(tmp_path)
    try:
        plugin = int((tmp_path / "creating").read_text())
        (tmp_path / "release").touch()
        shown = process.communicate(timeout=60)[0]
        assert process.returncode == 0, shown
        assert project.outputs()["thing"] == "thing"
        wait_until(lambda: not is_running(plugin), "the plugin ended with the engine")
    finally:
        end(process)


def test_ctrl_c_cancels_the_create_in_progress_and_leaves_nothing_running(
    project: Project, tmp_path: Path
) -> None:
    project.write(SLOW_PROGRAM, settings=project.write_plugin())
    project.succeed("stack", "init", "local")
    process = project.begin_slow_update(tmp_path)
    try:
        started = descendants(process.pid)
        process.send_signal(signal.SIGINT)
        shown = process.communicate(timeout=60)[0]
        assert process.returncode != 0
        assert "the create was cancelled" in shown
        assert "KeyboardInterrupt" not in shown
        wait_until(lambda: not any(map(is_running, started)), "everything ended")
        # The stack is not left locked.
        (tmp_path / "release").touch()
        project.succeed("up", "--yes", "--skip-preview")
    finally:
        end(process)


def test_ctrl_c_ends_a_program_that_hangs(project: Project, tmp_path: Path) -> None:
    project.write(
        "import time, pulumi\nfrom pathlib import Path\n"
        "Path(pulumi.Config().require('folder'), 'creating').write_text('1')\n"
        "time.sleep(3600)\n"
    )
    project.succeed("stack", "init", "local")
    process = project.begin_slow_update(tmp_path)
    try:
        process.send_signal(signal.SIGINT)
        shown = process.communicate(timeout=30)[0]
        assert process.returncode != 0
        assert "cancel" in shown
        assert "Traceback" not in shown
    finally:
        end(process)


def test_kill_9_of_the_engine_leaves_no_host_program_or_plugin(
    project: Project, tmp_path: Path
) -> None:
    project.write(SLOW_PROGRAM, settings=project.write_plugin())
    project.succeed("stack", "init", "local")
    process = project.begin_slow_update(tmp_path)
    try:
        started = descendants(process.pid)
        assert len(started) >= 3, "host, program and plugin"
        process.kill()
        process.communicate(timeout=30)
        wait_until(lambda: not any(map(is_running, started)), "everything ended with the engine")
    finally:
        end(process)


POLICY = '''
"""A policy pack on the bare protocol: it refuses every resource named `forbidden`."""

import sys
from concurrent import futures

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc, plugin_pb2


class Pack(analyzer_pb2_grpc.AnalyzerServicer):
    def Handshake(self, request, context):
        return analyzer_pb2.AnalyzerHandshakeResponse()

    def GetAnalyzerInfo(self, request, context):
        return analyzer_pb2.AnalyzerInfo(name="pack", version="1.0.0", supportsConfig=False)

    def GetPluginInfo(self, request, context):
        return plugin_pb2.PluginInfo(version="1.0.0")

    def ConfigureStack(self, request, context):
        return analyzer_pb2.AnalyzerStackConfigureResponse()

    def Configure(self, request, context):
        return empty_pb2.Empty()

    def Analyze(self, request, context):
        if request.name != "forbidden":
            return analyzer_pb2.AnalyzeResponse()
        return analyzer_pb2.AnalyzeResponse(diagnostics=[analyzer_pb2.AnalyzeDiagnostic(
            policyName="names", policyPackName="pack", policyPackVersion="1.0.0",
            message="that name is forbidden", urn=request.urn,
            enforcementLevel=analyzer_pb2.MANDATORY)])

    def AnalyzeStack(self, request, context):
        return analyzer_pb2.AnalyzeResponse()

    def Remediate(self, request, context):
        return analyzer_pb2.RemediateResponse()


server = grpc.server(futures.ThreadPoolExecutor())
analyzer_pb2_grpc.add_AnalyzerServicer_to_server(Pack(), server)
print(server.add_insecure_port("127.0.0.1:0"), flush=True)
server.start()
server.wait_for_termination()
'''


def test_a_mandatory_policy_fails_the_preview(project: Project) -> None:
    project.write(
        "import pulumi\npulumi.ComponentResource('scratch:index:Box', 'forbidden', None, None)\n"
    )
    pack = project.folder / "pack"
    pack.mkdir()
    (pack / "PulumiPolicy.yaml").write_text("runtime: python\n")
    (pack / "__main__.py").write_text(POLICY)
    project.succeed("stack", "init", "local")
    project.succeed("preview")
    refused = project.run("preview", "--policy-pack", str(pack))
    assert refused.returncode != 0
    assert "that name is forbidden" in refused.stdout
