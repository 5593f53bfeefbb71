"""HuggingFaceScorer: which output means what, and, where the full set is installed, a tiny model of another make."""

import builtins
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.checkpoint import CheckpointError
from models.huggingface import HuggingFaceScorer, order_of
from models.labels import CUT, NO_RISK, UNSUPPORTED_TARGET
from models.pooling import UNREAD
from models.scorer import Judgement, Pair
from models.shipped import open_scorer
from tests.models.tiny import BAD, GOOD, tokenizer, vocabulary

FINBERT = ("positive", "negative", "neutral")


@pytest.mark.parametrize(
    ("names", "order"),
    [
        (FINBERT, (1, 2, 0)),
        (("Neutral", "Positive", "Negative"), (2, 0, 1)),
        (("NEG", "NEU", "POS"), (0, 1, 2)),
        (("Bearish", "Bullish", "Neutral"), (0, 2, 1)),
        ((" bearish ", "neu", "positive"), (0, 1, 2)),
    ],
)
def test_outputs_are_known_by_their_names_in_any_case(names: tuple[str, ...], order: tuple[int, ...]) -> None:
    assert order_of(dict(enumerate(names)), "x") == order
    assert order_of({str(number): name for number, name in reversed([*enumerate(names)])}, "x") == order


@pytest.mark.parametrize(
    "names",
    [
        ("LABEL_0", "LABEL_1", "LABEL_2"),
        ("negative", "positive"),
        ("negative", "neutral", "positive", "mixed"),
        ("negative", "neg", "positive"),
        ("negative", "neutral", "positive", "pos"),
        ("1 star", "2 stars", "3 stars"),
        (),
    ],
    ids=", ".join,
)
def test_outputs_whose_names_do_not_tell_are_refused_with_the_remedy(names: tuple[str, ...]) -> None:
    with pytest.raises(CheckpointError) as caught:
        order_of(dict(enumerate(names)), "org/model")
    assert str(caught.value).startswith(f"org/model: its labels are {', '.join(names) or 'none'}; negative, neutral")
    assert "id2label of its config.json" in str(caught.value)


