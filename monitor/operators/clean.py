"""Cleaning text once, so that tagging, signatures and the score all read the same characters.

In order: markup and entities go (up to two layers of them, as feeds escape HTML inside HTML), mojibake is undone,
characters are composed (NFC; full-width forms stay, matching folds them), what nobody sees is removed, white space is
collapsed, and the text is capped. Most posts need none of it, and then cost one look at each character.

HTML is not parsed into a tree. A tree builder took six seconds for 250 kB of nested <div> (its cost is quadratic in
depth); here two expressions run over the markup once, in time linear in the text, and what only looks like a tag
("<ACME>", "EPS <b and c>") stays text.
"""

import re
import unicodedata
from html import unescape
from html.entities import html5

from ftfy import fix_encoding

# Markup is read to this multiple of the cap, other text to four times it: an article's tags, links and white space
# weigh ten to twenty times its words. More would only let one record cost a second.
_MARKUP_RATIO = 32
_PLAIN_RATIO = 4

# How far back from the cap a word may begin; beyond it (Chinese, a long link) the text is cut inside.
_WORD_REACH = 40

# From here a headline that the body runs on from is a headline; below it is a label ("Acme", "Update").
_HEADLINE_WORDS = 4
_HEADLINE_CHARS_UNSPACED = 8

_BREAK = "\x1e"


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


# What stands in a tag's place: a line break, a space, nothing. Other names are no elements.
_STAND_INS = {
    **dict.fromkeys(
        _names("""
            address article aside blockquote body br center dd details div dl dt fieldset figcaption figure footer form
            h1 h2 h3 h4 h5 h6 head header hr html legend li main nav ol option p pre section summary table tbody tfoot
            thead tr ul
        """),
        _BREAK,
    ),
    **dict.fromkeys(_names("button caption input label select td textarea th"), " "),
    **dict.fromkeys(
        _names("""
            a abbr acronym audio b base basefont bdi bdo big canvas cite code col colgroup data datalist del dfn em
            embed font i iframe img ins kbd link map mark math meta noscript object optgroup output param picture q rp
            rt ruby s samp script slot small source span strike strong style sub sup svg template time title track tt u
            var video wbr
        """),
        "",
    ),
}

# Every branch consumes what it has looked at or stops at the next "<", so that no input takes quadratic time; the
# bounds on quoted attributes keep that true where quotes never close. As in browsers, an unclosed script never ends.
# Each expression begins with "<", so that the text between tags is skipped at the speed of a byte search.
_HIDDEN = re.compile(
    r"<(?:!--.*?(?:-->|\Z)"
    r"|(script|style|svg|math|template|title|iframe)(?:\s[^<>]*+)?(?<!/)>.*?(?:</\1\s*+>|\Z))",
    re.IGNORECASE | re.DOTALL,
)
_TAG = re.compile(
    r"<(?:!\[CDATA\[|[!?][a-zA-Z][^<>]*+>"
    r"|/?+([a-zA-Z][a-zA-Z0-9]*+(?:[:-][\w:-]{0,40}+)?)"
    r"((?:\s[^<>\"']*+(?:\"[^\"]{0,2000}+\"[^<>\"']*+|'[^']{0,2000}+'[^<>\"']*+){0,32}+|\s[^<>]*+)?/?)>)"
)
_CUT_TAG = re.compile(r"<[^<>]{0,2000}\Z")
_CDATA_END = "]]>"
_ENTITY = re.compile(r"&(#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")

# A byte that begins a UTF-8 character, read as Latin-1 or Windows-1252, and one that goes on with it. Then ftfy
# decides; asking it about every text would cost ten times all the rest.
_MOJIBAKE = re.compile(
    "[\u00c2-\u00f4]"
    "[\u0080-\u00bf\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc\u2013-\u203a\u20ac\u2122]"
)

# Soft hyphen, joiners, direction marks, byte order marks, tag characters: nobody sees them, and they hide names from
# matching. The joiner inside an emoji goes with them: a family becomes its members, which means the same here.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff"
    "\U000e0000-\U000e007f]+"
)
_PRINTABLE_FILLERS = "\u034f\u115f\u1160"
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1b\x7f]+")
_C1 = re.compile("[\u0080-\u009f]+")
_MARKS_IN_A_ROW = 64
_MARKS = re.compile(r"([^\w\s\x00-\u02ff]{64})[^\w\s\x00-\u02ff]+")
_WRAP = re.compile(r"\n(?=[a-zß-öø-ÿ])")

_STOPS = frozenset(".!?:;…。！？：；|-–—\n")


def clean_text(raw: str, max_chars: int) -> str:
    """A body as a reader sees it: at most `max_chars` characters, lines parted by one newline, words by one space.

    A newline before a lower-case letter is a wrapped line, and becomes a space.
    """
    if "<" in raw or ("&" in raw and (";" in raw or len(raw) > max_chars or not raw.isascii())):
        text = _clean(raw, max_chars)  # an ampersand alone, as in "S&P", is no entity and needs none of it
    elif raw.isprintable() and (raw.isascii() or not _is_odd(raw)):
        # Printable text has no other white space than the space.
        text = " ".join(raw.split()) if "  " in raw else raw.strip()
    elif len(raw) <= max_chars and raw.isascii() and raw.replace("\n", " ").isprintable():
        # Nothing but line breaks to mend: without markup and characters to look after, in a quarter of the time.
        text = _WRAP.sub(
            " ", "\n".join([line for line in [" ".join(line.split()) for line in raw.split("\n")] if line])
        )
    else:
        text = _clean(raw, max_chars)
    return text if len(text) <= max_chars else cut_at_word(text, max_chars)


