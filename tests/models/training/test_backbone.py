"""An int8 export of a BERT reads back within its rounding, and a pruned vocabulary still reads the same words."""

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import pytest
import torch
from onnx import NodeProto, TensorProto, helper, numpy_helper
from safetensors.torch import load_file
from tokenizers import Tokenizer
from transformers import BertModel

from models.training.backbone import ONNX_FILE, WORDS, main
from models.training.network import load_encoder
from tests.models.training import tiny


def write_export(folder: Path, encoder: BertModel) -> dict[str, float]:
    """The encoder as int8 ONNX, as the usual exporter names and turns things; the greatest rounding by name."""
    initialisers: list[TensorProto] = []
    nodes: list[NodeProto] = []
    rounding: dict[str, float] = {}
    zero: npt.NDArray[np.generic]

    def put(name: str, value: npt.NDArray[np.generic]) -> None:
        initialisers.append(numpy_helper.from_array(np.ascontiguousarray(value), name))

    for name, tensor in encoder.state_dict().items():
        value = tensor.numpy()
        is_embedding = "embeddings.weight" in name
        if value.ndim == 1:
            put(f"bert.{name}", value)
            continue
        if is_embedding:
            scale, zero, stem = np.float32(np.abs(value).max() / 120), np.array(128, np.uint8), f"bert.{name}"
            quantised = np.clip(np.rint(value / scale) + 128, 0, 255).astype(np.uint8)
        else:
            turned = value.T  # (n_in, n_out), a scale for each column
            scale = (np.abs(turned).max(axis=0) / 120).astype(np.float32)
            zero, stem = np.zeros(len(scale), np.int8), f"onnx::MatMul_{len(nodes)}"
            quantised = np.rint(turned / scale).astype(np.int8)
            place = "/bert/" + name.removesuffix(".weight").replace(".", "/") + "/MatMul_quant"
            nodes.append(helper.make_node("MatMulInteger", ["x", f"{stem}_quantized"], ["y"], name=place))
        put(f"{stem}_quantized", quantised)
        put(f"{stem}_scale", np.asarray(scale))
        put(f"{stem}_zero_point", zero)
        rounding[name] = float(np.max(scale)) / 2
    put("classifier.weight", np.ones((2, 2), np.float32))
    value = helper.make_tensor_value_info("y", TensorProto.INT32, None)
    onnx.save(helper.make_model(helper.make_graph(nodes, "bert", [], [value], initialisers)), str(folder / ONNX_FILE))
    return rounding


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return tiny.write_backbone(tmp_path / "source")


def test_export_reads_back_within_its_rounding_and_answers_alike(source: Path, tmp_path: Path) -> None:
    encoder = BertModel.from_pretrained(source, add_pooling_layer=False).eval()
    rounding = write_export(source, encoder)
    (source / "model.safetensors").unlink()
    assert main([str(source), str(tmp_path / "out"), "--onnx"]) == 0
    weights, wanted = load_file(tmp_path / "out" / "model.safetensors"), encoder.state_dict()
    assert weights.keys() == wanted.keys()
    assert all((weights[name] - wanted[name]).abs().max() <= rounding.get(name, 0) * 1.001 for name in wanted)
    ids = torch.tensor([[2, 9, 8, 7, 3]])
    with torch.no_grad():
        answers = [one.eval()(ids).last_hidden_state for one in (encoder, load_encoder(tmp_path / "out", None, 0.0))]
    assert (answers[0] - answers[1]).abs().max() < 0.1


def test_pruned_vocabulary_reads_the_kept_words_with_the_same_weights(source: Path, tmp_path: Path) -> None:
    rows = [{"text": "Hexley reports profit"}] * 3 + [{"text": "fraud fraud"}]
    texts = tiny.write_rows(tmp_path / "texts.jsonl", rows)
    assert main([str(source), str(tmp_path / "out"), "--keep-tokens", str(texts), "--least", "3"]) == 0
    before, after = (Tokenizer.from_file(str(one / "tokenizer.json")) for one in (source, tmp_path / "out"))
    assert after.get_vocab_size() < before.get_vocab_size()
    old, new = load_file(source / "model.safetensors")[WORDS], load_file(tmp_path / "out" / "model.safetensors")[WORDS]
    one, other = before.encode("Hexley reports profit"), after.encode("Hexley reports profit")
    assert one.tokens == other.tokens == ["[CLS]", "hexley", "reports", "profit", "[SEP]"]
    assert old[one.ids].equal(new[other.ids])
    assert after.encode("fraud").tokens != ["[CLS]", "fraud", "[SEP]"]  # twice is less than three times
    config = json.loads((tmp_path / "out" / "config.json").read_text(encoding="utf-8"))
    assert config["vocab_size"] == len(new) == after.get_vocab_size()
    assert config["pad_token_id"] == after.token_to_id("[PAD]")
    load_encoder(tmp_path / "out", None, 0.0)


def test_only_the_lowest_layers_are_written(source: Path, tmp_path: Path) -> None:
    assert main([str(source), str(tmp_path / "out"), "--layers", "1"]) == 0
    assert len(load_encoder(tmp_path / "out", None, 0.0).encoder.layer) == 1
    assert not any(".layer.1." in name for name in load_file(tmp_path / "out" / "model.safetensors"))


def test_missing_files_are_told(source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(source), str(tmp_path / "out"), "--onnx"]) == 2
    assert f"holds no {ONNX_FILE}" in capsys.readouterr().err
    assert main([str(source), str(tmp_path / "out"), "--keep-tokens", str(tmp_path / "no.jsonl")]) == 2
    assert "there is no such file" in capsys.readouterr().err
