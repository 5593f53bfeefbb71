from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from tokenizers import Tokenizer

from models.corpus.rows import DataError
from models.corpus.split import is_development
from models.text import TextEncoder
from models.training.language import (
    LanguageNetwork,
    LanguageSettings,
    LanguageTask,
    load_language_settings,
    make_items,
    read_texts,
)
from models.training.settings import SettingsError
from tests.models.training import tiny
from tests.models.training.made import batch


def write_config(folder: Path, **changes: Any) -> Path:
    """A configuration for `models.pretrain` beside its backbone and texts."""
    if not (folder / "backbone").exists():
        tiny.write_backbone(folder / "backbone")
        (folder / "data").mkdir()
        tiny.write_rows(folder / "data" / "texts.jsonl", tiny.texts(80))
    keys = {"backbone": str(folder / "backbone"), "data": str(folder / "data"), "sources": ["texts"], "epochs": 2}
    keys |= {"batch_rows": 8, "rate": 5e-3, "head_rate": 5e-3, "average": 0.9, "max_tokens": 24, "development": 0.2}
    path = folder / "language.yaml"
    path.write_text(yaml.safe_dump(keys | {"save_every_seconds": 0} | changes), encoding="utf-8")
    return path


def settings(folder: Path, **changes: Any) -> LanguageSettings:
    return load_language_settings(write_config(folder, **changes))


def task(one: LanguageSettings) -> LanguageTask:
    tokenizer = Tokenizer.from_file(str(one.backbone / "tokenizer.json"))
    encoder = TextEncoder(tokenizer, one.max_tokens)
    training, development = (make_items(texts, encoder) for texts in read_texts(one))
    mask = tokenizer.token_to_id("[MASK]")
    assert mask is not None
    return LanguageTask(one, training, development, encoder.pad, mask)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"sources": []}, "sources: name at least one"),
        ({"share": 0}, r"share: 0.0 is not in \(0, 1\]"),
        ({"masked": 0.9}, "masked: 0.9 is not in"),
        ({"precision": "int4"}, "precision: 'int4'"),
        ({"lora_rank": 2}, "lora_rank: unknown key"),
    ],
)
def test_fault_in_the_configuration_names_the_key(tmp_path: Path, changes: dict[str, Any], told: str) -> None:
    with pytest.raises(SettingsError, match=f"^{told}"):
        settings(tmp_path, **changes)


def test_texts_are_read_once_and_development_texts_are_only_judged_on(tmp_path: Path) -> None:
    one = settings(tmp_path)
    rows = tiny.texts(40)
    again = [row | {"text": row["text"].upper() + " !"} for row in rows]
    tiny.write_rows(one.data / "texts.jsonl", [*rows, *again, {"text": " "}])
    training, development = read_texts(one)
    assert len(training) + len(development) == 40
    assert all(is_development(text, one.development) for text in development)
    assert not any(is_development(text, one.development) for text in training)


def test_too_few_texts_are_told(tmp_path: Path) -> None:
    one = settings(tmp_path)
    tiny.write_rows(one.data / "texts.jsonl", [{"text": "alone"}])
    with pytest.raises(DataError, match="too few texts to learn from"):
        read_texts(one)


def test_head_is_tied_to_the_words_and_answers_where_it_is_asked() -> None:
    network = LanguageNetwork(tiny.network().encoder).eval()
    ids = torch.tensor([[2, 9, 8, 3], [2, 7, 3, 0]])
    asked = torch.tensor([[False, True, True, False], [False, True, False, False]])
    found = network(ids, (ids != 0).long(), asked)
    assert found.shape == (3, 60)
    found.sum().backward()
    assert network.encoder.embeddings.word_embeddings.weight.grad is not None
    assert {"head.bias", "head.0.weight"} <= {name for name, _ in network.named_parameters()}


def test_judge_hides_the_same_words_every_time_and_learning_lowers_the_loss(tmp_path: Path) -> None:
    one = task(settings(tmp_path))
    first, table = one.judge()
    assert one.judge() == (first, table)
    assert table["loss"] == pytest.approx(-first, abs=1e-3)
    found = batch(one.items(0)[:16])
    optimizer = torch.optim.Adam(one.network.parameters(), lr=5e-3)
    one.network.eval()
    before = one.loss(found, 0)
    for _ in range(8):
        optimizer.zero_grad()
        one.loss(found, 0).backward()
        optimizer.step()
    assert one.loss(found, 0).item() < before.item()


def test_share_of_the_texts_changes_from_epoch_to_epoch(tmp_path: Path) -> None:
    one = task(settings(tmp_path, share=0.5))
    assert one.items(0) == one.items(0)
    assert one.items(0) != one.items(1)
    assert len(task(settings(tmp_path)).items(0)) > len(one.items(0))
