"""The workers of one training: device, precision, and how they share work.

Owns all code that knows of torchrun, which starts the processes. Without it there is one worker,
and no function here communicates.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from accelerate import PartialState
from accelerate.utils import broadcast_object_list, gather_object
from sentence_transformers import SentenceTransformer

from rag.cpu_encoder import compile_for_cpu

__all__ = ["Encoder", "Encoding", "Precision", "Workers", "prompt_of", "start_workers"]

Precision = Literal["fp32", "bf16", "fp16"]
Vectors = npt.NDArray[np.float32]
Encoder = Callable[[Sequence[str]], Vectors]
"""Embeds texts, prefixes included: ``(texts, dimension) float32``, L2-normalised."""
_BATCH = 32
_ENCODE_PIECE = 512
"""Texts between two lines of progress."""


@dataclass(frozen=True, kw_only=True)
class Encoding:
    """Embeddings, (texts, dimension) float32 and L2-normalised, and how long they took."""

    embeddings: Vectors
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Workers:
    """One worker's view of all workers.

    Attributes:
        rank: 0 to `world_size - 1`; 0 reads, decides and writes.
        world_size: Number of workers.
        device: `cpu` or `cuda:<local rank>`.
        precision: Of matrix multiplications; weights stay float32.
    """

    rank: int
    world_size: int
    device: torch.device
    precision: Precision

    @property
    def is_main(self) -> bool:
        """Whether this is the worker that writes."""
        return self.rank == 0

    @property
    def use_cpu(self) -> bool:
        """Whether the worker has no GPU."""
        return self.device.type == "cpu"

    def autocast(self) -> torch.autocast:
        """Return a context in which matrices are multiplied in `precision`."""
        dtype = torch.float16 if self.precision == "fp16" else torch.bfloat16
        return torch.autocast(self.device.type, dtype=dtype, enabled=self.precision != "fp32")

    def from_main(self, value: Any) -> Any:
        """Return on every worker the value that worker 0 passes."""
        if self.world_size == 1:
            return value
        box = [value]
        broadcast_object_list(box, from_process=0)
        return box[0]

    def close(self) -> None:
        """Leave the other workers, once all are done.

        Otherwise the collectives' threads sometimes still run when the interpreter unloads their
        library. A worker that did everything then ends by SIGABRT, and the job counts as failed.
        """
        if self.world_size > 1:
            state = PartialState()
            state.wait_for_everyone()
            state.destroy_process_group()

    def encoder(self, model: SentenceTransformer) -> Encoder:
        """Return a function that embeds texts with the present weights of `model`.

        On a CPU it uses OpenVINO if that gives the vectors of torch, see `rag.cpu_encoder`.

        Args:
            model: On this worker's device.
        """
        compiled = compile_for_cpu(model, threads=torch.get_num_threads()) if self.use_cpu else None
        if compiled is not None:
            return compiled.encode

        def encode(texts: Sequence[str]) -> Vectors:
            with self.autocast():
                vectors = model.encode(
                    list(texts),
                    prompt="",
                    batch_size=_BATCH,
                    normalize_embeddings=True,
                    show_progress_bar=False,
                )
            return np.asarray(vectors, dtype=np.float32)

        return encode

    def encode(
        self,
        encoder: Encoder,
        texts: Sequence[str],
        *,
        report: Callable[[int, int], None] = lambda done, total: None,
    ) -> Encoding:
        """Embed texts. Each worker embeds its share, and all workers get all embeddings.

        Args:
            encoder: This worker's, from `encoder`.
            texts: Not empty.
            report: Receives how many texts of this worker's share are done, and their total.
        """
        started = time.monotonic()
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        mine = order[self.rank :: self.world_size]
        parts: list[tuple[list[int], Vectors]] = []
        for at in range(0, len(mine), _ENCODE_PIECE):
            indices = mine[at : at + _ENCODE_PIECE]
            parts.append((indices, encoder([texts[i] for i in indices])))
            report(min(at + _ENCODE_PIECE, len(mine)), len(mine))
        if self.world_size > 1:
            parts = gather_object(parts)
        result = np.empty((len(texts), parts[0][1].shape[1]), dtype=np.float32)
        for indices, vectors in parts:
            result[indices] = vectors
        return Encoding(embeddings=result, seconds=time.monotonic() - started)

    def encode_queries(
        self, model: SentenceTransformer, encoder: Encoder, queries: Sequence[str]
    ) -> Vectors:
        """Embed queries with the model's prefix for them: (queries, dimension) float32."""
        prefix = prompt_of(model, "query")
        return self.encode(encoder, [prefix + query for query in queries]).embeddings


def prompt_of(model: SentenceTransformer, kind: Literal["query", "document"]) -> str:
    """Return what a model expects before a text of a kind; most expect nothing."""
    return (model.prompts or {}).get(kind) or ""


def start_workers(precision: Precision | Literal["auto"]) -> Workers:
    """Join the other workers, and choose device and precision.

    Args:
        precision: `auto` is bf16 if the processor or GPU multiplies it natively, else fp16 on a
            GPU and fp32 on a CPU.

    Raises:
        ValueError: `precision` is fp16 and there is no GPU.
    """
    use_cpu = not torch.cuda.is_available()
    if precision == "fp16" and use_cpu:
        raise ValueError("--precision is 'fp16', which needs a GPU. Use auto, bf16 or fp32.")
    if os.environ.get("MASTER_ADDR", "").startswith(("127.", "localhost")):
        # Otherwise Gloo listens on the address that the machine's own name resolves to.
        os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    state = PartialState(cpu=use_cpu)
    return Workers(
        rank=state.process_index,
        world_size=state.num_processes,
        device=state.device,
        precision=_precision(use_cpu) if precision == "auto" else precision,
    )


def _precision(use_cpu: bool) -> Precision:
    if not use_cpu:
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16"
    capabilities = torch.cpu.get_capabilities()
    native = capabilities.get("avx512_bf16") or capabilities.get("amx_bf16")
    return "bf16" if native else "fp32"
