"""Models on CPUs: a SentenceTransformer or a CrossEncoder compiled by OpenVINO.

Owns the conversion, the precision and the check that the compiled model gives the vectors or the
scores of torch. Does not own the choice of device (`rag.encoder`, `rag.cross_encoder`) or the text
prefixes. Tokenization, truncation and pooling come from the model's own modules.
"""

from __future__ import annotations

import contextlib
import logging
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from sentence_transformers import CrossEncoder, SentenceTransformer
from sentence_transformers.base.model import BaseModel
from sentence_transformers.base.modules import Transformer
from sentence_transformers.sentence_transformer.modules import Normalize, Pooling

# OpenVINO sends usage statistics to Google Analytics when it is imported and when it converts a
# model. With None here its own `import openvino_telemetry` raises ImportError, and OpenVINO uses
# the stub that it ships for that case (openvino/tools/ovc/telemetry_stub.py).
sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]

__all__ = [
    "MIN_COSINE",
    "CpuCrossEncoder",
    "CpuModel",
    "compile_cross_encoder",
    "compile_for_cpu",
    "quiet_tracing",
]

MIN_COSINE = 0.999
"""An index may hold vectors of both runtimes only if they agree at least this well."""
_BATCH = 16
_BATCH_OF_PAIRS = 8
"""Small, so that every core has some of the few passages of a question."""
_POOLING_MODES = ("mean", "cls")
_PROBES = (
    "How do I clear alarm W7?",
    "北京的冬天有多冷?",
    "Error 0x80070057: E_INVALIDARG (-2147024809), see <https://example.invalid/a?b=c#d>.",
    # Longer than most models read, so that truncation is compared, too.
    "The pump of the second line is checked every thirty days by the operator on duty. " * 60,
)
_PASSAGES = (
    *_PROBES,
    "To clear alarm W7, close the valve and hold the reset key for five seconds.",
    "Alarm W7 means that the pressure is too low.",
    "The invoice is due within thirty days.",
)
_LOG = logging.getLogger("rag.cpu_encoder")

_Model = TypeVar("_Model", bound="_Compiled")
Vectors = npt.NDArray[np.float32]
SeeTokens = Callable[[list[int], Vectors, Mapping[str, Any]], None]
"""Takes positions of texts, their ``(texts, tokens, dimension) float32`` states of the last layer,
and the model's input for them."""


@contextlib.contextmanager
def quiet_tracing() -> Iterator[None]:
    """Hide warnings of a trace, which reads every attribute of the model, also unused ones."""
    logger = logging.getLogger("transformers.modeling_utils")
    disabled, logger.disabled = logger.disabled, True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.disabled = disabled


class _Graph(torch.nn.Module):
    """The model as a function of its input tensors."""

    def __init__(self, model: BaseModel, names: Sequence[str], outputs: Sequence[str]) -> None:
        super().__init__()
        self.steps = torch.nn.Sequential(*model)
        self.names = names
        self.outputs = outputs

    def forward(self, *tensors: torch.Tensor) -> tuple[torch.Tensor, ...]:
        features = self.steps(dict(zip(self.names, tensors, strict=True)))
        return tuple(features[name] for name in self.outputs)


