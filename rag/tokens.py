"""Measures texts in the tokens of an embedding model.

Owns the model's tokenizer and the number of tokens that a chunk may have. Needs the package
`tokenizers` only, not the model, so that a job that embeds through a service can measure, too. Does
not own the cutting (`rag.chunk`).
"""

from __future__ import annotations

import json
import re
from array import array
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tokenizers import Tokenizer

__all__ = ["MOST_TOKENS", "ModelTokens", "load_tokens", "tokens_of"]

MOST_TOKENS = 512
"""The most tokens of a chunk, also for models that read 8,192 and more.

One vector stands for the whole chunk, so a longer chunk is found less exactly, and the language
model has room for a few passages only. 1,000 characters of English are about 250 tokens, and 1,000
characters of Chinese are 600 to 950."""
_BEYOND = 1.25
"""How much longer a chunk may be than what the model reads.

The next chunk repeats the end of the one before, so its vector has what this one's lacks. Measured
on covid-qa with all-MiniLM-L6-v2, whose window is 1: the nDCG@10 of BM25 is 0.659 for 1, 0.683 for
1.25, and 0.682 for 1.5 and without a limit."""
_SEAM = 2
"""Tokens to spare: a cut within a word or a Chinese clause changes the tokens beside it."""
_PIECE = 8192
"""Characters that are tokenized at once. The lists that the tokenizer makes are 100 times the
size of the text, and long pieces are slower."""
_UNKNOWN = ("[UNK]", "<unk>")
_SURROGATES = re.compile("[\ud800-\udfff]")


class ModelTokens:
    """A `rag.limits.TokenMeasure` of one model. Safe to call from several threads.

    Args:
        tokenizer_json: The content of the model's ``tokenizer.json``.
        max_tokens: The most tokens of a chunk, at least 1; see `tokens_of`.

    Attributes:
        tokenizer_json: As given.
        max_tokens: As given.
    """

    def __init__(self, tokenizer_json: str, max_tokens: int) -> None:
        # Here, because the application does not cut documents.
        from tokenizers import Tokenizer

        if max_tokens < 1:
            raise ValueError(f"max_tokens is {max_tokens}. It must be at least 1.")
        self.tokenizer_json = tokenizer_json
        self.max_tokens = max_tokens
        self._tokenizer = _whole(Tokenizer.from_str(tokenizer_json))
        ids = (self._tokenizer.token_to_id(name) for name in _UNKNOWN)
        self._unknown = next((number for number in ids if number is not None), -1)

    def starts(self, text: str) -> array[int]:
        """Return the offset in `text` at which each of its tokens starts, in order.

        Every character of a word that the model does not know counts as a token, because the model
        may know the parts into which a cut divides the word.
        """
        starts = array("I")
        # Readers leave no half of a surrogate pair; here it would raise an error.
        text = _SURROGATES.sub("\ufffd", text)
        at = 0
        while at < len(text):
            end = _piece_end(text, at)
            found = self._tokenizer.encode(text[at:end], add_special_tokens=False)
            for number, (first, last) in zip(found.ids, found.offsets, strict=True):
                if number == self._unknown:
                    starts.extend(range(at + first, at + last))
                else:
                    starts.append(at + first)
            at = end
        return starts


def _whole(tokenizer: Tokenizer) -> Tokenizer:
    """Return `tokenizer` without the truncation and the padding that it was saved with."""
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def _piece_end(text: str, start: int) -> int:
    """Return where a piece ends that begins at `start`: before white space if it is near."""
    end = start + _PIECE
    if end >= len(text):
        return len(text)
    half = start + _PIECE // 2
    space = max(text.rfind(" ", half, end), text.rfind("\n", half, end))
    return space if space > 0 else end


def tokens_of(tokenizer: Any, max_seq_length: int | None, document_prefix: str) -> ModelTokens:
    """Return the measure of a model, for chunks a little longer than what it reads.

    Args:
        tokenizer: The model's tokenizer, of transformers.
        max_seq_length: Tokens that the model reads; None if it is not known.
        document_prefix: Text that the model expects before a passage.

    Raises:
        ValueError: The tokenizer is not a fast one, or the model reads too few tokens.
    """
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        raise ValueError(
            f"the tokenizer {type(tokenizer).__name__} gives no offsets, which chunks are measured "
            f"by. Use a model with a tokenizer.json."
        )
    prefix = tokenizer(document_prefix, add_special_tokens=False)["input_ids"]
    added = int(tokenizer.num_special_tokens_to_add()) + len(prefix)
    longest = min(max_seq_length or MOST_TOKENS, MOST_TOKENS)
    if longest - added - _SEAM < 1:
        raise ValueError(
            f"the model reads {longest} tokens, but {added} of them are its own prefix and marks. "
            f"Raise max_seq_length to {added + _SEAM + 1} at least."
        )
    reads = longest - added - _SEAM
    return ModelTokens(backend.to_str(), min(int(reads * _BEYOND), MOST_TOKENS - added - _SEAM))


def load_tokens(
    source: str, max_seq_length: int | None = None, document_prefix: str | None = None
) -> ModelTokens:
    """Return the measure of a model that is not loaded.

    Args:
        source: A folder or a Hugging Face repository, as `rag.models.resolve_model` returns it.
        max_seq_length: Tokens that the model is to read. Default: its own limit.
        document_prefix: Text that the model expects before a passage. Default: what it was saved
            with.
    """
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(source)
    saved = _saved(source, "sentence_bert_config.json").get("max_seq_length")
    limits = [saved, tokenizer.model_max_length, max_seq_length]
    if document_prefix is None:
        prompts = _saved(source, "config_sentence_transformers.json").get("prompts") or {}
        document_prefix = prompts.get("document") or ""
    return tokens_of(tokenizer, min(limit for limit in limits if limit), document_prefix)


def _saved(source: str, name: str) -> dict[str, Any]:
    """Return the content of a file of a saved SentenceTransformer; empty if it is missing."""
    path = Path(source, name)
    return dict(json.loads(path.read_bytes())) if path.is_file() else {}
