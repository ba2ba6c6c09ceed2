"""Models with random weights, small enough for a unit test."""

from __future__ import annotations

from pathlib import Path

import torch
from sentence_transformers import CrossEncoder, SentenceTransformer
from sentence_transformers.base.modules import Dense, Transformer
from sentence_transformers.sentence_transformer.modules import Pooling
from transformers import AutoTokenizer, BertConfig, BertModel

from rag.cross_encoder import FOLDER
from rag.models import resolve_model

DIMENSION = 32


def write_model(folder: Path) -> Path:
    """Write an embedding model with a cross-encoder, as training does, and return its folder."""
    base, model = folder / "base", folder / "model"
    _write_base(base)
    embedding = [Transformer(str(base)), Pooling(DIMENSION, "mean")]
    SentenceTransformer(modules=embedding, device="cpu").save_pretrained(
        str(model), create_model_card=False
    )
    score = Dense(
        DIMENSION,
        1,
        activation_function=torch.nn.Identity(),
        module_input_name="sentence_embedding",
        module_output_name="scores",
    )
    CrossEncoder(
        modules=[Transformer(str(base), max_seq_length=256), Pooling(DIMENSION, "mean"), score],
        device="cpu",
        activation_fn=torch.nn.Identity(),
    ).save_pretrained(str(model / FOLDER), create_model_card=False)
    return model


def _write_base(folder: Path) -> None:
    """Write a BERT of two small layers."""
    torch.manual_seed(7)
    tokenizer = AutoTokenizer.from_pretrained(resolve_model("all-MiniLM-L6-v2"))
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=DIMENSION,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        # Random weights of the usual size hardly tell one text from another.
        initializer_range=0.5,
    )
    BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
