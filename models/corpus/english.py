"""Readers of the English data sets, each in the forms in which it is published. docs/data.md describes them."""

import ast
import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from models.corpus.copies import Columns, Part, parts, records
from models.corpus.rows import DataError
from models.corpus.sample import Sample, collapsed, cut, mapped, scored

WORDS = {"negative": "negative", "neutral": "neutral", "positive": "positive"}
TWEETS = {"0": "negative", "1": "positive", "2": "neutral"}
SIDES = {"-1": "negative", "1": "positive"}
TAGS = {"bearish": "negative", "bullish": "positive"}
PRICES = {**WORDS, "none": "neutral"}
GRADES = {
    "strong negative": -1.0, "moderately negative": -0.67, "mildly negative": -0.33, "neutral": 0.0,
    "mildly positive": 0.33, "moderately positive": 0.67, "strong positive": 1.0,
}
"""The seven grades as scores; only strong and moderate ones become a side."""
_CLEAR = 0.5

_AGREEMENT = {"allagree": "agree100", "75agree": "agree75", "66agree": "agree66", "50agree": "agree50"}
_PARTS = ("train", "valid", "val", "dev", "test", "eval")


def part_name(part: Part) -> str:
    """Which split a file holds, by its name; `all` if it does not tell."""
    found = next((one for one in _PARTS if one in part.name.lower()), "all")
    return {"valid": "validation"}.get(found, found)


def phrasebank(path: Path) -> Iterator[Sample]:
    """`sentence@label` lines in Latin-1; the agreement is known where the stricter files lie beside the 50 % one."""
    files = parts(path, (".txt", ".csv"))
    lists = {key: part for part in files for key in _AGREEMENT if part.name.lower().endswith(f"{key}.txt")}
    if not lists:
        yield from _phrasebank_csv([part for part in files if part.name.lower().endswith(".csv")], path)
        return
    strictest: dict[str, str] = {}
    for key, agreement in _AGREEMENT.items():
        if key in lists:
            for sentence, _ in _marked(lists[key]):
                strictest.setdefault(sentence, agreement)
    widest = next(key for key in reversed(_AGREEMENT) if key in lists)
    for number, (sentence, label) in enumerate(_marked(lists[widest])):
        yield Sample(sentence, label, None, None, "en", "fpb", f"fpb:{number}:{strictest[sentence]}")


def _marked(part: Part) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(part.text(("utf-8-sig", "latin-1")).splitlines(), 1):
        if line.strip():
            sentence, mark, label = line.rpartition("@")
            if not mark:
                raise DataError(f"{part.name}, line {number}: must end with @positive, @neutral or @negative")
            yield collapsed(sentence), mapped(label, WORDS, f"{part.name}, line {number}")


def _phrasebank_csv(files: list[Part], path: Path) -> Iterator[Sample]:
    """The form with the label first and no line of names, as it is copied most."""
    if not files:
        raise DataError(f"{path}: holds no Sentences_50Agree.txt and no CSV")
    for part in files:
        for number, row in enumerate(csv.reader(io.StringIO(part.text(("utf-8-sig", "latin-1")), newline=""))):
            where = f"{part.name}, row {number + 1}"
            if len(row) != 2:
                raise DataError(f"{where}: must be two values, label and sentence")
            label = mapped(row[0], WORDS, where)
            yield Sample(collapsed(row[1]), label, None, None, "en", "fpb", f"fpb:{number}:unknown")


_FIQA_TABLES = (
    Columns(
        ("sentence", "target", "sentiment_score"),
        ("snippets", "aspects", "format", "label", "split", "__index_level_0__"),
    ),
    Columns(("sentence", "target", "score"), ("_id", "aspect", "type", "split")),
)


def fiqa(path: Path) -> Iterator[Sample]:
    """The challenge's JSON (text by number, with a list of targets), or a table of it."""
    for part in parts(path, (".json", ".jsonl", ".csv", ".tsv")):
        content = part.json() if part.name.lower().endswith(".json") else None
        yield from _fiqa_json(part, content) if isinstance(content, dict) else _fiqa_table(part)


def _fiqa_json(part: Part, content: Mapping[str, Any]) -> Iterator[Sample]:
    kind = "post" if "post" in part.name.lower() else "headline"
    for key, entry in content.items():
        where = f"{part.name}, text {key}"
        if not isinstance(entry, dict) or "sentence" not in entry or not isinstance(entry.get("info"), list):
            raise DataError(f"{where}: must hold `sentence` and `info`; is this {part.name} of task 1?")
        for number, one in enumerate(entry["info"]):
            if "sentiment_score" not in one:
                raise DataError(f"{where}: has no `sentiment_score`; the test part of the challenge has no labels")
            score = scored(one["sentiment_score"], where)
            text, entity = collapsed(entry["sentence"]), collapsed(one.get("target")) or None
            name = f"fiqa:{part_name(part)}:{key}.{number}:{kind}"
            yield Sample(text, cut(score), score, entity, "en", "fiqa", name)


def _fiqa_table(part: Part) -> Iterator[Sample]:
    for number, row in records(part, _FIQA_TABLES):
        score = scored(row.get("sentiment_score", row.get("score")), f"{part.name}, row {number + 1}")
        kind = "post" if "post" in str(row.get("format") or row.get("type") or "").lower() else "headline"
        text, entity = collapsed(row["sentence"]), collapsed(row["target"]) or None
        name = f"fiqa:{row.get('split') or part_name(part)}:{number}:{kind}"
        yield Sample(text, cut(score), score, entity, "en", "fiqa", name)


