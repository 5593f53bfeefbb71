"""Sources: the invented vendors of the story, who writes for them, and at which hours.

An hour's weight follows the markets that a source's readers live by: the western ones from London's opening to New
York's close, the Chinese ones in the morning, after lunch and in the evening when small investors have time to talk.
"""

from dataclasses import dataclass
from random import Random

from monitor.clock import DAY_MS, HOUR_MS

_WESTERN_HOURS = (3, 2, 2, 2, 3, 5, 10, 18, 20, 16, 14, 14, 16, 24, 28, 24, 20, 18, 16, 16, 20, 14, 8, 5)
_CHINESE_HOURS = (8, 22, 28, 22, 10, 16, 22, 20, 8, 6, 6, 8, 14, 16, 12, 6, 3, 1, 1, 1, 1, 1, 2, 4)
"""Relative volume by hour of the day in UTC."""

_WEEK = (10, 10, 10, 10, 10, 3, 3)
"""Relative volume by day of the week, Monday first: markets are closed at the week-end."""

_EPOCH_WEEKDAY = 3  # 1970-01-01 was a Thursday.


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_FIRST_NAMES = _words("Ada Ben Cleo Dan Edith Farid Gita Hugo Iris Jonas Kemi Leo Mara Nils Oona Pia Quentin Rosa")
_LAST_NAMES = _words("Abara Birkett Cardew Delft Esker Farrow Gantry Holm Ibsley Jarrow Kettering Lomax Merrow Nairn")
_ZH_LAST_NAMES = _words("安 柏 岑 戴 樊 葛 郝 纪 柯 蓝 孟 倪 欧 裴 祁 阮")
_ZH_FIRST_NAMES = _words("晓舟 一帆 思远 若溪 景行 子衿 明澈 书言 知秋 临风 望舒 怀瑾")
_HANDLE_HEADS = _words(
    "quiet salty paper north lucky sunday copper rusty late blue tiny wired grumpy plain early hollow"
)
_HANDLE_TAILS = _words("ledger otter trader gull margin kettle harbor badger pilot walnut tape lantern fox anchor moss")
_ZH_HANDLE_HEADS = _words("老 小 爱吃鱼的 南山 一只 深夜 慢慢 佛系 江边 隔壁 早起 认真")
_ZH_HANDLE_TAILS = _words("股民 船长 阿呆 读者 会计 木匠 算盘 茶客 渔夫 学徒 石头 候鸟")


@dataclass(frozen=True, slots=True)
class Source:
    """A vendor of documents.

    Attributes:
        weight: its part of the chatter, relative. is_social: posts with authors, no titles and no addresses.
        delay_ms: the usual time from publication to the crawler, at most. offset_hours: the zone it writes times in.
        names_authors: whether its documents say who wrote them.
    """

    name: str
    is_chinese: bool
    is_social: bool
    weight: int
    delay_ms: int
    offset_hours: int = 0
    names_authors: bool = True

    def hour_weight(self, at_ms: int) -> int:
        """How much it says in the hour of `at_ms`, relative to its other hours."""
        day, in_day_ms = divmod(at_ms, DAY_MS)
        hours = _CHINESE_HOURS if self.is_chinese else _WESTERN_HOURS
        return hours[in_day_ms // HOUR_MS] * _WEEK[(day + _EPOCH_WEEKDAY) % 7]

    def author(self, rng: Random) -> str:
        """Somebody who writes for it: some hundreds of reporters, some thousands of posters."""
        if self.is_social:
            if self.is_chinese:
                return f"{rng.choice(_ZH_HANDLE_HEADS)}{rng.choice(_ZH_HANDLE_TAILS)}{rng.randrange(10, 60)}"
            return f"{rng.choice(_HANDLE_HEADS)}_{rng.choice(_HANDLE_TAILS)}{rng.randrange(10, 60)}"
        if self.is_chinese:
            return rng.choice(_ZH_LAST_NAMES) + rng.choice(_ZH_FIRST_NAMES)
        return f"{rng.choice(_FIRST_NAMES)} {rng.choice(_LAST_NAMES)}"


WIRE = Source("harbour-wire", False, False, 12, 4_000, names_authors=False)
LEDGER = Source("morning-ledger", False, False, 9, 20_000)
COURIER = Source("city-courier", False, False, 8, 20_000, offset_hours=1)
BLOGS = Source("inkwell-blogs", False, False, 9, 60_000)
MICROBLOG = Source("chirrup", False, True, 34, 2_500)
FORUM = Source("chaosheng-forum", True, True, 18, 3_000, offset_hours=8)
NEWSWIRE_ZH = Source("qinghe-newswire", True, False, 10, 5_000, offset_hours=8)

SOURCES = (WIRE, LEDGER, COURIER, BLOGS, MICROBLOG, FORUM, NEWSWIRE_ZH)
PRESS = (WIRE, LEDGER, COURIER, BLOGS)


def weekday_of(at_ms: int) -> int:
    """Day of the week in UTC, Monday is 0."""
    return (at_ms // DAY_MS + _EPOCH_WEEKDAY) % 7
