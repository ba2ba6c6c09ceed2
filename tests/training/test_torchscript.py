"""The export for OpenSearch, of the packaged all-MiniLM-L6-v2.

Cannot prove: that an older libtorch loads the file. `benchmarks/torchscript_versions.py` shows it.
"""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Pooling
from tokenizers import Tokenizer

from rag.cpu_encoder import quiet_tracing
from rag.models import resolve_model
from training.bounds import LIBTORCH_VERSIONS
from training.torchscript.__main__ import main
from training.torchscript.archive import file_format_version, write_canonical
from training.torchscript.errors import TorchScriptError, UnsupportedOperatorError
from training.torchscript.export import (
    MAX_DIFFERENCE,
    TorchScript,
    export_torchscript,
    trace_model,
)
from training.torchscript.operators import check_file_format, check_operators, list_operators

TEXTS = (
    "How do I clear alarm W7?",
    "北京的冬天有多冷?",
    "",
    " \n",
    "The pump of the second line is checked every thirty days. " * 100,
    "第二条生产线的水泵每三十天检查一次。" * 60,
)


def _load(attention: str = "eager") -> SentenceTransformer:
    options = {"attn_implementation": attention}
    path = resolve_model("all-MiniLM-L6-v2")
    return SentenceTransformer(path, device="cpu", model_kwargs=options).eval()