class _Compiled:
    """A compiled model. Safe to call from several threads.

    Args:
        model: On the CPU. After a change of its weights it must be compiled again.
        example: Two inputs of different lengths.
        outputs: What to compute, by the names that the model's modules give it.
        threads: Cores to use. Each computes batches of its own: threads that share a batch wait
            for each other at every operation.

    Attributes:
        precision: ``bf16`` where the processor multiplies it natively, else ``f32``.
    """

    def __init__(
        self, model: BaseModel, example: Sequence[Any], outputs: Sequence[str], threads: int
    ) -> None:
        # Here, so that a machine without it encodes with torch.
        import openvino

        model.eval()
        self._model: Any = model
        # A fast tokenizer that one thread reconfigures while another uses it fails.
        self._tokenizing = threading.Lock()
        features = self._model.preprocess(example)
        self._names = [name for name, value in features.items() if isinstance(value, torch.Tensor)]
        inputs = tuple(features[name] for name in self._names)
        with quiet_tracing(), torch.no_grad():
            # `_agreeing` compares results; trace's own check would double the time to load.
            trace: Any = torch.jit.trace
            graph = _Graph(model, self._names, outputs)
            traced = trace(graph, inputs, check_trace=False, strict=False)
            converted = openvino.convert_model(traced, example_input=inputs)
        core = openvino.Core()
        native = core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        self.precision = "bf16" if "BF16" in native else "f32"
        self._threads = threads
        self._queue: Any = openvino.AsyncInferQueue
        self._compiled = core.compile_model(
            converted,
            "CPU",
            {
                "INFERENCE_PRECISION_HINT": self.precision,
                "INFERENCE_NUM_THREADS": threads,
                "NUM_STREAMS": threads,
                # A pinned thread waits where something else uses its core.
                "ENABLE_CPU_PINNING": False,
            },
        )

    def _run(
        self,
        inputs: Sequence[Any],
        lengths: Sequence[int],
        batch_size: int,
        store: Callable[[list[int], Sequence[Vectors], Mapping[str, Any]], None],
        prompt: str | None = None,
    ) -> None:
        """Compute in batches of like length.

        `store` gets the positions of a batch's inputs, the outputs, and the model's input. It is
        called from other threads.
        """

        def finished(request: Any, batch: tuple[list[int], Mapping[str, Any]]) -> None:
            rows, features = batch
            store(rows, [tensor.data for tensor in request.output_tensors], features)

        order = sorted(range(len(inputs)), key=lambda i: lengths[i], reverse=True)
        batches = [order[i : i + batch_size] for i in range(0, len(order), batch_size)]
        if not batches:
            return
        queue = self._queue(self._compiled, min(self._threads, len(batches)))
        queue.set_callback(finished)
        for rows in batches:
            with self._tokenizing:
                features = self._model.preprocess([inputs[i] for i in rows], prompt=prompt)
            tensors = {name: features[name].numpy() for name in self._names}
            queue.start_async(list(tensors.values()), (rows, tensors))
        queue.wait_all()


class CpuModel(_Compiled):
    """A compiled SentenceTransformer; see `_Compiled`.

    Args:
        model: On the CPU.
        threads: Cores to use.
    """

    def __init__(self, model: SentenceTransformer, threads: int) -> None:
        # The sentence embedding, and what the model computes for each token.
        outputs = ("sentence_embedding", "token_embeddings")
        super().__init__(model, ["a few words", "two"], outputs, threads)
        self._dimension = int(model.get_embedding_dimension() or 0)

    def encode(
        self,
        texts: Sequence[str],
        *,
        prompt: str = "",
        batch_size: int = _BATCH,
        see_tokens: SeeTokens | None = None,
    ) -> Vectors:
        """Return the embeddings of `texts`, in their order.

        Args:
            texts: What to embed.
            prompt: Put before each text.
            batch_size: Texts of a batch; texts of like length share one.
            see_tokens: Gets what the model computed for the tokens of each batch. It is called
                from other threads.

        Returns:
            ``(texts, dimension) float32``, L2-normalised.
        """
        result = np.empty((len(texts), self._dimension), np.float32)

        def store(rows: list[int], outputs: Sequence[Vectors], features: Mapping[str, Any]) -> None:
            result[rows] = outputs[0]
            if see_tokens is not None:
                see_tokens(rows, outputs[1], features)

        self._run(texts, list(map(len, texts)), batch_size, store, prompt or None)
        result /= np.maximum(np.linalg.norm(result, axis=1, keepdims=True), 1e-12)
        return result


