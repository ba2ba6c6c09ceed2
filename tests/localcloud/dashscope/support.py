"""An endpoint for the tests, and a fake model."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence

import uvicorn

from localcloud.dashscope.generation import Generator, Message, Piece, Sampling
from localcloud.dashscope.server import application
from localcloud.dashscope.worker import Worker

API_KEY = "sk-test"
MODEL = "smollm2-135m-instruct"
DEADLINE_SECONDS = 120.0


class FakeGenerator:
    """Says its words one by one; waits before word `hold_before` while `go_on` is clear."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Restore the initial state."""
        self.words: Sequence[str] = ("Hello", " there", ".")
        self.asked: list[tuple[tuple[Message, ...], str, Sampling]] = []
        self.hold_before = 1
        self.go_on = threading.Event()
        self.go_on.set()
        self.said = 0
        self.cancelled = threading.Event()
        self.raises: Exception | None = None

    def generate(
        self,
        messages: Sequence[Message],
        prefix: str,
        sampling: Sampling,
        cancelled: threading.Event,
    ) -> Iterator[Piece]:
        self.asked.append((tuple(messages), prefix, sampling))
        if self.raises is not None:
            raise self.raises
        for number, word in enumerate(self.words, start=1):
            while number >= self.hold_before and not self.go_on.wait(0.01):
                if cancelled.is_set():
                    break
            if cancelled.is_set():
                self.cancelled.set()
                return
            self.said = number
            yield self._piece(word, number)
        yield Piece(
            text="",
            prompt_tokens=7,
            cached_tokens=2,
            completion_tokens=len(self.words),
            finish_reason="stop",
        )

    def _piece(self, text: str, number: int) -> Piece:
        return Piece(text=text, prompt_tokens=7, cached_tokens=2, completion_tokens=number)


@contextlib.contextmanager
def serving(load: Callable[[], Generator], queue_length: int = 2) -> Iterator[str]:
    """Serve the endpoint in a thread and yield its base URL."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    app = application(API_KEY, {MODEL: Worker(load, queue_length)})
    config = uvicorn.Config(
        app, host="127.0.0.1", port=port, log_level="warning", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until(lambda: server.started)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


def until(condition: Callable[[], object]) -> None:
    """Wait until `condition` holds; fail after the deadline."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)
