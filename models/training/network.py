"""The network: a pre-trained encoder under a head that looks at the text, its beginning and the target.

Pooled features are [first token; mean of the text; mean of the target's tokens], the last being the mean of the text
where there is no target. BERT's and MPNet's encoders are supported; a few of their layers may be used, and the lowest
of those may stay as they are (`freeze`), so that what they answer can be kept instead of computed again.
"""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel
from transformers.utils import logging as transformers_logging

from models.labels import LABELS
from models.training.configuration import SettingsError
from models.training.devices import DEVICE

HEAD_WIDTH = 256
_FILES = ("config.json", "model.safetensors", "tokenizer.json")


class SentimentNetwork(nn.Module):
    """Encoder and head. `forward` gives logits in label order, shape (n_rows, 3), float32."""

    def __init__(self, encoder: Any, dropout: float = 0.1, head_width: int = HEAD_WIDTH) -> None:
        super().__init__()
        self.encoder = encoder
        width = int(encoder.config.hidden_size)
        self.head = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(3 * width, head_width),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(head_width, len(LABELS)),
        )

    @property
    def layers(self) -> Any:
        """The encoder's layers, lowest first."""
        return self.encoder.encoder.layer

    def lower(self, ids: Tensor, mask: Tensor, count: int) -> Tensor:
        """Hidden states after the lowest `count` layers. ids, mask: (n_rows, n_tokens) -> (n_rows, n_tokens, width)."""
        return run_layers(self.encoder, self.encoder.embeddings(input_ids=ids), mask, 0, count)

    def upper(self, hidden: Tensor, mask: Tensor, targets: Tensor, count: int) -> Tensor:
        """Logits from the hidden states after the lowest `count` layers. targets: (n_rows, n_tokens), 0 or 1."""
        hidden = run_layers(self.encoder, hidden, mask, count, len(self.layers))
        weights = mask.to(hidden.dtype)
        spans = targets.to(hidden.dtype)
        spans = torch.where(spans.sum(dim=1, keepdim=True) > 0, spans, weights)
        pooled = torch.cat([hidden[:, 0], _mean(hidden, weights), _mean(hidden, spans)], dim=1)  # (n_rows, 3 x width)
        return self.head(pooled)

    def forward(self, ids: Tensor, mask: Tensor, targets: Tensor) -> Tensor:
        """Logits. ids, mask, targets: (n_rows, n_tokens), int64 -> (n_rows, 3)."""
        return self.upper(self.lower(ids, mask, 0), mask, targets, 0)


def run_layers(encoder: Any, hidden: Tensor, mask: Tensor, start: int, stop: int) -> Tensor:
    """Hidden states through layers [start, stop) of an encoder; padding is never looked at."""
    bias = torch.zeros(mask.shape, dtype=hidden.dtype, device=hidden.device)
    bias = bias.masked_fill(mask == 0, torch.finfo(hidden.dtype).min)[:, None, None, :]
    if hasattr(encoder.encoder, "compute_position_bias"):  # MPNet's layers share a bias by distance
        bias = bias + encoder.encoder.compute_position_bias(hidden)
    for layer in encoder.encoder.layer[start:stop]:
        found = layer(hidden, bias)
        hidden = found[0] if isinstance(found, tuple) else found
    return hidden


def _mean(hidden: Tensor, weights: Tensor) -> Tensor:
    return (hidden * weights[:, :, None]).sum(dim=1) / weights.sum(dim=1, keepdim=True).clamp(min=1.0)


def load_encoder(backbone: Path, layers: int | None, hidden_dropout: float) -> Any:
    """A pre-trained encoder with its lowest `layers` layers (None: all). Raises: SettingsError: it cannot be used."""
    missing = [name for name in _FILES if not (backbone / name).is_file()]
    if missing:
        raise SettingsError(f"backbone: {backbone} holds no {', '.join(missing)}; docs/training.md says how to get one")
    # Loading takes a second: a bar of its own would only tear the log of a run without a terminal.
    transformers_logging.disable_progress_bar()
    transformers_logging.set_verbosity_error()
    dropouts = {"hidden_dropout_prob": hidden_dropout, "attention_probs_dropout_prob": hidden_dropout}
    config = AutoConfig.from_pretrained(backbone, **dropouts)
    if config.model_type not in ("bert", "mpnet"):
        raise SettingsError(f"backbone: {backbone} is a {config.model_type}; BERT's and MPNet's encoders are supported")
    # The fused attention's backward pass for processors costs a third of a step on short texts; plain products do not.
    attention = {} if DEVICE.type == "cuda" else {"attn_implementation": "eager"}
    encoder = AutoModel.from_pretrained(
        backbone, config=config, add_pooling_layer=False, dtype=torch.float32, **attention
    )
    if layers is not None:
        if not 0 < layers <= len(encoder.encoder.layer):
            raise SettingsError(f"layers: {layers} of an encoder with {len(encoder.encoder.layer)}")
        encoder.encoder.layer = encoder.encoder.layer[:layers]
        encoder.config.num_hidden_layers = layers
    return encoder


def make_network(
    backbone: Path, layers: int | None = None, dropout: float = 0.1, hidden_dropout: float = 0.0
) -> SentimentNetwork:
    """A network over a pre-trained encoder folder with a new head. Raises: SettingsError."""
    return SentimentNetwork(load_encoder(backbone, layers, hidden_dropout), dropout)


def freeze(encoder: Any, count: int) -> None:
    """Let the embeddings and the lowest `count` layers stay as they are; 0 freezes nothing. Raises: SettingsError."""
    if not count:
        return
    if count > len(encoder.encoder.layer):
        raise SettingsError(f"frozen: {count} of an encoder with {len(encoder.encoder.layer)} layers")
    frozen = [encoder.embeddings, *encoder.encoder.layer[:count]]
    if hasattr(encoder.encoder, "relative_attention_bias"):
        frozen.append(encoder.encoder.relative_attention_bias)
    for module in frozen:
        for parameter in module.parameters():
            parameter.requires_grad = False