class CpuCrossEncoder(_Compiled):
    """A compiled CrossEncoder with one score; see `_Compiled`.

    Args:
        model: On the CPU.
        threads: Cores to use.
    """

    def __init__(self, model: CrossEncoder, threads: int) -> None:
        super().__init__(model, [("a question", "a few words"), ("two", "2")], ("scores",), threads)

    def scores(self, question: str, texts: Sequence[str]) -> Vectors:
        """Return the score of each text for a question: ``(texts,) float32``."""
        result = np.empty(len(texts), np.float32)

        def store(rows: list[int], outputs: Sequence[Vectors], features: Mapping[str, Any]) -> None:
            result[rows] = outputs[0][:, 0]

        pairs = [(question, text) for text in texts]
        self._run(pairs, list(map(len, texts)), _BATCH_OF_PAIRS, store)
        return result


def compile_for_cpu(model: SentenceTransformer, *, threads: int) -> CpuModel | None:
    """Return `model` compiled for this CPU, or None, with a log line, where torch must encode.

    torch encodes if a module of the model is not known here, the conversion fails, or the cosine
    of the two runtimes' vectors is below `MIN_COSINE` for one of a few fixed texts.
    """
    if reason := _unknown_modules(model):
        _LOG.info("encoding with torch, not OpenVINO: %s", reason)
        return None
    return _agreeing(lambda: CpuModel(model, threads), partial(_agreement, model), "vectors")


def compile_cross_encoder(model: CrossEncoder, *, threads: int) -> CpuCrossEncoder | None:
    """Return `model` compiled for this CPU, or None, with a log line, where torch must score.

    torch scores if the conversion fails, or if the cosine of the two runtimes' z-scores of a few
    fixed passages is below `MIN_COSINE`. A ranking takes z-scores (`rag.rerank.combine`).
    """
    return _agreeing(
        lambda: CpuCrossEncoder(model, threads), partial(_agreement_of_scores, model), "z-scores"
    )


def _agreeing(
    make: Callable[[], _Model], agreement: Callable[[_Model], float], what: str
) -> _Model | None:
    """Return what `make` compiles, if its results agree with those of torch."""
    try:
        compiled = make()
        cosine = agreement(compiled)
    except Exception as error:  # noqa: BLE001 - whatever stops a conversion, torch can encode
        _LOG.warning("encoding with torch: OpenVINO cannot run the model: %s", error)
        return None
    # Written so that NaN fails.
    if not cosine >= MIN_COSINE:
        _LOG.warning(
            "encoding with torch: %s of OpenVINO (%s) have cosine %.4f to torch's; "
            "at least %g is required",
            what,
            compiled.precision,
            cosine,
            MIN_COSINE,
        )
        return None
    _LOG.info(
        "encoding with OpenVINO (%s), cosine of %s to torch's %.6f",
        compiled.precision,
        what,
        cosine,
    )
    return compiled


def _unknown_modules(model: SentenceTransformer) -> str:
    """Why the model's modules cannot be compiled; empty if they can."""
    modules = list(model)
    kinds = [type(module) for module in modules]
    if kinds not in ([Transformer, Pooling], [Transformer, Pooling, Normalize]):
        return f"the model's modules are {', '.join(kind.__name__ for kind in kinds)}"
    pooling: Any = modules[1]
    if pooling.pooling_mode not in _POOLING_MODES:
        return f"the model's pooling mode is {pooling.pooling_mode!r}"
    if not pooling.include_prompt:
        return "the model's pooling leaves out the prompt"
    return ""


def _agreement(model: SentenceTransformer, compiled: CpuModel) -> float:
    """Return the lowest cosine between torch's and OpenVINO's vectors of the probes."""
    expected = model.encode(
        list(_PROBES), prompt="", normalize_embeddings=True, show_progress_bar=False
    )
    return float((np.asarray(expected) * compiled.encode(_PROBES, batch_size=2)).sum(axis=1).min())


def _agreement_of_scores(model: CrossEncoder, compiled: CpuCrossEncoder) -> float:
    """Return the cosine between torch's and OpenVINO's z-scores of the passages."""
    question = _PROBES[0]
    expected = model.predict([(question, text) for text in _PASSAGES], show_progress_bar=False)
    return float(np.corrcoef(expected, compiled.scores(question, _PASSAGES))[0, 1])
