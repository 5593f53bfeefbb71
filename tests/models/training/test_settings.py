from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml

from models.training.augment import AugmentSettings
from models.training.language import LanguageSettings
from models.training.settings import SettingsError, SoftSettings, SourceSettings, TrainSettings, load_settings
from tests.imports import ROOT

LEAST: dict[str, Any] = {"backbone": "b", "data": "d", "lang": "en", "sources": {"own": None}}


def load(folder: Path, **changes: Any) -> TrainSettings:
    path = folder / "c.yaml"
    path.write_text(yaml.safe_dump(LEAST | changes), encoding="utf-8")
    return load_settings(path)


def test_what_is_not_said_has_its_default(tmp_path: Path) -> None:
    found = load(tmp_path, sources={"own": {"weight": 2}, "more": {}}, augment={"drop": 0})
    assert found.sources == {"own": SourceSettings(weight=2.0), "more": SourceSettings()}
    assert found.augment == AugmentSettings(drop=0.0)
    assert found.soft == SoftSettings()
    assert found.backbone == Path("b")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"sources": {}}, "sources: name at least one data set"),
        ({"sources": ["own"]}, "sources: name at least one data set"),
        ({"sources": {"own": {"wieght": 1}}}, "sources.own.wieght: unknown key"),
        ({"sources": {"own": {"absent": "dropped"}}}, "sources.own.absent: 'dropped' is neither masked nor merged"),
        ({"sources": {"own": {"share": 0}}}, r"sources.own.share: 0.0 is not in \(0, 1\]"),
        ({"sources": {"own": {"conflicting": 0}}}, "sources.own.conflicting: 0.0 is not in"),
        ({"sources": {"own": {"weight": 0}}}, "sources.own.weight: 0.0 is not above 0"),
        ({"soft": {"share": 1.5}}, "soft.share: 1.5"),
        ({"soft": {"temperature": 0}}, "soft.temperature: 0.0 is not above 0"),
        ({"augment": {"drop": 2}}, "augment.drop: 2.0 is not in"),
        ({"precision": "fp16"}, "precision: 'fp16' is neither fp32 nor bf16"),
        ({"epochs": 0}, "epochs: 0 is not in"),
        ({"dropout": 1}, "dropout: 1.0 is not in"),
        ({"layer_decay": 0}, "layer_decay: 0 would stop"),
        ({"max_tokens": 4}, "max_tokens: 4 is not in"),
        ({"layers": 0}, "layers: 0 is not in"),
        ({"frozen": -1}, "frozen: -1 is not in"),
        ({"development": 0}, r"development: 0.0 is not in \(0, 0.9\)"),
        ({"selection": ["fiqa"]}, "selection: fiqa is none of the sources own"),
        ({"cache_frozen": True}, "cache_frozen: there is nothing to keep with frozen 0"),
        ({"cache_frozen": True, "frozen": 1, "hidden_dropout": 0.1}, "cache_frozen: layers with dropout"),
    ],
)
def test_fault_names_the_key_and_the_remedy(tmp_path: Path, changes: dict[str, Any], told: str) -> None:
    with pytest.raises(SettingsError, match=f"^{told}"):
        load(tmp_path, **changes)


CONFIGS = sorted((ROOT / "models" / "training" / "configs").glob("*.yaml"))


@pytest.mark.parametrize("path", CONFIGS, ids=lambda one: one.name)
def test_every_shipped_configuration_loads(path: Path) -> None:
    settings = load_settings(path)
    assert settings.development == 0.08  # what the shipped checkpoints and their figures keep for development


@pytest.mark.parametrize("kind", [TrainSettings, SourceSettings, SoftSettings, AugmentSettings, LanguageSettings])
def test_page_about_training_explains_every_key(kind: type) -> None:
    page = (ROOT / "docs" / "training.md").read_text(encoding="utf-8")
    assert [one.name for one in fields(kind) if f"`{one.name}`" not in page] == []