def sentfin(path: Path) -> Iterator[Sample]:
    """A table of headlines with their entities and labels as a dictionary; a row for each entity."""
    for part in parts(path, (".csv",)):
        forms = (Columns(("S No.", "Title", "Decisions"), ("Words",)),)
        for number, row in records(part, forms, ("utf-8-sig", "latin-1")):
            where = f"{part.name}, row {number + 1}"
            for place, (entity, label) in enumerate(_decisions(row["Decisions"], where).items()):
                name = f"sentfin:{row['S No.']}:{place}"
                label = mapped(label, WORDS, where)
                yield Sample(collapsed(row["Title"]), label, None, collapsed(entity), "en", "sentfin", name)


def _decisions(text: str, where: str) -> Mapping[str, Any]:
    for read in (json.loads, ast.literal_eval):
        try:
            found = read(text)
        except (ValueError, SyntaxError):
            continue
        if isinstance(found, dict):
            return found
    raise DataError(f'{where}: `Decisions` must look like {{"Name": "negative"}}')


def headlines2017(path: Path) -> Iterator[Sample]:
    """SemEval-2017 task 5, subtask 2: a list of titles with a company and a score."""
    for part in parts(path, (".json", ".jsonl")):
        for number, row in records(part, (Columns(("id", "company", "title", "sentiment")),)):
            score = scored(row["sentiment"], f"{part.name}, row {number + 1}")
            name = f"semeval17h:{number}:{row['id']}"
            text, entity = collapsed(row["title"]), collapsed(row["company"]) or None
            yield Sample(text, cut(score), score, entity, "en", "semeval2017_headlines", name)


def graded_news(path: Path) -> Iterator[Sample]:
    """News with GPT instructions: seven grades; the mild ones become neutral."""
    known = ("date", "symbol", "url", "title", "prompt", "out", "prompt_tokens", "completion_tokens", "total_tokens")
    for part in parts(path, (".jsonl", ".json", ".csv")):
        for number, row in records(part, (Columns(("news", "label"), (*known, "__index_level_0__")),)):
            grade = mapped(row["label"], {name: name for name in GRADES}, f"{part.name}, row {number + 1}")
            score = GRADES[grade]
            label = "negative" if score < -_CLEAR else "positive" if score > _CLEAR else "neutral"
            name = f"nwgi:{part_name(part)}:{number}"
            yield Sample(collapsed(row["news"]), label, score, None, "en", "nwgi", name)


def table(
    source: str,
    columns: Columns,
    labels: Mapping[str, str],
    prefix: Callable[[Part], str],
    entity: Callable[[Mapping[str, Any]], str | None] = lambda row: None,
    number_column: str | None = None,
) -> Callable[[Path], Iterator[Sample]]:
    """A reader of a CSV whose first two needed columns are the text and the label.

    Args:
        prefix: what an id begins with. number_column: what it ends with; the row's number if None.
    """
    text, label = columns.needed[:2]

    def read(path: Path) -> Iterator[Sample]:
        for part in parts(path, (".csv", ".tsv", ".jsonl")):
            for number, row in records(part, (columns,), ("utf-8-sig", "latin-1")):
                found = mapped(row[label], labels, f"{part.name}, row {number + 1}")
                name = f"{prefix(part)}:{row[number_column] if number_column else number}"
                yield Sample(collapsed(row[text]), found, None, entity(row), "en", source, name)

    return read


tweets = table("tfns", Columns(("text", "label")), TWEETS, lambda part: f"tfns:{part_name(part)}")
stock_tweets = table("stock_tweets", Columns(("Text", "Sentiment")), SIDES, lambda part: "stock_tweets")
stock_emotions = table(
    "stockemotions",
    Columns(("original", "senti_label", "id", "ticker"), ("date", "emo_label", "processed")),
    TAGS,
    lambda part: f"stockemotions:{part_name(part)}",
    lambda row: collapsed(row["ticker"]) or None,
    "id",
)
gold = table(
    "gold_headlines",
    Columns(
        ("News", "Price Sentiment"),
        (
            "Dates", "URL", "Price Direction Up", "Price Direction Constant", "Price Direction Down",
            "Asset Comparision", "Past Information", "Future Information",
        ),
    ),
    PRICES,
    lambda part: "gold",
    lambda row: "gold",
)


def unlabelled(source: str, *forms: Columns) -> Callable[[Path], Iterator[Sample]]:
    """A reader of tables of headlines whose text is the first needed column."""

    def read(path: Path) -> Iterator[Sample]:
        for part in parts(path, (".csv",)):
            for number, row in records(part, forms, ("utf-8-sig", "latin-1")):
                column = next(form.needed[0] for form in forms if form.needed[0] in row)
                yield Sample(collapsed(row[column]), None, None, None, "en", source, f"{source}:{number}")

    return read


def stocknet(path: Path) -> Iterator[Sample]:
    """StockNet's raw tweets: files without an ending, a JSON object a line, by ticker and day."""
    number = 0
    for part in parts(path, ("",)):
        for line in part.text().splitlines():
            try:
                text = json.loads(line)["text"]
            except (ValueError, KeyError, TypeError) as error:
                raise DataError(f"{part.name}: no tweet of StockNet's tweet/raw ({line[:40]!r})") from error
            yield Sample(collapsed(text), None, None, None, "en", "stocknet_tweets", f"stocknet_tweets:{number}")
            number += 1
