"""A CrossEncoder in this process, which reads a question together with a passage.

Owns where a batch is computed: on a GPU by torch in half precision, on a CPU by OpenVINO
(`rag.cpu_encoder`) or, for a model that OpenVINO does not run as torch does, by torch. Does not own
which passages are scored (`rag.rerank`). Training writes the model (docs/explanation/training.md).
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rag.cores import available_cores

if TYPE_CHECKING:
    from rag.cpu_encoder import CpuCrossEncoder
    from rag.embedder import Vectors

__all__ = ["FOLDER", "LocalCrossEncoder", "text_to_read"]

FOLDER = "cross_encoder"
"""Folder of the cross-encoder in an embedding model's folder; a model without one lacks it."""
_CPU_BATCH = 8
_GPU_BATCH = 128


def text_to_read(title: str, heading: str, window: str) -> str:
    """Return what a cross-encoder reads of a passage: a window, after where it stands.

    A window alone often does not say what it is about.
    """
    return "\n".join(part for part in (title, heading, window) if part)


class LocalCrossEncoder:
    """A CrossEncoder in this process. Safe to call from several threads.

    Args:
        folder: The saved model.
        device: ``cpu``, ``cuda``, ...; default: a GPU where there is one, else the CPU.
    """

    name = "cross-encoder"

    def __init__(self, folder: str | Path, *, device: str | None = None) -> None:
        import torch
        from sentence_transformers import CrossEncoder

        self._torch: Any = torch
        self._model: Any = CrossEncoder(str(folder), device=device)
        self._model.eval()
        on_cpu = self._model.device.type == "cpu"
        if not on_cpu:
            self._model.half()
        self._batch_size = _CPU_BATCH if on_cpu else _GPU_BATCH
        self._workers = available_cores() if on_cpu else 1
        self._cpu = self._compile() if on_cpu else None
        # A fast tokenizer that one thread reconfigures while another uses it fails.
        self._tokenizing = threading.Lock()
        self._pool = ThreadPoolExecutor(self._workers, "cross-encoder", self._prepare_thread)

    def _compile(self) -> CpuCrossEncoder | None:
        # Here, so that a GPU node loads nothing of OpenVINO.
        from rag.cpu_encoder import compile_cross_encoder

        return compile_cross_encoder(self._model, threads=self._workers)

    def _prepare_thread(self) -> None:
        if self._workers > 1:
            self._torch.set_num_threads(1)

    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        """Return a score for each text; higher is better, within one question."""
        if self._cpu is not None:
            return [float(score) for score in self._cpu.scores(question, texts)]
        found = np.empty(len(texts), np.float32)
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]), reverse=True)
        size = self._batch_size
        batches = [order[i : i + size] for i in range(0, len(order), size)]

        def compute(batch: list[int]) -> None:
            found[batch] = self._by_torch([(question, texts[i]) for i in batch])

        list(self._pool.map(compute, batches))
        return [float(score) for score in found]

    def _by_torch(self, pairs: list[tuple[str, str]]) -> Vectors:
        with self._torch.inference_mode():
            with self._tokenizing:
                features = self._model.preprocess(pairs)
            moved = {
                key: value.to(self._model.device) if hasattr(value, "to") else value
                for key, value in features.items()
            }
            scores = self._model(moved)["scores"].float().cpu().numpy()
        return np.asarray(scores[:, 0], np.float32)

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown()
