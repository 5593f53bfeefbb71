"""Posts of a real stream that were labelled by hand, twice: labels by id are ours, texts stay where they came from."""

import csv
import gzip
import json
from dataclasses import dataclass
from pathlib import Path

from models.corpus.rows import DataError, Row
from models.evaluation.answers import LabelledSet
from models.evaluation.metrics import kappa
from models.labels import LABELS

POSTS = Path(__file__).resolve().parent.parent / "probes" / "replay_posts.tsv"
TEXTS = "docs.jsonl.gz"
_COLUMNS = ("id", "target", "label", "first", "second")


@dataclass(frozen=True, slots=True)
class ReplayPost:
    """One post's labels, indices into `labels.LABELS`: what was settled, and what each pass said."""

    id: str
    target: str
    label: int
    first: int
    second: int


def read_posts(path: Path = POSTS) -> list[ReplayPost]:
    """The labelled posts. Raises: DataError: names the line."""
    if not path.exists():
        raise DataError(f"{path}: there is no such file; leave --replay out where no posts are labelled")
    found: list[ReplayPost] = []
    with path.open(encoding="utf-8", newline="") as lines:
        for number, line in enumerate(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE), 2):
            if tuple(line) != _COLUMNS or None in line.values():
                raise DataError(f"{path}, line {number}: the columns are {', '.join(_COLUMNS)}")
            labels = [line[name] for name in _COLUMNS[2:]]
            if not set(labels) <= set(LABELS):
                raise DataError(f"{path}, line {number}: labels are {', '.join(LABELS)}")
            settled, first, second = (LABELS.index(label) for label in labels)
            found.append(ReplayPost(line["id"], line["target"], settled, first, second))
    return found


def agreement(posts: list[ReplayPost]) -> float:
    """Cohen's kappa of the two passes."""
    return kappa([post.first for post in posts], [post.second for post in posts])


def replay_set(posts: list[ReplayPost], folder: Path) -> LabelledSet:
    """The posts with their texts from FOLDER/docs.jsonl.gz. Raises: DataError: names what is missing."""
    path = folder / TEXTS
    if not path.exists():
        raise DataError(f"{path}: there is no such file; --replay names the folder of the stream that was labelled")
    wanted = {post.id for post in posts}
    texts: dict[str, str] = {}
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            one = json.loads(line)
            if str(one["id"]) in wanted:
                texts[str(one["id"])] = one["text"]
    if missing := sorted(wanted - set(texts)):
        raise DataError(f"{path} lacks {len(missing)} labelled posts, {missing[0]} for one: it is another stream")
    rows = tuple(Row(texts[post.id], post.target, post.label, "", "replay_posts", post.id) for post in posts)
    return LabelledSet("replay_posts", rows)
