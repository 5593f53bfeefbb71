"""The mean of runs' weights."""

from pathlib import Path

import pytest
import torch

from models.training.blend import blend, main
from models.training.configuration import SettingsError
from models.training.state import load, save
from tests.models.training import tiny


def run(folder: Path, value: float, **changes: object) -> Path:
    folder.mkdir()
    tiny.write_config(folder, **changes).rename(folder / "config.yaml")
    save(folder / "best.pt", {"head.1.weight": torch.full((2, 3), value), "head.1.bias": torch.tensor([value])})
    return folder


def test_blend_is_the_mean_by_shares_with_the_last_configuration(tmp_path: Path) -> None:
    one, other = run(tmp_path / "a", 1.0), run(tmp_path / "b", 3.0, seed=2)
    assert main([str(one), str(other), "--out", str(tmp_path / "c"), "--shares", "3", "1"]) == 0
    found = load(tmp_path / "c" / "best.pt")
    assert found["head.1.weight"].tolist() == [[1.5] * 3] * 2
    assert found["head.1.bias"].dtype == torch.float32
    assert (tmp_path / "c" / "config.yaml").read_text() == (other / "config.yaml").read_text()
    assert main([str(one), str(other), "--out", str(tmp_path / "d")]) == 0
    assert load(tmp_path / "d" / "best.pt")["head.1.bias"].tolist() == [2.0]


@pytest.mark.parametrize("shares", [[1.0], [1.0, 0.0], [1.0, -1.0], [1.0, 1.0, 1.0]])
def test_shares_that_make_no_mean_are_refused(tmp_path: Path, shares: list[float]) -> None:
    runs = [run(tmp_path / "a", 1.0), run(tmp_path / "b", 3.0)]
    with pytest.raises(SettingsError, match="--shares: give two runs"):
        blend(runs, shares, tmp_path / "c")


def test_runs_that_do_not_fit_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, other = run(tmp_path / "a", 1.0), run(tmp_path / "b", 3.0)
    save(other / "best.pt", {"head.1.weight": torch.zeros(2, 4), "head.1.bias": torch.zeros(1)})
    with pytest.raises(SettingsError, match="another shape"):
        blend([one, other], [1.0, 1.0], tmp_path / "c")
    with pytest.raises(SettingsError, match="development: the runs kept different rows"):
        blend([one, run(tmp_path / "e", 1.0, development=0.3)], [1.0, 1.0], tmp_path / "c")
    (tmp_path / "empty").mkdir()
    assert main([str(one), str(tmp_path / "empty"), "--out", str(tmp_path / "c")]) == 2
    assert "holds no best.pt and config.yaml" in capsys.readouterr().err
    assert not (tmp_path / "c").exists()
