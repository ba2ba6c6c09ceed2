"""A SentenceTransformer in this process, behind the same interface as the embedding service.

Owns where a batch is computed: on a GPU by torch, on a CPU by OpenVINO (`rag.cpu_encoder`) or, for
a model that OpenVINO does not encode as torch does, by torch. On a CPU every core runs its own
batches on one thread: threads that share a batch wait for each other at every operation, and
where something else uses the cores they wait for whole time slices (0.7 s for one question
instead of 0.02 s, measured beside a busy neighbour).
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rag.cores import available_cores
from rag.embedder import Encoded, InputType, Vectors
from rag.errors import EmbeddingError, RerankError
from rag.late_interaction import LocalLateInteraction
from rag.models import model_info, resolve_model
from rag.token_form import TokenForm
from rag.tokens import ModelTokens, tokens_of

if TYPE_CHECKING:
    from rag.cpu_encoder import CpuModel, SeeTokens
    from rag.cross_encoder import LocalCrossEncoder
    from rag.token_reader import TokenReader

__all__ = ["LocalEncoder"]

_CPU_BATCH = 16
_GPU_BATCH = 256


class LocalEncoder:
    """A SentenceTransformer in this process. Safe to call from several threads.

    Args:
        name: As in `rag.models.resolve_model`.
        device: ``cpu``, ``cuda``, ...; default: a GPU where there is one, else the CPU.
        batch_size: Texts of a batch; default 16 on a CPU, 256 on a GPU.

    Attributes:
        dimension: Components of an embedding.
        device: The device in use.
        batch_size: Texts of a batch.
        workers: Batches to compute at the same time: the cores, or 1 on a GPU.
        token_form: Form of the token vectors; None for a model without them.

    Raises:
        UnknownModelError: No model has the name.
    """

    def __init__(
        self, name: str, *, device: str | None = None, batch_size: int | None = None
    ) -> None:
        import torch
        from sentence_transformers import SentenceTransformer

        self._torch: Any = torch
        resolved = self._folder = resolve_model(name)
        self._model: Any = SentenceTransformer(resolved, device=device)
        self._model.eval()
        on_cpu = self._model.device.type == "cpu"
        if not on_cpu:
            self._model.half()
        self.device = str(self._model.device)
        self.batch_size = batch_size or (_CPU_BATCH if on_cpu else _GPU_BATCH)
        self.workers = available_cores() if on_cpu else 1
        self.dimension = int(self._model.get_embedding_dimension() or 0)
        self._cpu = self._compile() if on_cpu else None
        self.token_form = TokenForm.load(resolved)
        self._reader = self._token_reader(self.token_form)
        info = model_info(name)
        # A model saved by training carries its prefixes as prompts.
        prompts = self._model.prompts or {}
        self._prefixes: dict[InputType, str] = {
            "query": info.query_prefix if info else prompts.get("query") or "",
            "document": info.document_prefix if info else prompts.get("document") or "",
        }
        # A fast tokenizer that one thread reconfigures while another uses it fails.
        self._tokenizing = threading.Lock()
        self._pool = ThreadPoolExecutor(self.workers, "encoder", self.prepare_thread)

    def _compile(self) -> CpuModel | None:
        # Here, so that a GPU node loads nothing of OpenVINO.
        from rag.cpu_encoder import compile_for_cpu

        return compile_for_cpu(self._model, threads=self.workers)

    def prepare_thread(self) -> None:
        """Make the calling thread compute alone. Each thread of a pool calls it once."""
        if self.workers > 1:
            self._torch.set_num_threads(1)

    def _token_reader(self, form: TokenForm | None) -> TokenReader | None:
        if form is None:
            return None
        # Here, because its library takes a second to load.
        from rag.token_reader import TokenReader

        return TokenReader(form, self._model.tokenizer.all_special_ids)

    def encode_batch(self, texts: Sequence[str], input_type: InputType) -> Encoded:
        """Return embeddings of `texts`, computed as one batch in the calling thread.

        They have token vectors if the model has.
        """
        return self._encode(texts, input_type, len(texts))

    def _encode(self, texts: Sequence[str], input_type: InputType, batch_size: int) -> Encoded:
        prefix, reader = self._prefixes[input_type], self._reader
        tokens = [b""] * len(texts)

        def see_tokens(rows: list[int], states: Vectors, features: Mapping[str, Any]) -> None:
            if reader is not None:
                for row, packed in zip(
                    rows, reader.read(states, features, input_type), strict=True
                ):
                    tokens[row] = packed

        if self._cpu is not None:
            vectors = self._cpu.encode(
                texts,
                prompt=prefix,
                batch_size=batch_size,
                see_tokens=see_tokens if reader is not None else None,
            )
        else:
            vectors = self._by_torch(texts, prefix, see_tokens)
        return Encoded(vectors=vectors, tokens=tuple(tokens) if reader is not None else ())

    def _by_torch(self, texts: Sequence[str], prefix: str, see_tokens: SeeTokens) -> Vectors:
        with self._torch.inference_mode():
            with self._tokenizing:
                features = self._model.preprocess(list(texts), prompt=prefix or None)
            device = self._model.device
            moved = {
                key: value.to(device) if hasattr(value, "to") else value
                for key, value in features.items()
            }
            output = self._model(moved)
            # Half precision leaves lengths a thousandth off: normalised in single precision.
            vectors = np.asarray(output["sentence_embedding"].float().cpu().numpy(), np.float32)
            if self._reader is not None:
                states = output["token_embeddings"].float().cpu().numpy()
                see_tokens(list(range(len(texts))), states, features)
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.asarray(vectors / np.maximum(norms, 1e-12), np.float32)

    def encode(self, texts: Sequence[str], input_type: InputType) -> Encoded:
        """Return embeddings of `texts` in order, computed in batches of similar length."""
        if self._cpu is not None:
            return self._encode(texts, input_type, self.batch_size)
        vectors = np.empty((len(texts), self.dimension), np.float32)
        tokens = [b""] * len(texts)
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]), reverse=True)
        batches = [order[i : i + self.batch_size] for i in range(0, len(order), self.batch_size)]

        def compute(batch: list[int]) -> None:
            encoded = self.encode_batch([texts[i] for i in batch], input_type)
            vectors[batch] = encoded.vectors
            for row, packed in zip(batch, encoded.tokens, strict=False):
                tokens[row] = packed

        list(self._pool.map(compute, batches))
        return Encoded(vectors=vectors, tokens=tuple(tokens) if self._reader is not None else ())

    @cached_property
    def cross_encoder(self) -> LocalCrossEncoder | None:
        """The model's cross-encoder, loaded at the first use; None for a model without one."""
        from rag.cross_encoder import FOLDER, LocalCrossEncoder

        folder = Path(self._folder, FOLDER)
        return LocalCrossEncoder(folder, device=self.device) if folder.is_dir() else None

    @cached_property
    def late_interaction(self) -> LocalLateInteraction | None:
        """The scores of texts by their token vectors; None for a model without token vectors."""
        form = self.token_form
        return None if form is None else LocalLateInteraction(self.encode, form.dimension)

    async def relevance(self, question: str, texts: Sequence[str]) -> list[float]:
        """Return the cross-encoder's scores, without blocking the event loop.

        Raises:
            RerankError: The model has no cross-encoder.
        """
        cross_encoder = await asyncio.to_thread(lambda: self.cross_encoder)
        if cross_encoder is None:
            raise RerankError(f"The model {self._folder} has no cross-encoder. Train it with one.")
        return await asyncio.to_thread(cross_encoder.scores, question, texts)

    @cached_property
    def tokens(self) -> ModelTokens:
        """The measure of texts in the model's tokens."""
        model = self._model
        return tokens_of(model.tokenizer, model.max_seq_length, self._prefixes["document"])

    async def token_measure(self) -> ModelTokens:
        """Return `tokens`, without blocking the event loop."""
        return await asyncio.to_thread(lambda: self.tokens)

    async def embed(self, texts: Sequence[str], input_type: InputType) -> Vectors:
        """Return embeddings as `encode` does, without blocking the event loop."""
        return (await asyncio.to_thread(self.encode, texts, input_type)).vectors

    async def embed_tokens(self, texts: Sequence[str], input_type: InputType) -> Encoded:
        """Return embeddings and token vectors, without blocking the event loop.

        Raises:
            EmbeddingError: The model has no token vectors.
        """
        if self.token_form is None:
            raise EmbeddingError("The model was trained without token vectors. Train it again.")
        return await asyncio.to_thread(self.encode, texts, input_type)

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown()
        if cross_encoder := self.__dict__.get("cross_encoder"):
            cross_encoder.close()
