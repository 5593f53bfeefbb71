from pathlib import Path

import pytest

pytest.importorskip("torch", reason="training needs the full set")

from safetensors.torch import load_file

from models import pretrain, train
from models.training.network import load_encoder
from tests.models.training import tiny
from tests.models.training.test_language import write_config


@pytest.mark.parametrize("kind", ["bert", "mpnet"])
def test_adapted_backbone_is_another_one_and_a_run_starts_from_it(tmp_path: Path, kind: str) -> None:
    tiny.write_backbone(tmp_path / "backbone", kind)
    (tmp_path / "data").mkdir()
    tiny.write_rows(tmp_path / "data" / "texts.jsonl", tiny.texts(60))
    config, out = write_config(tmp_path, epochs=1, layers=2), tmp_path / "adapted"
    assert pretrain.main(["--config", str(config), "--out", str(out)]) == 0
    assert len(load_encoder(out, None, 0.0).encoder.layer) == 2
    old, new = (load_file(folder / "model.safetensors") for folder in (tmp_path / "backbone", out))
    assert set(new) <= set(old)
    assert not any(new[name].equal(old[name]) for name in new if name.endswith("dense.weight"))
    assert (out / "tokenizer.json").read_bytes() == (tmp_path / "backbone" / "tokenizer.json").read_bytes()
    tiny.write_rows(tmp_path / "data" / "made.jsonl", tiny.texts(60))
    run = tiny.write_config(tmp_path, backbone=str(out), sources={"made": {}}, epochs=1)
    assert train.main(["--config", str(run), "--out", str(tmp_path / "run")]) == 0


def test_finished_run_writes_the_same_backbone_again(tmp_path: Path) -> None:
    config, out = write_config(tmp_path, epochs=1), tmp_path / "adapted"
    assert pretrain.main(["--config", str(config), "--out", str(out)]) == 0
    first = (out / "model.safetensors").read_bytes()
    (out / "model.safetensors").unlink()
    assert pretrain.main(["--config", str(config), "--out", str(out)]) == 0
    assert (out / "model.safetensors").read_bytes() == first


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"sources": ["nobody"]}, "holds no nobody.jsonl.gz"),
        ({"backbone": "nowhere"}, "backbone: nowhere/tokenizer.json is missing"),
        ({"rate": "quick"}, "rate: 'quick' is no number"),
    ],
)
def test_wrong_use_ends_with_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], changes: dict[str, object], told: str
) -> None:
    config = write_config(tmp_path, **changes)
    assert pretrain.main(["--config", str(config), "--out", str(tmp_path / "out")]) == 2
    assert told in capsys.readouterr().err
