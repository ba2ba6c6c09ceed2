"""Text generation with OpenVINO GenAI: messages in, text out, token by token.

Owns: the pipeline's settings, sampling options, stop sequences and incremental decoding. It does
not own queues or HTTP. Not thread-safe: one caller at a time.

Source: https://openvinotoolkit.github.io/openvino.genai (read 2026-11).
"""

from __future__ import annotations

import contextlib
import secrets
import threading
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Generator as PyGenerator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, Protocol

from localcloud.dashscope.models import ServedModel
from localcloud.dashscope.runtime import import_genai

__all__ = [
    "ContextTooLongError",
    "Generator",
    "Message",
    "Piece",
    "Sampling",
    "TextGenerator",
]

# Tokens in one block of the key-value cache on CPUs. A step of the pipeline computes one block of
# the prompt: blocks that are in the cache are skipped, and a cancelled request ends between steps.
_BLOCK_TOKENS: Final = 32
_UNFINISHED: Final = "\ufffd"


@dataclass(frozen=True)
class Message:
    """One message of a conversation."""

    role: str
    content: str


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """How to choose the next token and when to end.

    Attributes:
        temperature: 0 always takes the most likely token.
        top_p: Keep only the most likely tokens that together hold this share of probability.
        top_k: Keep only this many of the most likely tokens; None sets no limit.
        presence_penalty: Subtracted from the logit of each token that the answer already has.
        frequency_penalty: The same, times the number of occurrences.
        seed: Seed of the random choice; None draws a new one for each request.
        max_tokens: Longest answer.
        stop: The answer ends before any of these texts.
    """

    temperature: float
    top_p: float
    max_tokens: int
    top_k: int | None = None
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    seed: int | None = None
    stop: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A part of an answer.

    Attributes:
        text: The next text; may be empty in the last piece.
        prompt_tokens: Length of the prompt.
        cached_tokens: How many of those were already in the cache.
        completion_tokens: Tokens of the answer so far.
        finish_reason: In the last piece: ``stop``, or ``length`` when `max_tokens` ended it.
    """

    text: str
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    finish_reason: Literal["stop", "length"] | None = None


class ContextTooLongError(ValueError):
    """The prompt leaves no room for an answer in the model's context."""


class Generator(Protocol):
    """What the server needs from a model."""

    def generate(
        self,
        messages: Sequence[Message],
        prefix: str,
        sampling: Sampling,
        cancelled: threading.Event,
    ) -> Iterator[Piece]:
        """Answer `messages`, starting after `prefix`; end early once `cancelled` is set."""
        ...


@dataclass
class _Decoder:
    """Turns tokens into text as they come, without splitting a character."""

    decode: Callable[[list[int]], str]
    tokens: list[int] = field(default_factory=list)
    _start: int = 0
    _read: int = 0

    def push(self, token: int) -> str:
        self.tokens.append(token)
        before = self.decode(self.tokens[self._start : self._read]) if self._read else ""
        after = self.decode(self.tokens[self._start :])
        # The tokenizer leaves out the bytes of an unfinished character, or shows them as U+FFFD.
        if len(after) <= len(before) or after.endswith(_UNFINISHED):
            return ""
        # Keep the tokens of the last step as context: the text of a token depends on the one
        # before it.
        self._start, self._read = self._read, len(self.tokens)
        return after[len(before) :]


