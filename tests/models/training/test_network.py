"""The network reads as the pre-trained encoder does, whatever stands beside a row, and in two halves as in one."""

from pathlib import Path

import pytest
import torch

from models.training.configuration import SettingsError
from models.training.network import freeze, load_encoder, make_network
from tests.models.training import tiny

KINDS = ("bert", "mpnet")
IDS = torch.tensor([[2, 9, 8, 7, 3, 1, 1], [2, 11, 12, 13, 14, 15, 3]])
MASK = (IDS != 1).long()
NONE = torch.zeros_like(IDS)


@pytest.mark.parametrize("kind", KINDS)
def test_layers_one_by_one_answer_as_the_encoder_at_once(kind: str) -> None:
    network = tiny.network(kind).eval()
    with torch.no_grad():
        whole = network.encoder(input_ids=IDS, attention_mask=MASK).last_hidden_state
        found = network.lower(IDS, MASK, tiny.LAYERS)
    assert (found - whole)[MASK.bool()].abs().max() < 1e-5


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("count", range(tiny.LAYERS + 1))
def test_two_halves_answer_as_one(kind: str, count: int) -> None:
    network = tiny.network(kind).eval()
    targets = NONE.clone()
    targets[0, 2] = 1
    with torch.no_grad():
        halves = network.upper(network.lower(IDS, MASK, count), MASK, targets, count)
        assert halves.equal(network(IDS, MASK, targets))


@pytest.mark.parametrize("kind", KINDS)
def test_answer_does_not_depend_on_padding(kind: str) -> None:
    network = tiny.network(kind).eval()
    with torch.no_grad():
        alone = network(IDS[:1, :5], MASK[:1, :5], NONE[:1, :5])
        padded = network(IDS, MASK, NONE)[:1]
    assert (alone - padded).abs().max() < 1e-5


def test_answer_depends_on_where_the_target_stands_and_without_one_on_the_whole_text() -> None:
    network = tiny.network().eval()
    first, second, every = NONE.clone(), NONE.clone(), MASK.clone()
    first[:, 1], second[:, 3] = 1, 1
    with torch.no_grad():
        answers = [network(IDS, MASK, targets) for targets in (NONE, first, second, every)]
    assert not answers[1].allclose(answers[2])
    assert not answers[0].allclose(answers[1])
    assert answers[0].equal(answers[3])


def test_only_the_lowest_layers_are_loaded(tmp_path: Path) -> None:
    tiny.write_backbone(tmp_path)
    whole, part = make_network(tmp_path), make_network(tmp_path, layers=2)
    assert len(part.layers) == part.encoder.config.num_hidden_layers == 2
    for name, value in part.encoder.state_dict().items():
        assert value.equal(whole.encoder.state_dict()[name])


def test_dropout_of_the_encoder_is_the_runs(tmp_path: Path) -> None:
    tiny.write_backbone(tmp_path)
    encoder = load_encoder(tmp_path, None, 0.25)
    rates = {one.p for one in encoder.modules() if isinstance(one, torch.nn.Dropout)}
    assert rates == {0.25}


@pytest.mark.parametrize("kind", KINDS)
def test_frozen_are_the_embeddings_and_the_lowest_layers(kind: str) -> None:
    network = tiny.network(kind)
    freeze(network.encoder, 1)
    trained = {name for name, one in network.named_parameters() if one.requires_grad}
    assert all(name.startswith("head.") or ".layer.1." in name or ".layer.2." in name for name in trained)
    freeze(network.encoder, 0)
    assert trained == {name for name, one in network.named_parameters() if one.requires_grad}


def test_what_cannot_be_a_backbone_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"backbone: .* holds no config.json, model.safetensors, tokenizer.json"):
        make_network(tmp_path)
    tiny.write_backbone(tmp_path)
    with pytest.raises(SettingsError, match="layers: 4 of an encoder with 3"):
        make_network(tmp_path, layers=4)
    with pytest.raises(SettingsError, match="frozen: 4 of an encoder with 3 layers"):
        freeze(make_network(tmp_path).encoder, 4)
    config = (tmp_path / "config.json").read_text(encoding="utf-8")
    (tmp_path / "config.json").write_text(config.replace('"bert"', '"distilbert"'), encoding="utf-8")
    with pytest.raises(SettingsError, match="is a distilbert; BERT's and MPNet's encoders are supported"):
        make_network(tmp_path)
