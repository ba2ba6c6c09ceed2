"""The computation of a llama model on CPU, one sequence at a time.

Owns: the forward pass and the key-value cache. It knows no text: tokens in, logits out.

For so small a model transformers spends most of each token's time outside the matrix products;
this does little else, and needs neither its import nor its memory. A test compares the logits.

Source: https://github.com/huggingface/transformers, ``models/llama/modeling_llama.py`` (read
2026-11) for the order of operations and the halves of the rotary embedding.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.nn.functional import linear, rms_norm, scaled_dot_product_attention, silu

__all__ = ["Llama"]

_FIRST_CACHE_TOKENS: Final = 1024


@dataclass(frozen=True)
class _Layer:
    """Weights of one layer; ``qkv`` and ``gate_up`` are several matrices above each other."""

    attention_norm: Tensor
    qkv: Tensor
    output: Tensor
    feed_forward_norm: Tensor
    gate_up: Tensor
    down: Tensor


class Llama:
    """A llama model with a cache for one sequence.

    Args:
        folder: What ``weights.prepared`` made.
        dtype: Of matrices and of what they are multiplied with.
        context_tokens: Longest sequence.
    """

    def __init__(self, folder: Path, dtype: torch.dtype, context_tokens: int) -> None:
        settings = json.loads((folder / "model.json").read_text("utf-8"))
        tensors = {
            name: tensor.to(dtype)
            for name, tensor in load_file(folder / "model.safetensors").items()
        }
        self.dtype = dtype
        self.context_tokens = context_tokens
        self._heads: int = settings["num_attention_heads"]
        self._groups: int = settings["num_key_value_heads"]
        self._head_dim: int = settings["head_dim"]
        self._epsilon: float = settings["rms_norm_eps"]
        self._embedding = tensors["model.embed_tokens.weight"]
        self._norm = tensors["model.norm.weight"].float()
        self._layers = [_layer(tensors, index) for index in range(settings["num_hidden_layers"])]
        self._cosine, self._sine = _rotation(settings, context_tokens, dtype)
        self._keys = self._values = torch.empty(0)
        self._grow(_FIRST_CACHE_TOKENS)

    @torch.inference_mode()
    def forward(self, tokens: list[int], start: int) -> Tensor:
        """Run `tokens`, which follow the `start` tokens in the cache.

        Args:
            tokens: Token ids, at least one.
            start: How many tokens of the cache to keep.

        Returns:
            Logits of the token after the last one, ``(vocabulary,) float32``.
        """
        count, total = len(tokens), start + len(tokens)
        self._grow(total)
        # The sum over the layers stays in float32: in bfloat16 it would lose what each one adds.
        hidden = self._embedding[torch.tensor(tokens)].float()
        cosine, sine = self._cosine[start:total], self._sine[start:total]
        mask = None
        if count > 1:
            mask = torch.ones(count, total, dtype=torch.bool).tril(diagonal=start)
            mask = mask.repeat_interleave(self._heads // self._groups, dim=0)
        for index, layer in enumerate(self._layers):
            normal = self._normalised(hidden, layer.attention_norm)
            mixed = self._attend(index, linear(normal, layer.qkv), cosine, sine, start, mask)
            hidden = hidden + linear(mixed, layer.output)
            normal = self._normalised(hidden, layer.feed_forward_norm)
            gate, up = linear(normal, layer.gate_up).chunk(2, dim=-1)
            hidden = hidden + linear(silu(gate) * up, layer.down)
        last = self._normalised(hidden[-1:], self._norm)
        return linear(last, self._embedding)[0].float()

    def _attend(
        self,
        index: int,
        qkv: Tensor,
        cosine: Tensor,
        sine: Tensor,
        start: int,
        mask: Tensor | None,
    ) -> Tensor:
        count = qkv.shape[0]
        total = start + count
        shaped = qkv.view(count, self._heads + 2 * self._groups, self._head_dim)
        rotated = shaped[:, : self._heads + self._groups]
        first, second = rotated.chunk(2, dim=-1)
        rotated = torch.cat(
            (first * cosine - second * sine, second * cosine + first * sine), dim=-1
        )
        keys, values = self._keys[index], self._values[index]
        keys[:, start:total] = rotated[:, self._heads :].transpose(0, 1)
        values[:, start:total] = shaped[:, self._heads + self._groups :].transpose(0, 1)
        # The query heads that share a key head stand beside each other: they become rows of one
        # product, so keys and values are never repeated.
        queries = (
            rotated[:, : self._heads]
            .reshape(count, self._groups, -1, self._head_dim)
            .transpose(0, 1)
            .reshape(self._groups, -1, self._head_dim)
        )
        attended = scaled_dot_product_attention(
            queries[None], keys[None, :, :total], values[None, :, :total], attn_mask=mask
        )[0]
        return (
            attended.view(self._groups, count, -1, self._head_dim)
            .transpose(0, 1)
            .reshape(count, -1)
        )

    def _normalised(self, hidden: Tensor, weight: Tensor) -> Tensor:
        return rms_norm(hidden, (weight.shape[0],), weight, self._epsilon).to(self.dtype)

    def _grow(self, tokens: int) -> None:
        room = self._keys.shape[2] if self._keys.dim() == 4 else 0
        if tokens <= room:
            return
        if tokens > self.context_tokens:
            raise ValueError(f"{tokens} tokens; the model's context holds {self.context_tokens}")
        size = min(max(2 * room, tokens, _FIRST_CACHE_TOKENS), self.context_tokens)
        shape = (len(self._layers), self._groups, size, self._head_dim)
        keys, values = torch.zeros(shape, dtype=self.dtype), torch.zeros(shape, dtype=self.dtype)
        if room:
            keys[:, :, :room], values[:, :, :room] = self._keys, self._values
        self._keys, self._values = keys, values


def _layer(tensors: dict[str, Tensor], index: int) -> _Layer:
    prefix = f"model.layers.{index}."

    def weight(name: str) -> Tensor:
        return tensors.pop(f"{prefix}{name}.weight")

    projections = [weight(f"self_attn.{name}_proj") for name in ("q", "k", "v")]
    feed_forward = [weight(f"mlp.{name}_proj") for name in ("gate", "up")]
    return _Layer(
        attention_norm=weight("input_layernorm").float(),
        qkv=torch.cat(projections),
        output=weight("self_attn.o_proj"),
        feed_forward_norm=weight("post_attention_layernorm").float(),
        gate_up=torch.cat(feed_forward),
        down=weight("mlp.down_proj"),
    )


def _rotation(settings: dict[str, Any], tokens: int, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Cosine and sine per position, ``(tokens, 1, head_dim / 2)``."""
    half = torch.arange(0, settings["head_dim"], 2, dtype=torch.float32) / settings["head_dim"]
    frequencies = 1.0 / settings["rope_theta"] ** half
    angles = torch.outer(torch.arange(tokens, dtype=torch.float32), frequencies)[:, None]
    return angles.cos().to(dtype), angles.sin().to(dtype)
