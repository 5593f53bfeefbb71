"""What `operators/tag` finds in documents; most of it is told by the golden cases in tests/golden/tagging."""

import json
import string
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.domain.document import Document, DocumentId, Part
from monitor.domain.topics import MatchRole, Topic, TopicId, TopicKind
from monitor.operators.aliases import AmbiguityReason, ambiguity_report, build_aliases, without_legal_suffix
from monitor.operators.cues import Cue, find_cue, is_ruled_out
from monitor.operators.folding import fold, fold_with_offsets
from monitor.operators.tag import Tagger
from monitor.operators.tickers import TickerTable, is_shouting, read_ticker
from monitor.watchlist import load_watchlist

GOLDEN = Path(__file__).parents[1] / "golden" / "tagging"
TOPICS = load_watchlist(GOLDEN / "watchlist.csv").topics
TAGGER = Tagger(TOPICS)


def golden_cases() -> list[Any]:
    lines = [line for name in ("en.jsonl", "zh.jsonl") for line in (GOLDEN / name).read_text("utf-8").splitlines()]
    return [pytest.param(case, id=case["case"]) for case in map(json.loads, lines)]


def document(text: str = "", title: str = "", symbols: tuple[str, ...] = (), parts: tuple[Part, ...] = ()) -> Document:
    return Document(DocumentId("wire:1"), "wire", 0, None, title, text, None, None, symbols, None, parts)


def company(id: str, name: str, *aliases: str, tickers: tuple[str, ...] = (), exclude: tuple[str, ...] = ()) -> Topic:
    return Topic(TopicId(id), name, TopicKind.COMPANY, tickers, aliases, (), exclude)


@pytest.mark.parametrize("case", golden_cases())
def test_golden_case(case: dict[str, Any]) -> None:
    matches = TAGGER.tag(document(case["text"], case.get("title", ""), tuple(case.get("symbols", ()))))
    assert [[match.topic_id, match.role.value, match.surface] for match in matches] == case["expect"]
    assert {match.of_topics for match in matches} <= {case.get("of_topics", 1)}


def test_golden_cases_are_there_in_both_languages() -> None:
    assert len(golden_cases()) >= 70


def test_role_follows_the_place_of_the_first_mention() -> None:
    filler = "Nothing else was said in the long and tiring meeting of the day. " * 6
    tagged = TAGGER.tag(document(f"A word on Halden. {filler}Then came Northwind.", "Harbour Foods sinks"))
    assert [(match.topic_id, match.role) for match in tagged] == [
        ("HRBF", MatchRole.TITLE),
        ("HLDN", MatchRole.LEAD),
        ("NWND", MatchRole.BODY),
    ]


def test_post_without_title_has_a_short_lead() -> None:
    post = "So it goes. " + "More of the same old talk about the weather and the sea. " * 3 + "Northwind too."
    assert len(post) < 300
    assert [match.role for match in TAGGER.tag(document(post))] == [MatchRole.BODY]
    assert [match.role for match in TAGGER.tag(document(post, "The weather"))] == [MatchRole.LEAD]


def test_long_first_sentence_is_the_lead() -> None:
    sentence = "The meeting went on " + "and on " * 50 + "until Northwind gave up. "
    assert len(sentence) > 300
    assert [match.role for match in TAGGER.tag(document(sentence + "The end came. " * 30))] == [MatchRole.LEAD]


def test_parts_are_read_as_the_body() -> None:
    tagged = TAGGER.tag(document("A short talk.", "The weather", parts=(Part("transcript", "Northwind is up"),)))
    assert [(match.role, match.surface) for match in tagged] == [(MatchRole.BODY, "Northwind")]


def test_topics_named_count_when_they_are_more_than_the_symbols() -> None:
    tagged = TAGGER.tag(document("Halden, Northwind and Harbour Foods fell.", symbols=("NWND",)))
    assert [match.of_topics for match in tagged] == [3, 3, 3]


def test_cashtag_and_declared_symbol_of_one_company_count_once() -> None:
    tagged = TAGGER.tag(document("$NWND down", symbols=("NWND",)))
    assert [match.of_topics for match in tagged] == [1]


def test_document_that_names_nothing_has_no_topic() -> None:
    assert TAGGER.tag(document("The sea was calm.", symbols=("ZZZZ",))) == ()


