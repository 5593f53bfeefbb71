"""Everything that a training run needs, as small as it can be: a backbone of random weights, texts and a configuration.

The texts are made of a few words each, so that a network of two layers can learn them; companies are invented.
"""

import json
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import yaml
from tokenizers import Tokenizer, normalizers, pre_tokenizers, processors
from tokenizers.models import WordPiece
from transformers import BertConfig, BertModel, MPNetConfig, MPNetModel

from models.labels import LABELS
from models.training.network import SentimentNetwork

WIDTH = 16
LAYERS = 3
SHAPE: dict[str, Any] = {
    "hidden_size": WIDTH,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "max_position_embeddings": 64,
}

_BAD = ("fraud", "loss", "default", "recall", "lawsuit")
_GOOD = ("profit", "gain", "award", "growth", "upgrade")
_FLAT = ("meeting", "agenda", "office", "calendar", "notice")
_NAMES = ("Hexley", "Orvane", "Mirtal", "Quenby", "Sardis")
_WORDS = ("reports", "a", "of", "in", "the", "and", "quarter", "at", "year", "on", "today", "for", "its", "shares")
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_MARKS = "0123456789:.,$"

BERT_SPECIALS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
MPNET_SPECIALS = ("<s>", "<pad>", "</s>", "<unk>", "<mask>", "[UNK]")


def write_tokenizer(folder: Path, specials: Sequence[str] = BERT_SPECIALS) -> int:
    """A lower-casing tokenizer of whole words; returns the size of its vocabulary."""
    words = sorted({*_BAD, *_GOOD, *_FLAT, *_WORDS, *(name.lower() for name in _NAMES), *_LETTERS})
    tails = [f"##{one}" for one in f"{_LETTERS}0123456789"]
    vocabulary = {token: index for index, token in enumerate([*specials, *words, *tails, *_MARKS])}
    tokenizer = Tokenizer(WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.add_special_tokens(list(specials))
    first, last = ("[CLS]", "[SEP]") if "[CLS]" in specials else ("<s>", "</s>")
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{first} $A {last}", special_tokens=[(one, vocabulary[one]) for one in (first, last)]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    return len(vocabulary)


def write_backbone(folder: Path, kind: str = "bert", seed: int = 5) -> Path:
    """A pre-trained encoder of random weights in the form of the real ones."""
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(seed)
    if kind == "bert":
        config = BertConfig(vocab_size=write_tokenizer(folder), **SHAPE)
        encoder = BertModel(config, add_pooling_layer=False)
    else:
        config = MPNetConfig(vocab_size=write_tokenizer(folder, MPNET_SPECIALS), pad_token_id=1, **SHAPE)
        encoder = MPNetModel(config, add_pooling_layer=False)
    encoder.save_pretrained(folder)
    return folder


def network(kind: str = "bert", seed: int = 5) -> SentimentNetwork:
    """A network of random weights that never was a file."""
    torch.manual_seed(seed)
    shape = {**SHAPE, "vocab_size": 60, "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    encoder = (
        BertModel(BertConfig(**shape), add_pooling_layer=False)
        if kind == "bert"
        else MPNetModel(MPNetConfig(pad_token_id=1, **shape), add_pooling_layer=False)
    )
    return SentimentNetwork(encoder, head_width=8)


def texts(count: int, seed: int = 1, labels: Sequence[str] = LABELS) -> list[dict[str, Any]]:
    """Rows in the project's schema; the label shows in one word."""
    chance = random.Random(seed)
    words = {"negative": _BAD, "neutral": _FLAT, "positive": _GOOD}
    rows: list[dict[str, Any]] = []
    for number in range(count):
        label, name = labels[number % len(labels)], chance.choice(_NAMES)
        filling = chance.choices(_WORDS, k=chance.randint(2, 9))
        text = " ".join([name, *filling[:2], chance.choice(words[label]), *filling[2:], str(number)])
        entity = name if number % 2 else None
        rows.append({"text": text, "label": label, "entity": entity, "lang": "en", "id": f"t:{number}"})
    return rows


def write_rows(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    """Rows as JSON lines."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def write_config(folder: Path, **changes: Any) -> Path:
    """A configuration for `models.train` beside its backbone and two data sets, one of them without a neutral class."""
    backbone = folder / "backbone"
    if not backbone.exists():
        write_backbone(backbone)
    data = folder / "data"
    if not data.exists():
        data.mkdir(parents=True)
        write_rows(data / "made.jsonl", texts(90))
        write_rows(data / "sides.jsonl", texts(40, seed=2, labels=("negative", "positive")))
    settings: dict[str, Any] = {
        "backbone": str(backbone),
        "data": str(data),
        "lang": "en",
        "sources": {"made": {}, "sides": {"weight": 0.5}},
        "epochs": 2,
        "batch_rows": 8,
        "batch_tokens": 200,
        "rate": 3e-3,
        "head_rate": 5e-3,
        "layer_decay": 0.9,
        "average": 0.9,
        "max_tokens": 24,
        "development": 0.2,
        "save_every_seconds": 0,
    }
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(settings | changes), encoding="utf-8")
    return path
