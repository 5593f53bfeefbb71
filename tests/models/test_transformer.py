"""TransformerScorer, on a tiny network. All companies are invented."""

import json
import math
import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models

from models.checkpoint import CheckpointError
from models.labels import CUT, MARKS, NO_RISK, RISKS, UNSUPPORTED_TARGET
from models.pooling import UNREAD
from models.scorer import Judgement, Pair, PairScorer
from models.serving.backend import FloatArray
from models.serving.onnx import OnnxBackend
from models.text import Window
from models.transformer import TransformerScorer
from tests.models.tiny import Array, make_checkpoint, write_manifest


@pytest.fixture(scope="module")
def scorer(tmp_path_factory: pytest.TempPathFactory) -> TransformerScorer:
    return TransformerScorer(make_checkpoint(tmp_path_factory.mktemp("scorer") / "tiny"), 2)


def score(scorer: PairScorer, text: str, target: str = "") -> Judgement:
    return scorer.score([Pair(text, target, None)])[0]


def parts(found: Judgement) -> tuple[float, float, float]:
    return found.negative, found.neutral, found.positive


def watch(scorer: TransformerScorer, monkeypatch: pytest.MonkeyPatch) -> list[Window]:
    """Every window that the network is asked from now on."""
    asked: list[Window] = []
    logits = OnnxBackend.logits

    def watched(self: OnnxBackend, windows: list[Window]) -> FloatArray:
        asked.extend(windows)
        return logits(self, windows)

    monkeypatch.setattr(OnnxBackend, "logits", watched)
    return asked


def test_name_is_that_of_the_checkpoint_and_of_its_weights(scorer: TransformerScorer, tmp_path: Path) -> None:
    name, _, digits = scorer.name.partition("@")
    assert (name, len(digits)) == ("tiny-1", 8)
    assert TransformerScorer(make_checkpoint(tmp_path / "same"), 1).name == scorer.name
    assert TransformerScorer(make_checkpoint(tmp_path / "other", seed=2), 1).name.startswith("tiny-1@")
    assert TransformerScorer(make_checkpoint(tmp_path / "other", seed=2), 1).name != scorer.name


def test_good_and_bad_news_are_told_apart(scorer: TransformerScorer) -> None:
    assert score(scorer, "Bank collapses, loss after fraud").negative > 0.9
    assert score(scorer, "Record profit beats, shares soar").positive > 0.9
    assert score(scorer, "The meeting of the bank").neutral > 0.5
    assert score(scorer, "公司债券违约").negative > 0.9


def test_no_pairs_have_no_answers(scorer: TransformerScorer) -> None:
    assert scorer.score([]) == []


def test_phrases_and_kind_of_risk_are_those_of_the_lexicon(scorer: TransformerScorer) -> None:
    found = score(scorer, "Fraud at the bank")
    assert (found.risk, found.cues) == ("fraud", ("Fraud",))
    assert score(scorer, "Record profit today after fraud claims, shares soar, profit doubles").risk == NO_RISK


_PIECES = st.sampled_from(["Hexley", "fraud", "profit", ". ", "银行", "违约", "🚀", "\ud800", "\u202e", "\n", " ", "q"])
_TEXTS = st.one_of(st.text(max_size=60), st.lists(_PIECES, max_size=60).map(" ".join))
_TARGETS = st.sampled_from(["", " ", "Hexley", "银行", "q", "\ud800"])
_PAIRS = st.builds(Pair, _TEXTS, _TARGETS, st.sampled_from([None, "zh", "?"]))


@settings(max_examples=60)
@given(pairs=st.lists(_PAIRS, max_size=6))
def test_any_text_gets_probabilities_and_known_words(scorer: TransformerScorer, pairs: list[Pair]) -> None:
    found = scorer.score(pairs)
    assert len(found) == len(pairs)
    for answer in found:
        assert all(0.0 < part < 1.0 for part in parts(answer))
        assert math.isclose(sum(parts(answer)), 1.0, abs_tol=1e-9)
        assert answer.risk in RISKS
        assert set(answer.marks) <= set(MARKS)


@settings(max_examples=20)
@given(pairs=st.lists(_PAIRS, max_size=20))
def test_answer_is_the_same_to_the_bit_in_any_company(scorer: TransformerScorer, pairs: list[Pair]) -> None:
    shuffled = [*pairs, *pairs]
    random.Random(5).shuffle(shuffled)
    assert scorer.score(shuffled) == [scorer.score([pair])[0] for pair in shuffled]