def test_order_of_the_rows_changes_nothing() -> None:
    backwards = Tagger(TOPICS[::-1])
    for case in golden_cases():
        fields = case.values[0]
        sample = document(fields["text"], fields.get("title", ""), tuple(fields.get("symbols", ())))
        assert backwards.tag(sample) == TAGGER.tag(sample)


def test_topics_of_one_place_come_in_the_order_of_their_ids() -> None:
    tagger = Tagger([company("B", "Borrel", tickers=("VXLM",)), company("A", "Vexil", tickers=("VXLM",))])
    assert [match.topic_id for match in tagger.tag(document("$VXLM"))] == ["A", "B"]


def test_mentions_come_with_their_places() -> None:
    text = "Northwind’s ＨＡＬＤＥＮ deal"
    assert [(text[mention.start : mention.end], mention.topic_id) for mention in TAGGER.find(text)] == [
        ("Northwind", "NWND"),
        ("ＨＡＬＤＥＮ", "HLDN"),
    ]


def test_accent_that_stands_apart_stays_with_its_letter() -> None:
    text = "Salte\u0301n Ørne is down"
    assert [text[mention.start : mention.end] for mention in TAGGER.find(text)] == ["Salte\u0301n Ørne"]
    last = "Vexile\u0301 is down"
    found = Tagger([company("A", "Vexilé")]).find(last)
    assert [last[mention.start : mention.end] for mention in found] == ["Vexile\u0301"]


def test_overlapping_names_go_to_the_leftmost_then_longest() -> None:
    tagger = Tagger([company("A", "Alder Birch"), company("B", "Birch Cedar Dune"), company("C", "Cedarwood")])
    assert [mention.topic_id for mention in tagger.find("alder birch cedar dune")] == ["A"]
    assert [mention.topic_id for mention in tagger.find("birch cedar dune cedarwood")] == ["B", "C"]


def test_bare_ticker_inside_a_longer_name_belongs_to_the_name() -> None:
    tagger = Tagger([company("A", "Vexil Group", tickers=("VXLM",)), company("B", "VXLM Marine Works")])
    assert [mention.topic_id for mention in tagger.find("The VXLM Marine Works closed")] == ["B"]
    assert [mention.topic_id for mention in tagger.find("The VXLM report came")] == ["A"]


def test_exclude_phrase_of_one_topic_does_not_silence_another() -> None:
    tagger = Tagger([company("A", "Vexil", exclude=("Vexil Cup",)), company("B", "Vexil Cup Events")])
    assert [mention.topic_id for mention in tagger.find("Vexil Cup Events closed")] == ["B"]
    assert tagger.find("the Vexil Cup was won") == []


def test_bare_ticker_in_a_link_is_part_of_the_link() -> None:
    assert TAGGER.find("Why it will fall: https://news.example/NWND and more of that") == []


def test_ticker_of_a_named_exchange_counts_only_there() -> None:
    tagger = Tagger([company("A", "Vexil", tickers=("TSX:VX",)), company("B", "Borrel", tickers=("NYSE:VX",))])
    assert [mention.topic_id for mention in tagger.find("a rise (TSX: VX)")] == ["A"]
    assert [mention.topic_id for mention in tagger.find("a rise (Nasdaq: VX)")] == ["B"]


def test_ticker_of_a_named_exchange_is_no_bare_word() -> None:
    tagger = Tagger([company("A", "Vexil", tickers=("LSE:RIVO",)), company("B", "Borrel", tickers=("BORL",))])
    assert [mention.topic_id for mention in tagger.find("We liked RIVO and BORL this year")] == ["B"]
    assert [mention.topic_id for mention in tagger.find("LSE: RIVO rose, and so did $RIVO")] == ["A", "A"]


def test_ticker_that_several_topics_claim_counts_for_each() -> None:
    tagger = Tagger([company("A", "Vexil", tickers=("VXLM",)), company("makers", "Makers of vex", tickers=("VXLM",))])
    assert [mention.topic_id for mention in tagger.find("$VXLM")] == ["A", "makers"]


def test_cashtag_with_a_tail_of_words_is_still_the_cashtag() -> None:
    text = "$NWND-backed fund and $HRBF.The end"
    assert [text[mention.start : mention.end] for mention in TAGGER.find(text)] == ["$NWND", "$HRBF"]


