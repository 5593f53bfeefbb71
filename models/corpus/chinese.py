"""Readers of the Chinese data sets, each in the forms in which it is published. docs/data.md describes them."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from models.corpus.copies import Columns, Part, parts, records
from models.corpus.rows import DataError, text_key
from models.corpus.sample import Sample, collapsed, mapped

NUMBERS = {"0": "negative", "1": "neutral", "2": "positive"}
SIDES = {"0": "negative", "1": "positive", "负面": "negative", "正面": "positive"}

_MOST_CHARACTERS = 1_000
_ENCODINGS = ("utf-8-sig", "gb18030")
_TAGS = re.compile(r"\{IMG:\d+\}|<[^<>]{1,40}>")
_MARKS = re.compile(r"\?{2,}")
"""Signs that an encoding lost; a single question mark may be one."""
_LINK = re.compile(r"https?://\S+")


def finfe(path: Path) -> Iterator[Sample]:
    """[text, 0|1|2] lists; each text once, by the label that most of its copies carry, ties left out."""
    found: dict[str, tuple[str, str]] = {}
    votes: dict[str, Counter[str]] = {}
    for part, number, entry in _entries(path):
        where = f"{part.name}, entry {number + 1}"
        if len(entry) != 2:
            raise DataError(f"{where}: must be [text, label]; the files without labels are of no use here")
        text = collapsed(entry[0])
        found.setdefault(text_key(text) or text, (text, f"finfe:{_split(part)}:{number}"))
        votes.setdefault(text_key(text) or text, Counter())[mapped(entry[1], NUMBERS, where)] += 1
    for key, (text, name) in found.items():
        (label, most), *rest = votes[key].most_common()
        if not rest or rest[0][1] < most:
            yield Sample(text, label, None, None, "zh", "finfe", name)


def finnsp(path: Path) -> Iterator[Sample]:
    """[id, title, text, entities, 0|1, subjects] lists: a row a document, negative or not."""
    for number, entry, where, name in _documents(path):
        negative = mapped(entry[4], {"0": "neutral", "1": "negative"}, where)
        yield Sample(_joined(entry[1], entry[2]), negative, None, None, "zh", "finnsp", f"finnsp:{name}:{number}")


def finnsp_entity(path: Path) -> Iterator[Sample]:
    """The same lists: a row an entity, negative where it is a subject of the bad news."""
    for number, entry, where, name in _documents(path):
        mapped(entry[4], {"0": "neutral", "1": "negative"}, where)
        text = _joined(entry[1], entry[2])
        subjects = _names(entry[5])
        for place, entity in enumerate(_names(entry[3])):
            is_subject = entity in subjects
            # A piece of a subject's name may mean the subject or another company: nobody can tell.
            if is_subject or not any(entity in subject for subject in subjects):
                label = "negative" if is_subject else "neutral"
                row = f"finnsp_entity:{name}:{number}:{place}"
                yield Sample(text, label, None, collapsed(entity), "zh", "finnsp_entity", row)


def guba(path: Path) -> Iterator[Sample]:
    """Forum posts of a student project: a table of texts with 0, 1 or 2."""
    forms = [Columns((text, "label"), ("id", "", "Unnamed: 0")) for text in ("text", "review", "content", "sentence")]
    for part in parts(path, (".csv", ".tsv", ".xlsx", ".jsonl")):
        for number, row in records(part, forms, _ENCODINGS):
            text = next(row[form.needed[0]] for form in forms if form.needed[0] in row)
            label = mapped(row["label"], NUMBERS, f"{part.name}, row {number + 1}")
            yield Sample(collapsed(text), label, None, None, "zh", "guba_posts", f"guba:{number}")


_TITLES = {"label": ("正负面", "正/负面"), "entity": ("公司", "公司名称", "公司简称"), "text": ("标题", "新闻标题")}


def stock_news(path: Path) -> Iterator[Sample]:
    """Titles of company news with a side, as Excel or CSV."""
    known = ("日期", "时间", "代码", "股票代码", "正文", "Unnamed: 0")
    forms = [
        Columns((label, entity, text), known)
        for label in _TITLES["label"]
        for entity in _TITLES["entity"]
        for text in _TITLES["text"]
    ]
    for part in parts(path, (".xlsx", ".csv", ".tsv", ".jsonl")):
        for number, row in records(part, forms, _ENCODINGS):
            value = {key: next(row[name] for name in names if name in row) for key, names in _TITLES.items()}
            label = mapped(value["label"], SIDES, f"{part.name}, row {number + 1}")
            name = f"zh_stock_news:{'seed' if 'seed' in part.name else _split(part)}:{number}"
            entity = collapsed(value["entity"]) or None
            yield Sample(collapsed(value["text"]), label, None, entity, "zh", "zh_stock_news", name)


def _entries(path: Path) -> Iterator[tuple[Part, int, list[Any]]]:
    for part in parts(path, (".json",)):
        content = part.json()
        if not isinstance(content, list):
            raise DataError(f"{part.name}: must be a list of lists, as train_list.json is")
        for number, entry in enumerate(content):
            if not isinstance(entry, list):
                raise DataError(f"{part.name}, entry {number + 1}: no list; is this the benchmark's train_list.json?")
            yield part, number, entry


def _documents(path: Path) -> Iterator[tuple[int, list[Any], str, str]]:
    for part, number, entry in _entries(path):
        where = f"{part.name}, entry {number + 1}"
        if len(entry) != 6:
            raise DataError(f"{where}: must be [id, title, text, entities, negative, subjects]")
        yield number, entry, where, _split(part)


def _split(part: Part) -> str:
    return next((one for one in ("train", "eval", "test", "problem") if one in part.name.lower()), "all")


def _names(value: object) -> list[str]:
    return [name for name in str(value or "").split(";") if name.strip()]


def _joined(title: object, body: object) -> str:
    """Title and body where they differ, else the one that says more."""
    first, second = _clean(title), _clean(body)
    one, other = text_key(first), text_key(_LINK.sub(" ", second))
    if not one or (other.startswith(one) and one != other):
        whole = second
    elif not other or one.startswith(other):
        whole = first
    else:
        whole = f"{first}。{second}"
    return whole[:_MOST_CHARACTERS]


def _clean(text: object) -> str:
    return collapsed(_MARKS.sub(" ", _TAGS.sub(" ", str(text or ""))))


