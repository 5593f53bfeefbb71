"""Rows that we wrote to be trained on: whole, about companies that they name, no copies of the sentences that judge."""

from collections import Counter
from pathlib import Path

import pytest

from models.corpus.rows import Row, read_rows
from models.corpus.split import near_copies
from models.evaluation.probes import read_probes
from models.labels import NEGATIVE, NEUTRAL, POSITIVE
from tests.imports import ROOT

FILES = sorted((ROOT / "models" / "training" / "written").glob("*.csv"))
_NEAR = 0.7
"""Stricter than between training and development: these rows and the sentences are about the same kinds of event."""


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_rows_are_whole_and_name_their_targets(path: Path) -> None:
    rows = list(read_rows(path))
    assert len(rows) >= 390
    assert len({row.id for row in rows}) == len({(row.text, row.target) for row in rows}) == len(rows)
    assert {row.lang for row in rows} == {path.stem[:2]}
    assert [row.id for row in rows if row.target not in row.text] == []
    labels = Counter(row.label for row in rows)
    assert min(labels[NEGATIVE], labels[NEUTRAL], labels[POSITIVE]) >= 60


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_no_row_nearly_copies_a_sentence_that_judges_nor_shares_its_company(path: Path) -> None:
    rows = list(read_rows(path))
    judging: list[Row] = [row for (lang, _), found in read_probes().items() for row in found if lang == path.stem[:2]]
    assert judging
    assert not any(near_copies([row.text for row in rows], [row.text for row in judging], _NEAR))
    assert not {row.target.lower() for row in rows if row.target} & {row.target.strip("$").lower() for row in judging}
