"""A checkpoint of ours under `transformers.pipeline`: the same weights in the class that the pipeline asks for.

Our head pools differently from any of theirs, so the network goes into a small model class of its own. Nothing of the
pipeline is changed: it reads, pads, batches and answers as for everybody.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import BertConfig, PreTrainedModel, PreTrainedTokenizerFast, pipeline
from transformers.modeling_outputs import SequenceClassifierOutput
from transformers.utils import logging

from models.checkpoint import TOKENIZER
from models.export import load_torch
from models.labels import LABELS
from models.text import MAX_TOKENS
from tests.bench.scoring.contenders import FloatArray

BATCH_SIZE = 32


class _Classifier(PreTrainedModel):
    """Our network, asked as the pipeline asks: no target, so that the whole text is judged."""

    config_class = BertConfig
    _supports_sdpa = True  # The attention that people get; it is the encoder's own, and was chosen with that.

    def __init__(self, config: Any, network: Any) -> None:
        super().__init__(config)
        self.network = network

    def forward(self, input_ids: Any, attention_mask: Any, token_type_ids: Any = None) -> Any:
        """Logits, shape (n_rows, n_labels). token_type_ids: all zero, as our networks take them."""
        logits = self.network(input_ids, attention_mask, torch.zeros_like(input_ids))
        return SequenceClassifierOutput(logits=logits)


def open_pipeline(folder: Path) -> Callable[[Sequence[str]], FloatArray]:
    """Texts to logits in label order, shape (n_texts, n_labels), through the pipeline of a checkpoint folder."""
    # It would say that it does not know our class, which is true and no fault.
    logging.set_verbosity(logging.CRITICAL)
    network = load_torch(folder)
    config = network.encoder.config
    config.num_labels = len(LABELS)
    config.id2label = dict(enumerate(LABELS))
    config.label2id = {label: number for number, label in enumerate(LABELS)}
    special = {f"{name.lower()}_token": f"[{name}]" for name in ("UNK", "SEP", "PAD", "CLS", "MASK")}
    tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(folder / TOKENIZER), **special)
    ask = pipeline("text-classification", model=_Classifier(config, network), tokenizer=tokenizer, device="cpu")

    def logits(texts: Sequence[str]) -> FloatArray:
        told = ask(
            list(texts), batch_size=BATCH_SIZE, truncation=True, max_length=MAX_TOKENS, top_k=None,
            function_to_apply="none",
        )  # fmt: skip
        rows = [{one["label"]: one["score"] for one in row} for row in told]
        return np.array([[row[label] for label in LABELS] for row in rows], np.float32)

    return logits
