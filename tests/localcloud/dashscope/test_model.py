"""The real model: its answers against those of transformers, and its behaviour."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import openai
import pytest
import torch
from gguf import GGMLQuantizationType, GGUFReader, GGUFWriter
from gguf.quants import dequantize, quantize

from localcloud.core.home import Platform, init_home
from localcloud.dashscope.generation import (
    ContextTooLongError,
    Message,
    Piece,
    Sampling,
    TextGenerator,
    _Decoder,
)
from localcloud.dashscope.models import MODELS, weights_file
from localcloud.dashscope.weights import prepared, write_q8
from tests.localcloud.dashscope.support import until

pytestmark = pytest.mark.model

MODEL = MODELS["smollm2-135m-instruct"]
# Without its second sentence, the reference's first word is a near tie, and another processor, with
# another precision, answers in French.
CAPITAL = (Message("user", "What is the capital of France? Answer in one sentence."),)
SURE_LOGITS = 1.0
"""How far the most likely token must be ahead of the second."""
QUESTION = "The controller writes a full backup every night at 02:30. When is the backup?"


@pytest.fixture(scope="module")
def folder() -> Path:
    return prepared(MODEL)


@pytest.fixture(scope="module")
def generator(folder: Path) -> TextGenerator:
    return TextGenerator(MODEL, folder, threads=1)


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


def test_each_token_that_transformers_is_sure_of_on_the_packaged_weights_is_the_next_one(
    generator: TextGenerator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Near ties are left out: weights in 8 bits, and the processor's precision, may turn them."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    from transformers import AutoModelForCausalLM, AutoTokenizer

    file = weights_file(MODEL)
    tokenizer = AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name)
    reference = AutoModelForCausalLM.from_pretrained(
        file.parent, gguf_file=file.name, dtype=torch.float32
    )
    prompt = tokenizer.apply_chat_template(
        [{"role": "user", "content": QUESTION}],
        add_generation_prompt=True,
        return_tensors="pt",
        return_dict=True,
    )
    with torch.inference_mode():
        output = reference.generate(
            **prompt,
            max_new_tokens=24,
            do_sample=False,
            output_scores=True,
            return_dict_in_generate=True,
        )
    count = prompt["input_ids"].shape[1]
    answer, best = output.sequences[0, count:], [step[0].topk(2).values for step in output.scores]
    sure = [at for at, (first, second) in enumerate(best) if first - second >= SURE_LOGITS]
    assert len(sure) >= 10

    for at in sure:
        before = tokenizer.decode(answer[:at])
        text, last = say(generator, (Message("user", QUESTION),), before, max_tokens=1)
        assert text == tokenizer.decode(answer[at])
        assert last.prompt_tokens == count + at


def test_rewritten_weights_keep_their_metadata_and_are_within_one_percent(tmp_path: Path) -> None:
    matrix = np.random.default_rng(0).normal(size=(4, 64)).astype(np.float32)
    packed = quantize(matrix, GGMLQuantizationType.Q4_1)
    writer = GGUFWriter(tmp_path / "source.gguf", "llama")
    writer.add_block_count(2)
    writer.add_token_list(["a", "b"])
    writer.add_tensor("matrix", packed, raw_dtype=GGMLQuantizationType.Q4_1)
    writer.add_tensor("norm", matrix[0])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()

    write_q8(tmp_path / "source.gguf", tmp_path / "written.gguf")

    written = GGUFReader(tmp_path / "written.gguf")
    tensors = {tensor.name: tensor for tensor in written.tensors}
    expected = dequantize(packed, GGMLQuantizationType.Q4_1)
    error = dequantize(tensors["matrix"].data, tensors["matrix"].tensor_type) - expected
    assert tensors["matrix"].tensor_type == GGMLQuantizationType.Q8_0
    assert np.linalg.norm(error) <= 0.01 * np.linalg.norm(expected)
    assert np.array_equal(tensors["norm"].data, matrix[0])
    assert written.fields["general.architecture"].contents() == "llama"
    assert written.fields["llama.block_count"].contents() == 2
    assert written.fields["tokenizer.ggml.tokens"].contents() == ["a", "b"]


def test_loading_openvino_sends_no_telemetry(tmp_path: Path) -> None:
    # Telemetry writes a client id into the home folder before it sends.
    subprocess.run(
        [
            sys.executable,
            "-c",
            "from localcloud.dashscope.runtime import import_genai; import_genai()",
        ],
        env={**os.environ, "HOME": str(tmp_path), "CI": ""},
        check=True,
    )

    assert list(tmp_path.iterdir()) == []


def test_model_answers_in_words(generator: TextGenerator) -> None:
    text, last = say(generator)

    assert text == "The capital of France is Paris."
    assert last.finish_reason == "stop"
    assert last.completion_tokens == 7


def test_max_tokens_ends_the_answer(generator: TextGenerator) -> None:
    text, last = say(generator, max_tokens=3)

    assert text == "The capital of"
    assert last.finish_reason == "length"
    assert last.completion_tokens == 3


def test_answer_ends_before_a_stop_sequence_even_across_tokens(generator: TextGenerator) -> None:
    text, last = say(generator, stop=("of Fran",))

    assert text == "The capital "
    assert last.finish_reason == "stop"


def test_text_that_only_begins_a_stop_sequence_is_kept(generator: TextGenerator) -> None:
    text, _ = say(generator, stop=("Paris.!",))

    assert text == "The capital of France is Paris."


def test_answer_continues_a_prefix(generator: TextGenerator) -> None:
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


def test_tiny_top_p_and_top_k_of_one_are_greedy(generator: TextGenerator) -> None:
    greedy, _ = say(generator)

    assert say(generator, temperature=1.9, top_p=1e-6)[0] == greedy
    assert say(generator, temperature=1.9, top_k=1)[0] == greedy


def test_cached_prefix_does_not_change_the_answer(folder: Path) -> None:
    context = "The controller writes a full backup every night. " * 8
    first, second = (
        (Message("user", context + question),) for question in ("When?", "What is written?")
    )
    fresh, _ = say(TextGenerator(MODEL, folder, threads=1), second)
    sampled, _ = say(TextGenerator(MODEL, folder, threads=1), second, temperature=1.5, seed=5)
    warm = TextGenerator(MODEL, folder, threads=1)
    say(warm, first)
    assert say(warm, second, temperature=1.5, seed=5)[0] == sampled

    text, last = say(warm, second)

    assert text == fresh
    assert last.cached_tokens == 96


def test_pieces_do_not_split_a_character_and_lose_none(generator: TextGenerator) -> None:
    text = "naïve café 東京 🙂"
    tokenizer = generator._tokenizer
    tokens = tokenizer.encode(text, add_special_tokens=False).input_ids.data[0].tolist()
    decoder = _Decoder(tokenizer.decode)

    pieces = [decoder.push(token) for token in tokens]

    assert len(tokens) > len(text.split())
    assert "\ufffd" not in "".join(pieces)
    assert "".join(pieces) == text


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
