"""`monitor score`: texts to probabilities, by the scorer that the configuration names.

Order of events for a file: its places judged -> each line judged, where it can be read twice -> the scorer opened ->
batches scored and written -> the output put in place. An output file is there whole or not at all; standard output is
written as the answers come, so that whoever reads it must look at the exit code.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, TextIO

from tqdm import tqdm

from models.explain import MAX_WORDS, Word, explain
from models.scorer import Judgement, Pair, PairScorer
from monitor.app.answers import answer_line, write_answer
from monitor.app.questions import Question, Questions
from monitor.app.scoring import device_loss_told, make_pair_scorer, scoring_errors
from monitor.config import Config
from monitor.errors import ConfigError, DependencyError, ExitCode, InputError, UnscorableError

STANDARD_OUTPUT = "-"

_BATCH_CHARS = 4_000_000
"""A batch of texts that are longer together is scored at once: some tens of megabytes, however long each line is."""


def score_text(
    config: Config, text: str, target: str, lang: str | None, out: TextIO, is_explained: bool = False
) -> ExitCode:
    """Score one text and say so, with the words that moved the score if it is explained.

    Raises: ConfigError: the checkpoint cannot be used, or the text is a file's name; InputError: the text cannot be
    scored; DeviceLostError.
    """
    if os.path.isfile(text):
        raise ConfigError(f"--out: {text} is a file; say where the scores of its lines go, --out - for here")
    scorer = make_pair_scorer(config.scorer)
    # Bytes that the shell gave and nobody can read are no text; they must not stop the rest from being read.
    text, target = (given.encode(errors="replace").decode() for given in (text, target))
    with device_loss_told("nothing was written; give the same command again"):
        ((judgement, words),) = _answers(scorer, [Pair(text, target, lang)], ["TEXT"], is_explained)
    write_answer(judgement, target, scorer.name, out, words)
    return ExitCode.DONE


def score_file(
    config: Config,
    source: str,
    out: str,
    standard_input: BinaryIO,
    standard_output: BinaryIO,
    is_explained: bool = False,
) -> ExitCode:
    """Score each line of a file, or of standard input, into another, or onto standard output.

    Raises: InputError: lines that cannot be used, or scored; ConfigError: the checkpoint or `out` cannot be;
    DependencyError: the disk is full or fails; DeviceLostError.
    """
    _check_place(out)
    questions = Questions(source, standard_input)
    total = questions.count() if questions.is_file else None
    scorer = make_pair_scorer(config.scorer)
    name = scorer.name
    kept = "what was written is not the whole" if out == STANDARD_OUTPUT else f"{out} was not written"
    with (
        device_loss_told(f"{kept}; give the same command again"),
        _output(out, standard_output) as file,
        # disable=None: tqdm itself looks whether standard error is a terminal.
        tqdm(total=total, unit=" texts", unit_scale=True, disable=None, leave=False) as bar,
    ):
        # An explained text is asked once for each of its words.
        most = max(1, config.scorer.batch_size // (MAX_WORDS if is_explained else 1))
        for batch in _batches(questions.read(), most):
            pairs = [question.pair for question in batch]
            names = [f"{source}, id {question.id!r}" for question in batch]
            answers = _answers(scorer, pairs, names, is_explained)
            for question, (judgement, words) in zip(batch, answers, strict=True):
                file.write(answer_line(question.id, judgement, name, words))
            file.flush()
            bar.update(len(batch))
    return ExitCode.DONE


def _answers(
    scorer: PairScorer, pairs: Sequence[Pair], names: Sequence[str], is_explained: bool
) -> list[tuple[Judgement, tuple[Word, ...] | None]]:
    """A judgement for each pair, and its words if they are wanted.

    Raises: InputError: with a sentence for each pair that cannot be scored, by its name; DeviceLostError, ConfigError.
    """
    try:
        with scoring_errors():
            judged = scorer.score(pairs)
    except UnscorableError as exc:
        remedy = f"text: cannot be scored ({exc.reason}); shorten it, or leave it out"
        raise InputError(*(f"{names[number]}: {remedy}" for number in exc.numbers)) from exc
    if not is_explained:
        return [(one, None) for one in judged]
    try:
        with scoring_errors():
            words = explain(scorer, pairs)
    except UnscorableError as exc:
        # What could not be scored is a text less one of its words, which nobody but the explanation knows.
        place = names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}"
        raise InputError(f"{place}: cannot be explained ({exc.reason}); leave --explain out") from exc
    return list(zip(judged, words, strict=True))


def _batches(questions: Iterable[Question], most: int) -> Iterator[list[Question]]:
    batch: list[Question] = []
    chars = 0
    for question in questions:
        batch.append(question)
        chars += len(question.pair.text)
        if len(batch) == most or chars >= _BATCH_CHARS:
            yield batch
            batch, chars = [], 0
    if batch:
        yield batch


def _check_place(out: str) -> None:
    """Refuse a place that cannot be written, before anything is scored."""
    if out == STANDARD_OUTPUT:
        return
    path = Path(out)
    if path.is_dir():
        raise ConfigError(f"--out: {out} is a folder; name a file in it")
    if not path.parent.is_dir():
        raise ConfigError(f"--out: there is no folder {path.parent}; make it, or name a file in another")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise ConfigError(f"--out: {out} may not be written; name a file in a folder of yours")


@contextmanager
def _output(out: str, standard_output: BinaryIO) -> Iterator[BinaryIO]:
    """Where answers are written; a file takes its place only once they are all there."""
    if out == STANDARD_OUTPUT:
        yield standard_output
        return
    # A link goes on to be one.
    path = Path(os.path.realpath(out))
    try:
        if path.exists() and not path.is_file():
            # A device or a named pipe holds nothing that could be exchanged.
            with open(path, "wb") as file:
                yield file
            return
        scratch = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            with open(scratch, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.replace(scratch, path)
        finally:
            with suppress(FileNotFoundError):
                scratch.unlink()
    except OSError as exc:
        raise DependencyError(
            f"{out}: cannot be written ({exc.strerror or exc}); look whether the disk is full"
        ) from exc
