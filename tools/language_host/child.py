"""Runs inside the child: a Pulumi program, or a Python plugin.

Started by path with the project's interpreter, so it uses only the standard library and that
interpreter's Pulumi SDK. Its order is one line of JSON on standard input, which then stays open.
When the input ends, the host is gone, and the child ends as well.

Exit codes: 0 success; 32 failed and the reason was shown; 130 asked to stop; any other: failed.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import runpy
import signal
import sys
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from types import FrameType
from typing import Any, NoReturn

FAILED_AND_SHOWN = 32
"""The exit code that tells the host that the error was shown (the SDK's own number)."""
ASKED_TO_STOP = 130
HOST_GONE = 143


def _leave(code: int) -> NoReturn:
    sys.stdout.flush()
    sys.stderr.flush()
    # Threads blocked in calls to an engine that has gone would hold up an ordinary exit for ever.
    os._exit(code)


def _on_signal(_signum: int, _frame: FrameType | None) -> None:
    _leave(ASKED_TO_STOP)


def _read_order() -> dict[str, Any]:
    """Read the order, then watch the same pipe for the host's end."""
    pipe = os.dup(0)
    with os.fdopen(os.open(os.devnull, os.O_RDONLY), "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    stream = os.fdopen(pipe, "rb")
    line = stream.readline()
    if not line:
        os._exit(HOST_GONE)

    def watch() -> None:
        while stream.read(1):
            pass
        os._exit(HOST_GONE)

    threading.Thread(target=watch, name="watch-host", daemon=True).start()
    order: dict[str, Any] = json.loads(line)
    return order


def _program_error(error: BaseException, program: str, root_directory: str) -> str:
    """Return the error of a program, from the first frame of the project's own code."""
    if isinstance(error, ImportError) and "can't find '__main__' module in" in str(error):
        return f"there is no program, because {program} has no __main__.py"
    frames = traceback.extract_tb(error.__traceback__)
    own = os.path.join(root_directory, "")  # noqa: PTH118  the separator at the end is the point
    # A checkout may hold this very file, and its own virtual environment.
    others = (__file__, os.path.join(sys.prefix, ""))  # noqa: PTH118
    first = next(
        (
            index
            for index, frame in enumerate(frames)
            if frame.filename.startswith(own) and not frame.filename.startswith(others)
        ),
        0,
    )
    return "".join(
        [
            "Program failed with an unhandled exception:\n",
            "Traceback (most recent call last):\n",
            *traceback.format_list(frames[first:]),
            *traceback.format_exception_only(error),
        ]
    )


def run_program(order: dict[str, Any]) -> int:
    """Run the Pulumi program of an order and return the exit code."""
    try:
        import pulumi
        import pulumi.runtime
    except ImportError:
        traceback.print_exc()
        print(
            f"{sys.executable} has no Pulumi SDK; run `make setup`, or name the right virtualenv "
            "in Pulumi.yaml",
            file=sys.stderr,
        )
        return FAILED_AND_SHOWN

    pulumi.runtime.set_all_config(order["config"], order["config_secret_keys"])
    parallel = int(order["parallel"])
    pulumi.runtime.configure(
        pulumi.runtime.Settings(
            monitor=order["monitor_address"],
            engine=order["engine_address"],
            project=order["project"],
            stack=order["stack"],
            parallel=parallel,
            dry_run=order["dry_run"],
            organization=order["organization"],
            root_directory=order["root_directory"],
        )
    )
    program = order["program"]
    sys.argv = [program, *order["args"]]

    def run() -> None:
        runpy.run_path(program, run_name="__main__")

    # Resources that fail leave futures behind on purpose; asyncio would complain of each.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)

    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    executor = ThreadPoolExecutor(max_workers=max(parallel, 1) * 4)
    loop.set_default_executor(executor)
    try:
        loop.run_until_complete(pulumi.runtime.run_in_stack(run))
    except pulumi.RunError as error:
        pulumi.log.error(str(error))
        return FAILED_AND_SHOWN
    except Exception as error:  # noqa: BLE001  whatever a program raises is shown to its author
        pulumi.log.error(_program_error(error, program, order["root_directory"]))
        return FAILED_AND_SHOWN
    executor.shutdown(wait=True)
    loop.close()
    return 0


def run_plugin(order: dict[str, Any]) -> int:
    """Run a plugin's module or folder as `__main__` with the order's arguments."""
    target = order["target"]
    if order["module"]:
        sys.argv = [order["module"], *order["args"]]
        runpy.run_module(order["module"], run_name="__main__", alter_sys=True)
    else:
        sys.argv = [target, *order["args"]]
        runpy.run_path(target, run_name="__main__")
    return 0


def main() -> NoReturn:
    """Read the order, carry it out, and exit with its exit code."""
    signal.signal(signal.SIGINT, _on_signal)
    signal.signal(signal.SIGTERM, _on_signal)
    order = _read_order()
    # Started by path, Python put this file's folder first; a program's own comes from runpy.
    del sys.path[0]
    try:
        code = run_program(order) if order["mode"] == "program" else run_plugin(order)
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
        if leaving.code is not None and not isinstance(leaving.code, int):
            print(leaving.code, file=sys.stderr)
    except BaseException:  # noqa: BLE001  the exit code must say that it failed
        traceback.print_exc()
        code = 1
    _leave(code)


if __name__ == "__main__":
    main()
