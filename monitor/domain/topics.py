"""Topics: the companies, sectors and themes that somebody watches, and how a document names them."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, NewType

TopicId = NewType("TopicId", str)


class TopicKind(StrEnum):
    """What kind of thing is watched."""

    COMPANY = "company"
    SECTOR = "sector"
    THEME = "theme"
    PERSON = "person"
    COUNTRY = "country"


class MatchRole(StrEnum):
    """Where a document names a topic, the most telling place first."""

    TITLE = "title"
    LEAD = "lead"
    BODY = "body"
    SYMBOL = "symbol"


@dataclass(frozen=True, slots=True)
class Topic:
    """A watched subject, as a row of the watchlist declares it. `exclude` are phrases that are not about it."""

    id: TopicId
    name: str
    kind: TopicKind
    tickers: tuple[str, ...] = ()
    aliases_en: tuple[str, ...] = ()
    aliases_zh: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


class TopicMatch(NamedTuple):
    """One topic that a document names: the form the text uses, the place, and how many topics share the document.

    `target` is what a scorer is asked about: the form, or nothing where the topic is a theme. The words that name a
    theme ("layoffs", "bank run") are the news itself; a judgement that looks past them would miss it.
    """

    topic_id: TopicId
    role: MatchRole
    surface: str
    of_topics: int
    target: str
