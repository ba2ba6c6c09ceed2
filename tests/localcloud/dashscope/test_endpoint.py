"""The endpoint over HTTP, with the openai client and a fake model."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import openai
import pytest

from localcloud.dashscope.generation import ContextTooLongError
from tests.localcloud.dashscope.support import (
    API_KEY,
    DEADLINE_SECONDS,
    MODEL,
    FakeGenerator,
    serving,
    until,
)

QUESTION: list[Any] = [{"role": "user", "content": "Who are you?"}]


@pytest.fixture(scope="module")
def shared_model() -> FakeGenerator:
    return FakeGenerator()


@pytest.fixture
def model(shared_model: FakeGenerator) -> FakeGenerator:
    shared_model.reset()
    return shared_model


@pytest.fixture(scope="module")
def url(shared_model: FakeGenerator) -> Iterator[str]:
    with serving(lambda: shared_model) as url:
        yield url


@pytest.fixture(scope="module")
def connected(url: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(
        base_url=f"{url}/compatible-mode/v1", api_key=API_KEY, max_retries=0
    ) as client:
        yield client


@pytest.fixture
def client(connected: openai.OpenAI, model: FakeGenerator) -> openai.OpenAI:
    return connected


def ask(client: openai.OpenAI, **options: Any) -> Any:
    return client.chat.completions.create(**{"model": MODEL, "messages": QUESTION, **options})


def test_answer_has_its_text_reason_and_usage(client: openai.OpenAI) -> None:
    answer = ask(client)

    assert answer.object == "chat.completion"
    assert answer.model == MODEL
    assert answer.choices[0].message.role == "assistant"
    assert answer.choices[0].message.content == "Hello there."
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage.prompt_tokens == 7
    assert answer.usage.completion_tokens == 3
    assert answer.usage.total_tokens == 10
    assert answer.usage.prompt_tokens_details.cached_tokens == 2


def test_stream_sends_each_piece_and_ends_with_usage_when_asked(client: openai.OpenAI) -> None:
    chunks = list(ask(client, stream=True, stream_options={"include_usage": True}))

    deltas = [chunk.choices[0].delta for chunk in chunks if chunk.choices]
    assert deltas[0].role == "assistant"
    assert [delta.content for delta in deltas] == ["", "Hello", " there", ".", ""]
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert chunks[-1].choices == []
    assert chunks[-1].usage.completion_tokens == 3
    assert len({chunk.id for chunk in chunks}) == 1


def test_stream_has_no_usage_unless_asked(client: openai.OpenAI) -> None:
    chunks = list(ask(client, stream=True))

    assert all(chunk.choices and chunk.usage is None for chunk in chunks)


def test_pieces_arrive_while_the_model_still_generates(
    client: openai.OpenAI, model: FakeGenerator
) -> None:
    model.hold_before = 3
    model.go_on.clear()

    stream = ask(client, stream=True, timeout=DEADLINE_SECONDS)

    assert [next(stream).choices[0].delta.content for _ in range(3)] == ["", "Hello", " there"]
    assert model.said == 2
    model.go_on.set()
    assert [chunk.choices[0].delta.content for chunk in stream] == [".", ""]


def test_options_reach_the_model(client: openai.OpenAI, model: FakeGenerator) -> None:
    ask(
        client,
        temperature=0,
        top_p=0.5,
        max_tokens=9,
        stop=["\n\n"],
        seed=3,
        presence_penalty=0.5,
        extra_body={"top_k": 4, "enable_thinking": False},
    )

    messages, prefix, sampling = model.asked[0]
    assert [(item.role, item.content) for item in messages] == [("user", "Who are you?")]
    assert prefix == ""
    assert sampling.temperature == 0
    assert sampling.top_p == 0.5
    assert sampling.top_k == 4
    assert sampling.max_tokens == 9
    assert sampling.stop == ("\n\n",)
    assert sampling.seed == 3
    assert sampling.presence_penalty == 0.5


def test_partial_last_message_is_the_beginning_of_the_answer(
    client: openai.OpenAI, model: FakeGenerator
) -> None:
    partial = {"role": "assistant", "content": "According to [1],", "partial": True}

    ask(client, messages=[*QUESTION, partial])

    messages, prefix, _ = model.asked[0]
    assert len(messages) == 1
    assert prefix == "According to [1],"


def test_content_may_come_in_text_parts(client: openai.OpenAI, model: FakeGenerator) -> None:
    parts = [{"type": "text", "text": "Who "}, {"type": "text", "text": "are you?"}]

    ask(client, messages=[{"role": "user", "content": parts}])

    assert model.asked[0][0][0].content == "Who are you?"


def test_wrong_key_is_refused(url: str) -> None:
    with (
        openai.OpenAI(base_url=f"{url}/compatible-mode/v1", api_key="sk-other") as stranger,
        pytest.raises(openai.AuthenticationError) as caught,
    ):
        stranger.models.list()

    assert caught.value.code == "invalid_api_key"


def test_missing_key_is_refused(url: str) -> None:
    answer = httpx.post(f"{url}/compatible-mode/v1/chat/completions", json={})

    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "invalid_api_key"
    assert answer.json()["request_id"]


def test_unknown_model_is_not_found_and_the_error_lists_the_known_ones(
    client: openai.OpenAI,
) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        ask(client, model="qwen-plus")

    assert caught.value.code == "model_not_found"
    assert MODEL in str(caught.value)


@pytest.mark.parametrize(
    ("options", "param"),
    [
        ({"temperature": 2}, "temperature"),
        ({"top_p": 0}, "top_p"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": 8192}, "max_tokens"),
        ({"seed": -1}, "seed"),
        ({"stop": [""]}, "stop"),
        ({"n": 2}, "n"),
        ({"logprobs": True}, "logprobs"),
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "tools"),
        ({"extra_body": {"enable_search": True}}, "enable_search"),
        ({"extra_body": {"thinking_budget": 9}}, "thinking_budget"),
        ({"stream_options": {"include_usage": True}}, "stream_options"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages"),
        ({"messages": [{"role": "user", "content": None}]}, "messages"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": "x"}]}]},
            "messages",
        ),
        ({"messages": [{"role": "user", "content": "x", "partial": True}]}, "messages"),
    ],
)
def test_unsupported_value_is_refused_with_the_name_of_the_field(
    client: openai.OpenAI, model: FakeGenerator, options: dict[str, Any], param: str
) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        ask(client, **options)

    assert caught.value.code == "invalid_parameter_error"
    assert caught.value.param == param
    assert param in caught.value.body["message"]  # type: ignore[index]
    assert model.asked == []


def test_body_that_is_not_json_is_refused(url: str) -> None:
    answer = httpx.post(
        f"{url}/compatible-mode/v1/chat/completions",
        content=b"{",
        headers={"Authorization": f"Bearer {API_KEY}"},
    )

    assert answer.status_code == 400
    assert answer.json()["error"]["message"] == "the body is not JSON"


@pytest.mark.parametrize("stream", [False, True])
def test_prompt_that_is_too_long_is_refused(
    client: openai.OpenAI, model: FakeGenerator, stream: bool
) -> None:
    model.raises = ContextTooLongError("the prompt has 9000 tokens")

    with pytest.raises(openai.BadRequestError, match="9000 tokens") as caught:
        ask(client, stream=stream)

    assert caught.value.code == "context_length_exceeded"


def test_native_api_is_refused_with_the_served_routes(url: str) -> None:
    answer = httpx.post(
        f"{url}/api/v1/services/aigc/text-generation/generation",
        json={},
        headers={"Authorization": f"Bearer {API_KEY}"},
    )

    assert answer.status_code == 404
    assert "/compatible-mode/v1/chat/completions" in answer.json()["error"]["message"]


def test_models_are_listed_and_retrieved(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == [MODEL]
    assert client.models.retrieve(MODEL).owned_by == "HuggingFaceTB"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("qwen-plus")


def test_requests_queue_and_are_refused_when_the_queue_is_full(
    url: str, client: openai.OpenAI, model: FakeGenerator
) -> None:
    def present() -> int:
        return int(httpx.get(f"{url}/health").json()["models"][0]["requests"])

    until(lambda: present() == 0)
    model.go_on.clear()
    with ThreadPoolExecutor() as pool:
        first = [pool.submit(ask, client) for _ in range(3)]
        until(lambda: present() == 3)
        with pytest.raises(openai.RateLimitError) as caught:
            ask(client)
        assert len(model.asked) == 1
        model.go_on.set()
        answers = [future.result(DEADLINE_SECONDS) for future in first]

    assert caught.value.code == "limit_requests"
    assert [answer.choices[0].message.content for answer in answers] == ["Hello there."] * 3


@pytest.mark.parametrize("stream", [False, True])
def test_generation_stops_when_the_reader_leaves(
    url: str, model: FakeGenerator, stream: bool
) -> None:
    model.words = [" word"] * 10_000
    body = {"model": MODEL, "messages": QUESTION, "stream": stream}
    headers = {"Authorization": f"Bearer {API_KEY}"}
    target = f"{url}/compatible-mode/v1/chat/completions"
    if not stream:
        model.go_on.clear()
    with httpx.Client(timeout=0.5) as reader:
        if stream:
            with reader.stream("POST", target, json=body, headers=headers) as answer:
                next(answer.iter_lines())
                model.go_on.clear()
        else:
            with pytest.raises(httpx.ReadTimeout):
                reader.post(target, json=body, headers=headers)

    until(model.cancelled.is_set)
    assert model.said < 10_000


def test_model_answers_the_next_request_after_a_reader_left(
    url: str, client: openai.OpenAI, model: FakeGenerator
) -> None:
    model.go_on.clear()
    with httpx.Client(timeout=0.3) as reader, pytest.raises(httpx.ReadTimeout):
        reader.post(
            f"{url}/compatible-mode/v1/chat/completions",
            json={"model": MODEL, "messages": QUESTION},
            headers={"Authorization": f"Bearer {API_KEY}"},
        )
    until(model.cancelled.is_set)
    model.go_on.set()

    assert ask(client).choices[0].message.content == "Hello there."


def test_health_says_when_the_model_is_loading_and_ready() -> None:
    release = threading.Event()

    def load() -> FakeGenerator:
        release.wait(DEADLINE_SECONDS)
        return FakeGenerator()

    with serving(load) as url:
        loading = httpx.get(f"{url}/health").json()
        release.set()
        until(lambda: httpx.get(f"{url}/health").json()["models"][0]["state"] == "ready")

    assert loading["models"] == [{"id": MODEL, "state": "loading", "reason": "", "requests": 0}]


def test_model_that_cannot_be_loaded_is_reported_by_health_and_requests() -> None:
    def load() -> FakeGenerator:
        raise OSError("weights are missing")

    with serving(load) as url:
        until(lambda: httpx.get(f"{url}/health").status_code == 500)
        with (
            openai.OpenAI(
                base_url=f"{url}/compatible-mode/v1", api_key=API_KEY, max_retries=0
            ) as client,
            pytest.raises(openai.InternalServerError, match="weights are missing"),
        ):
            ask(client)
