"""From a network to a checkpoint folder and back. Every network is a tiny one, made in place with random weights."""

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import yaml
from tokenizers import Tokenizer, models, pre_tokenizers

pytest.importorskip("torch")
pytest.importorskip("onnx")

import onnx
import torch
from torch import nn
from transformers import BertConfig, BertModel, MPNetConfig, MPNetModel

from models import export
from models.checkpoint import Architecture, CheckpointError, load_manifest
from models.export import Description, export_network, load_torch
from models.exporting import agreement, graph
from models.exporting.sizes import network_from, sizes_of
from models.exporting.weights import (
    ExportError,
    quantise,
    save_weights,
)
from models.training.network import SentimentNetwork
from models.weights import Place, load_weights, locate, restore

WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *(f"word{number}" for number in range(45)))
POSITIONS = 24


def tiny(**changes: Any) -> SentimentNetwork:
    """Two layers, width 32, weights large enough that every part of the network moves the answer."""
    torch.manual_seed(7)
    settings = {
        "vocab_size": len(WORDS),
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "intermediate_size": 48,
        "max_position_embeddings": POSITIONS,
    }
    network = SentimentNetwork(BertModel(BertConfig(**{**settings, **changes}), add_pooling_layer=False), head_width=16)
    for name, parameter in network.named_parameters():
        nn.init.normal_(parameter, 1.0 if name.endswith("LayerNorm.weight") else 0.0, 0.4)
    network.eval()
    return network


def write_tokenizer(path: Path, words: tuple[str, ...] = WORDS) -> Path:
    vocabulary = {word: number for number, word in enumerate(words)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(path))
    return path


@pytest.fixture
def tokenizer(tmp_path: Path) -> Path:
    return write_tokenizer(tmp_path / "tokenizer.json")


def described(**changes: Any) -> Description:
    return Description(**{"name": "xx-1.0", "max_tokens": 16, **changes})


def batch(**changes: Any) -> dict[str, np.ndarray[Any, np.dtype[np.int64]]]:
    """Two rows: one with a target, one shorter and without."""
    chance = np.random.default_rng(1)
    ids = chance.integers(5, len(WORDS), (2, 9))
    mask, targets = np.ones_like(ids), np.zeros_like(ids)
    mask[1, 6:] = ids[1, 6:] = 0
    targets[0, [2, 5]] = 1
    return {"ids": ids, "mask": mask, "targets": targets, **changes}


def ask_torch(network: SentimentNetwork, questions: Mapping[str, Any]) -> Any:
    with torch.no_grad():
        return network(*(torch.from_numpy(questions[name]) for name in graph.INPUTS)).numpy()


def ask_onnx(folder: Path, questions: Mapping[str, Any]) -> Any:
    session = onnxruntime.InferenceSession(str(folder / "graph.onnx"), providers=["CPUExecutionProvider"])
    return session.run(["logits"], dict(questions))[0]


def run_folder(folder: Path, network: SentimentNetwork) -> Path:
    """What `models.train` leaves behind, as far as an export reads it."""
    backbone = folder / "backbone"
    backbone.mkdir(parents=True)
    network.encoder.config.save_pretrained(backbone)
    write_tokenizer(backbone / "tokenizer.json")
    settings = {"backbone": str(backbone), "data": "data", "lang": "en", "max_tokens": 16, "sources": {"made": {}}}
    (folder / "config.yaml").write_text(yaml.safe_dump(settings))
    torch.save(network.state_dict(), folder / "best.pt")
    return folder


@pytest.mark.parametrize("bits", [16, 8])
def test_torch_and_onnxruntime_read_the_same_answers_from_one_weight_file(
    bits: int, tokenizer: Path, tmp_path: Path
) -> None:
    made = export_network(tiny(), tokenizer, tmp_path / "out", described(), bits=bits)
    expected = ask_torch(load_torch(tmp_path / "out"), batch())
    assert np.abs(ask_onnx(tmp_path / "out", batch()) - expected).max() < 1e-4
    assert np.ptp(expected) > 0.5
    assert made.slip < 1e-4