class TextGenerator:
    """A served model.

    Args:
        model: Its entry in the table.
        folder: The folder that ``weights.prepared`` returned.
        threads: How many threads compute.
    """

    def __init__(self, model: ServedModel, folder: Path, threads: int) -> None:
        self._genai = import_genai()
        self._model = model
        scheduler = self._genai.SchedulerConfig()
        scheduler.enable_prefix_caching = True
        scheduler.max_num_batched_tokens = _BLOCK_TOKENS
        scheduler.max_num_seqs = 1
        # Room for one full context. Older blocks make room for newer ones.
        scheduler.num_kv_blocks = -(-model.context_tokens // _BLOCK_TOKENS) + 1
        self._pipeline = self._genai.ContinuousBatchingPipeline(
            str(folder),
            scheduler,
            "CPU",
            # With the default, 8-bit keys and values, an answer depends on how the prompt is split,
            # and so on earlier requests.
            {
                "INFERENCE_NUM_THREADS": threads,
                "KV_CACHE_PRECISION": "f16",
                "sampler_num_threads": 1,
                # A pinned thread waits where something else uses its core.
                "ENABLE_CPU_PINNING": False,
            },
            {},
        )
        self._tokenizer = self._pipeline.get_tokenizer()
        self._stop_tokens = {self._tokenizer.get_eos_token_id(), self._tokenizer.get_pad_token_id()}
        self._requests = 0

    def generate(
        self,
        messages: Sequence[Message],
        prefix: str,
        sampling: Sampling,
        cancelled: threading.Event,
    ) -> Iterator[Piece]:
        """Answer `messages`.

        Args:
            messages: The conversation.
            prefix: The beginning of the answer; the pieces do not repeat it.
            sampling: How to choose tokens.
            cancelled: Set by another thread to end early.

        Yields:
            The answer's pieces; the last one has a finish reason, unless cancelled.

        Raises:
            ContextTooLongError: Prompt and answer do not fit into the model's context.
        """
        prompt = self._encode(messages, prefix)
        count = int(prompt.shape[1])
        if count + sampling.max_tokens > self._model.context_tokens:
            raise ContextTooLongError(
                f"the prompt has {count} tokens and max_tokens is {sampling.max_tokens}; "
                f"together they may be {self._model.context_tokens}"
            )
        decoder, hold = _Decoder(self._tokenizer.decode), _StopHold(sampling.stop)
        cached = 0

        def piece(text: str, reason: Literal["stop", "length"] | None = None) -> Piece:
            return Piece(
                text=text,
                prompt_tokens=count,
                cached_tokens=cached,
                completion_tokens=len(decoder.tokens),
                finish_reason=reason,
            )

        reason: Literal["stop", "length"] = "length"
        with contextlib.closing(self._tokens(prompt, sampling, cancelled)) as tokens:
            for steps, token in tokens:
                if not decoder.tokens:
                    # A step computes at most one block: their number tells, to the block, how
                    # much of the prompt was cached.
                    cached = ((count - 1) // _BLOCK_TOKENS + 1 - steps) * _BLOCK_TOKENS
                if token in self._stop_tokens:
                    reason = "stop"
                    break
                text, stopped = hold.push(decoder.push(token))
                if text:
                    yield piece(text)
                if stopped:
                    reason = "stop"
                    break
        if not cancelled.is_set():
            yield piece(hold.rest(), reason)

    def _tokens(
        self, prompt: Any, sampling: Sampling, cancelled: threading.Event
    ) -> PyGenerator[tuple[int, int], None, None]:
        """Yield each token after the number of steps so far; release the request at the end."""
        self._requests += 1
        handle = self._pipeline.add_request(self._requests, prompt, self._configuration(sampling))
        steps = 0
        try:
            while self._pipeline.has_non_finished_requests() and not cancelled.is_set():
                # Holds Python's global lock until it returns, which is why a step is short.
                self._pipeline.step()
                steps += 1
                if handle.can_read():
                    for output in handle.read().values():
                        yield from ((steps, token) for token in output.generated_ids)
        finally:
            handle.cancel()
            # The pipeline drops a cancelled request in its next step.
            while self._pipeline.has_non_finished_requests():
                self._pipeline.step()

    def _configuration(self, sampling: Sampling) -> Any:
        configuration = self._genai.GenerationConfig()
        configuration.max_new_tokens = sampling.max_tokens
        configuration.stop_token_ids = self._stop_tokens
        configuration.presence_penalty = sampling.presence_penalty
        configuration.frequency_penalty = sampling.frequency_penalty
        if sampling.temperature > 0:
            configuration.do_sample = True
            configuration.temperature = sampling.temperature
            configuration.top_p = sampling.top_p
            if sampling.top_k is not None:
                configuration.top_k = sampling.top_k
            seed = secrets.randbits(63) if sampling.seed is None else sampling.seed
            configuration.rng_seed = seed
        return configuration

    def _encode(self, messages: Sequence[Message], prefix: str) -> Any:
        text = self._tokenizer.apply_chat_template(
            [{"role": item.role, "content": item.content} for item in messages],
            add_generation_prompt=True,
        )
        return self._tokenizer.encode(text + prefix, add_special_tokens=False).input_ids


class _StopHold:
    """Holds back text that may be the beginning of a stop sequence."""

    def __init__(self, stop: tuple[str, ...]) -> None:
        self._stop = stop
        self._held = ""

    def push(self, text: str) -> tuple[str, bool]:
        """Return the text that may be shown now, and whether a stop sequence was found."""
        self._held += text
        ends = [at for at in (self._held.find(item) for item in self._stop) if at >= 0]
        if ends:
            shown, self._held = self._held[: min(ends)], ""
            return shown, True
        keep = max((_overlap(self._held, item) for item in self._stop), default=0)
        cut = len(self._held) - keep
        shown, self._held = self._held[:cut], self._held[cut:]
        return shown, False

    def rest(self) -> str:
        """Return the text that was held back but did not become a stop sequence."""
        return self._held


def _overlap(text: str, stop: str) -> int:
    """Return how many characters at the end of `text` are a beginning of `stop`."""
    for length in range(min(len(text), len(stop) - 1), 0, -1):
        if text.endswith(stop[:length]):
            return length
    return 0
