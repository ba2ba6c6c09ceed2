"""What the language model learns from: prompts of the application, no duplicates, no leaks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rag.prompt import profile_of
from training.data import TrainingData, load_training_data
from training.examples import HeldOut, Pair, Passage
from training.llm.examples import Example, build_examples, fold, without_leaks, write_chatml

SMALL = profile_of("smollm2-135m-instruct")
LARGE = profile_of("qwen3-8b")


def _load(corpus: Path) -> TrainingData:
    return load_training_data(corpus, seed=1, min_pairs=16)


def _data(pairs: list[Pair], test: list[HeldOut] | None = None) -> TrainingData:
    texts = (
        "The pump is checked every 9 days. It stands in room 4. Lamp 2 blinks when it fails.",
        "The valve is checked every 7 days. Its spare part is on the upper shelf of room 5.",
        "The fan runs all day. It is cleaned by the operator on duty, with a dry cloth only.",
    )
    passages = [
        Passage(document="docs/a.md", number=i, start=0, end=9, heading="", text=text, title="A")
        for i, text in enumerate(texts)
    ]
    return TrainingData(
        passages=tuple(passages),
        pairs=tuple(pairs),
        validation=(),
        held_out=tuple(test or ()),
        source="questions",
        held_out_split="test",
        replaced={},
        documents=1,
        set_aside=(),
    )


def _pair(query: str = "Where is the pump?", answer: str = "in room 4", at: int = 0) -> Pair:
    return Pair(query=query, relevant=frozenset({at}), answer=answer)


def _example(question: str, text: str = "text") -> Example:
    prompt = ({"role": "user", "content": f"{text}\n{question}"},)
    return Example(question=question, prompt=prompt, target="t", gold="t")


def test_a_small_model_reads_the_sentence_with_the_answer_and_one_other() -> None:
    (example,) = build_examples(_data([_pair()]), SMALL, seed=1).train
    (user, assistant) = example.messages()
    assert user["role"] == "user"
    assert "It stands in room 4." in user["content"]
    text = user["content"].partition("\n\n")[0]
    assert text.count(".") == 2
    assert user["content"].endswith(
        "Answer the question from the text, in one sentence.\nQuestion: Where is the pump?"
    )
    assert assistant == {"role": "assistant", "content": "in room 4"}


def test_a_large_model_reads_passages_and_cites_the_one_with_the_answer() -> None:
    (example,) = build_examples(_data([_pair()]), LARGE, seed=1).train
    (system, user, assistant) = example.messages()
    assert system["role"] == "system"
    before = user["content"].partition("The pump is checked")[0]
    number = before.count("\n[") + before.startswith("[") + 0
    assert assistant["content"] == f"in room 4 [{number}]"
    assert all(f"[{i}] A" in user["content"] for i in (1, 2, 3))
    assert example.gold == "in room 4"


def test_the_passage_with_the_answer_has_no_fixed_place(corpus: Path) -> None:
    examples = build_examples(_load(corpus), LARGE, seed=1).train
    assert len({example.target[-3:] for example in examples}) == 3


def test_questions_of_the_corpus_become_examples_of_three_splits(corpus: Path) -> None:
    data = build_examples(_load(corpus), SMALL, seed=1)
    assert (len(data.train), len(data.validation), len(data.test)) == (48, 24, 24)
    assert data.problems == ()
    assert not {e.question for e in data.train} & {e.question for e in data.validation}


def test_a_limit_draws_the_same_examples_every_time(corpus: Path) -> None:
    corpus_data = _load(corpus)
    some = build_examples(corpus_data, SMALL, seed=1, max_examples=10).train
    assert len(some) == 10
    assert some == build_examples(corpus_data, SMALL, seed=1, max_examples=10).train
    assert {*map(fold, (e.question for e in some))} < {
        *map(fold, (e.question for e in build_examples(corpus_data, SMALL, seed=1).train))
    }


def test_a_question_asked_twice_is_trained_once_and_reported() -> None:
    pairs = [_pair(), _pair("where is the PUMP ?"), _pair("What blinks?", "Lamp 2")]
    data = build_examples(_data(pairs), SMALL, seed=1)
    assert [e.question for e in data.train] == ["Where is the pump?", "What blinks?"]
    assert "have it twice, with the same answer" in data.problems[0]


def test_a_question_that_the_test_split_asks_is_left_out_and_reported() -> None:
    test = [HeldOut(query="WHERE is the pump", relevant=frozenset({0}), answer="room 4")]
    data = build_examples(_data([_pair(), _pair("What blinks?", "Lamp 2")], test), SMALL, seed=1)
    assert [e.question for e in data.train] == ["What blinks?"]
    assert data.problems == (
        "question 'Where is the pump?': left out, because the test split asks the same question",
    )


def test_an_equal_prompt_is_a_leak_even_if_the_question_is_split_otherwise() -> None:
    problems: list[str] = []
    mine, theirs = _example("the pump?", "Where is"), _example("pump?", "Where is the")
    assert without_leaks([mine], [theirs], "the test split", problems) == []
    assert "the test split has the same passage and question" in problems[0]


def test_a_corpus_without_questions_gives_no_examples(bare_corpus: Path) -> None:
    data = build_examples(_load(bare_corpus), SMALL, seed=1)
    assert data.train == data.validation == data.test == ()


def test_the_data_is_written_as_chatml(tmp_path: Path) -> None:
    example = Example(
        question="问", prompt=({"role": "user", "content": "问"},), target="答", gold="答"
    )
    write_chatml(tmp_path / "out" / "data.jsonl", [example, example])
    lines = (tmp_path / "out" / "data.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == [
        {
            "messages": [
                {"role": "user", "content": "问"},
                {"role": "assistant", "content": "答"},
            ]
        }
    ] * 2
    assert "问" in lines[0]


@pytest.mark.parametrize(("text", "folded"), [("Where  is IT?", "whereisit"), ("什么 ？", "什么")])
def test_questions_are_compared_without_case_spaces_and_punctuation(text: str, folded: str) -> None:
    assert fold(text) == folded
