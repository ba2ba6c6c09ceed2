"""The `LanguageRuntime` service.

Owns the translation between the engine's requests and the child processes. Does not own what a
child does (`child`) or how it is kept (`processes`).

Semantics as in the SDK's own host and in the engine's client of it
(`sdk/go/common/resource/plugin/langruntime_plugin.go` of 3.259.0): an empty error with `bail` means
that the program has already shown the error.
"""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

import grpc
from google.protobuf import empty_pb2, json_format
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2

from tools.language_host.child import ASKED_TO_STOP, FAILED_AND_SHOWN
from tools.language_host.interpreter import InterpreterError, inspect, resolve_python
from tools.language_host.processes import Children, output_of

ANALYZER = "analyzer"
_POLICY_MODULE = "pulumi.policy"


def _python(info: language_pb2.ProgramInfo) -> Path:
    options: Mapping[str, object] = json_format.MessageToDict(info.options)
    return resolve_python(Path(info.root_directory), options)


class LanguageHost(language_pb2_grpc.LanguageRuntimeServicer):
    """Runs Python programs and plugins for one engine."""

    def __init__(self, engine_address: str, children: Children) -> None:
        self._engine_address = engine_address
        self._children = children

    def Handshake(  # noqa: N802
        self, request: language_pb2.LanguageHandshakeRequest, context: grpc.ServicerContext
    ) -> language_pb2.LanguageHandshakeResponse:
        """Store the engine's address, which an attached host does not get at its start."""
        self._engine_address = request.engine_address or self._engine_address
        return language_pb2.LanguageHandshakeResponse()

    def GetPluginInfo(  # noqa: N802
        self, request: empty_pb2.Empty, context: grpc.ServicerContext
    ) -> plugin_pb2.PluginInfo:
        """Return no version, because the host is a part of the checkout and has no releases."""
        return plugin_pb2.PluginInfo()

    def GetRequiredPackages(  # noqa: N802
        self, request: language_pb2.GetRequiredPackagesRequest, context: grpc.ServicerContext
    ) -> language_pb2.GetRequiredPackagesResponse:
        """Return no plugins: set-up installs them, and a program names their versions.

        The packages' own metadata would make the engine fetch the cloud's plugin for a local stack.
        """
        return language_pb2.GetRequiredPackagesResponse()

    def Run(  # noqa: N802
        self, request: language_pb2.RunRequest, context: grpc.ServicerContext
    ) -> language_pb2.RunResponse:
        """Run a program to its end."""
        try:
            python = _python(request.info)
            process = self._children.start(
                python,
                self._program_order(request),
                cwd=request.pwd or request.info.root_directory,
                is_program=True,
            )
        except (InterpreterError, OSError, RuntimeError) as error:
            return language_pb2.RunResponse(error=str(error))
        context.add_callback(partial(self._children.stop, process))
        code = self._children.wait(process)
        if code in (0, ASKED_TO_STOP):
            return language_pb2.RunResponse(bail=code == ASKED_TO_STOP)
        if code == FAILED_AND_SHOWN:
            return language_pb2.RunResponse(bail=True)
        if code < 0:
            return language_pb2.RunResponse(error=f"the program was killed by signal {-code}")
        return language_pb2.RunResponse(error=f"the program ended with exit code {code}")

    def _program_order(self, request: language_pb2.RunRequest) -> dict[str, object]:
        return {
            "mode": "program",
            "project": request.project,
            "stack": request.stack,
            "organization": request.organization or "organization",
            "monitor_address": request.monitor_address,
            "engine_address": self._engine_address,
            "dry_run": request.dryRun,
            "parallel": request.parallel,
            "config": dict(request.config),
            "config_secret_keys": list(request.configSecretKeys),
            "root_directory": request.info.root_directory,
            "program": str(Path(request.info.program_directory) / request.info.entry_point),
            "args": list(request.args),
        }

    def RunPlugin(  # noqa: N802
        self, request: language_pb2.RunPluginRequest, context: grpc.ServicerContext
    ) -> Iterator[language_pb2.RunPluginResponse]:
        """Run a policy pack or a plugin, and stream its output and exit code."""
        directory = request.info.program_directory
        analyzer = request.kind == ANALYZER
        order = {
            "mode": "plugin",
            "module": _POLICY_MODULE if analyzer else "",
            "target": directory,
            "args": [*request.args, *([directory] if analyzer else [])],
        }
        try:
            process = self._children.start(
                _python(request.info),
                order,
                cwd=request.pwd or directory,
                env=dict(entry.split("=", 1) for entry in request.env if "=" in entry) or None,
                is_program=False,
            )
        except (InterpreterError, OSError, RuntimeError) as error:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))
        # The engine ends a plugin by cancelling this call.
        context.add_callback(partial(self._children.stop, process))
        for name, chunk in output_of(process):
            if name == "stdout":
                yield language_pb2.RunPluginResponse(stdout=chunk)
            else:
                yield language_pb2.RunPluginResponse(stderr=chunk)
        yield language_pb2.RunPluginResponse(exitcode=self._children.wait(process))

    def InstallDependencies(  # noqa: N802
        self, request: language_pb2.InstallDependenciesRequest, context: grpc.ServicerContext
    ) -> Iterator[language_pb2.InstallDependenciesResponse]:
        """Install nothing, and name the command that does."""
        yield language_pb2.InstallDependenciesResponse(
            stdout=b"Nothing installed here: `make setup` installs the pinned dependencies.\n"
        )

    def About(  # noqa: N802
        self, request: language_pb2.AboutRequest, context: grpc.ServicerContext
    ) -> language_pb2.AboutResponse:
        """Return the interpreter of the program."""
        try:
            python = _python(request.info)
            version = inspect(python).version
        except InterpreterError as error:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))
        return language_pb2.AboutResponse(
            executable=str(python),
            version=version,
            metadata={"host": f"customrag, on Python {platform.python_version()}"},
        )

    def GetProgramDependencies(  # noqa: N802
        self, request: language_pb2.GetProgramDependenciesRequest, context: grpc.ServicerContext
    ) -> language_pb2.GetProgramDependenciesResponse:
        """List the packages of the program's interpreter."""
        try:
            packages = inspect(_python(request.info)).packages
        except InterpreterError as error:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))
        return language_pb2.GetProgramDependenciesResponse(
            dependencies=[
                language_pb2.DependencyInfo(name=name, version=version)
                for name, version in packages
            ]
        )

    def Cancel(  # noqa: N802
        self, request: empty_pb2.Empty, context: grpc.ServicerContext
    ) -> empty_pb2.Empty:
        """Ask the running programs to end, because the user pressed Ctrl-C."""
        self._children.stop_programs()
        return empty_pb2.Empty()