def test_sixteen_bits_keep_the_answers_and_eight_bits_about(tokenizer: Path, tmp_path: Path) -> None:
    network = tiny()
    made = [export_network(network, tokenizer, tmp_path / "out", described(), bits=bits) for bits in (16, 8)]
    assert made[0].rounding < 0.01 < made[1].rounding < 0.1
    assert made[1].size < made[0].size


def test_padding_and_neighbours_change_no_answer(tokenizer: Path, tmp_path: Path) -> None:
    export_network(tiny(), tokenizer, tmp_path / "out", described())
    questions = batch()
    alone = {name: value[1:, :6] for name, value in questions.items()}
    together = ask_onnx(tmp_path / "out", questions)[1]
    assert np.abs(ask_onnx(tmp_path / "out", alone)[0] - together).max() < 1e-5


def test_a_row_without_target_is_judged_as_if_all_its_text_were(tokenizer: Path, tmp_path: Path) -> None:
    export_network(tiny(), tokenizer, tmp_path / "out", described())
    none, whole = batch(targets=np.zeros((2, 9), np.int64)), batch()
    found = ask_onnx(tmp_path / "out", none)
    assert np.abs(found - ask_onnx(tmp_path / "out", {**whole, "targets": whole["mask"]})).max() < 1e-5
    assert np.abs(found[0] - ask_onnx(tmp_path / "out", whole)[0]).max() > 0.05


def test_graph_is_valid_small_and_points_into_the_weight_file(tokenizer: Path, tmp_path: Path) -> None:
    export_network(tiny(), tokenizer, tmp_path / "out", described(), bits=8)
    onnx.checker.check_model(str(tmp_path / "out" / "graph.onnx"), full_check=True)
    model = onnx.load(str(tmp_path / "out" / "graph.onnx"), load_external_data=False)
    places = locate(tmp_path / "out" / "weights.safetensors")
    pointing = {one.name: one for one in model.graph.initializer if one.external_data}
    assert set(pointing) == set(places)
    for name, one in pointing.items():
        entries = {entry.key: entry.value for entry in one.external_data}
        assert entries == {
            "location": "weights.safetensors",
            "offset": str(places[name].start),
            "length": str(places[name].length),
        }
    assert sum(len(one.raw_data) for one in model.graph.initializer) < 1_000
    assert {entry.domain for entry in model.opset_import} == {""}


def test_onnxruntime_turns_matrices_to_single_precision_once_and_not_with_each_text(
    tokenizer: Path, tmp_path: Path
) -> None:
    export_network(tiny(), tokenizer, tmp_path / "out", described(), bits=8)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # It warns that what it writes fits only this processor.
    options.optimized_model_filepath = str(tmp_path / "optimised.onnx")
    onnxruntime.InferenceSession(str(tmp_path / "out" / "graph.onnx"), options, providers=["CPUExecutionProvider"])
    kinds = [node.op_type for node in onnx.load(options.optimized_model_filepath, load_external_data=False).graph.node]
    # The words' table is read by row: its numbers, its scales, and the casts of the mask and the targets remain.
    assert kinds.count("Cast") == 4
    assert kinds.count("BiasGelu") == 2


def test_vocabulary_may_be_smaller_than_the_configuration_says(tokenizer: Path, tmp_path: Path) -> None:
    network = tiny()
    network.encoder.config.vocab_size = 30_000
    export_network(network, tokenizer, tmp_path / "out", described())
    manifest = json.loads((tmp_path / "out" / "checkpoint.json").read_text())
    assert manifest["architecture"]["vocabulary"] == len(WORDS)


