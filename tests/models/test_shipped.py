"""From one line of configuration to a scorer."""

import subprocess
import sys
from pathlib import Path

import pytest

from models import shipped as room
from models.checkpoint import CheckpointError, load_manifest
from models.labels import UNTRAINED_LANGUAGE
from models.routed import RoutedScorer
from models.scorer import Pair
from models.serving.stats import ScoringStats
from models.serving.wanted import ANYTHING, Wanted
from models.shipped import FOLDERS, open_scorer, shipped
from models.transformer import TransformerScorer
from tests.imports import ROOT
from tests.models.tiny import make_checkpoint

HEAVY = ("torch", "transformers", "onnx", "onnxruntime", "tokenizers", "sklearn", "safetensors", "peft", "matplotlib")


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Tiny checkpoints in the place of the shipped ones."""
    for name, seed, languages in (("en", 1, ("en",)), ("en-commercial", 2, ("en",)), ("zh", 3, ("zh",))):
        make_checkpoint(tmp_path / name, name=f"{name}-1", seed=seed, languages=languages)
    monkeypatch.setattr(room, "shipped", lambda name: tmp_path / FOLDERS[name])
    return tmp_path


def names(scorer: str) -> list[str]:
    return [part.partition("@")[0] for part in scorer.split("+")]


def test_slim_import_loads_no_library_of_models() -> None:
    code = f"import sys, models.shipped; print([name for name in {HEAVY} if name in sys.modules])"
    told = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert told == "[]\n"


def test_scorer_of_ours_loads_nothing_that_the_slim_set_lacks(folders: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from models.transformer import TransformerScorer\n"
        f"TransformerScorer(Path({str(folders / 'en')!r}), 1)\n"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert told == "['onnxruntime', 'tokenizers']\n"


def test_shipped_names_are_folders_beside_the_code() -> None:
    assert shipped("default") == ROOT / "models" / "checkpoints" / "en"
    assert shipped("commercial").name == "en-commercial"
    assert shipped("chinese").name == "zh"
    with pytest.raises(KeyError):
        shipped("french")


@pytest.mark.parametrize(("name", "english"), [("default", "en-1"), ("commercial", "en-commercial-1")])
def test_shipped_english_stands_beside_the_shipped_chinese(folders: Path, name: str, english: str) -> None:
    scorer = open_scorer(name, 1)
    assert names(scorer.name) == [english, "zh-1"]
    found = scorer.score([Pair(text, "", None) for text in ("Fraud at the bank", "公司违约", "Банк")])
    assert [one.negative > 0.9 for one in found] == [True, True, False]
    assert [one.marks for one in found] == [(), (), (UNTRAINED_LANGUAGE,)]


def test_own_english_checkpoint_takes_the_place_of_the_shipped_one(folders: Path, tmp_path: Path) -> None:
    own = make_checkpoint(tmp_path / "own", name="own-1", languages=["en-GB"], seed=5)
    assert names(open_scorer(str(own), 1).name) == ["own-1", "zh-1"]


def test_own_chinese_checkpoint_stands_alone_and_marks_other_languages(folders: Path, tmp_path: Path) -> None:
    own = make_checkpoint(tmp_path / "own", name="own-1", languages=["zh-Hans"], seed=5)
    scorer = open_scorer(str(own), 1)
    assert names(scorer.name) == ["own-1"]
    assert [one.marks for one in scorer.score([Pair("公司", "", None), Pair("Bank", "", None)])] == [
        (),
        (UNTRAINED_LANGUAGE,),
    ]


def test_own_checkpoint_of_both_languages_needs_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "shipped", lambda name: tmp_path / "nowhere" / name)
    own = make_checkpoint(tmp_path / "own", name="own-1", languages=["en", "zh"])
    scorer = open_scorer(str(own), 1)
    assert names(scorer.name) == ["own-1"]
    assert {one.marks for one in scorer.score([Pair("公司", "", None), Pair("Bank", "", None)])} == {()}


def test_own_checkpoint_of_another_language_is_used_for_it(folders: Path, tmp_path: Path) -> None:
    own = make_checkpoint(tmp_path / "own", name="own-1", languages=["de"], seed=5)
    scorer = open_scorer(str(own), 1)
    assert {one.marks for one in scorer.score([Pair("Bank", "", "de"), Pair("公司", "", None)])} == {()}


def test_absent_shipped_checkpoint_is_named_with_the_remedy(folders: Path) -> None:
    (folders / "zh" / "checkpoint.json").unlink()
    with pytest.raises(CheckpointError, match=r"zh.checkpoint\.json is missing, so .*zh is no checkpoint folder"):
        open_scorer("default", 1)


def test_damaged_shipped_checkpoint_is_named_with_the_remedy(folders: Path) -> None:
    path = folders / "en" / "weights.safetensors"
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(CheckpointError, match=r"en.weights\.safetensors is damaged.*restore the folder"):
        open_scorer("default", 1)


@pytest.mark.parametrize("languages", [("en",), ("zh",), ("en", "zh")])
def test_checkpoint_that_calls_disasters_positive_is_refused(
    folders: Path, tmp_path: Path, languages: tuple[str, ...]
) -> None:
    own = make_checkpoint(tmp_path / "own", languages=languages, sign=-1.0)
    with pytest.raises(CheckpointError, match=r"tiny-1@.* labels stand in the wrong order"):
        open_scorer(str(own), 1)


def test_home_folder_may_be_written_as_a_tilde(
    folders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_checkpoint(tmp_path / "own", name="own-1", languages=["zh"])
    monkeypatch.setenv("HOME", str(tmp_path))
    assert names(open_scorer("~/own", 1).name) == ["own-1"]


def test_folder_without_a_model_is_told_what_it_lacks(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"holds neither checkpoint\.json.* nor config\.json"):
        open_scorer(str(tmp_path), 1)


@pytest.mark.parametrize(
    "name", ["", "defualt", "/no/such", "a/b/c", "https://hub.example/a/b", "~nosuchuser/x y", "x" * 5_000, "\0"]
)
def test_name_of_nothing_is_told_what_it_could_be(name: str) -> None:
    with pytest.raises(CheckpointError, match="use default, commercial, a folder, or a name such as"):
        open_scorer(name, 1)


@pytest.mark.parametrize("name", ["organisation/model", "folder with config.json"])
def test_model_of_any_make_is_opened_as_such_and_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    if name.startswith("folder"):
        (tmp_path / "config.json").write_text("{}")
        name = str(tmp_path)
    opened: list[tuple[str, int | None]] = []

    def stand_in(where: str, threads: int | None) -> object:
        opened.append((where, threads))
        from models.lexicon import LexiconScorer

        return LexiconScorer()

    checked: list[object] = []
    monkeypatch.setattr("models.huggingface.HuggingFaceScorer", stand_in)
    monkeypatch.setattr(room, "check_plain", checked.append)
    scorer = open_scorer(name, 3)
    assert (opened, checked) == ([(name, 3)], [scorer])


# ---- who computes


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Wanted]:
    """What each checkpoint is asked for; whatever it is, onnxruntime serves in single precision."""
    found: list[Wanted] = []

    class Recording(TransformerScorer):
        def __init__(self, folder: Path, threads: int | None, wanted: Wanted, stats: ScoringStats) -> None:
            found.append(wanted)
            super().__init__(folder, threads, Wanted("cpu", "float32"), stats)

    monkeypatch.setattr("models.transformer.TransformerScorer", Recording)
    return found


def test_nothing_said_leaves_the_choice_to_the_machine(folders: Path, opened: list[Wanted]) -> None:
    open_scorer("default", 1)
    assert opened[0] == ANYTHING


@pytest.mark.parametrize("wanted", [ANYTHING, Wanted("cuda", is_fallback_allowed=True), Wanted("cpu", "float32")])
def test_second_checkpoint_is_computed_as_the_first_one_is_even_where_that_is_a_fallback(
    folders: Path, opened: list[Wanted], wanted: Wanted
) -> None:
    open_scorer("default", 1, wanted)
    assert opened == [wanted, Wanted("cpu", "float32", wanted.is_fallback_allowed)]


def test_second_checkpoint_is_on_the_same_gpu_as_the_first_one(
    folders: Path, opened: list[Wanted], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TransformerScorer, "backend", "torch-float16-cuda")
    open_scorer("default", 1, Wanted("cuda:1"))
    assert opened == [Wanted("cuda:1"), Wanted("cuda:1", "float16")]


def test_all_checkpoints_count_in_one_place(folders: Path) -> None:
    scorer = open_scorer("default", 1)
    assert isinstance(scorer, RoutedScorer)
    before = scorer.stats.windows
    scorer.score([Pair(text, "", None) for text in ("Fraud of the bank today", "公司今天违约")])
    assert scorer.stats.windows - before == 2


@pytest.mark.parametrize("name", FOLDERS)
def test_shipped_checkpoints_have_a_graph_of_integers(name: str) -> None:
    assert load_manifest(shipped(name)).ranges