def test_watchlist_without_matches_in_reach_never_raises() -> None:
    assert Tagger([]).tag(document("Northwind $NWND", symbols=("NWND",))) == ()


@given(st.text(max_size=120), st.text(max_size=60), st.lists(st.text(max_size=8), max_size=4))
@settings(max_examples=150, deadline=None)
def test_any_text_gives_surfaces_that_it_contains(text: str, title: str, symbols: list[str]) -> None:
    sample = document(text, title, tuple(symbols))
    for match in TAGGER.tag(sample):
        assert match.surface in sample.reading or match.surface in symbols
        assert match.of_topics >= 1


@given(
    st.text(alphabet=string.ascii_letters + " $.,'-ßéＡ中", max_size=30),
    st.sampled_from(["Northwind", "harbour foods", "北风能源", "$HRBF", "Ｎｏｒｔｈｗｉｎｄ", "Salte\u0301n Ørne"]),
    st.text(alphabet=string.ascii_letters + " $.,'-ßéＡ中", max_size=30),
)
@settings(max_examples=150, deadline=None)
def test_name_on_a_line_of_its_own_is_found_between_any_neighbours(before: str, name: str, after: str) -> None:
    text = f"{before} . {name} . {after}"
    assert name in {text[mention.start : mention.end] for mention in TAGGER.find(text)}


FRAGMENTS = [
    "$NWND", "$nwnd.", "＄NWND", "＄T", "NWND", "Nwnd", "NYSE: T", "NYSE：T", "NYSE:", ": T", "(T.N)", "（T.N）",
    "(NWND)", "：", "（600519）", "600519.SH", "SH600519", "0700.HK", "(00700)", "HKEX: 700", "QRS.B", "QRS-B",
    "$QRS-B-backed", "$T", "U$D", "A$AP", "$", "(", ":", "/", ".", "-", "_", "@", "=", "http://x.example/NWND",
    "x@NWND.com", "The", "ABC", "é", "Я", "中", "…", "\u200b", "\u0301", "ＮＷＮＤ", "ß", "ﬁ", "\n", "9", "?",
]  # fmt: skip
TICKERS = [
    company("NWND", "Zyqqor", tickers=("NWND",)),
    company("TARN", "Zyqqar", tickers=("T", "LSE:NWND")),
    company("QRSB", "Zyqqir", tickers=("QRS-B",)),
]
CODES = [*TICKERS, company("CODE", "Zyqqur", tickers=("600519.SH", "0700.HK"))]
TEXT_OF_FRAGMENTS = st.lists(st.tuples(st.sampled_from(FRAGMENTS), st.sampled_from(("", " "))), max_size=12).map(
    lambda pairs: "".join(fragment + gap for fragment, gap in pairs)
)


@pytest.mark.slow
@given(TEXT_OF_FRAGMENTS, st.sampled_from((TICKERS, CODES)))
@settings(max_examples=400)
def test_short_cut_through_a_text_loses_no_ticker(text: str, topics: list[Topic]) -> None:
    tagger, table = Tagger(topics), TickerTable(topics)
    cashtags, codes, words = table.scan(text)  # the whole pattern, over the whole text
    marks = [(start, start + len(seen.surface), owner) for start, seen in cashtags for owner in seen.owners]
    expected = [(start, end, topics[index].id) for start, end, index in sorted([*marks, *codes, *words])]
    by_id = {topic.id: number for number, topic in enumerate(sorted(topics, key=lambda topic: topic.id))}
    found = [(start, end, topic_id) for start, end, topic_id in tagger.find(text)]
    assert sorted(found) == sorted(expected)
    assert found == sorted(found, key=lambda place: (place[0], place[1], by_id[place[2]]))
    first = list(dict.fromkeys(topic_id for _, _, topic_id in found))
    for _ in range(2):  # what a tagger remembers changes nothing
        matches = tagger.tag(document(text))
        assert [match.topic_id for match in matches] == first
        assert {match.of_topics for match in matches} <= {max(len(first), len({seen.symbol for _, seen in cashtags}))}


@pytest.mark.parametrize("text", ["＄T fell", "NYSE：T fell", "it fell（T.N）today"])
def test_full_width_signs_of_a_short_ticker_are_read(text: str) -> None:
    assert [match.topic_id for match in Tagger(TICKERS).tag(document(text))] == ["TARN"]


