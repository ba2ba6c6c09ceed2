"""Compare the local language model (OpenVINO GenAI) with transformers on torch, in one run.

    python -m benchmarks.language_model --threads 2

Both answer the same prompt of about 700 tokens greedily with at most 128 tokens, taking turns. The
torch side runs the packaged weights, dequantised to float32. Prints tokens per second of wall-clock
time and of processor time, and the time to the first token. Processor time is comparable on a busy
machine, too.
"""

from __future__ import annotations

import argparse
import os
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from localcloud.dashscope.generation import Message, Sampling, TextGenerator
from localcloud.dashscope.models import MODELS, weights_file
from localcloud.dashscope.weights import prepared

MODEL = MODELS["smollm2-135m-instruct"]
SENTENCE = "The controller writes a full backup every night at 02:30 and keeps it for thirty days. "


@dataclass(frozen=True)
class Round:
    """One answer: seconds to the first token, then tokens per second."""

    first_seconds: float
    per_second: float
    per_processor_second: float


def measure(tokens: Iterator[Any]) -> Round:
    """Consume one answer, an iterator over tokens, and time it."""
    began, (first, processor), count = time.monotonic(), (0.0, 0.0), 0
    for count, _ in enumerate(tokens, start=1):
        if count == 1:
            first, processor = time.monotonic(), time.process_time()
    return Round(
        first - began,
        (count - 1) / (time.monotonic() - first),
        (count - 1) / (time.process_time() - processor),
    )


def conversation(number: int) -> list[dict[str, str]]:
    """Return messages whose first words differ by `number`, so that no prefix is cached."""
    question = "When is the backup? Tell me everything that you know about it."
    return [
        {"role": "system", "content": f"{number}. You answer questions."},
        {"role": "user", "content": SENTENCE * 30 + question},
    ]


def openvino(threads: int, max_tokens: int) -> Callable[[int], Iterator[Any]]:
    """Return a function that starts an answer."""
    generator = TextGenerator(MODEL, prepared(MODEL), threads)
    sampling = Sampling(temperature=0, top_p=1, max_tokens=max_tokens)

    def answer(number: int) -> Iterator[Any]:
        messages = tuple(Message(**message) for message in conversation(number))
        return generator.generate(messages, "", sampling, threading.Event())

    return answer


def transformers_on_torch(threads: int, max_tokens: int) -> Callable[[int], Iterator[Any]]:
    """Return a function that starts an answer on the packaged weights in float32."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    torch.set_num_threads(threads)
    file = weights_file(MODEL)
    tokenizer = AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name)
    model = AutoModelForCausalLM.from_pretrained(
        file.parent, gguf_file=file.name, dtype=torch.float32
    )

    def answer(number: int) -> Iterator[Any]:
        tokens = tokenizer.apply_chat_template(
            conversation(number), add_generation_prompt=True, return_tensors="pt", return_dict=True
        )["input_ids"]
        cache = None
        for _ in range(max_tokens):
            with torch.inference_mode():
                output = model(tokens, past_key_values=cache, use_cache=True, logits_to_keep=1)
            cache, tokens = output.past_key_values, output.logits[:, -1].argmax(-1, keepdim=True)
            yield tokens
            if int(tokens) == tokenizer.eos_token_id:
                return

    return answer


def main() -> None:
    """Print a table with the median of the rounds."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.language_model")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--max-tokens", type=int, default=128)
    options = parser.parse_args()
    sides = {
        "OpenVINO GenAI": openvino(options.threads, options.max_tokens),
        "transformers": transformers_on_torch(options.threads, options.max_tokens),
    }
    rounds: dict[str, list[Round]] = {name: [] for name in sides}
    for number in range(options.rounds):
        for name, answer in sides.items():
            rounds[name].append(measure(answer(number)))
    print("side | first token (s) | tokens/s | tokens per processor second")
    for name, found in rounds.items():
        first = statistics.median(item.first_seconds for item in found)
        speed = statistics.median(item.per_second for item in found)
        processor = statistics.median(item.per_processor_second for item in found)
        print(f"{name} | {first:.2f} | {speed:.1f} | {processor:.1f}")


if __name__ == "__main__":
    main()
