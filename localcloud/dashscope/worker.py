"""A bounded queue in front of one generating thread.

Owns: loading the model in the background, the queue, and ending a generation when its reader
leaves. It does not know HTTP.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, Literal

from localcloud.dashscope.generation import Generator, Piece
from localcloud.dashscope.protocol import ApiError, ChatRequest

__all__ = ["Worker"]

_LOGGER: Final = logging.getLogger(__name__)


class Worker:
    """Answers requests one after another.

    Args:
        load: Loads the model; called once, in the generating thread.
        queue_length: How many requests may wait while another is answered.
    """

    def __init__(self, load: Callable[[], Generator], queue_length: int) -> None:
        self._load = load
        self._queue_length = queue_length
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="model")
        self._turn = asyncio.Lock()
        self._present = 0
        self._generator: Generator | None = None
        self._reason = ""

    @property
    def state(self) -> Literal["loading", "ready", "failed"]:
        """Whether the model is loading, ready or failed to load."""
        if self._reason:
            return "failed"
        return "loading" if self._generator is None else "ready"

    @property
    def reason(self) -> str:
        """Why the model failed to load; empty otherwise."""
        return self._reason

    @property
    def present(self) -> int:
        """How many requests are running or waiting."""
        return self._present

    def start(self) -> None:
        """Start loading the model; requests wait for it."""
        self._thread.submit(self._load_model)

    def close(self) -> None:
        """Let the thread end after its current work."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def answer(self, request: ChatRequest) -> AsyncGenerator[Piece, None]:
        """Yield the pieces of an answer as they come; closing the iterator ends the generation.

        Raises:
            ApiError: 429 when too many requests wait, 500 when the model could not be loaded.
            ContextTooLongError: The prompt is too long.
        """
        if self._present > self._queue_length:
            raise ApiError(
                429,
                "limit_requests",
                f"{self._present} requests are already running or waiting; try again later",
                kind="limit_requests",
            )
        self._present += 1
        try:
            async with self._turn, contextlib.aclosing(self._generate(request)) as pieces:
                async for piece in pieces:
                    yield piece
        finally:
            self._present -= 1

    async def _generate(self, request: ChatRequest) -> AsyncGenerator[Piece, None]:
        pieces: asyncio.Queue[Piece | BaseException | None] = asyncio.Queue()
        loop = asyncio.get_running_loop()
        cancelled = threading.Event()

        def run() -> None:
            def put(item: Piece | BaseException | None) -> None:
                loop.call_soon_threadsafe(pieces.put_nowait, item)

            try:
                for piece in self._ready().generate(
                    request.messages, request.prefix, request.sampling, cancelled
                ):
                    put(piece)
                put(None)
            except BaseException as error:  # noqa: BLE001 - raised again in the event loop
                put(error)

        done = loop.run_in_executor(self._thread, run)
        try:
            while (item := await pieces.get()) is not None:
                if isinstance(item, BaseException):
                    raise item
                yield item
        finally:
            cancelled.set()
            # The next request must not start while this one still uses the model.
            await asyncio.shield(done)

    def _load_model(self) -> None:
        try:
            self._generator = self._load()
        except Exception as error:
            _LOGGER.exception("the model could not be loaded")
            self._reason = str(error) or type(error).__name__

    def _ready(self) -> Generator:
        if self._generator is None:
            raise ApiError(
                500,
                "internal_error",
                f"the model could not be loaded: {self._reason}",
                kind="internal_error",
            )
        return self._generator