def test_cashtag_behind_the_lead_stands_in_the_body() -> None:
    post = "So it goes. " + "More of the same old talk about the weather and the sea. " * 3
    assert [match.role for match in TAGGER.tag(document(f"$NWND {post}"))] == [MatchRole.LEAD]
    assert [match.role for match in TAGGER.tag(document(f"{post} $NWND"))] == [MatchRole.BODY]
    assert [match.role for match in TAGGER.tag(document("So it goes.", "All about $NWND"))] == [MatchRole.TITLE]


def test_a_theme_is_no_target_because_its_words_are_the_news() -> None:
    topics = [
        *(Topic(TopicId(kind), "", kind, (), (f"Zorbic {kind}",)) for kind in TopicKind),
        Topic(TopicId("LAYOFFS"), "Layoffs", TopicKind.THEME, (), ("layoffs", "job cuts")),
    ]
    text = "; ".join(["Job cuts", *(f"Zorbic {kind}" for kind in TopicKind)])
    tagged = {match.topic_id: match for match in Tagger(topics).tag(document(text))}
    assert {topic_id for topic_id, match in tagged.items() if not match.target} == {TopicKind.THEME, "LAYOFFS"}
    assert tagged[TopicId("LAYOFFS")].surface == "Job cuts"
    named = [match for match in tagged.values() if match.target]
    assert [match.target for match in named] == [match.surface for match in named] != []


def test_large_watchlist_finds_what_a_small_one_finds() -> None:
    # Its patterns are too many for the automaton's whole table.
    many = [company(f"C{number}", f"Zyqqor Marine Holdings {number:05} of Harbour Bay") for number in range(1_500)]
    text = "Zyqqor Marine Holdings 00007 of Harbour Bay met Zyqqor Marine Holdings 01499 of Harbour Bay and $NWND"
    small = Tagger([many[7], many[1_499], TICKERS[0]])
    found = [(match.topic_id, match.surface) for match in Tagger([*many, TICKERS[0]]).tag(document(text))]
    assert [topic_id for topic_id, _ in found] == ["C7", "C1499", "NWND"]
    assert [(match.topic_id, match.surface) for match in small.tag(document(text))] == found


def test_tokens_that_are_too_long_for_a_ticker_are_not_remembered() -> None:
    table = TickerTable(TICKERS)
    table.scan(f"$NWND ${'A' * 200} ({'B' * 6}) {'C' * 5}")
    assert sorted(table.tokens) == ["$NWND", "(BBBBBB", "CCCCC"]


@given(st.text(max_size=60))
@settings(max_examples=200, deadline=None)
def test_fold_says_where_every_character_came_from(text: str) -> None:
    folded, offsets = fold_with_offsets(text)
    assert folded == fold(text)
    if offsets is None:
        assert len(folded) == len(text)
        offsets = range(len(text) + 1)
    assert len(offsets) == len(folded) + 1
    for index, character in enumerate(folded):
        assert character in fold(text[offsets[index]])


@pytest.mark.parametrize(
    ("written", "folded"),
    [("ＡＢＣ１２", "abc12"), ("Straße", "strasse"), ("Sea‑Glass", "sea glass"), ("Ørne’s", "orne's"), ("ﬁn™", "fin™")],
)
def test_fold_is_the_same_for_every_way_to_type_a_name(written: str, folded: str) -> None:
    assert fold(written) == folded


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("Harbour Foods Inc.", "Harbour Foods"),
        ("The Vexil Company", "Vexil"),
        ("Marlow & Birk Co.", "Marlow & Birk"),
        ("Vexil Holdings, Ltd.", "Vexil"),
        ("Vexil S.p.A.", "Vexil"),
        ("青石科技股份有限公司", "青石科技"),
        ("Vexil", "Vexil"),
        ("Group", "Group"),
    ],
)
def test_legal_suffix_is_left_out_of_a_name(name: str, short: str) -> None:
    assert without_legal_suffix(name) == short


def test_name_never_shrinks_to_a_common_word() -> None:
    assert {alias.pattern for alias in build_aliases([company("S", "Southern Company")])} == {"southern company"}