def test_manifest_tells_sizes_sums_and_what_it_was_told(tokenizer: Path, tmp_path: Path) -> None:
    description = described(
        languages=("zh",), temperatures={"target": 1.5, "text": 2.0}, threshold_negative=0.4, trained_on=("made",)
    )
    made = export_network(tiny(), tokenizer, tmp_path / "out", description)
    manifest = json.loads((tmp_path / "out" / "checkpoint.json").read_text())
    sums = manifest.pop("files")
    assert manifest == {
        "format": 1,
        "name": "xx-1.0",
        "languages": ["zh"],
        "labels": ["negative", "neutral", "positive"],
        "architecture": {
            "type": "bert",
            "layers": 2,
            "width": 32,
            "heads": 4,
            "intermediate": 48,
            "vocabulary": 50,
            "positions": 24,
            "layer_norm_eps": 1e-12,
            "head_width": 16,
        },
        "max_tokens": 16,
        "temperatures": {"target": 1.5, "text": 2.0},
        "neutral_shifts": {"target": 0.0, "text": 0.0},
        "threshold_negative": 0.4,
        "parameters": sum(one.numel() for one in tiny().parameters()),
        "trained_on": ["made"],
        "licence": "Apache-2.0",
    }
    assert made.parameters == manifest["parameters"]
    assert sorted(sums) == ["graph.onnx", "tokenizer.json", "weights.safetensors"]
    for name, found in sums.items():
        assert hashlib.sha256((tmp_path / "out" / name).read_bytes()).hexdigest() == found


@pytest.mark.parametrize("bits", [16, 8])
def test_the_same_network_gives_the_same_bytes(bits: int, tokenizer: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        export_network(tiny(), tokenizer, tmp_path / name, described(), bits=bits)
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()


def test_export_disturbs_no_random_numbers_and_leaves_nothing_beside_the_folder(
    tokenizer: Path, tmp_path: Path
) -> None:
    network, before = tiny(), torch.get_rng_state()
    export_network(network, tokenizer, tmp_path / "out", described())
    assert torch.equal(torch.get_rng_state(), before)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "tokenizer.json"]


@pytest.mark.parametrize(
    "slip",
    [
        ("layer_norm_eps", lambda sizes: {"layer_norm_eps": 0.01}),
        ("a layer left out", lambda sizes: {"layers": sizes.layers - 1}),
        ("heads", lambda sizes: {"heads": sizes.heads * 2}),
    ],
    ids=lambda slip: slip[0],
)
def test_graph_that_answers_otherwise_is_refused_and_writes_nothing(
    slip: tuple[str, Any], tokenizer: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(sizes: Architecture, places: Mapping[str, Place], location: str) -> onnx.ModelProto:
        changed = {name: getattr(sizes, name) for name in Architecture.__slots__} | slip[1](sizes)
        return graph.build_graph(Architecture(**changed), places, location)

    monkeypatch.setattr(export, "build_graph", wrong)
    with pytest.raises(ExportError, match=r"torch and graph\.onnx differ by .* in a logit"):
        export_network(tiny(), tokenizer, tmp_path / "out", described())
    assert list((tmp_path / "out").iterdir()) == []


def test_answer_that_is_no_number_is_refused(tokenizer: Path, tmp_path: Path) -> None:
    network = tiny()
    export_network(network, tokenizer, tmp_path / "out", described())
    nn.init.constant_(network.head[4].bias, float("nan"))
    state = {name: value.numpy() for name, value in network.state_dict().items()}
    sizes = sizes_of(state, network.encoder.config.to_dict())
    with pytest.raises(ExportError, match="differ by nan"):
        agreement.compare(tmp_path / "out" / "graph.onnx", network, network, sizes)


def test_network_that_diverged_is_refused_by_the_name_of_its_weight(tokenizer: Path, tmp_path: Path) -> None:
    network = tiny()
    nn.init.constant_(network.head[1].weight, 1e6)
    with pytest.raises(ExportError, match=r"head\.1\.weight holds a number beyond 16 bits"):
        export_network(network, tokenizer, tmp_path / "out", described())


def test_teacher_cannot_be_exported(tokenizer: Path, tmp_path: Path) -> None:
    config = MPNetConfig(
        vocab_size=50, hidden_size=32, num_hidden_layers=1, num_attention_heads=4, intermediate_size=48
    )
    network = SentimentNetwork(MPNetModel(config, add_pooling_layer=False))
    with pytest.raises(ExportError, match=r"type 'mpnet' cannot be exported, only bert: .*soft\.path"):
        export_network(network, tokenizer, tmp_path / "out", described())


def test_other_activation_than_gelu_is_refused(tokenizer: Path, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="hidden_act is 'relu'"):
        export_network(tiny(hidden_act="relu"), tokenizer, tmp_path / "out", described())


def test_tokenizer_of_another_network_is_refused(tmp_path: Path) -> None:
    tokenizer = write_tokenizer(tmp_path / "tokenizer.json", (*WORDS, "one_too_many"))
    with pytest.raises(ExportError, match="knows 51 tokens, the network 50: it belongs to another network"):
        export_network(tiny(), tokenizer, tmp_path / "out", described())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"temperatures": {"target": 1.0}}, "temperatures: two from"),
        ({"neutral_shifts": {"target": 1.0}}, "neutral_shifts: two from"),
        ({"neutral_shifts": {"target": 1.0, "text": -5.1}}, "neutral_shifts: two from"),
        ({"neutral_shifts": {"target": float("nan"), "text": 0.0}}, "neutral_shifts: two from"),
        ({"temperatures": {"target": 1.0, "text": 0.04}}, "temperatures: two from"),
        ({"temperatures": {"target": 1.0, "text": float("nan")}}, "temperatures: two from"),
        ({"threshold_negative": 1.0}, "threshold_negative: 1.0 is not between 0 and 1"),
        ({"max_tokens": POSITIONS + 1}, "max_tokens: 25 is not from 8 to 24"),
        ({"max_tokens": 7}, "max_tokens: 7 is not from 8"),
    ],
)
def test_description_that_cannot_be_served_is_refused(
    changes: dict[str, Any], message: str, tokenizer: Path, tmp_path: Path
) -> None:
    with pytest.raises(ExportError, match=message):
        export_network(tiny(), tokenizer, tmp_path / "out", described(**changes))


