from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from models.corpus.rows import NO_LABEL, Row
from models.text import TextEncoder
from models.training.augment import AugmentSettings
from models.training.epochs import Epochs, plain_items
from models.training.prepare import Prepared, prepare
from models.training.settings import SourceSettings, TrainSettings, load_settings
from tests.models.training import tiny


def encoder(settings: TrainSettings) -> TextEncoder:
    return TextEncoder(Tokenizer.from_file(str(settings.backbone / "tokenizer.json")), settings.max_tokens)


def made(folder: Path, **changes: Any) -> tuple[TrainSettings, Prepared]:
    settings = replace(load_settings(tiny.write_config(folder)), **changes)
    prepared = prepare(settings)
    soft = Row("Hexley reports a profit", "Hexley", NO_LABEL, "en", "soft", "0")
    prepared.soft = [(soft, (0.0, 1.0, 2.0))] * 20
    return settings, prepared


def test_an_epoch_reads_every_row_once_and_is_the_same_whenever_it_is_asked(tmp_path: Path) -> None:
    settings, prepared = made(tmp_path)
    epochs = Epochs(prepared, settings, encoder(settings))
    items = epochs(0)
    assert [item.number for item in items] == list(range(len(prepared.training) + 20))
    assert items == epochs(0) == Epochs(prepared, settings, encoder(settings))(0)
    assert items != epochs(1)


def test_items_carry_what_their_set_says(tmp_path: Path) -> None:
    settings, prepared = made(tmp_path)
    for row, item in zip(prepared.training, Epochs(prepared, settings, encoder(settings))(0), strict=False):
        assert item.label == row.label
        assert item.weight == settings.sources[row.source].weight
        assert item.possible == prepared.possible[row.source]
        assert not item.merged
    assert Epochs(prepared, settings, encoder(settings))(0)[-1].soft == (0.0, 1.0, 2.0)


def test_texts_with_different_labels_for_different_targets_weigh_more(tmp_path: Path) -> None:
    sources = {"made": SourceSettings(2.0, conflicting=3.0), "sides": SourceSettings()}
    settings, prepared = made(tmp_path, sources=sources)
    one = prepared.training[0]
    prepared.training += [
        replace(one, text="Hexley beats Orvane", target="Hexley", label=2, source="made", id="x"),
        replace(one, text="Hexley beats Orvane", target="Orvane", label=0, source="made", id="y"),
        replace(one, text="Hexley beats Orvane", target="Orvane", label=0, source="sides", id="z"),
    ]
    count = len(prepared.training)
    weights = [item.weight for item in Epochs(prepared, settings, encoder(settings))(0)][:count]
    assert weights[-3:] == [6.0, 6.0, 1.0]
    assert set(weights[:-3]) == {1.0, 2.0}


def test_share_of_a_set_is_read_another_part_each_epoch(tmp_path: Path) -> None:
    sources = {"made": SourceSettings(share=0.5), "sides": SourceSettings()}
    settings, prepared = made(tmp_path, sources=sources)
    epochs = Epochs(prepared, settings, encoder(settings))
    source_of = dict(enumerate(row.source for row in prepared.training))
    counts = [Counter(source_of.get(item.number, "soft") for item in epochs(epoch)) for epoch in (0, 1)]
    whole = Counter(source_of.values())
    for count in counts:
        assert 0.2 * whole["made"] < count["made"] < 0.8 * whole["made"]
        assert count["sides"] == whole["sides"]
        assert count["soft"] == 20
    assert {item.number for item in epochs(0)} != {item.number for item in epochs(1)}


def test_kept_answers_need_one_form_of_each_row(tmp_path: Path) -> None:
    settings, prepared = made(tmp_path, cache_frozen=True, frozen=1, augment=AugmentSettings(0.5, 0.5, 0.5))
    epochs = Epochs(prepared, settings, encoder(settings))
    assert epochs(0) == epochs(3)


def test_rows_longer_than_a_window_are_counted(tmp_path: Path) -> None:
    settings, prepared = made(tmp_path, max_tokens=8)
    epochs = Epochs(prepared, settings, encoder(settings))
    items = epochs(0)
    assert epochs.cut > 10
    assert max(len(item.window.ids) for item in items) == 8


def test_rows_to_be_answered_stay_as_they_are(tmp_path: Path) -> None:
    settings, prepared = made(tmp_path)
    row = next(row for row in prepared.training if row.target)
    (item,) = plain_items([row], encoder(settings))
    assert item.window == encoder(settings).encode(row.text, row.target).windows[0]
    assert item.window.targets