def clean_line(raw: str, max_chars: int) -> str:
    """A title, name or label as a reader sees it: one line of at most `max_chars` characters."""
    return clean_text(raw, max_chars).replace("\n", " ")


def cut_at_word(text: str, max_chars: int) -> str:
    """The head of a text: cut where a word ends, or inside one where none ends in the last 40 characters."""
    if len(text) <= max_chars:
        return text
    cut = max_chars
    if not text[cut].isspace():
        reach = max(cut - _WORD_REACH, 0)
        found = max(text.rfind(" ", reach, cut), text.rfind("\n", reach, cut))
        cut = found if found > 0 else cut
    return text[:cut].rstrip()


def split_repeat(title: str, text: str) -> tuple[str, str]:
    """Title and text such that what both say is said once; both arguments are clean.

    Where the text opens with its whole headline, the text loses it. Where the title is only the first words of the
    text's first sentence (feeds make titles for posts like that), the title goes and the sentence stays whole.
    """
    if not title or not text:
        return title, text
    head = title.removesuffix("...").removesuffix("…").rstrip() if title[-1] in ".…" else title
    size = len(head)
    if text[:1].casefold() != title[:1].casefold() or text[:size].casefold() != head.casefold() or not head:
        return title, text
    rest = text[size:]
    if not rest:
        return head, ""
    if len(head) < len(title) and title.endswith(("...", "…")) and not rest.startswith(("...", "…")):
        return "", text  # Cut short by the feed, perhaps inside a word.
    if rest[0] in _STOPS or head[-1] in _STOPS or rest.startswith((" - ", " – ", " — ", " | ")):
        return title, rest.lstrip("".join(_STOPS) + " ")
    if rest[0].isalnum() and head[-1].isascii() and rest[0].isascii():
        return title, text  # "Acme" is no repeat in "Acmes".
    is_headline = len(head.split()) >= _HEADLINE_WORDS or (not head.isascii() and size >= _HEADLINE_CHARS_UNSPACED)
    if is_headline and rest[0] == " " and not rest[1:2].islower():
        return title, rest.lstrip()
    return "", text


def _is_odd(text: str) -> bool:
    return _MOJIBAKE.search(text) is not None or not unicodedata.is_normalized("NFC", text)


def _clean(raw: str, max_chars: int) -> str:
    text = raw[: max_chars * _MARKUP_RATIO]
    if len(text) < len(raw):
        text = _CUT_TAG.sub("", text)
    is_markup = False
    for _ in range(2):
        before = text
        if "<" in text:
            text = _TAG.sub(_stand_in, _HIDDEN.sub(_hidden_stand_in, text).replace(_CDATA_END, ""))
            is_markup = is_markup or text != before
        if "&" in text:
            text = _ENTITY.sub(_entity_character, text)
        if text == before:
            break
    text = text.lstrip()[: max_chars * _PLAIN_RATIO]
    if not text.isascii():
        text = _clean_characters(text)
    if text.isprintable():  # one line, and no space but the space
        return " ".join(text.split())
    # In HTML only elements break lines; the source's own newlines are spaces.
    lines = text.split(_BREAK) if is_markup else text.splitlines()
    text = "\n".join([line for line in map(_collapse, lines) if line])
    return text if is_markup else _WRAP.sub(" ", text)


def _collapse(line: str) -> str:
    words = " ".join(line.split())
    return words if words.isprintable() else " ".join(_CONTROL.sub(" ", words).split())


def _clean_characters(text: str) -> str:
    if _MOJIBAKE.search(text):
        text = fix_encoding(text)
    # Composing is quadratic in a run of marks (1.6 s for 40,000). Marks are no word characters, nor are emoji and
    # dashes; nobody misses the 65th in a row. Each has two bytes or more, so most texts need not be searched for a run.
    if len(text.encode(errors="surrogatepass")) - len(text) > _MARKS_IN_A_ROW:
        text = _MARKS.sub(r"\1", text)
    text = unicodedata.normalize("NFC", text)
    # What is not to be seen does not print, but for three fillers; asking that first spares most texts two searches.
    if not text.replace("\n", "").isprintable() or any(filler in text for filler in _PRINTABLE_FILLERS):
        text = _INVISIBLE.sub("", text)
        text = _C1.sub(_windows_characters, text)
    return text


def _hidden_stand_in(hidden: re.Match[str]) -> str:
    return _BREAK if hidden[1] else ""


def _stand_in(tag: re.Match[str]) -> str:
    """What stands in a tag's place; the tag itself where it is none."""
    name = tag[1]
    if name is None:
        return ""
    if len(name) == 1 and (attributes := tag[2]) and "=" not in attributes and attributes.strip(" /"):
        return tag[0]  # "a <b and c>" compares; a one-letter element has attributes with a value, or none.
    stand_in = _STAND_INS.get(name)
    if stand_in is None:
        stand_in = "" if ":" in name or "-" in name else _STAND_INS.get(name.lower(), tag[0])
    return stand_in


def _entity_character(found: re.Match[str]) -> str:
    name = found[1]
    return unescape(found[0]) if name[0] == "#" else html5.get(name + ";", found[0])


def _windows_characters(found: re.Match[str]) -> str:
    # Controls of the upper range are in practice Windows-1252 characters that were read as Latin-1.
    return found[0].encode("latin-1").decode("cp1252", errors="replace")
