"""The real model: its computation against transformers', and its behaviour as a whole."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
import torch
from tokenizers import Tokenizer

from localcloud.core.home import Platform, init_home
from localcloud.dashscope.generation import (
    ContextTooLongError,
    Message,
    Piece,
    Sampling,
    TextGenerator,
)
from localcloud.dashscope.llama import Llama
from localcloud.dashscope.models import MODELS, weights_file
from localcloud.dashscope.weights import prepared
from tests.localcloud.dashscope.support import until

pytestmark = pytest.mark.model

MODEL = MODELS["smollm2-135m-instruct"]
CAPITAL = (Message("user", "What is the capital of France?"),)
PROMPT = (
    "<|im_start|>user\nThe controller writes a backup at 02:30. When?<|im_end|>\n"
    "<|im_start|>assistant\n"
)


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield prepared(MODEL)
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def generator(folder: Path) -> TextGenerator:
    return TextGenerator(MODEL, folder)


def sampling(**changes: Any) -> Sampling:
    return Sampling(**{"temperature": 0.0, "top_p": 1.0, "max_tokens": 24, **changes})


def say(
    generator: TextGenerator,
    messages: tuple[Message, ...] = CAPITAL,
    prefix: str = "",
    **changes: Any,
) -> tuple[str, Piece]:
    pieces = list(generator.generate(messages, prefix, sampling(**changes), threading.Event()))
    return "".join(piece.text for piece in pieces), pieces[-1]


def test_logits_are_those_of_transformers(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    from transformers import AutoModelForCausalLM

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokens = tokenizer.encode(PROMPT, add_special_tokens=False).ids
    file = weights_file(MODEL)
    reference = AutoModelForCausalLM.from_pretrained(
        file.parent, gguf_file=file.name, dtype=torch.float32
    )
    with torch.inference_mode():
        expected = reference(torch.tensor([tokens])).logits[0, -1]

    ours = Llama(folder, torch.float32, MODEL.context_tokens).forward(tokens, 0)

    # The kept weights are bfloat16: 8 bits of mantissa.
    assert torch.linalg.norm(ours - expected) / torch.linalg.norm(expected) < 0.01
    assert ours.topk(5).indices.tolist() == expected.topk(5).indices.tolist()


def test_computing_in_parts_gives_the_same_logits(folder: Path) -> None:
    model = Llama(folder, torch.float32, MODEL.context_tokens)
    tokens = list(range(100, 160))

    whole = model.forward(tokens, 0)
    model.forward(tokens[:25], 0)
    model.forward(tokens[25:59], 25)
    parts = model.forward(tokens[59:], 59)

    torch.testing.assert_close(parts, whole, atol=1e-3, rtol=1e-3)


def test_cache_grows_to_the_context_and_no_further(folder: Path) -> None:
    model = Llama(folder, torch.bfloat16, 1_100)
    model.forward(list(range(1_000)), 0)

    model.forward(list(range(100)), 1_000)

    with pytest.raises(ValueError, match="1101 tokens; the model's context holds 1100"):
        model.forward([1], 1_100)


def test_model_answers_in_words(generator: TextGenerator) -> None:
    text, last = say(generator)

    assert text == "The capital of France is Paris."
    assert last.finish_reason == "stop"
    assert last.completion_tokens == 7


def test_limit_of_tokens_ends_the_answer(generator: TextGenerator) -> None:
    text, last = say(generator, max_tokens=3)

    assert text == "The capital of"
    assert last.finish_reason == "length"
    assert last.completion_tokens == 3


def test_answer_ends_before_a_stop_sequence_even_across_tokens(generator: TextGenerator) -> None:
    text, last = say(generator, stop=("of Fran",))

    assert text == "The capital "
    assert last.finish_reason == "stop"


def test_stop_sequence_that_only_begins_is_not_lost(generator: TextGenerator) -> None:
    text, _ = say(generator, stop=("Paris.!",))

    assert text == "The capital of France is Paris."


def test_answer_goes_on_from_a_prefix(generator: TextGenerator) -> None:
    text, _ = say(generator, prefix="The capital of France")

    assert text == " is Paris."


def test_same_seed_gives_the_same_answer_and_another_seed_another(
    generator: TextGenerator,
) -> None:
    story = (Message("user", "Tell a story."),)

    def tell(seed: int) -> str:
        return say(generator, story, temperature=1.5, seed=seed)[0]

    assert tell(1) == tell(1)
    assert len({tell(seed) for seed in range(4)}) > 1


def test_tiny_share_of_probability_is_as_good_as_greedy(generator: TextGenerator) -> None:
    greedy, _ = say(generator)

    assert say(generator, temperature=1.9, top_p=1e-6)[0] == greedy
    assert say(generator, temperature=1.9, top_k=1)[0] == greedy


def test_cached_beginning_changes_nothing_but_the_work(folder: Path) -> None:
    context = "The controller writes a full backup every night. " * 8
    first, second = (
        (Message("user", context + question),) for question in ("When?", "What is written?")
    )
    fresh, _ = say(TextGenerator(MODEL, folder), second)
    chance, _ = say(TextGenerator(MODEL, folder), second, temperature=1.5, seed=5)
    warm = TextGenerator(MODEL, folder)
    say(warm, first)
    assert say(warm, second, temperature=1.5, seed=5)[0] == chance

    text, last = say(warm, second)

    assert text == fresh
    assert last.cached_tokens == 64


def test_pieces_never_split_a_character(generator: TextGenerator) -> None:
    echo = (Message("user", "Repeat exactly: naïve café 東京 🙂"),)
    pieces = list(
        generator.generate(echo, "naïve café 東", sampling(max_tokens=12), threading.Event())
    )

    assert "\ufffd" not in "".join(piece.text for piece in pieces)


def test_cancelled_answer_ends_at_once(generator: TextGenerator) -> None:
    cancelled = threading.Event()
    pieces = generator.generate(CAPITAL, "", sampling(), cancelled)
    next(pieces)

    cancelled.set()

    assert list(pieces) == []


def test_prompt_beyond_the_context_is_refused(generator: TextGenerator) -> None:
    long = (Message("user", "word " * 9_000),)

    with pytest.raises(ContextTooLongError, match="may be 8192"):
        say(generator, long)


@pytest.fixture
def process(folder: Path, tmp_path: Path) -> Iterator[Platform]:
    platform = init_home(tmp_path / "home")
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "localcloud.dashscope", "serve", "--home", str(platform.home)],
            stdout=log,
            stderr=log,
            env={**os.environ, "CUSTOMRAG_DASHSCOPE_THREADS": "1"},
        )
    try:
        yield platform
    finally:
        server.terminate()
        assert server.wait(20) in (0, -15)


def test_served_process_streams_an_answer_to_the_vendors_client(process: Platform) -> None:
    endpoint = process.endpoints["dashscope"]

    def healthy() -> bool:
        try:
            return httpx.get(f"{endpoint}/health").status_code == 200
        except httpx.ConnectError:
            return False

    until(healthy)
    with openai.OpenAI(
        base_url=f"{endpoint}/compatible-mode/v1", api_key=process.dashscope_api_key
    ) as client:
        stream = client.chat.completions.create(
            model=MODEL.model_id,
            messages=[{"role": "user", "content": CAPITAL[0].content}],
            temperature=0,
            stream=True,
        )
        texts = [chunk.choices[0].delta.content or "" for chunk in stream]

    assert "".join(texts) == "The capital of France is Paris."
    assert len(texts) > 5