def test_weight_file_that_is_too_large_is_refused_with_the_remedy(tokenizer: Path, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"more than 1,000: export with --bits 8, .*--most-bytes"):
        export_network(tiny(), tokenizer, tmp_path / "out", described(), most_bytes=1_000)


def test_no_number_of_a_matrix_is_off_by_more_than_half_a_step() -> None:
    weight = np.random.default_rng(3).normal(0, 0.02, (40, 30)).astype(np.float32)
    weight[0] = 0.0
    weight[1] *= 127 * 1.4 * 2**-24 / np.abs(weight[1]).max()  # 16 bits hold 1 or 2 of these steps, not 1.4.
    quantised, scale = quantise(weight)
    off = np.abs(restore(quantised, scale) - weight)
    assert (off <= scale.astype(np.float32)[:, None] / 2 * 1.0001).all()
    assert (quantised >= -127).all()
    assert not restore(quantised, scale)[0].any()


def test_weights_come_back_from_the_bytes_where_they_are_said_to_lie(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    weights = {"b": np.arange(6, dtype=np.float32).reshape(2, 3), "a": np.array([0.5, 2.0], np.float32)}
    save_weights(weights, path, 16)
    for name, place in locate(path).items():
        piece = path.read_bytes()[place.start : place.start + place.length]
        assert np.frombuffer(piece, np.float16).reshape(place.shape).tolist() == weights[name].tolist()
    assert {name: one.tolist() for name, one in load_weights(path).items()} == {
        name: one.tolist() for name, one in weights.items()
    }


def test_unknown_number_of_bits_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="16 bits or 8"):
        save_weights({}, tmp_path / "weights.safetensors", 4)


