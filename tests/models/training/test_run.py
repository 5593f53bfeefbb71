from pathlib import Path

import pytest
import yaml

from models.training.run import keep_config
from models.training.settings import SettingsError


def write(path: Path, **keys: object) -> Path:
    path.write_text(yaml.safe_dump(keys), encoding="utf-8")
    return path


def test_configuration_is_kept_as_it_is_and_with_a_seed_where_one_is_given(tmp_path: Path) -> None:
    config, run = tmp_path / "c.yaml", tmp_path / "run"
    config.write_text("# why\nrate: 1\n", encoding="utf-8")
    run.mkdir()
    keep_config(config, None, run)
    assert (run / "config.yaml").read_text(encoding="utf-8") == "# why\nrate: 1\n"
    keep_config(config, 7, run)
    assert yaml.safe_load((run / "config.yaml").read_text(encoding="utf-8")) == {"rate": 1, "seed": 7}
    keep_config(run / "config.yaml", None, run)


def test_run_does_not_go_on_with_other_settings(tmp_path: Path) -> None:
    keep_config(write(tmp_path / "c.yaml", rate=1), None, tmp_path)
    (tmp_path / "state.pt").touch()
    keep_config(write(tmp_path / "c.yaml", rate=1, seed=1, save_every_seconds=5), None, tmp_path)
    for changes, told in (({"rate": 2}, "rate: .* started with 1, not 2"), ({"rate": 1, "seed": 2}, "seed")):
        with pytest.raises(SettingsError, match=f"{told}.*; name another folder with --out"):
            keep_config(write(tmp_path / "c.yaml", **changes), None, tmp_path)
    with pytest.raises(SettingsError, match=r"seed: .* started with 1, not 3"):
        keep_config(write(tmp_path / "c.yaml", rate=1), 3, tmp_path)
