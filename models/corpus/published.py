"""The data sets that the project knows: where each comes from, what its licence says, and who reads it.

docs/data.md says the same at length; a test keeps the two in step.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from models.corpus import chinese, english
from models.corpus.copies import Columns
from models.corpus.rows import DataError
from models.corpus.sample import Sample


class Use(StrEnum):
    """What a licence says of a commercial product that was trained on a set."""

    ALLOWED = "allowed"
    FORBIDDEN = "forbidden"
    UNSTATED = "not stated"


@dataclass(frozen=True, slots=True)
class Published:
    """One data set.

    Attributes:
        licence: as its origin states it. use: what that means for a commercial product.
        copy: what to hand to the reader. read: rows of such a copy; raises DataError.
    """

    title: str
    licence: str
    use: Use
    copy: str
    read: Callable[[Path], Iterator[Sample]]


_ANALYSTS = (
    Columns(("headline",), ("", "Unnamed: 0", "url", "publisher", "date", "stock")),
    Columns(("title",), ("", "Unnamed: 0", "date", "stock")),
)
_NEWS = Columns(("Headlines",), ("Time", "Description"))

PUBLISHED: dict[str, Published] = {
    "fpb_50agree": Published(
        "Financial PhraseBank v1.0, at least half of the annotators agreeing",
        "CC BY-NC-SA 3.0", Use.FORBIDDEN,
        "the zip, or Sentences_50Agree.txt, or the CSV with label and sentence", english.phrasebank,
    ),
    "fiqa": Published(
        "FiQA 2018, task 1", "not stated by the challenge", Use.UNSTATED,
        "task1_headline_ABSA_train.json and task1_post_ABSA_train.json, or a table of them", english.fiqa,
    ),
    "tfns": Published(
        "Twitter Financial News Sentiment", "MIT", Use.ALLOWED, "sent_train.csv, sent_valid.csv", english.tweets
    ),
    "nwgi": Published(
        "News with GPT instructions", "not stated", Use.UNSTATED, "its rows as JSON lines or CSV", english.graded_news
    ),
    "sentfin": Published("SEntFiN 1.0", "MIT", Use.ALLOWED, "SEntFiN-v1.1.csv", english.sentfin),
    "semeval2017_headlines": Published(
        "SemEval-2017 task 5, subtask 2", "not stated", Use.UNSTATED, "Headline_Trainingdata.json",
        english.headlines2017,
    ),
    "stock_tweets": Published(
        "Stock-Market Sentiment Dataset", "not stated", Use.UNSTATED, "stock_data.csv", english.stock_tweets
    ),
    "stockemotions": Published(
        "StockEmotions", "not stated", Use.UNSTATED, "train_stockemo.csv, val_stockemo.csv", english.stock_emotions
    ),
    "gold_headlines": Published(
        "Gold commodity news and dimensions", "not stated", Use.UNSTATED, "its CSV", english.gold
    ),
    "finfe": Published("FinFE of BBT-FinCUGE", "not stated", Use.UNSTATED, "train_list.json", chinese.finfe),
    "finnsp": Published("FinNSP of BBT-FinCUGE", "not stated", Use.UNSTATED, "train_list.json", chinese.finnsp),
    "finnsp_entity": Published(
        "FinNSP of BBT-FinCUGE, by entity", "not stated", Use.UNSTATED, "train_list.json", chinese.finnsp_entity
    ),
    "guba_posts": Published(
        "Sentiment-in-Market, forum posts", "not stated", Use.UNSTATED, "a CSV of text and label", chinese.guba
    ),
    "zh_stock_news": Published(
        "Dataset of financial news sentiment classification", "not stated", Use.UNSTATED, "news_seed.xlsx or a CSV",
        chinese.stock_news,
    ),
    "reuters_headlines": Published(
        "Financial News Headlines Data, Reuters", "not stated", Use.UNSTATED, "reuters_headlines.csv",
        english.unlabelled("reuters_headlines", _NEWS),
    ),
    "guardian_business_headlines": Published(
        "Financial News Headlines Data, the Guardian", "not stated", Use.UNSTATED, "guardian_headlines.csv",
        english.unlabelled("guardian_business_headlines", _NEWS),
    ),
    "cnbc_headlines": Published(
        "Financial News Headlines Data, CNBC", "not stated", Use.UNSTATED, "cnbc_headlines.csv",
        english.unlabelled("cnbc_headlines", _NEWS),
    ),
    "benzinga_analyst_headlines": Published(
        "Daily Financial News for 6000+ Stocks", "not stated", Use.UNSTATED,
        "raw_analyst_ratings.csv or analyst_ratings_processed.csv",
        english.unlabelled("benzinga_analyst_headlines", *_ANALYSTS),
    ),
    "stocknet_tweets": Published(
        "StockNet", "MIT", Use.ALLOWED, "the folder tweet/raw", english.stocknet
    ),
}


def find_published(name: str) -> Published:
    """A data set by name. Raises: DataError: it is none of ours."""
    if name not in PUBLISHED:
        raise DataError(f"{name}: no data set of that name; known are {', '.join(PUBLISHED)}")
    return PUBLISHED[name]
