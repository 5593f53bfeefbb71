"""What a training run is asked to do: one YAML file, every key declared here. `docs/training.md` explains them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from models.training.augment import AugmentSettings
from models.training.configuration import SettingsError, build, read_yaml, within

__all__ = ["SettingsError", "SoftSettings", "SourceSettings", "TrainSettings", "check_rates", "load_settings"]

PRECISIONS = ("fp32", "bf16")
MEANINGS = ("masked", "merged")


@dataclass(frozen=True, slots=True)
class SourceSettings:
    """How one data set takes part.

    Attributes:
        weight: of each of its rows in the loss.
        share: of its rows that are read in an epoch, another part each time, in (0, 1].
        absent: what a label that the set lacks means: `masked` (never an answer in its rows), or `merged` (a neutral
            row says no more than "not negative").
        conflicting: what the weight is multiplied by for texts that have different labels for different targets.
        path: of its file, where that is not in the folder of the data sets.
    """

    weight: float = 1.0
    share: float = 1.0
    absent: str = "masked"
    conflicting: float = 1.0
    path: Path | None = None


@dataclass(frozen=True, slots=True)
class SoftSettings:
    """Distillation: rows with a teacher's logits (`python -m models.train --label`).

    Attributes:
        weight: of a row in the loss. temperature: softens both sides; above 1 shows more of the lesser labels.
        share: of these rows that are read in an epoch, another part each time, in (0, 1].
    """

    path: Path | None = None
    weight: float = 1.0
    temperature: float = 1.0
    share: float = 1.0


@dataclass(frozen=True, slots=True)
class TrainSettings:
    """One run. Rates are per step; a batch is bounded by rows and by tokens, padding included.

    Attributes:
        backbone: folder of a pre-trained encoder. data: folder of the data sets.
        layers: how many of the encoder's layers are used, from the lowest; None for all.
        frozen: how many of these stay as they are, with the embeddings. cache_frozen: keep what they answer.
        lora_rank: above 0, adapters of that rank are trained instead of the encoder's weights, and merged at the end.
        layer_decay: a layer's rate is the next higher one's times this. warm_up: share of the steps.
        average: decay of the weights' moving average, per step; 0 for none. clip: greatest norm of a gradient.
        patience: epochs without a better figure before the run stops; 0 for never.
        start: folder of an ended run of the same shape, whose best weights this one begins with.
        development: share of texts that nothing is trained on. selection: sets whose mean figure chooses the epoch.
    """

    backbone: Path
    data: Path
    sources: Mapping[str, SourceSettings]
    lang: str
    layers: int | None = None
    frozen: int = 0
    cache_frozen: bool = False
    lora_rank: int = 0
    max_tokens: int = 128
    epochs: int = 3
    batch_rows: int = 32
    batch_tokens: int = 2_048
    rate: float = 8e-5
    head_rate: float = 5e-4
    layer_decay: float = 0.85
    warm_up: float = 0.08
    weight_decay: float = 0.01
    dropout: float = 0.1
    hidden_dropout: float = 0.0
    label_smoothing: float = 0.05
    average: float = 0.998
    clip: float = 1.0
    patience: int = 0
    precision: str = "fp32"
    development: float = 0.1
    augment: AugmentSettings = field(default_factory=AugmentSettings)
    soft: SoftSettings = field(default_factory=SoftSettings)
    start: Path | None = None
    seed: int = 1
    save_every_seconds: int = 300
    selection: tuple[str, ...] = ()


def load_settings(path: Path) -> TrainSettings:
    """Read a YAML file. Raises: SettingsError: names the key and what is wrong with it."""
    values = read_yaml(path)
    sources = values.get("sources")
    if not isinstance(sources, dict) or not sources:
        raise SettingsError("sources: name at least one data set, for example `sources: {fiqa: {}}`")
    values["sources"] = {
        str(name): build(SourceSettings, f"sources.{name}", one or {}) for name, one in sources.items()
    }
    values["augment"] = build(AugmentSettings, "augment", values.get("augment") or {})
    values["soft"] = build(SoftSettings, "soft", values.get("soft") or {})
    settings = build(TrainSettings, "", values)
    _check(settings)
    return settings


def check_rates(settings: Any) -> None:
    """Ranges of what every kind of run declares. Raises: SettingsError."""
    if settings.precision not in PRECISIONS:
        raise SettingsError(f"precision: {settings.precision!r} is neither fp32 nor bf16")
    for name in ("epochs", "batch_rows", "batch_tokens"):
        within(name, getattr(settings, name), 1, 10_000_000)
    for name in ("rate", "head_rate", "weight_decay"):
        within(name, getattr(settings, name), 0, 10)
    for name in ("dropout", "hidden_dropout", "average", "label_smoothing"):
        if hasattr(settings, name):
            within(name, getattr(settings, name), 0, 1, is_open=True)
    for name in ("layer_decay", "warm_up"):
        within(name, getattr(settings, name), 0, 1)
    if settings.layer_decay == 0:
        raise SettingsError("layer_decay: 0 would stop all but the last layer; freeze layers with `frozen` instead")
    within("clip", settings.clip, 1e-6, 1e9)
    within("max_tokens", settings.max_tokens, 8, 512)
    within("save_every_seconds", settings.save_every_seconds, 0, 1_000_000)
    if settings.layers is not None:
        within("layers", settings.layers, 1, 100)
    if not 0 < settings.development < 0.9:
        raise SettingsError(f"development: {settings.development} is not in (0, 0.9)")


def _check(settings: TrainSettings) -> None:
    check_rates(settings)
    for name, one in settings.sources.items():
        if one.absent not in MEANINGS:
            raise SettingsError(f"sources.{name}.absent: {one.absent!r} is neither masked nor merged")
        within(f"sources.{name}.conflicting", one.conflicting, 0.01, 100)
        _check_part(f"sources.{name}", one)
    _check_part("soft", settings.soft)
    if settings.soft.temperature <= 0:
        raise SettingsError(f"soft.temperature: {settings.soft.temperature} is not above 0")
    for share in fields(AugmentSettings):
        within(f"augment.{share.name}", getattr(settings.augment, share.name), 0, 1)
    for name in ("frozen", "lora_rank", "patience"):
        within(name, getattr(settings, name), 0, 1_000)
    for name in settings.selection:
        if name not in settings.sources:
            raise SettingsError(f"selection: {name} is none of the sources {', '.join(settings.sources)}")
    if settings.cache_frozen and not settings.frozen:
        raise SettingsError("cache_frozen: there is nothing to keep with frozen 0")
    if settings.cache_frozen and settings.hidden_dropout:
        raise SettingsError("cache_frozen: layers with dropout answer differently each time; set hidden_dropout to 0")


def _check_part(where: str, one: SourceSettings | SoftSettings) -> None:
    if not 0 < one.share <= 1:
        raise SettingsError(f"{where}.share: {one.share} is not in (0, 1]")
    if one.weight <= 0:
        raise SettingsError(f"{where}.weight: {one.weight} is not above 0; leave the set out instead")
