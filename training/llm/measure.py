"""What a language model is judged by: its loss on held-out answers, and the answers it writes.

Owns the loss, the greedy decoding, and the form in which the application shows an answer. Does not
own the measures of an answer (`training.llm.answers`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from accelerate.utils import gather_object

from rag.prompt import ModelProfile
from rag.sentences import sentence_spans
from training.llm.answers import exact_match, token_f1
from training.llm.examples import Example
from training.llm.model import IGNORED, Tokens
from training.workers import Workers

__all__ = ["Answered", "Judgement", "judge_answers", "measured_loss", "shown"]

_BATCH = 8
_LONGEST_ANSWER = 256
"""Tokens of an answer, where the profile allows more: the gold answers are shorter."""
_CITATION = re.compile(r"\s*\[\d{1,2}\]")

Row = tuple[Example, Tokens]


@dataclass(frozen=True, kw_only=True)
class Answered:
    """One answer and its measures."""

    question: str
    gold: str
    answer: str
    token_f1: float
    exact_match: float


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What one model achieved on one set of questions.

    Attributes:
        loss: Mean loss of a token of the gold answers.
        answers: Its answers, in the order of the questions.
    """

    loss: float
    answers: tuple[Answered, ...]

    def measures(self) -> dict[str, float]:
        """Return the measures by name."""
        count = max(1, len(self.answers))
        return {
            "token_f1": round(sum(row.token_f1 for row in self.answers) / count, 4),
            "exact_match": round(sum(row.exact_match for row in self.answers) / count, 4),
            "loss": round(self.loss, 4),
        }


def measured_loss(model: Any, rows: Sequence[Row], pad: int, workers: Workers) -> float:
    """Return the mean loss of the answers' tokens; each worker computes a share.

    Args:
        model: In evaluation mode.
        rows: Not empty.
        pad: Id of the padding token.
        workers: This worker and the others.
    """
    total, count = 0.0, 0
    for batch in _batches(rows, workers, key=lambda row: len(row[1].whole)):
        width = max(len(tokens.whole) for _, (_, tokens) in batch)
        ids = [tokens.whole + [pad] * (width - len(tokens.whole)) for _, (_, tokens) in batch]
        labels = [
            tokens.labels + [IGNORED] * (width - len(tokens.whole)) for _, (_, tokens) in batch
        ]
        mask = [
            [1] * len(tokens.whole) + [0] * (width - len(tokens.whole)) for _, (_, tokens) in batch
        ]
        with torch.inference_mode(), workers.autocast():
            logits = model(
                input_ids=torch.tensor(ids, device=workers.device),
                attention_mask=torch.tensor(mask, device=workers.device),
                use_cache=False,
            ).logits
        wanted = torch.tensor(labels, device=workers.device)[:, 1:]
        total += float(
            torch.nn.functional.cross_entropy(
                logits[:, :-1].float().flatten(0, 1),
                wanted.flatten(),
                ignore_index=IGNORED,
                reduction="sum",
            )
        )
        count += int((wanted != IGNORED).sum())
    parts = [(total, count)]
    if workers.world_size > 1:
        parts = gather_object(parts)
    return sum(part for part, _ in parts) / max(1, sum(number for _, number in parts))


def judge_answers(
    model: Any,
    tokenizer: Any,
    rows: Sequence[Row],
    profile: ModelProfile,
    workers: Workers,
    report: Callable[[str], None],
) -> tuple[Answered, ...]:
    """Let the model answer by greedy decoding; each worker answers a share.

    Args:
        model: In evaluation mode.
        tokenizer: The model's.
        rows: The questions.
        profile: The model's limits.
        workers: This worker and the others.
        report: Receives progress lines.
    """
    pad = tokenizer.pad_token_id
    found: list[tuple[int, str]] = []
    mine = len(range(workers.rank, len(rows), workers.world_size))
    for batch in _batches(rows, workers, key=lambda row: len(row[1].prompt)):
        width = max(len(tokens.prompt) for _, (_, tokens) in batch)
        ids = [[pad] * (width - len(t.prompt)) + t.prompt for _, (_, t) in batch]
        mask = [[0] * (width - len(t.prompt)) + [1] * len(t.prompt) for _, (_, t) in batch]
        with torch.inference_mode(), workers.autocast():
            written = model.generate(
                input_ids=torch.tensor(ids, device=workers.device),
                attention_mask=torch.tensor(mask, device=workers.device),
                max_new_tokens=min(profile.answer_tokens, _LONGEST_ANSWER),
                do_sample=False,
                temperature=None,
                top_p=None,
                top_k=None,
                pad_token_id=pad,
                use_cache=True,
            )
        texts = tokenizer.batch_decode(written[:, width:], skip_special_tokens=True)
        found += [(at, shown(text, profile)) for (at, _), text in zip(batch, texts, strict=True)]
        report(f"answered {len(found)}/{mine} questions")
    if workers.world_size > 1:
        found = gather_object(found)
    answers = dict(found)
    return tuple(
        Answered(
            question=example.question,
            gold=example.gold,
            answer=answers[at],
            token_f1=token_f1(answers[at], example.gold),
            exact_match=exact_match(answers[at], example.gold),
        )
        for at, (example, _) in enumerate(rows)
    )


def shown(text: str, profile: ModelProfile) -> str:
    """Return what counts of an answer: no citations; of a small model the first sentence."""
    if profile.quotes:
        spans = sentence_spans(text)
        return text[slice(*spans[0])] if spans else ""
    return _CITATION.sub("", text).strip()


def _batches(
    rows: Sequence[Row], workers: Workers, key: Callable[[Row], int]
) -> list[list[tuple[int, Row]]]:
    """Return this worker's share with the positions, rows of about the same length together."""
    mine = sorted(
        list(enumerate(rows))[workers.rank :: workers.world_size], key=lambda item: key(item[1])
    )
    return [mine[at : at + _BATCH] for at in range(0, len(mine), _BATCH)]
