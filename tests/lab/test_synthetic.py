"""The synthetic feed: the same for a seed, in order of time, with the shares of named and negative that it promises."""

import json
from hashlib import blake2b
from pathlib import Path

import pytest

from models.lexicon import LexiconScorer
from models.scorer import Pair
from monitor.clock import DAY_MS
from monitor.domain.document import Document, FeedRecord, InputPartition
from monitor.lab.synthetic import START_MS, synthetic, synthetic_topics, watchlist_csv
from monitor.operators.parse import ParseLimits, parse
from monitor.operators.signature import signatures, similarity
from monitor.operators.tag import Tagger
from monitor.watchlist import load_watchlist

PARTITION = InputPartition("synthetic")


def read(lines: list[bytes]) -> list[Document]:
    found = [parse(FeedRecord(line, PARTITION, at, at + 1), ParseLimits()) for at, line in enumerate(lines)]
    return [document for document in found if isinstance(document, Document)]


def test_same_seed_gives_the_same_bytes_and_another_seed_others() -> None:
    lines = list(synthetic(500, 40, 1, 1_000))
    assert lines == list(synthetic(500, 40, 1, 1_000))
    assert lines != list(synthetic(500, 40, 2, 1_000))
    assert len(lines) == 500


def test_bytes_of_a_seed_are_the_same_on_every_machine() -> None:
    digest = blake2b(b"".join(synthetic(5_000, 300, 1, 20_000)), digest_size=8).hexdigest()
    assert digest == "cb7dd74f9cf89cac"


def test_a_longer_feed_begins_with_the_shorter_one() -> None:
    assert list(synthetic(300, 40, 1, 1_000))[:100] == list(synthetic(100, 40, 1, 1_000))


def test_every_line_is_json_and_every_document_has_its_own_id() -> None:
    lines = list(synthetic(1_000, 40, 1, 1_000))
    assert all(line.endswith(b"\n") and json.loads(line) for line in lines)
    documents = read(lines)
    assert len({document.id for document in documents}) == 1_000
    assert 80 < sum(len(document.text) for document in documents) / 1_000 < 150


def test_documents_are_spread_evenly_over_days_in_order_of_time() -> None:
    times = [document.event_time_ms for document in read(list(synthetic(2_500, 40, 1, 1_000)))]
    assert times == sorted(times)
    assert times[0] == START_MS
    assert [times[1_000 * day] for day in range(3)] == [START_MS + day * DAY_MS for day in range(3)]


def test_shares_of_named_and_of_negative_documents_are_as_promised() -> None:
    documents = read(list(synthetic(5_000, 300, 1, 5_000)))
    tagger, scorer = Tagger(synthetic_topics(300, 1)), LexiconScorer()
    tagged = [tagger.tag(document) for document in documents]
    assert 0.57 < sum(map(bool, tagged)) / len(documents) < 0.63
    assert {len(matches) for matches in tagged} == {0, 1}
    judged = scorer.score([Pair(document.text, "", "en") for document in documents])
    assert 0.12 < sum(one.negative > max(one.neutral, one.positive) for one in judged) / len(judged) < 0.19


def test_few_documents_of_a_topic_are_near_copies() -> None:
    documents = read(list(synthetic(2_000, 5, 1, 5_000)))
    tagger = Tagger(synthetic_topics(5, 1))
    named = [
        document.text for document in documents if any(match.topic_id == "XAAAA" for match in tagger.tag(document))
    ]
    found = signatures(named)
    pairs = [(one, other) for one in range(len(found)) for other in range(one)]
    assert len(pairs) > 10_000
    assert sum(similarity(found[one], found[other]) >= 0.6 for one, other in pairs) < 0.001 * len(pairs)


def test_watchlist_holds_the_topics_that_the_feed_names(tmp_path: Path) -> None:
    path = tmp_path / "watchlist.csv"
    path.write_text(watchlist_csv(300, 1), encoding="utf-8")
    assert list(load_watchlist(path).topics) == synthetic_topics(300, 1)


@pytest.mark.parametrize("topics", [1, 30_000])
def test_names_and_tickers_are_distinct(topics: int) -> None:
    found = synthetic_topics(topics, 1)
    assert len(found) == len({topic.name for topic in found}) == len({topic.tickers for topic in found}) == topics


@pytest.mark.parametrize(("documents", "topics", "per_day"), [(-1, 1, 1), (1, 0, 1), (1, 1, 0), (1, 400_001, 1)])
def test_impossible_counts_are_refused_before_the_first_line(documents: int, topics: int, per_day: int) -> None:
    with pytest.raises(ValueError, match="must be"):
        synthetic(documents, topics, 1, per_day)