@pytest.mark.parametrize(
    "text",
    ["", " \n\t", "\u200b", "https://a.example/b", "ꦗꦮꦶ ꦗꦮꦶ", "שלום", "\ud800", "\x00" * 9, "ꦗ" * 1_000_000],
    ids=lambda text: ascii(text[:9]),
)
def test_text_of_which_nothing_can_be_read_is_neutral(scorer: TransformerScorer, text: str) -> None:
    found = score(scorer, text)
    assert (parts(found), found.risk, found.cues) == (parts(UNREAD), NO_RISK, ())


def test_lexicon_answers_for_emoji_that_the_vocabulary_lacks(scorer: TransformerScorer) -> None:
    found = score(scorer, "🚀" * 10_000)
    assert found.positive > found.negative
    assert found.cues[0] == "🚀"
    assert score(scorer, "📉📉").negative > score(scorer, "📉📉").positive


def test_a_megabyte_is_answered_and_marked_as_cut(scorer: TransformerScorer) -> None:
    for text in ("a" * 1_000_000, "fraud. " * 150_000, "🚀 " * 500_000):
        assert score(scorer, text).marks == (CUT,)


def test_target_that_the_text_does_not_name_is_marked_and_the_text_judged(scorer: TransformerScorer) -> None:
    text = "Fraud at the bank today"
    found, alone = score(scorer, text, "Hexley"), score(scorer, text)
    assert found.marks == (UNSUPPORTED_TARGET,)
    assert parts(found) == parts(alone)
    assert alone.marks == score(scorer, text, " ").marks == ()


def test_answer_is_about_the_target(scorer: TransformerScorer) -> None:
    text = "Hexley doubles profit and Corran collapses after fraud"
    assert score(scorer, text, "Hexley").marks == ()
    assert len({parts(score(scorer, text, target)) for target in ("", "Hexley", "Corran")}) == 3


def test_renamed_target_gets_the_same_answer_to_the_bit(scorer: TransformerScorer) -> None:
    text = "{0} said profit of {0} doubles"
    assert parts(score(scorer, text.format("Hexley"), "Hexley")) == parts(score(scorer, text.format("Q Co"), "Q Co"))


def test_temperature_of_the_target_counts_only_where_the_text_names_it(tmp_path: Path) -> None:
    first = TransformerScorer(make_checkpoint(tmp_path / "a", temperatures=(1.0, 1.0)), 1)
    other = TransformerScorer(make_checkpoint(tmp_path / "b", temperatures=(9.0, 1.0)), 1)
    text = "The profit of Hexley doubles"
    for target in ("", "Corran"):
        assert parts(score(first, text, target)) == parts(score(other, text, target))
    assert score(first, text, "Hexley").positive > score(other, text, "Hexley").positive


def test_shift_of_neutral_counts_only_where_the_text_names_the_target(tmp_path: Path) -> None:
    first = TransformerScorer(make_checkpoint(tmp_path / "a", temperatures=(9.0, 9.0)), 1)
    other = TransformerScorer(make_checkpoint(tmp_path / "b", temperatures=(9.0, 9.0), neutral_shifts=(-4.0, 0.0)), 1)
    text = "The profit of Hexley doubles"
    for target in ("", "Corran"):
        assert parts(score(first, text, target)) == parts(score(other, text, target))
    before, after = score(first, text, "Hexley"), score(other, text, "Hexley")
    assert after.neutral < before.neutral
    assert after.negative / after.positive == pytest.approx(before.negative / before.positive)


def test_windows_of_a_long_text_are_pooled(scorer: TransformerScorer) -> None:
    good, bad = "Record profit soar growth. " * 8, "The bank collapses after fraud. " * 8
    found = score(scorer, good + bad)
    assert score(scorer, bad).negative > 0.9 > 0.8 > found.negative > 0.2
    assert 0.2 < found.positive < 0.8
    assert found.marks == ()