def _script(function: Any) -> torch.jit.ScriptModule:
    """Return a module that computes `function` of a tensor."""

    class _Module(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> Any:
            return function(x)

    trace: Any = torch.jit.trace
    with quiet_tracing():
        traced: torch.jit.ScriptModule = trace(_Module().eval(), torch.ones(2, 3))
    return traced


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Save the model as training does, with prefixes."""
    folder = tmp_path_factory.mktemp("model")
    model = SentenceTransformer(resolve_model("all-MiniLM-L6-v2"), device="cpu")
    model.prompts = {"query": "query: ", "document": "passage: "}
    model.save_pretrained(str(folder), create_model_card=False)
    return folder


@pytest.fixture(scope="module")
def exported(saved: Path, tmp_path_factory: pytest.TempPathFactory) -> TorchScript:
    return export_torchscript(saved, tmp_path_factory.mktemp("zip") / "model.zip", "1.13.1")


@pytest.fixture(scope="module")
def traced() -> torch.jit.ScriptModule:
    return trace_model(_load())


@pytest.mark.model
def test_the_zip_gives_the_vectors_of_the_model_to_four_digits(
    exported: TorchScript, tmp_path: Path
) -> None:
    with zipfile.ZipFile(exported.path) as archive:
        assert archive.namelist() == ["model.pt", "tokenizer.json"]
        archive.extractall(tmp_path)
    # The attention that rag.encoder computes with.
    expected = _load("sdpa").encode(list(TEXTS), prompt="", normalize_embeddings=True)
    tokenizer = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    assert tokenizer.padding is None
    load: Any = torch.jit.load
    with quiet_tracing():
        module = load(str(tmp_path / "model.pt"))
        for text, vector in zip(TEXTS, expected, strict=True):
            encoding = tokenizer.encode(text)
            assert len(encoding.ids) <= exported.max_tokens == 256
            inputs = {
                "input_ids": torch.tensor([encoding.ids]),
                "attention_mask": torch.tensor([encoding.attention_mask]),
            }
            output = module(inputs)
            assert list(output) == ["sentence_embedding"]
            np.testing.assert_allclose(
                output["sentence_embedding"][0].numpy(), vector, rtol=0, atol=MAX_DIFFERENCE
            )


@pytest.mark.model
def test_the_result_has_what_the_register_call_needs(exported: TorchScript) -> None:
    config = dict(exported.model_config)
    assert json.loads(config.pop("all_config"))["hidden_size"] == 384
    assert config == {
        "model_type": "bert",
        "embedding_dimension": 384,
        "framework_type": "sentence_transformers",
    }
    content = exported.path.read_bytes()
    assert exported.sha256 == hashlib.sha256(content).hexdigest()
    assert exported.size_bytes == len(content)
    assert (exported.query_prefix, exported.passage_prefix) == ("query: ", "passage: ")


@pytest.mark.model
def test_a_second_export_in_the_same_process_gives_the_same_bytes(
    saved: Path, exported: TorchScript, tmp_path: Path
) -> None:
    again = export_torchscript(saved, tmp_path / "model.zip", "2.5.1")
    assert again.sha256 == exported.sha256
    assert [path.name for path in tmp_path.iterdir()] == ["model.zip"]


@pytest.mark.model
def test_the_file_has_no_path_of_this_machine(exported: TorchScript, tmp_path: Path) -> None:
    with zipfile.ZipFile(exported.path) as archive:
        archive.extract("model.pt", tmp_path)
    with zipfile.ZipFile(tmp_path / "model.pt") as archive:
        names = archive.namelist()
        code = b"".join(archive.read(n) for n in names if not n.startswith("model/constants/"))
    assert [name for name in names if "debug_pkl" in name or "mangle" in name] == []
    assert b"site-packages" not in code
    assert b"mangle" not in code


@pytest.mark.model
def test_the_operators_of_the_graph_are_listed(traced: torch.jit.ScriptModule) -> None:
    operators = list_operators(traced)
    assert {"aten::softmax.int", "aten::layer_norm", "aten::embedding"} <= set(operators)
    assert "aten::scaled_dot_product_attention" not in operators
    assert "aten::dropout" not in operators


def test_operators_of_inner_blocks_and_submodules_are_listed() -> None:
    class _Inner(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            if x.sum() > 0:
                x = torch.tanh(x)
            return x

    class _Outer(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = _Inner()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.neg(self.inner(x))

    script: Any = torch.jit.script
    with quiet_tracing():
        module = script(_Outer())
    assert {"aten::tanh", "aten::neg", "aten::gt.Scalar"} <= set(list_operators(module))


@pytest.mark.model
@pytest.mark.parametrize("version", LIBTORCH_VERSIONS)
def test_every_libtorch_of_opensearch_has_the_operators(
    version: str, traced: torch.jit.ScriptModule
) -> None:
    check_operators(traced, version)


@pytest.mark.model
def test_a_model_traced_with_fused_attention_is_refused_for_an_old_libtorch() -> None:
    fused = trace_model(_load("sdpa"))
    check_operators(fused, "2.5.1")
    with pytest.raises(UnsupportedOperatorError) as refused:
        check_operators(fused, "1.13.1")
    assert str(refused.value).startswith(
        "libtorch 1.13.1 lacks the operator aten::scaled_dot_product_attention. "
        'Trace the model with attn_implementation="eager"'
    )


def test_a_new_argument_of_an_old_operator_is_refused_only_if_the_file_gives_it() -> None:
    """In 1.13.1, `pad_sequence` exists without the argument `padding_side`."""
    pad: Any = torch.ops.aten.pad_sequence
    check_operators(_script(lambda x: pad([x, x], True, 0.0, "right")), "1.13.1")
    left = _script(lambda x: pad([x, x], True, 0.0, "left"))
    check_operators(left, "2.5.1")
    message = "1.13.1 lacks the argument padding_side of the operator aten::pad_sequence"
    with pytest.raises(UnsupportedOperatorError, match=message):
        check_operators(left, "1.13.1")


def test_syntax_that_is_not_known_is_refused() -> None:
    def forks(x: torch.Tensor) -> torch.Tensor:
        return torch.jit.wait(torch.jit.fork(torch.neg, x))

    script: Any = torch.jit.script
    with quiet_tracing():
        function = script(forks)
    with pytest.raises(UnsupportedOperatorError, match="lacks the operator prim::fork"):
        check_operators(function, "2.5.1")


def test_a_libtorch_that_is_not_known_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=re.escape("'2.0' is not known; it must be one of 1.13.1")):
        check_operators(_script(torch.neg), "2.0")


@pytest.mark.parametrize("version", LIBTORCH_VERSIONS)
def test_a_newer_file_format_is_refused(version: str) -> None:
    check_file_format(10, version)
    with pytest.raises(UnsupportedOperatorError, match=r"format version 11, and libtorch .* to 10"):
        check_file_format(11, version)


@pytest.mark.model
def test_the_format_of_the_file_is_read_from_it(exported: TorchScript, tmp_path: Path) -> None:
    with zipfile.ZipFile(exported.path) as archive:
        archive.extract("model.pt", tmp_path)
    library: Any = torch._C
    assert 3 <= file_format_version(tmp_path / "model.pt") <= library._get_max_operator_version()


def test_a_module_that_is_not_frozen_is_not_written(tmp_path: Path) -> None:
    trace: Any = torch.jit.trace
    with quiet_tracing():
        layers = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.Linear(3, 3)).eval()
        trace(layers, torch.ones(2, 3)).save(str(tmp_path / "saved.pt"))
    with pytest.raises(ValueError, match="modules of code; freeze it first"):
        write_canonical(tmp_path / "saved.pt", tmp_path / "model.pt")


@pytest.mark.model
def test_a_model_that_reads_more_than_opensearch_is_refused(
    saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.torchscript.export._MOST_TOKENS", 255)
    with pytest.raises(TorchScriptError, match=r"reads 256 tokens, and OpenSearch cuts .* at 255"):
        export_torchscript(saved, tmp_path / "model.zip", "2.5.1")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.model
def test_a_pooling_without_the_prefix_is_refused(saved: Path, tmp_path: Path) -> None:
    model = SentenceTransformer(str(saved), device="cpu")
    pooling = model[1]
    assert isinstance(pooling, Pooling)
    pooling.include_prompt = False
    model.save_pretrained(str(tmp_path / "other"), create_model_card=False)
    with pytest.raises(TorchScriptError, match="pooling leaves out the prefix"):
        export_torchscript(tmp_path / "other", tmp_path / "model.zip", "2.5.1")


@pytest.mark.model
def test_a_zip_over_the_limit_of_opensearch_is_refused(
    saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.torchscript.export._MOST_BYTES", 1000)
    with pytest.raises(TorchScriptError, match="ml-commons takes at most 1000"):
        export_torchscript(saved, tmp_path / "model.zip", "2.5.1")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.model
def test_a_trace_that_gives_other_vectors_is_refused(
    saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = _load()
    with torch.no_grad():
        next(other.parameters()).mul_(1.01)
    wrong = trace_model(other)
    monkeypatch.setattr("training.torchscript.export.trace_model", lambda model: wrong)
    with pytest.raises(TorchScriptError, match="the traced model gives another vector"):
        export_torchscript(saved, tmp_path / "model.zip", "2.5.1")


@pytest.mark.model
def test_a_model_that_torch_cannot_trace_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    model = _load()

    def fail(features: Any) -> Any:
        raise RuntimeError("no such thing\nwith details")

    monkeypatch.setattr(model[1], "forward", fail)
    with pytest.raises(TorchScriptError, match="cannot trace the model: no such thing"):
        trace_model(model)


@pytest.mark.model
def test_the_command_prints_the_result_or_the_reason(
    saved: Path,
    exported: TorchScript,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    arguments = [f"--model-dir={saved}", "--target=model.zip"]
    monkeypatch.setattr("training.torchscript.__main__.export_torchscript", lambda *_: exported)
    assert main(arguments) == 0
    assert json.loads(capsys.readouterr().out)["sha256"] == exported.sha256
    monkeypatch.undo()
    monkeypatch.setattr("training.torchscript.export._MOST_TOKENS", 32)
    assert main(arguments) == 2
    assert "torchscript: the model reads 256 tokens" in capsys.readouterr().err
