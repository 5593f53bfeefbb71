from pathlib import Path

import pytest
import torch

from models.corpus.rows import DataError
from models.training.state import load, random_state, save, set_random_state


def test_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "state.pt"
    save(path, {"a": torch.ones(3)})
    with pytest.raises(Exception, match="pickle"):
        save(path, {"a": lambda: None})
    assert load(path)["a"].tolist() == [1.0, 1.0, 1.0]


def test_missing_and_damaged_files_are_told_with_the_remedy(tmp_path: Path) -> None:
    path = tmp_path / "state.pt"
    with pytest.raises(DataError, match="there is no such file; train first"):
        load(path)
    save(path, {"a": torch.ones(300)})
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(DataError, match=r"cannot be read .*; remove it"):
        load(path)


def test_file_cannot_run_code(tmp_path: Path) -> None:
    path = tmp_path / "state.pt"
    torch.save({"a": Path("x")}, path)
    with pytest.raises(DataError, match="cannot be read"):
        load(path)


def test_draws_go_on_where_they_were() -> None:
    kept = random_state()
    first = torch.rand(3)
    set_random_state(kept)
    assert torch.rand(3).equal(first)