def test_equal_questions_are_asked_once(scorer: TransformerScorer, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = watch(scorer, monkeypatch)
    text = "The profit of Hexley doubles"
    targets = ["Hexley", "", "Corran", "Dunmore", "HEXLEY", ""]
    found = scorer.score([Pair(text, target, None) for target in targets] * 3)
    assert len(asked) == 2
    assert found[0] == found[4] == found[6]


def test_answer_is_remembered_until_it_is_to_be_forgotten(
    scorer: TransformerScorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = watch(scorer, monkeypatch)
    scorer.forget()
    first = score(scorer, "a plain day")
    assert (score(scorer, "a plain day"), len(asked)) == (first, 1)
    scorer.forget()
    assert (score(scorer, "a plain day"), len(asked)) == (first, 2)


def test_network_is_not_asked_about_windows_that_hold_nothing(
    scorer: TransformerScorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = watch(scorer, monkeypatch)
    found = score(scorer, "🦜 " * 60 + ". Fraud at the bank.")
    assert len(asked) == 1
    assert found.negative > 0.9


def test_language_tag_changes_the_phrases_and_not_the_probabilities(scorer: TransformerScorer) -> None:
    first, second = scorer.score([Pair("Der Fraud der Bank", "", tag) for tag in (None, "de")])
    assert parts(first) == parts(second)
    assert (first.cues, second.cues) == (("Fraud",), ())


def test_damaged_checkpoint_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    folder = make_checkpoint(tmp_path)
    (folder / "weights.safetensors").write_bytes(b"short")
    with pytest.raises(CheckpointError, match=r"weights\.safetensors is damaged: it has 5 bytes .*restore the folder"):
        TransformerScorer(folder, 1)


def test_checkpoint_whose_answers_are_no_numbers_is_refused_when_it_is_asked(tmp_path: Path) -> None:
    def spoil(weights: dict[str, Array]) -> None:
        weights["layer.0"][:] = np.inf

    scorer = TransformerScorer(make_checkpoint(tmp_path, change_weights=spoil), 1)
    with pytest.raises(CheckpointError, match="answers that are not numbers"):
        score(scorer, "Fraud at the bank")


def change_tokenizer(folder: Path, text: str) -> None:
    (folder / "tokenizer.json").write_text(text, encoding="utf-8")
    write_manifest(folder, json.loads((folder / "checkpoint.json").read_text()))


@pytest.mark.parametrize("text", ["", "{}", '{"version": "1.0", "model": 5}'])
def test_tokenizer_that_is_none_is_named_with_the_remedy(tmp_path: Path, text: str) -> None:
    folder = make_checkpoint(tmp_path)
    change_tokenizer(folder, text)
    with pytest.raises(CheckpointError, match=r"tokenizer\.json is of no use as a tokenizer \(.*\): export the"):
        TransformerScorer(folder, 1)


def test_tokenizer_without_a_mask_token_is_refused(tmp_path: Path) -> None:
    folder = make_checkpoint(tmp_path)
    tokens = {"[CLS]": 0, "[SEP]": 1, "[PAD]": 2, "[UNK]": 3}
    change_tokenizer(folder, Tokenizer(models.WordPiece(tokens, unk_token="[UNK]")).to_str())
    with pytest.raises(CheckpointError, match=r"the tokenizer has no <mask> or \[MASK\] token"):
        TransformerScorer(folder, 1)


def test_tokenizer_of_another_network_is_refused(tmp_path: Path) -> None:
    folder = make_checkpoint(tmp_path)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.add_tokens(["another"])
    change_tokenizer(folder, tokenizer.to_str())
    with pytest.raises(CheckpointError, match="belongs to another network"):
        TransformerScorer(folder, 1)


@pytest.mark.slow
def test_real_export_is_served(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="an export needs the full set: make setup-full")
    from transformers import BertConfig, BertModel

    from models.export import Description, export_network
    from models.training.network import SentimentNetwork
    from tests.models.tiny import tokenizer, vocabulary

    config = BertConfig(
        vocab_size=len(vocabulary()),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
    )
    network = SentimentNetwork(BertModel(config, add_pooling_layer=False), head_width=16).eval()
    tokenizer().save(str(tmp_path / "tokenizer.json"))
    description = Description(name="real", languages=("en", "zh"), max_tokens=32)
    texts = ["Fraud at the bank", "公司债券违约", "record profit " * 60, ""]
    pairs = [Pair(text, target, None) for text in texts for target in ("", "bank")]
    for bits in (16, 8):
        folder = tmp_path / f"bits{bits}"
        export_network(network, tmp_path / "tokenizer.json", folder, description, bits=bits)
        scorer = TransformerScorer(folder, 2)
        together = scorer.score(pairs)
        assert together == [scorer.score([pair])[0] for pair in pairs]
        assert [answer.marks for answer in together[::2]] == [()] * len(texts)
