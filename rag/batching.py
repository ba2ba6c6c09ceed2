"""Gathers the texts of many requests into batches of similar length, questions first.

Owns the queue between the request handlers (one event loop) and the threads that compute. Knows
nothing of models. A question never waits behind waiting documents. A document never waits forever
for shorter ones, because each batch is gathered around the oldest text.
"""

from __future__ import annotations

import asyncio
import bisect
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from rag.embedder import InputType

__all__ = ["Batch", "BatchQueue", "QueueFullError", "Ticket"]


class QueueFullError(Exception):
    """Too many texts are waiting already, so the queue refuses these."""


@dataclass(eq=False)
class Ticket:
    """The texts of one request while they are computed.

    Attributes:
        future: Gets the result of each text, in order, or the error.
        loop: The event loop of `future`.
    """

    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[list[Any]]
    rows: list[Any]
    missing: int

    def _deliver(self, error: Exception | None) -> None:
        def finish() -> None:
            if self.future.done():
                return
            if error is not None:
                self.future.set_exception(error)
            else:
                self.future.set_result(self.rows)

        self.loop.call_soon_threadsafe(finish)


@dataclass(order=True)
class _Item:
    length: int
    number: int
    text: str = field(compare=False)
    ticket: Ticket = field(compare=False)
    row: int = field(compare=False)


@dataclass(frozen=True)
class Batch:
    """Texts to compute together; give the result to `BatchQueue.done` or `.failed`."""

    input_type: InputType
    items: tuple[_Item, ...]

    @property
    def texts(self) -> list[str]:
        """The texts, in the order the results are expected in."""
        return [item.text for item in self.items]


class BatchQueue:
    """The queue of waiting texts.

    Args:
        max_texts: The most texts that may wait.
        batch_size: The most texts of a batch.
        batch_characters: Limit of a batch's memory: the number of texts times the longest length.
    """

    def __init__(self, max_texts: int, batch_size: int, batch_characters: int) -> None:
        self._max_texts = max_texts
        self._batch_size = batch_size
        self._batch_characters = batch_characters
        self._ready = threading.Condition()
        self._waiting: dict[InputType, list[_Item]] = {"query": [], "document": []}
        self._numbers = 0
        self._closed = False

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    def put(self, texts: Sequence[str], input_type: InputType) -> Ticket:
        """Add the texts of a request to the queue. Call it on an event loop.

        Raises:
            QueueFullError: More than `max_texts` would wait.
        """
        loop = asyncio.get_running_loop()
        ticket = Ticket(loop, loop.create_future(), [None] * len(texts), len(texts))
        with self._ready:
            if self._closed or len(self) + len(texts) > self._max_texts:
                raise QueueFullError
            waiting = self._waiting[input_type]
            for row, text in enumerate(texts):
                self._numbers += 1
                bisect.insort(waiting, _Item(len(text), self._numbers, text, ticket, row))
            self._ready.notify_all()
        return ticket

    def take(self) -> Batch | None:
        """Wait for a batch and return it; None once the queue is closed."""
        with self._ready:
            while True:
                if self._closed:
                    return None
                for input_type in ("query", "document"):
                    items = self._gather(self._waiting[input_type])
                    if items:
                        return Batch(input_type, items)
                self._ready.wait()

    def _gather(self, waiting: list[_Item]) -> tuple[_Item, ...]:
        waiting[:] = [item for item in waiting if not item.ticket.future.done()]
        if not waiting:
            return ()
        oldest = min(range(len(waiting)), key=lambda i: waiting[i].number)
        start = max(0, min(oldest - self._batch_size // 2, len(waiting) - self._batch_size))
        stop = min(len(waiting), start + self._batch_size)
        while stop - start > 1 and (stop - start) * waiting[stop - 1].length > (
            self._batch_characters
        ):
            if stop - 1 > oldest:
                stop -= 1
            else:
                start += 1
        items = tuple(waiting[start:stop])
        del waiting[start:stop]
        return items

    def done(self, batch: Batch, results: Iterable[Any]) -> None:
        """Give the results of a batch's texts to the requests they belong to."""
        finished = []
        with self._ready:
            for item, result in zip(batch.items, results, strict=True):
                item.ticket.rows[item.row] = result
                item.ticket.missing -= 1
                if item.ticket.missing == 0:
                    finished.append(item.ticket)
        for ticket in finished:
            ticket._deliver(None)

    def failed(self, batch: Batch, error: Exception) -> None:
        """Fail every request that has a text in the batch."""
        for ticket in {id(item.ticket): item.ticket for item in batch.items}.values():
            ticket._deliver(error)

    def close(self) -> None:
        """Accept no more texts, and make `take` return None."""
        with self._ready:
            self._closed = True
            self._ready.notify_all()
