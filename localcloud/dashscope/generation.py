"""Text in, text out, token by token.

Owns: the chat template, sampling, stop sequences, incremental decoding, and reuse of the cached
beginning of the last prompt. It does not own queues or HTTP. Not thread-safe: one caller at a time.

Source of the template's environment: https://huggingface.co/docs/transformers/chat_templating (read
2026-11): jinja2, sandboxed, with trim_blocks and lstrip_blocks.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, Protocol

import torch
from jinja2.sandbox import ImmutableSandboxedEnvironment
from tokenizers import Tokenizer

from localcloud.dashscope.llama import Llama
from localcloud.dashscope.models import ServedModel

__all__ = [
    "ContextTooLongError",
    "Generator",
    "Message",
    "Piece",
    "Sampling",
    "TextGenerator",
    "native_bfloat16",
]

_PREFILL_TOKENS: Final = 64
_UNFINISHED: Final = "\ufffd"


@dataclass(frozen=True)
class Message:
    """One message of a conversation."""

    role: str
    content: str


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """How the next token is chosen and when to end.

    Attributes:
        temperature: 0 takes the likeliest token always.
        top_p: Only the likeliest tokens that hold this share together.
        top_k: Only so many of the likeliest; None: no such limit.
        presence_penalty: Taken off the logit of each token that the answer has already.
        frequency_penalty: The same, times how often it has it.
        seed: Of the random choice; None: another one each time.
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
        text: What comes next; may be empty in the last piece.
        prompt_tokens: Length of the prompt.
        cached_tokens: How many of those were in the cache already.
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
    """What the server needs of a model."""

    def generate(
        self,
        messages: Sequence[Message],
        prefix: str,
        sampling: Sampling,
        cancelled: threading.Event,
    ) -> Iterator[Piece]:
        """Answer `messages`, beginning after `prefix`; ends early once `cancelled` is set."""
        ...


@dataclass
class _Decoder:
    """Turns tokens into text as they come, never half a character."""

    tokenizer: Tokenizer
    tokens: list[int] = field(default_factory=list)
    _start: int = 0
    _read: int = 0

    def push(self, token: int) -> str:
        self.tokens.append(token)
        before = self.tokenizer.decode(self.tokens[self._start : self._read])
        after = self.tokenizer.decode(self.tokens[self._start :])
        if after.endswith(_UNFINISHED):
            return ""
        # Keep the tokens of the last step as context: how a token reads depends on the one before.
        self._start, self._read = self._read, len(self.tokens)
        return after[len(before) :]


