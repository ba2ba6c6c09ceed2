"""Start the language host: `pulumi-language-python [options] ENGINE_ADDRESS`.

Prints its port as the first line, as the engine expects, and serves until SIGINT, SIGTERM or the
engine's end. Options that the engine passes on (logging, tracing) are accepted and have no effect.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from concurrent import futures
from pathlib import Path
from types import FrameType

os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
sys.path[0] = str(Path(__file__).resolve().parents[2])

import grpc  # noqa: E402
from pulumi.runtime.proto import language_pb2_grpc  # noqa: E402

from tools.language_host.processes import Children, watch_parent  # noqa: E402
from tools.language_host.server import LanguageHost  # noqa: E402

_MAX_MESSAGE_BYTES = 400 * 1024 * 1024  # the SDK's own limit, pulumi/runtime/_grpc_settings.py
_WORKERS = 64  # each running program or plugin holds one


def main(arguments: list[str]) -> int:
    """Serve one engine until it is done."""
    parent_pid = os.getppid()
    addresses = [argument for argument in arguments if not argument.startswith("-")]
    engine_address = addresses[-1] if addresses else ""
    children = Children()
    stopping = threading.Event()

    def on_signal(_signum: int, _frame: FrameType | None) -> None:
        stopping.set()

    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, on_signal)

    def on_engine_death() -> None:
        children.kill_all()
        os._exit(1)

    watch_parent(on_engine_death, parent_pid)

    server = grpc.server(
        futures.ThreadPoolExecutor(max_workers=_WORKERS),
        options=[
            ("grpc.max_receive_message_length", _MAX_MESSAGE_BYTES),
            ("grpc.max_send_message_length", _MAX_MESSAGE_BYTES),
            ("grpc.so_reuseport", 0),
        ],
    )
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(
        LanguageHost(engine_address, children), server
    )
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    stopping.wait()
    children.close()
    server.stop(grace=1).wait()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
