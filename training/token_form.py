"""Whether a tuned model gets token vectors.

Owns the trial: the form is written into the model's folder, the application's encoder computes the
vectors, and they stay a part of the model only if they are worth it. Does not own the measurement
(`training.judge`) or the rule (`training.rerank_weight`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from rag.embedder import Encoded, InputType
from rag.encoder import LocalEncoder
from rag.token_form import FORM_FILE, TokenForm
from training.judge import Reranked

__all__ = ["choose_token_form"]

Encode = Callable[[Sequence[str], InputType], Encoded]


def choose_token_form(
    folder: Path,
    form: TokenForm,
    choose: Callable[[int, Encode], Reranked],
    *,
    device: str,
) -> tuple[TokenForm | None, Reranked]:
    """Return the form of a model's token vectors, or None, and what late interaction achieves.

    Args:
        folder: The saved model. Gets the form if the weight is not 0.
        form: The form to try.
        choose: Chooses the weight, from the components of a token vector and an encoder.
        device: Where to compute.
    """
    form.save(folder)
    encoder = LocalEncoder(str(folder), device=device)
    try:
        reranked = choose(form.dimension, encoder.encode)
    finally:
        encoder.close()
    if reranked.choice.weight == 0:
        (folder / FORM_FILE).unlink()
        return None, reranked
    return form, reranked
