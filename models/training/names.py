"""Names in texts: guesses of who is named, and other names to put in their place, so that none is memorised."""

import random
import re

_CASHTAG = re.compile(r"(?<!\w)\$([A-Za-z]{1,6})\b")
_CAPITALISED = re.compile(r"(?<![\w$#@])[A-Z][\w&'.-]*[\w](?:\s+(?:&\s+)?[A-Z][\w&.-]*[\w])*")
_CHINESE = re.compile(r"[\u4e00-\u9fff]{2,6}(?:集团|银行|证券|股份|科技|控股|保险|基金|医药|地产|汽车|能源|电子)")
# Capitalised, but no company: a wrong guess only costs a row, a frequent one would teach nonsense.
_NOT_NAMES = frozenset((
    "a", "an", "the", "in", "on", "at", "for", "of", "to", "by", "from", "with", "and", "but", "or", "if", "as", "is",
    "are", "was", "were", "will", "it", "its", "this", "that", "these", "those", "he", "she", "they", "we", "you",
    "i", "our", "my", "his", "her", "their", "what", "why", "how", "when", "where", "who", "which", "here", "there",
    "after", "before", "despite", "net", "sales", "operating", "profit", "eur", "usd", "mn", "finnish", "finland",
    "helsinki", "swedish", "sweden", "russia", "russian", "us", "u.s", "uk", "china", "january", "february", "march",
    "april", "may", "june", "july", "august", "september", "october", "november", "december", "monday", "tuesday",
    "wednesday", "thursday", "friday", "saturday", "sunday", "ceo", "cfo", "eps", "q1", "q2", "q3", "q4", "h1", "h2",
    "fy", "update", "breaking", "new", "stock", "stocks", "market", "markets", "buy", "sell", "hold", "short", "long",
    "earnings", "revenue", "results", "company", "group", "bank", "reuters", "cnbc", "bloomberg", "pt", "rt",
))
_STEMS = (
    "Alder", "Arvo", "Balt", "Brix", "Calder", "Corvan", "Dalen", "Densaro", "Elmar", "Ensko", "Fenwick", "Galvo",
    "Hadron", "Halden", "Ivory", "Jorvik", "Kestrel", "Kordia", "Larsen", "Luma", "Marlow", "Mersin", "Nordal",
    "Novena", "Orlan", "Osprey", "Pellar", "Quarto", "Rivena", "Rostova", "Selwyn", "Solvar", "Tamarin", "Tervo",
    "Ulmer", "Vantor", "Verdane", "Wexley", "Xandor", "Yarrow", "Zephyr", "Zelmar",
)
_TAILS = (
    "", "", "", " Group", " Bank", " Energy", " Pharma", " Motors", " Steel", " Foods", " Media", " Capital", " Air",
    " Tech",
)
_CHINESE_STEMS = (
    "华瑞", "东晟", "恒宇", "金泽", "北辰", "天衡", "瑞丰", "海润", "中祺", "远航",
    "盛泰", "嘉禾", "明德", "新锐", "汇通", "卓越", "星河", "蓝源", "博远", "德胜",
)
_CHINESE_TAILS = ("", "股份", "集团", "科技", "银行", "证券", "地产", "医药", "能源", "控股")


def invent(chance: random.Random, is_chinese: bool = False) -> str:
    """A name of nobody."""
    if is_chinese:
        return chance.choice(_CHINESE_STEMS) + chance.choice(_CHINESE_TAILS)
    return chance.choice(_STEMS) + chance.choice(_TAILS)


def guess(text: str, is_chinese: bool = False) -> str | None:
    """The company that a text most likely is about: its first cashtag, else its first capitalised name; or None."""
    if is_chinese:
        found = _CHINESE.search(text)
        return found.group() if found else None
    tag = _CASHTAG.search(text)
    if tag:
        return tag.group(1)
    for match in _CAPITALISED.finditer(text):
        words = match.group().removesuffix("'s").split()
        while words and words[0].lower().strip(".'") in _NOT_NAMES:
            words.pop(0)
        while words and words[-1].lower().strip(".'") in _NOT_NAMES:
            words.pop()
        if words and len(words) <= 4 and any(len(word) > 2 for word in words):
            return " ".join(words)
    return None