def test_weights_of_another_kind_are_refused() -> None:
    state = {name: value.numpy() for name, value in tiny().state_dict().items()}
    sizes = sizes_of(state, tiny().encoder.config.to_dict())
    with pytest.raises(ExportError, match="not the weights of a sentiment network"):
        network_from(sizes, {name: value for name, value in state.items() if not name.startswith("head.4")})
    with pytest.raises(ExportError, match=r"'head\.1\.weight' is missing"):
        sizes_of(
            {name: value for name, value in state.items() if not name.startswith("head")},
            tiny().encoder.config.to_dict(),
        )


@pytest.mark.slow
def test_command_makes_a_checkpoint_of_a_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    network = tiny()
    run = run_folder(tmp_path / "run", network)
    (tmp_path / "card.md").write_text("# A card\n")
    (tmp_path / "temperatures.json").write_text('{"target": 1.1, "text": 1.2}')
    options = ["--temperatures", str(tmp_path / "temperatures.json"), "--card", str(tmp_path / "card.md")]
    assert export.main([str(run), str(tmp_path / "out"), "--name", "en-1", *options]) == 0
    assert "onnxruntime differs from torch by" in capsys.readouterr().out
    manifest = json.loads((tmp_path / "out" / "checkpoint.json").read_text())
    told = {name: manifest[name] for name in ("name", "languages", "max_tokens", "trained_on", "temperatures")}
    assert told == {
        "name": "en-1",
        "languages": ["en"],
        "max_tokens": 16,
        "trained_on": ["made"],
        "temperatures": {"target": 1.1, "text": 1.2},
    }
    assert (tmp_path / "out" / "README.md").read_text() == "# A card\n"
    assert np.abs(ask_torch(load_torch(tmp_path / "out"), batch()) - ask_torch(network, batch())).max() < 0.01


@pytest.mark.parametrize(
    "changes",
    [{"max_tokens": 8, "temperatures": {"target": 0.05, "text": 20}}, {"max_tokens": 24, "threshold_negative": 1e-9}],
)
def test_what_the_export_lets_pass_can_be_served(changes: dict[str, Any], tokenizer: Path, tmp_path: Path) -> None:
    export_network(tiny(), tokenizer, tmp_path / "out", described(**changes))
    assert load_manifest(tmp_path / "out").name == "xx-1.0"


def test_damaged_checkpoint_gives_no_network(tokenizer: Path, tmp_path: Path) -> None:
    export_network(tiny(), tokenizer, tmp_path / "out", described())
    with (tmp_path / "out" / "weights.safetensors").open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"!")
    with pytest.raises(CheckpointError, match=r"weights\.safetensors is damaged"):
        load_torch(tmp_path / "out")


def test_second_export_renews_the_folder_and_keeps_its_card(tokenizer: Path, tmp_path: Path) -> None:
    card = tmp_path / "card.md"
    card.write_text("# A card\n")
    export_network(tiny(), tokenizer, tmp_path / "out", described(), card=card)
    export_network(tiny(), tokenizer, tmp_path / "out", described(name="xx-2.0"))
    assert json.loads((tmp_path / "out" / "checkpoint.json").read_text())["name"] == "xx-2.0"
    assert (tmp_path / "out" / "README.md").exists()


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        ("best.pt", r"best\.pt is missing: let the run finish an epoch"),
        ("config.yaml", r"config\.yaml: cannot be read"),
        ("backbone/config.json", r"config\.json is missing: put the backbone back"),
        ("backbone/tokenizer.json", r"tokenizer\.json is missing"),
    ],
)
def test_run_that_lacks_a_file_is_told_in_one_sentence(
    missing: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = run_folder(tmp_path / "run", tiny())
    (run / missing).unlink()
    assert export.main([str(run), str(tmp_path / "out"), "--name", "en-1"]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert re.search(message, line)


@pytest.mark.parametrize("value", ["{target: 1}", "[1, 2]", "nowhere.json", '{"target": "warm"}'])
def test_temperatures_that_cannot_be_read_are_refused(value: str) -> None:
    with pytest.raises(ExportError, match=r"--temperatures .* give JSON such as"):
        export.read_pair("--temperatures", value)
