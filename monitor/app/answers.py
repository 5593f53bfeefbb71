"""Answers: a judgement as `monitor score` gives it, as JSON for machines and as a few lines for a person."""

import json
from collections.abc import Iterator, Sequence
from typing import TextIO

import orjson

from models.explain import Word
from models.labels import LABELS, NEGATIVE, NEUTRAL, POSITIVE
from models.scorer import Judgement
from monitor.channels.terminal import encodable, harmless, terminal_width, wants_color, wrap
from monitor.domain.sentiment import ScoreMark

_DIGITS = 6
"""Of a probability. More would tell one processor's rounding from another's."""
_NAME_CHARS = 60
_BAR_COLUMNS = 40
_RESET, _DIM = "\x1b[0m", "\x1b[2m"
_COLORS = {NEGATIVE: "\x1b[31m", NEUTRAL: "", POSITIVE: "\x1b[32m"}


def label_of(judgement: Judgement) -> str:
    """The likeliest label; a tie goes to neutral, then to negative."""
    values = (judgement.negative, judgement.neutral, judgement.positive)
    return LABELS[max((NEUTRAL, NEGATIVE, POSITIVE), key=values.__getitem__)]


def answer_of(judgement: Judgement, model: str, words: Sequence[Word] | None = None) -> dict[str, object]:
    """The keys of an answer, less its id; `marks` only where there are some, `words` only where they are asked for."""
    values = (judgement.negative, judgement.neutral, judgement.positive)
    answer: dict[str, object] = {
        "label": label_of(judgement),
        "probabilities": {label: round(value, _DIGITS) for label, value in zip(LABELS, values, strict=True)},
        # Less than nothing is nothing: -0.0 would be read as a sign.
        "net": round(judgement.positive - judgement.negative, _DIGITS) + 0.0,
        "model": model,
    }
    if judgement.marks:
        answer["marks"] = list(judgement.marks)
    if words is not None:
        answer["words"] = [
            {"word": one.word, "start": one.start, "end": one.end, "effect": round(one.effect, _DIGITS)}
            for one in words
        ]
    return answer


def answer_line(id_: str | int, judgement: Judgement, model: str, words: Sequence[Word] | None = None) -> bytes:
    """One line of JSON."""
    return orjson.dumps({"id": id_, **answer_of(judgement, model, words)}, option=orjson.OPT_APPEND_NEWLINE)


def write_answer(
    judgement: Judgement, target: str, model: str, out: TextIO, words: Sequence[Word] | None = None
) -> None:
    """One answer: for a person where there is a terminal, else as JSON."""
    if not out.isatty():
        out.write(json.dumps(answer_of(judgement, model, words)) + "\n")
        return
    for line in _view(judgement, target, model, words, out):
        out.write(f"{encodable(line, out.encoding)}\n")


def _view(
    judgement: Judgement, target: str, model: str, words: Sequence[Word] | None, out: TextIO
) -> Iterator[str]:
    mark = "█" if encodable("█", out.encoding) == "█" else "#"
    has_color = wants_color(out)
    values = (judgement.negative, judgement.neutral, judgement.positive)
    likeliest = label_of(judgement)
    for index, (label, value) in enumerate(zip(LABELS, values, strict=True)):
        bar = mark * round(value * _BAR_COLUMNS)
        line = f"{'>' if label == likeliest else ' '} {label:<8}  {value:.3f}  {bar}".rstrip()
        yield f"{_COLORS[index]}{line}{_RESET}" if has_color and _COLORS[index] else line
    about = f"about “{harmless(target, _NAME_CHARS)}”" if target.strip() else "about the text as a whole"
    net = judgement.positive - judgement.negative
    told = [f"net {net:+.3f} · {about} · {model}", *(_words(ScoreMark(each), target) for each in judgement.marks)]
    if words is not None:
        moved = ", ".join(f"“{harmless(one.word, _NAME_CHARS)}” {one.effect:+.2f}" for one in words)
        told.append(f"moved by {moved}" if words else "no single word moves the score")
    for each in told:
        for line in wrap(each, terminal_width(out) - 2):
            yield f"{_DIM}  {line}{_RESET}" if has_color else f"  {line}"


def _words(mark: ScoreMark, target: str) -> str:
    match mark:
        case ScoreMark.UNSUPPORTED_TARGET:
            name = harmless(target, _NAME_CHARS)
            return f"The answer is about the text as a whole: it does not name “{name}”, or the model knows no targets."
        case ScoreMark.UNTRAINED_LANGUAGE:
            return "The model was not trained on the text's language: the answer may well be wrong."
        case ScoreMark.CUT:
            return "The text is longer than what the model reads: part of it was left out."