class TextGenerator:
    """A served model.

    Args:
        model: Its entry in the table.
        folder: What ``weights.prepared`` made of it.
    """

    def __init__(self, model: ServedModel, folder: Path) -> None:
        settings = json.loads((folder / "model.json").read_text("utf-8"))
        dtype = torch.bfloat16 if native_bfloat16() else torch.float32
        self._model = model
        self._llama = Llama(folder, dtype, model.context_tokens)
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._stop_tokens = frozenset(settings["stop_token_ids"])
        environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
        self._template = environment.from_string(settings["chat_template"])
        self._cached: list[int] = []
        self._reusable = 0

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
            prefix: What the answer begins with; it is not repeated in the pieces.
            sampling: How to choose tokens.
            cancelled: Set by another thread to end early.

        Yields:
            The answer's pieces; the last one has a finish reason, unless cancelled.

        Raises:
            ContextTooLongError: Prompt and answer do not fit into the model's context.
        """
        prompt = self._encode(messages, prefix)
        if len(prompt) + sampling.max_tokens > self._model.context_tokens:
            raise ContextTooLongError(
                f"the prompt has {len(prompt)} tokens and max_tokens is {sampling.max_tokens}; "
                f"together they may be {self._model.context_tokens}"
            )
        cached = self._common_beginning(prompt)
        logits = self._prefill(prompt, cached, cancelled)
        if logits is None:
            return
        source = _source(sampling.seed)
        decoder, hold = _Decoder(self._tokenizer), _StopHold(sampling.stop)
        reason: Literal["stop", "length"] = "length"
        while len(decoder.tokens) < sampling.max_tokens:
            if cancelled.is_set():
                return
            token = _choose(logits, decoder.tokens, sampling, source)
            if token in self._stop_tokens:
                reason = "stop"
                break
            text, stopped = hold.push(decoder.push(token))
            if text:
                yield self._piece(text, prompt, cached, decoder)
            if stopped:
                reason = "stop"
                break
            logits = self._llama.forward([token], len(self._cached))
            self._cached.append(token)
        yield self._piece(hold.rest(), prompt, cached, decoder, reason)

    def _encode(self, messages: Sequence[Message], prefix: str) -> list[int]:
        text = self._template.render(
            messages=[{"role": item.role, "content": item.content} for item in messages],
            add_generation_prompt=True,
        )
        tokens: list[int] = self._tokenizer.encode(text + prefix, add_special_tokens=False).ids
        return tokens

    def _common_beginning(self, prompt: list[int]) -> int:
        """How many cached tokens to keep.

        Only whole parts, as prefill computed them: another division gives other rounding, and the
        same request with the same seed shall give the same answer whatever was asked before it.
        """
        common = 0
        # The last token is always computed: its logits are needed.
        for old, new in zip(self._cached[: self._reusable], prompt[:-1], strict=False):
            if old != new:
                break
            common += 1
        return common - common % _PREFILL_TOKENS

    def _prefill(
        self, prompt: list[int], cached: int, cancelled: threading.Event
    ) -> torch.Tensor | None:
        del self._cached[cached:]
        self._reusable = cached
        logits = None
        for start in range(cached, len(prompt), _PREFILL_TOKENS):
            if cancelled.is_set():
                return None
            part = prompt[start : start + _PREFILL_TOKENS]
            logits = self._llama.forward(part, start)
            self._cached.extend(part)
            if len(part) == _PREFILL_TOKENS:
                self._reusable = len(self._cached)
        return logits

    def _piece(
        self,
        text: str,
        prompt: list[int],
        cached: int,
        decoder: _Decoder,
        reason: Literal["stop", "length"] | None = None,
    ) -> Piece:
        return Piece(
            text=text,
            prompt_tokens=len(prompt),
            cached_tokens=cached,
            completion_tokens=len(decoder.tokens),
            finish_reason=reason,
        )


class _StopHold:
    """Holds back text that may be the beginning of a stop sequence."""

    def __init__(self, stop: tuple[str, ...]) -> None:
        self._stop = stop
        self._held = ""

    def push(self, text: str) -> tuple[str, bool]:
        """What may be shown now, and whether a stop sequence was met."""
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
        """What was held back for nothing."""
        return self._held


def _overlap(text: str, stop: str) -> int:
    """How many characters at the end of `text` are a beginning of `stop`."""
    for length in range(min(len(text), len(stop) - 1), 0, -1):
        if text.endswith(stop[:length]):
            return length
    return 0


def _source(seed: int | None) -> torch.Generator:
    source = torch.Generator()
    if seed is None:
        source.seed()
        return source
    return source.manual_seed(seed)


def _choose(
    logits: torch.Tensor, tokens: list[int], sampling: Sampling, source: torch.Generator
) -> int:
    if tokens and (sampling.presence_penalty or sampling.frequency_penalty):
        counts = torch.bincount(torch.tensor(tokens), minlength=logits.shape[0])
        logits = logits - sampling.frequency_penalty * counts
        logits -= sampling.presence_penalty * (counts > 0)
    if sampling.temperature == 0:
        return int(logits.argmax())
    likely, order = torch.softmax(logits / sampling.temperature, dim=-1).sort(descending=True)
    # A token stays while those before it hold less than top_p: the likeliest always does.
    stays = likely.cumsum(0) - likely < sampling.top_p
    if sampling.top_k is not None:
        stays[sampling.top_k :] = False
    chosen = torch.multinomial(torch.where(stays, likely, 0.0), 1, generator=source)
    return int(order[chosen])


def native_bfloat16() -> bool:
    """Whether this processor multiplies bfloat16 itself; emulated it is slower than float32."""
    try:
        flags = Path("/proc/cpuinfo").read_text("utf-8")
    except OSError:
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags
