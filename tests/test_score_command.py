"""`monitor score`: what goes in comes out, in order and whole; what cannot be used is named; a person sees a view."""

import errno
import gzip
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from models.scorer import Judgement
from monitor.app import questions
from monitor.app.answers import answer_of, label_of, write_answer
from monitor.cli import main
from monitor.errors import ExitCode
from tests.imports import ROOT

TEXTS = (
    "Halden Bank files for bankruptcy protection",
    "Halden Bank opens a branch in Northwick",
    "Halden Bank raises its outlook after record profit",
    "哈尔登银行被立案调查",
    "",
    "   ",
)
NEGATIVE = Judgement(0.912345678, 0.061, 0.026654322, "default", ("bankruptcy",))


class Terminal(io.TextIOWrapper):
    """A terminal that remembers what was written on it."""

    def __init__(self, encoding: str = "utf-8") -> None:
        self._written = io.BytesIO()
        super().__init__(self._written, encoding, newline="")

    def getvalue(self) -> str:
        self.flush()
        return self._written.getvalue().decode(self.encoding)

    def isatty(self) -> bool:
        return True


class Scored:
    """The command in this process: its exit code, what it said, and what it wrote."""

    def __init__(self, folder: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
        self.folder = folder
        self.out = folder / "scores.jsonl"
        self.said = self.error = ""
        self._capture = capfdbinary

    def run(self, *arguments: object) -> int:
        """`monitor score` with these arguments."""
        code = main(["score", *map(str, arguments)])
        said, error = self._capture.readouterr()
        self.said, self.error = said.decode(), error.decode()
        assert "Traceback" not in self.error
        return code

    def file(self, *lines: str | bytes | dict[str, object], name: str = "texts.jsonl") -> Path:
        """A file of these lines; an object becomes JSON."""
        path = self.folder / name
        written = [json.dumps(line, ensure_ascii=False) if isinstance(line, dict) else line for line in lines]
        path.write_bytes(b"".join((line.encode() if isinstance(line, str) else line) + b"\n" for line in written))
        return path

    def answers(self) -> list[dict[str, Any]]:
        """The lines of the output."""
        return [json.loads(line) for line in self.out.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def scored(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> Scored:
    return Scored(tmp_path, capfdbinary)


def asked(*texts: str) -> list[dict[str, object]]:
    return [{"id": f"t{number}", "text": text} for number, text in enumerate(texts)]


# ---- a file


def test_each_line_has_its_answer_in_order(scored: Scored) -> None:
    assert scored.run(scored.file(*asked(*TEXTS)), "--out", scored.out) == 0
    assert (scored.said, scored.error) == ("", "")
    answers = scored.answers()
    assert [answer["id"] for answer in answers] == ["t0", "t1", "t2", "t3", "t4", "t5"]
    assert [answer["label"] for answer in answers] == [
        "negative", "neutral", "positive", "negative", "neutral", "neutral",
    ]  # fmt: skip
    for answer in answers:
        assert list(answer) == ["id", "label", "probabilities", "net", "model"]
        assert list(answer["probabilities"]) == ["negative", "neutral", "positive"]
        assert sum(answer["probabilities"].values()) == pytest.approx(1, abs=1e-5)
        p = answer["probabilities"]
        assert answer["net"] == pytest.approx(p["positive"] - p["negative"], abs=2e-6)
        assert answer["model"].startswith("lexicon-")


def test_the_target_and_the_language_of_a_line_count(scored: Scored) -> None:
    text = "Halden Bank sues Tallow Pike for fraud"
    lines: list[dict[str, object]] = [
        {"id": 1, "text": text, "target": "Halden Bank"},
        {"id": 2, "text": text, "target": "Tallow Pike"},
        {"id": 3, "text": "Die Bank ist in der Krise: fraud, default", "lang": "de"},
        {"id": 4, "text": "Die Bank ist in der Krise: fraud, default", "lang": None, "target": None},
    ]
    assert scored.run(scored.file(*lines), "--out", scored.out) == 0
    suing, sued, german, unknown = scored.answers()
    assert [suing["id"], sued["id"]] == [1, 2]
    assert suing["net"] > sued["net"]
    assert german["net"] != unknown["net"]


def test_keys_that_nobody_knows_blank_lines_and_a_byte_order_mark_are_passed_over(scored: Scored) -> None:
    lines = (
        b"\xef\xbb\xbf" + json.dumps({"id": "a", "text": TEXTS[0], "label": 17}).encode(),
        "",
        "  ",
        '{"id":"b","text":"x"}',
    )
    assert scored.run(scored.file(*lines), "--out", scored.out) == 0
    assert [answer["id"] for answer in scored.answers()] == ["a", "b"]


def test_last_line_needs_no_end(scored: Scored) -> None:
    path = scored.file('{"id": "a", "text": "x"}')
    path.write_bytes(path.read_bytes().rstrip())
    assert scored.run(path, "--out", scored.out) == 0
    assert len(scored.answers()) == 1


def test_empty_file_gives_an_empty_file(scored: Scored) -> None:
    assert scored.run(scored.file(), "--out", scored.out) == 0
    assert scored.out.read_bytes() == b""


@pytest.mark.parametrize("batch", [1, 3, 256])
def test_batches_change_nothing(scored: Scored, batch: int, monkeypatch: pytest.MonkeyPatch) -> None:
    path = scored.file(*asked(*TEXTS, *TEXTS))
    assert scored.run(path, "--out", scored.out) == 0
    usual = scored.out.read_bytes()
    monkeypatch.setenv("MONITOR_SCORER__BATCH_SIZE", str(batch))
    assert scored.run(path, "--out", scored.out) == 0
    assert scored.out.read_bytes() == usual


def test_gzip_is_read_whatever_its_name(scored: Scored) -> None:
    path = scored.file(*asked(*TEXTS))
    packed = scored.folder / "packed"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert scored.run(packed, "--out", scored.out) == 0
    assert len(scored.answers()) == len(TEXTS)


def test_standard_input_and_output_are_taken_for_a_dash(scored: Scored, monkeypatch: pytest.MonkeyPatch) -> None:
    path = scored.file(*asked(*TEXTS))
    assert scored.run(path, "--out", scored.out) == 0
    for content in (path.read_bytes(), gzip.compress(path.read_bytes())):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
        assert scored.run("-", "--out", "-") == 0
        assert scored.said.encode() == scored.out.read_bytes()


def test_configuration_chooses_the_scorer(scored: Scored, default_scorer: None) -> None:
    config = scored.folder / "monitor.yaml"
    config.write_text("scorer: {kind: neutral}\n")
    assert scored.run(scored.file(*asked(*TEXTS)), "--out", scored.out, "--config", config) == 0
    assert {answer["model"] for answer in scored.answers()} == {"neutral"}


def test_what_makes_no_sense_as_a_text_has_an_answer_too(scored: Scored) -> None:
    texts = ("x" * 1_000_000, "\U0001f4c9" * 10_000, "‮מניות הבנק צנחו‬", "ᚠᚢᚦ ᚨᚱᚲ", "\x00\x07", "\ufffd" * 50)
    lines = [json.dumps(line).encode() for line in asked(*texts)]
    lines.append(b'{"id": "half", "text": "a cut emoji \\ud83d"}')
    assert scored.run(scored.file(*lines), "--out", scored.out) == 0
    assert [answer["id"] for answer in scored.answers()][-1] == "half"
    assert len(scored.answers()) == len(texts) + 1


# ---- what cannot be used


BAD_LINES = [
    ("not json", "not JSON"),
    ("[1, 2]", "a JSON list"),
    ('{"text": "x"}', "id: is missing"),
    ('{"id": null, "text": "x"}', "id: is missing"),
    ('{"id": 1.5, "text": "x"}', "id: is a number"),
    ('{"id": true, "text": "x"}', "id: is true or false"),
    ('{"id": "a"}', "text: is missing"),
    ('{"id": "a", "text": 7}', "text: is a number"),
    ('{"id": "a", "text": "x", "target": ["y"]}', "target: is a list"),
    ('{"id": "a", "text": "x", "lang": {}}', "lang: is an object"),
    (b'{"id": "a", "text": "caf\xe9 au lait"}', "not UTF-8"),
]


@pytest.mark.parametrize(("line", "said"), BAD_LINES, ids=[said for _, said in BAD_LINES])
def test_line_that_cannot_be_used_is_named_with_its_key_and_nothing_is_written(
    scored: Scored, line: str | bytes, said: str
) -> None:
    path = scored.file('{"id": "good", "text": "x"}', "", line)
    assert scored.run(path, "--out", scored.out) == ExitCode.WRONG_USE
    assert f"{path}, line 3: " in scored.error
    assert said in scored.error
    assert os.listdir(scored.folder) == ["texts.jsonl"]


def test_faults_of_a_file_come_together_before_anything_is_scored(scored: Scored) -> None:
    path = scored.file(*['{"text": 1}'] * 3, *asked("x"), '{"id": "b"}')
    assert scored.run(path, "--out", scored.out) == ExitCode.WRONG_USE
    assert len(scored.error.splitlines()) == 7
    assert "line 5: text: is missing" in scored.error.splitlines()[-1]


def test_many_faults_are_counted_not_listed(scored: Scored) -> None:
    path = scored.file(*["nothing"] * 1_000)
    assert scored.run(path, "--out", scored.out) == ExitCode.WRONG_USE
    lines = scored.error.splitlines()
    assert len(lines) == questions.MAX_FAULTS_TOLD + 1
    assert "980 more faults" in lines[-1]


def test_pipe_stops_at_its_first_bad_line_and_leaves_no_file(scored: Scored, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b'{"id": "a", "text": "x"}\n{"id": "b"}\n')))
    assert scored.run("-", "--out", scored.out) == ExitCode.WRONG_USE
    assert "standard input, line 2: text: is missing" in scored.error
    assert os.listdir(scored.folder) == []


def test_line_without_end_is_refused_without_being_held(scored: Scored, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(questions, "MAX_LINE_BYTES", 1 << 20)
    path = scored.file('{"id": "a", "text": "' + "x" * 3_500_000 + '"}', '{"id": "b"}')
    assert scored.run(path, "--out", scored.out) == ExitCode.WRONG_USE
    assert "line 1: is longer than 1 MiB" in scored.error
    assert "line 2: text: is missing" in scored.error


def test_old_output_stays_when_there_is_no_new_one(scored: Scored) -> None:
    scored.out.write_text("kept")
    assert scored.run(scored.file("nothing"), "--out", scored.out) == ExitCode.WRONG_USE
    assert scored.out.read_text() == "kept"


def test_gzip_that_is_cut_off_is_refused(scored: Scored) -> None:
    path = scored.folder / "cut.gz"
    packed = gzip.compress(scored.file(*asked(*(os.urandom(30).hex() for _ in range(500)))).read_bytes())
    path.write_bytes(packed[: len(packed) // 2])
    assert scored.run(path, "--out", scored.out) == ExitCode.WRONG_USE
    assert "cut.gz: is gzip that is cut off or damaged" in scored.error
    assert not scored.out.exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "TEXT: there is nothing to score"),
        (("-",), "--out: say where the scores of standard input go"),
        (("texts.jsonl",), "--out: texts.jsonl is a file"),
        (("nowhere.jsonl", "--out", "-"), "nowhere.jsonl: there is no such file"),
        ((".", "--out", "-"), ".: is a folder"),
        (("texts.jsonl", "--out", "."), "--out: . is a folder"),
        (("texts.jsonl", "--out", "no/where"), "--out: there is no folder no"),
        (("texts.jsonl", "--out", "-", "--target", "Halden"), "--target, --lang: are for one text"),
    ],
)
def test_wrong_use_is_one_sentence(
    scored: Scored, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], said: str
) -> None:
    monkeypatch.chdir(scored.folder)
    scored.file(*asked("x"))
    assert scored.run(*arguments) == ExitCode.WRONG_USE
    assert said in scored.error
    assert len(scored.error.splitlines()) == 1
    assert scored.said == ""


# ---- where it is written


def test_output_may_replace_its_own_input_through_a_link(scored: Scored) -> None:
    path = scored.file(*asked("x"))
    link = scored.folder / "link"
    link.symlink_to(path)
    assert scored.run(path, "--out", link) == 0
    assert link.is_symlink()
    assert "probabilities" in path.read_text()
    assert sorted(os.listdir(scored.folder)) == ["link", "texts.jsonl"]


def test_what_is_no_file_is_written_not_replaced(scored: Scored) -> None:
    # A pipe, not /dev/null: where this is broken, and tests run as root, the machine would lose it.
    os.mkfifo(scored.out)
    reader = os.open(scored.out, os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert scored.run(scored.file(*asked("x")), "--out", scored.out) == 0
        assert json.loads(os.read(reader, 65_536))["id"] == "t0"
    finally:
        os.close(reader)
    assert scored.out.is_fifo()


def test_full_disk_is_a_dependency_that_failed_and_leaves_nothing(
    scored: Scored, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fill)
    assert scored.run(scored.file(*asked("x")), "--out", scored.out) == ExitCode.DEPENDENCY_DOWN
    assert f"{scored.out}: cannot be written (No space left on device)" in scored.error
    assert os.listdir(scored.folder) == ["texts.jsonl"]


@pytest.mark.slow
def test_reader_that_goes_away_is_no_bug(scored: Scored) -> None:
    path = scored.file(*asked(*TEXTS * 3_000))
    command = f"{sys.executable} -m monitor score {path} --out - | head -n 1"
    done = subprocess.run(["sh", "-c", command], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert json.loads(done.stdout)["id"] == "t0"
    assert done.stderr == ""


# ---- one text


def test_text_is_answered_as_json_where_nobody_looks(scored: Scored) -> None:
    assert scored.run(TEXTS[0], "--target", "Halden Bank", "--lang", "en") == 0
    answer = json.loads(scored.said)
    assert list(answer) == ["label", "probabilities", "net", "model"]
    assert answer["label"] == "negative"


def test_bytes_that_are_no_text_do_not_stop_the_rest(scored: Scored) -> None:
    assert scored.run(f"{TEXTS[0]} \udce9", "--target", "\udce9") == 0
    assert json.loads(scored.said)["label"] == "negative"


def test_person_sees_the_labels_the_net_score_and_the_target(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    out = Terminal()
    write_answer(NEGATIVE, "Halden\x1b[31m Bank", "en-2026.11@ab12cd34", out)
    assert out.getvalue().splitlines() == [
        "> negative  0.912  " + "█" * 36,
        "  neutral   0.061  ██",
        "  positive  0.027  █",
        "  net -0.886 · about “Halden�[31m Bank” · en-2026.11@ab12cd34",
    ]


def test_view_is_coloured_where_the_terminal_wants_it_and_written_in_what_it_can(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    out = Terminal("ascii")
    write_answer(NEGATIVE, "", "m", out)
    shown = out.getvalue()
    assert shown.isascii()
    assert "\x1b[31m> negative  0.912  " + "#" * 36 in shown
    assert "about the text as a whole" in shown


def test_each_mark_is_a_sentence_for_a_person_and_a_word_for_a_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    marks = ("unsupported_target", "untrained_language", "cut")
    judgement = Judgement(0.2, 0.5, 0.3, "none", (), marks)
    assert answer_of(judgement, "m")["marks"] == list(marks)
    out = Terminal()
    write_answer(judgement, "Halden Bank", "m", out)
    shown = " ".join(out.getvalue().split())
    for said in ("it does not name “Halden Bank”", "not trained on the text's language", "part of it was left out"):
        assert said in shown


@pytest.mark.parametrize(
    ("probabilities", "label"),
    [
        ((0.5, 0.4, 0.1), "negative"),
        ((0.1, 0.4, 0.5), "positive"),
        ((0.4, 0.4, 0.2), "neutral"),
        ((0.4, 0.2, 0.4), "negative"),
        ((1 / 3, 1 / 3, 1 / 3), "neutral"),
    ],
)
def test_label_is_the_likeliest_and_a_tie_is_settled(probabilities: tuple[float, float, float], label: str) -> None:
    assert label_of(Judgement(*probabilities, "none", ())) == label


def test_net_of_nothing_has_no_sign() -> None:
    assert json.dumps(answer_of(Judgement(0.2, 0.6, 0.2 - 1e-9, "none", ()), "m")["net"]) == "0.0"


# ---- the checkpoint


def test_checkpoint_that_cannot_be_used_names_the_option(
    scored: Scored, default_scorer: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MONITOR_SCORER__CHECKPOINT", str(scored.folder / "nowhere"))
    assert scored.run(TEXTS[0]) == ExitCode.WRONG_USE
    assert "scorer.checkpoint: " in scored.error
    assert "nowhere" in scored.error
    assert len(scored.error.splitlines()) == 1


def test_library_that_is_not_installed_is_named_with_the_command_that_brings_it(
    scored: Scored, default_scorer: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitor.app.scoring.open_scorer", _missing("onnxruntime"))
    assert scored.run(TEXTS[0]) == ExitCode.WRONG_USE
    assert "scorer.checkpoint: default needs onnxruntime, which is not installed here; run `make setup`" in scored.error


def test_checkpoint_of_others_names_the_command_that_brings_torch(
    scored: Scored, default_scorer: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setenv("MONITOR_SCORER__CHECKPOINT", "tallow-pike/finance")
    assert scored.run(TEXTS[0]) == ExitCode.WRONG_USE
    assert "scorer.checkpoint: tallow-pike/finance needs torch" in scored.error
    assert "make setup-full" in scored.error


def test_module_of_ours_that_is_missing_stays_a_bug(
    scored: Scored, default_scorer: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitor.app.scoring.open_scorer", _missing("models.huggingface"))
    with pytest.raises(ModuleNotFoundError):
        main(["score", TEXTS[0]])


def _missing(name: str) -> Callable[..., object]:
    def open_scorer(*_: object) -> object:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    return open_scorer


def test_page_names_each_key_of_a_question_and_of_an_answer() -> None:
    page = (ROOT / "docs" / "scores.md").read_text(encoding="utf-8")
    keys = {"id", "text", "target", "lang", "label", "probabilities", "net", "model", "marks"}
    assert [key for key in keys if not re.search(rf"`{key}`", page)] == []


# ---- the words that moved it


def test_explained_answers_name_the_words_that_moved_the_score(scored: Scored) -> None:
    assert scored.run(scored.file(*asked(*TEXTS)), "--out", scored.out, "--explain") == 0
    answers = scored.answers()
    assert [list(answer)[-1] for answer in answers] == ["words"] * len(TEXTS)
    for answer, text in zip(answers, TEXTS, strict=True):
        for one in answer["words"]:
            assert list(one) == ["word", "start", "end", "effect"]
            assert text[one["start"] : one["end"]] == one["word"]
    bankrupt, record, empty = answers[0]["words"], answers[2]["words"], answers[4]["words"]
    assert bankrupt[0]["word"] == "bankruptcy"
    assert bankrupt[0]["effect"] < 0 < record[0]["effect"]
    assert empty == []


def test_person_sees_the_words_that_moved_the_score(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", terminal := Terminal())
    assert main(["score", TEXTS[0], "--explain"]) == 0
    assert "moved by “bankruptcy” -" in terminal.getvalue()
    monkeypatch.setattr(sys, "stdout", terminal := Terminal())
    assert main(["score", TEXTS[1], "--explain"]) == 0
    assert "no single word moves the score" in terminal.getvalue()