def test_slim_set_is_told_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def refuse(name: str, *rest: Any, **named: Any) -> Any:
        if name == "torch":
            raise ModuleNotFoundError("No module named 'torch'", name="torch")
        return real(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(CheckpointError, match=r"org/model needs torch, .*make setup-full.*such as `default`"):
        HuggingFaceScorer("org/model")


# Below: torch and transformers take seconds to import.


def make_model(folder: Path, truth: tuple[str, ...] = FINBERT) -> Path:
    """A tiny BERT that knows a few bad and good words; its outputs have FinBERT's names and mean `truth`."""
    torch = pytest.importorskip("torch", reason="models of other makes need the full set: make setup-full")
    from transformers import BertConfig, BertForSequenceClassification

    ids = vocabulary()
    torch.manual_seed(1)
    config = BertConfig(
        vocab_size=len(ids),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=1,
        intermediate_size=16,
        max_position_embeddings=34,
        id2label=dict(enumerate(FINBERT)),
        label2id={name: number for number, name in enumerate(FINBERT)},
    )
    model = BertForSequenceClassification(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
        # Attention to everything alike; the first dimension counts bad words, the second good ones, the third any.
        model.bert.embeddings.LayerNorm.weight.fill_(1)
        table = model.bert.embeddings.word_embeddings.weight
        table[:, 2] = 1
        for column, words in enumerate((BAD, GOOD)):
            for word in words.split():
                for token in [word] if word.isascii() else word:
                    table[ids[token], column] = 3
        layer = model.bert.encoder.layer[0]
        layer.attention.self.value.weight.copy_(torch.eye(16))
        layer.attention.output.dense.weight.copy_(torch.eye(16) * 10)
        for norm in (layer.attention.output.LayerNorm, layer.output.LayerNorm):
            norm.weight.fill_(1)
        model.bert.pooler.dense.weight.copy_(torch.eye(16))
        for number, label in enumerate(truth):
            row = {"negative": 0, "positive": 1, "neutral": 2}[label]
            model.classifier.weight[number, row] = 20 if row < 2 else 1
    model.save_pretrained(folder)
    tokenizer().save(str(folder / "tokenizer.json"))
    kind = {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 512}
    special = {f"{name}_token": f"[{name.upper()}]" for name in ("pad", "unk", "cls", "sep", "mask")}
    (folder / "tokenizer_config.json").write_text(json.dumps(kind | special))
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("foreign") / "tiny-bert")


@pytest.fixture(scope="module")
def scorer(folder: Path) -> HuggingFaceScorer:
    return HuggingFaceScorer(str(folder), 1)


def score(scorer: HuggingFaceScorer, text: str, target: str = "") -> Judgement:
    return scorer.score([Pair(text, target, None)])[0]


def parts(found: Judgement) -> tuple[float, float, float]:
    return found.negative, found.neutral, found.positive


@pytest.mark.slow
def test_answers_stand_in_our_order_of_labels(scorer: HuggingFaceScorer) -> None:
    assert score(scorer, "Fraud loss bankruptcy").negative > 0.6
    assert score(scorer, "record profit growth").positive > 0.6
    assert score(scorer, "the meeting of the bank").neutral > 0.6
    assert (score(scorer, "Fraud loss").risk, score(scorer, "record profit").risk) == ("fraud", NO_RISK)


@pytest.mark.slow
def test_name_tells_the_weights_apart(scorer: HuggingFaceScorer, tmp_path: Path) -> None:
    name, _, digits = scorer.name.partition("@")
    assert (name, len(digits)) == ("tiny-bert", 8)
    other = HuggingFaceScorer(str(make_model(tmp_path / "tiny-bert", truth=("negative", "positive", "neutral"))))
    assert other.name.partition("@")[0] == "tiny-bert"
    assert other.name != scorer.name


@pytest.mark.slow
@given(texts=st.lists(st.text(max_size=60), max_size=4))
def test_any_text_is_answered_the_same_in_any_company(scorer: HuggingFaceScorer, texts: list[str]) -> None:
    pairs = [Pair(text, "", None) for text in texts]
    assert scorer.score(pairs) == [scorer.score([pair])[0] for pair in pairs]


@pytest.mark.slow
@pytest.mark.parametrize("text", ["", " \n", "\ud800", "ꦗꦮ", "🦜" * 10_000], ids=lambda text: ascii(text[:3]))
def test_text_of_which_nothing_can_be_read_is_neutral(scorer: HuggingFaceScorer, text: str) -> None:
    assert parts(score(scorer, text)) == parts(UNREAD)


@pytest.mark.slow
def test_target_is_not_used_and_that_is_marked(scorer: HuggingFaceScorer) -> None:
    text = "Fraud at the bank"
    assert parts(score(scorer, text, "bank")) == parts(score(scorer, text))
    assert score(scorer, text, "bank").marks == (UNSUPPORTED_TARGET,)
    assert score(scorer, text, " ").marks == ()


@pytest.mark.slow
def test_long_text_is_read_in_windows_and_beyond_them_cut(scorer: HuggingFaceScorer) -> None:
    long = score(scorer, "Record profit growth. " * 12 + "Fraud loss bankruptcy. " * 12)
    assert long.marks == ()
    assert 0.2 < long.negative < 0.8
    for text in ("fraud " * 2_000, "fraud. " * 100_000, "a" * 1_000_000, "违约" * 500):
        assert score(scorer, text).marks == (CUT,)
    assert score(scorer, "fraud " * 100).marks == ()


@pytest.mark.slow
def test_it_is_opened_by_its_folder_and_checked(folder: Path, tmp_path: Path) -> None:
    assert open_scorer(str(folder), 1).name.startswith("tiny-bert@")
    swapped = make_model(tmp_path / "swapped", truth=("negative", "positive", "neutral"))
    with pytest.raises(CheckpointError, match=r"^swapped@.*\(id2label in config\.json\)"):
        open_scorer(str(swapped), 1)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"id2label": {"0": "LABEL_0", "1": "LABEL_1", "2": "LABEL_2"}}, "its labels are LABEL_0, LABEL_1, LABEL_2;"),
        ({"problem_type": "multi_label_classification"}, "do not exclude each other"),
        ({"model_type": "no-such-type"}, "cannot be loaded"),
        ({"vocab_size": 50_000}, "its tokenizer knows"),
    ],
)
def test_unfit_configuration_is_refused(folder: Path, tmp_path: Path, change: Mapping[str, Any], told: str) -> None:
    copy = shutil.copytree(folder, tmp_path / "copy")
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps(config | change))
    with pytest.raises(CheckpointError, match=told):
        HuggingFaceScorer(str(copy))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "tokenizer.json"])
@pytest.mark.parametrize("damage", ["missing", "damaged"])
def test_missing_or_damaged_file_is_refused(folder: Path, tmp_path: Path, name: str, damage: str) -> None:
    copy = shutil.copytree(folder, tmp_path / "copy")
    if damage == "missing":
        (copy / name).unlink()
    else:
        (copy / name).write_bytes(b"{\x00")
    with pytest.raises(CheckpointError, match=str(copy)):
        HuggingFaceScorer(str(copy))


@pytest.mark.slow
def test_encoder_without_a_classifier_is_refused_rather_than_given_a_random_one(folder: Path, tmp_path: Path) -> None:
    from transformers import BertModel

    copy = shutil.copytree(folder, tmp_path / "copy")
    config = (copy / "config.json").read_text()
    BertModel.from_pretrained(folder).save_pretrained(copy)
    (copy / "config.json").write_text(config)
    with pytest.raises(CheckpointError, match=r"no sequence-classification model: it lacks classifier\.bias"):
        HuggingFaceScorer(str(copy))


@pytest.mark.slow
def test_hub_name_out_of_reach_is_refused_with_the_remedy(
    scorer: HuggingFaceScorer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(CheckpointError, match=r"^nobody/nothing cannot be loaded .* local cache or within reach$"):
        HuggingFaceScorer("nobody/nothing")
