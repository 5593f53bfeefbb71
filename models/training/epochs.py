"""What each epoch reads: shares of sets, one form of each row, a teacher's rows; the same for the same settings."""

import random
from collections.abc import Sequence
from dataclasses import replace

from models.corpus.rows import Row
from models.text import TextEncoder, Window
from models.training.augment import Augmenter
from models.training.batches import Item
from models.training.prepare import ALL_POSSIBLE, Prepared
from models.training.settings import SourceSettings, TrainSettings


class Epochs:
    """Makes the items of an epoch, in the order of the rows.

    Attributes:
        cut: rows of which only the first window is read, seen so far: what lies beyond says little of the label.
    """

    def __init__(self, prepared: Prepared, settings: TrainSettings, encoder: TextEncoder) -> None:
        self._prepared = prepared
        self._settings = settings
        self._encoder = encoder
        self._augmenter = Augmenter(prepared.training, settings.augment, settings.seed)
        self._windows: dict[tuple[str, str], Window] = {}
        self.cut = 0

    def __call__(self, epoch: int) -> list[Item]:
        settings, chance = self._settings, random.Random(f"{self._settings.seed}/{epoch}/shares")
        items: list[Item] = []
        # Answers that are kept belong to one form of a row: then every epoch reads the first epoch's forms.
        form_of = 0 if settings.cache_frozen else epoch
        for number, row in enumerate(self._prepared.training):
            source = settings.sources[row.source]
            if source.share < 1 and chance.random() >= source.share:
                continue
            form = self._augmenter.form(row, form_of)
            weight = source.weight * (1.0 if self._augmenter.is_agreeing(row) else source.conflicting)
            items.append(self._item(form, replace(source, weight=weight), None, number))
        soft = SourceSettings(settings.soft.weight)
        for number, (row, logits) in enumerate(self._prepared.soft, len(self._prepared.training)):
            if settings.soft.share < 1 and chance.random() >= settings.soft.share:
                continue
            items.append(self._item(row, soft, logits, number))
        return items

    def _item(self, row: Row, source: SourceSettings, soft: tuple[float, ...] | None, number: int) -> Item:
        possible = self._prepared.possible.get(row.source, ALL_POSSIBLE)
        window = self._window(row.text, row.target)
        return Item(window, row.label, source.weight, possible, source.absent == "merged", soft, number)

    def _window(self, text: str, target: str) -> Window:
        found = self._windows.get((text, target))
        if found is None:
            windows = self._encoder.encode(text, target).windows
            self.cut += len(windows) > 1
            found = self._windows[text, target] = windows[0]
        return found


def plain_items(rows: Sequence[Row], encoder: TextEncoder) -> list[Item]:
    """Rows as they are, to be answered: the first window of each."""
    return [
        Item(encoder.encode(row.text, row.target).windows[0], row.label, 1.0, ALL_POSSIBLE, False, None, number)
        for number, row in enumerate(rows)
    ]