def test_derived_form_never_takes_an_alias_from_the_topic_that_declares_it() -> None:
    topics = [company("UL", "Vexil plc", "Vexil"), company("UN", "Vexil NV")]
    owners = {alias.pattern: alias.owners for alias in build_aliases(topics)}
    assert owners == {"vexil plc": (0,), "vexil": (0,), "vexil nv": (1,)}


@pytest.mark.parametrize(
    ("raw", "read"),
    [
        ("brk-a", ("BRK.A", None)),
        ("$BRK/A", ("BRK.A", None)),
        ("NYSE: T", ("T", "US")),
        ("600519", ("600519", "SH")),
        ("SZ000001", ("000001", "SZ")),
        ("600519.SS", ("600519", "SH")),
        ("00700.HK", ("700", "HK")),
        ("HKEX:0700", ("700", "HK")),
        ("VX.US", ("VX", "US")),
        ("", ("", None)),
    ],
)
def test_ticker_reads_the_same_in_every_spelling(raw: str, read: tuple[str, str | None]) -> None:
    assert read_ticker(raw) == read


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("SELL EVERYTHING BEFORE THE CRASH", True),
        ("Sell everything before the CRASH", False),
        ("HUGE NEWS https://t.example/abcd", True),
        ("Why fall further", False),
        ("", True),
    ],
)
def test_line_in_capitals_shouts(line: str, answer: bool) -> None:
    assert is_shouting(line) is answer


@pytest.mark.parametrize(
    ("text", "name", "cue"),
    [
        ("Target Corp fell", "Target", Cue.SUFFIX),
        ("Target's new boss", "Target", Cue.POSSESSIVE),
        ("Target says no", "Target", Cue.ADJACENT),
        ("Target to close stores", "Target", Cue.ADJACENT),
        ("Target to $40", "Target", None),
        ("the retailer Target again", "Target", Cue.ADJACENT),
        ("a stake in Target again", "Target", Cue.ADJACENT),
        ("they think that Target will surely miss the revenue forecast", "Target", Cue.NEARBY),
        ("Target will surely miss the revenue forecast that they gave", "Target", None),
        ("We Think That Target Will Surely Miss Revenue Forecasts", "Target", None),
        ("买入Target股票", "Target", Cue.NEARBY),
        ("苹果股价", "苹果", Cue.NEARBY),
        ("苹果很甜", "苹果", None),
    ],
)
def test_cue_says_what_proves_a_doubtful_name(text: str, name: str, cue: Cue | None) -> None:
    start = text.index(name)
    assert find_cue(text, start, start + len(name)) is cue


@pytest.mark.parametrize(
    ("text", "name", "answer"),
    [
        ("the Target price", "Target", True),
        ("Price Target", "Target", True),
        ("Target shares", "Target", False),
        ("a Visa ban", "Visa", True),
        ("苹果汁", "苹果", True),
        ("苹果手机", "苹果", False),
    ],
)
def test_neighbours_rule_the_ordinary_word_out(text: str, name: str, answer: bool) -> None:
    start = text.index(name)
    assert is_ruled_out(fold(name), text, start, start + len(name)) is answer


def test_report_names_every_alias_that_proves_nothing_alone() -> None:
    found = {entry.alias: (entry.topic_ids, entry.reasons) for entry in ambiguity_report(TOPICS)}
    assert found == {
        "Apple": (("APLN",), (AmbiguityReason.COMMON_WORD,)),
        "Meridian": (("MRWA", "MRGO"), (AmbiguityReason.SHARED,)),
        "NOW": (("NOWW",), (AmbiguityReason.TICKER_IS_WORD,)),
        "T": (("TSSL",), (AmbiguityReason.SHORT_TICKER,)),
        "TS": (("TSSL",), (AmbiguityReason.SHORT,)),
        "Target": (("TGTH",), (AmbiguityReason.COMMON_WORD,)),
        "目标": (("TGTH",), (AmbiguityReason.COMMON_WORD,)),
        "苹果": (("APLN",), (AmbiguityReason.COMMON_WORD,)),
    }


def test_report_explains_itself_in_a_sentence() -> None:
    (shared,) = [entry for entry in ambiguity_report(TOPICS) if entry.alias == "Meridian"]
    assert str(shared) == (
        "'Meridian' (MRWA, MRGO): several topics claim it, so it counts only for one that the text names in another way"
    )
