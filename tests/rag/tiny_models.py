"""Models with random weights, small enough for a unit test."""

from __future__ import annotations

from pathlib import Path

import torch
from sentence_transformers import CrossEncoder
from sentence_transformers.base.modules import Dense, Transformer
from sentence_transformers.sentence_transformer.modules import Pooling
from transformers import AutoTokenizer, BertConfig, BertModel

from rag.models import resolve_model

DIMENSION = 32


def write_cross_encoder(folder: Path) -> Path:
    """Write a cross-encoder of two small layers, as training does, and return its folder."""
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
    base = folder / "base"
    BertModel(config, add_pooling_layer=False).save_pretrained(base)
    tokenizer.save_pretrained(base)
    transformer = Transformer(str(base), max_seq_length=256)
    score = Dense(
        DIMENSION,
        1,
        activation_function=torch.nn.Identity(),
        module_input_name="sentence_embedding",
        module_output_name="scores",
    )
    model = CrossEncoder(
        modules=[transformer, Pooling(DIMENSION, "mean"), score],
        device="cpu",
        activation_fn=torch.nn.Identity(),
    )
    model.save_pretrained(str(folder / "model"), create_model_card=False)
    return folder / "model"
