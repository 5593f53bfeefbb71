"""LexiconScorer. All companies are invented."""

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.evidence import Evidence
from models.labels import RISKS
from models.lexicon import HEAD_CHARACTERS, LexiconScorer, excerpt, judge
from models.neutral import NeutralScorer
from models.scorer import Judgement, Pair, PairScorer

SCORER = LexiconScorer()


def score(text: str, target: str = "", lang: str | None = None) -> Judgement:
    return SCORER.score([Pair(text, target, lang)])[0]


def label(text: str, target: str = "", lang: str | None = None) -> str:
    found = score(text, target, lang)
    best = max(found.negative, found.neutral, found.positive)
    return "neutral" if best == found.neutral else "negative" if best == found.negative else "positive"


@pytest.mark.parametrize(
    ("text", "risk"),
    [
        ("Bramwell Foods files for bankruptcy protection", "default"),
        ("Coldharbour Exchange halts withdrawals", "liquidity"),
        ("Executives at Dunmore Steel charged with accounting fraud", "fraud"),
        ("Regulators open an investigation into Estuary Bank", "regulator"),
        ("Shareholders file class action against Fernhill Pharma", "litigation"),
        ("Garrick Motors recalls 40,000 cars over faulty brakes", "recall"),
        ("Data breach at Hollin Telecom exposes millions", "cyber"),
        ("Explosion at Inverlea Chemicals plant, three injured", "accident"),
        ("Juniper Rail workers strike over pay, layoffs feared", "labour"),
        ("Founder of Kestrel Media abruptly resigns", "management"),
        ("Larkfield issues profit warning", "earnings"),
        ("Marlowe Energy cut to sell at Northgate Research", "rating"),
        ("$OAKM breaks support, I'm short and buying puts", "market"),
        ("柏川集团债券违约", "default"),
        ("丰岭平台暂停赎回，投资者恐慌", "liquidity"),
        ("海棠股份涉嫌财务造假", "fraud"),
        ("金穗科技收到监管函", "regulator"),
        ("青禾汽车召回两万辆", "recall"),
        ("松原化工厂区爆炸", "accident"),
        ("云杉网络遭黑客攻击", "cyber"),
        ("白桦电器业绩预亏", "earnings"),
        ("这票又跌停了，割肉走人", "market"),
    ],
)
def test_bad_news_is_negative_and_names_its_kind_of_risk(text: str, risk: str) -> None:
    assert (label(text), score(text).risk) == ("negative", risk)


@pytest.mark.parametrize(
    "text",
    [
        "Pellworth beats estimates and raises guidance",
        "Quayside Pharma wins FDA approval",
        "Rowan Air upgraded to buy",
        "$SABL breakout, to the moon 🚀🚀",
        "Tarn Mining swings to profit",
        "云杉网络扭亏为盈",
        "明天涨停，满仓干",
        "青禾汽车中标大订单",
    ],
)
def test_good_news_is_positive_and_has_no_risk(text: str) -> None:
    assert (label(text), score(text).risk) == ("positive", "none")


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ("Umber Foods profit rises", "Umber Foods profit falls"),
        ("Umber Foods loss narrows", "Umber Foods loss widens"),
        ("Umber Foods costs fall 5%", "Umber Foods costs rise 5%"),
        ("Umber Foods debt falls", "Umber Foods debt rises"),
        ("Umber Foods cuts debt", "Umber Foods cuts dividend"),
        ("Umber Foods raises guidance", "Umber Foods lowers guidance"),
        ("Umber Foods reports growth in sales", "Umber Foods reports a decline in sales"),
        ("shares up 4%", "shares down 8%"),
        ("$UMBR +4%", "$UMBR -3.2%"),
        ("乌木食品净利润增长", "乌木食品净利润下滑"),
        ("乌木食品成本下降", "乌木食品成本上升"),
        ("股价涨逾5%", "股价跌逾5%"),
    ],
)
def test_direction_takes_its_meaning_from_the_noun_that_it_moves(good: str, bad: str) -> None:
    assert (label(good), label(bad)) == ("positive", "negative")


@pytest.mark.parametrize(
    ("plain", "negated"),
    [
        ("Verity Bank found fraud", "Verity Bank found no fraud"),
        ("Verity Bank faces default", "Verity Bank avoids default"),
        ("Verity Bank was told of fraud", "Verity Bank denies that it was ever told of fraud"),
        ("it is tanking", "it isn't tanking"),
        ("it is tanking", "it isn’t tanking"),
        ("公司违约", "公司没有违约"),
        ("公司造假", "公司否认造假"),
    ],
)
def test_negation_takes_the_badness_away(plain: str, negated: str) -> None:
    assert label(plain) == "negative"
    assert label(negated) != "negative"
    assert score(negated).negative < score(plain).negative - 0.2


def test_negated_good_is_bad() -> None:
    assert score("Wexcombe fails to recover").negative > score("Wexcombe recovers").negative + 0.3


def test_negation_does_not_reach_over_a_mark_or_a_long_way() -> None:
    assert score("No, fraud at Yarrow").negative == pytest.approx(score("Fraud at Yarrow").negative)
    far = "Not one of the nine long and winding reports that we read mentions Yarrow fraud"
    assert score(far).negative == pytest.approx(score("Fraud at Yarrow").negative)


def test_title_and_text_are_different_sentences() -> None:
    """The reading of a document joins them by a line break."""
    assert label("Umber Foods cuts\ndebt and so on") != "positive"
    assert label("Umber Foods cuts debt and so on") == "positive"


def test_emoji_is_not_negated() -> None:
    assert label("don't miss it 🚀") == "positive"


def test_force_and_doubt_move_the_score() -> None:
    plain = score("Zennor shares fell").negative
    assert score("Zennor shares fell sharply").negative > plain
    assert score("Zennor shares may fall").negative < plain


def test_what_follows_but_outweighs_what_stands_before_it() -> None:
    assert label("weak demand but record profit and strong sales") == "positive"
    assert score("strong sales but weak demand").negative > score("weak demand but strong sales").negative


def test_conceded_clause_counts_less() -> None:
    assert score("although sales fell, profit rose").negative < score("sales fell, profit rose").negative
    assert score("profit rose although sales fell").negative < score("profit rose and sales fell").negative


def test_failure_speaks_once_whatever_it_failed_to_do() -> None:
    assert len(SCORER.evidence(Pair("Wexcombe fails to attend", "", None))) == 1
    assert len(SCORER.evidence(Pair("Wexcombe fails to recover", "", None))) == 1


def test_loss_that_narrows_is_no_longer_a_loss() -> None:
    assert [found.strength > 0 for found in SCORER.evidence(Pair("the loss for the year shrank", "", None))] == [True]


def test_what_stands_right_before_a_direction_is_what_moved() -> None:
    assert label("expenses reduced sharply again") == "positive"
    assert label("Wexcombe has reduced sharply again") != "positive"


def test_phrase_far_from_the_target_counts_less() -> None:
    filler = "and then they spoke of other things " * 8
    text = f"Hexley opened a shop {filler} with fraud"
    assert score(text, "Hexley").negative < score(text).negative


def test_small_signed_moves_are_no_news() -> None:
    assert label("Ticker tape: Ashdown -0.4%") == "neutral"


def test_range_of_percentages_is_not_a_fall() -> None:
    assert label("Ashdown expects 3-5% of it") == "neutral"


def test_target_that_sues_is_not_the_one_that_suffers() -> None:
    text = "Birkdale sues Corran over patents"
    assert score(text, "Corran").negative > score(text, "Birkdale").negative + 0.3
    for passive in (
        "Corran sued by Birkdale",
        "Corran fined over delays",
        "Corran downgraded at Northgate",
        "Corran sued",
    ):
        assert label(passive, "Corran") == "negative"
    assert label("Northgate downgrades Corran", "Northgate") == "neutral"
    assert label("Corran sued by Birkdale", "Birkdale") == "neutral"
    assert label("科兰公司起诉柏代公司", "柏代公司") == "negative"
    assert score("科兰公司起诉柏代公司", "科兰公司").negative < 0.3


def test_winner_and_loser_of_a_contest_differ() -> None:
    text = "Birkdale overtakes Corran in phones"
    assert (label(text, "Birkdale"), label(text, "Corran"), label(text)) == ("positive", "negative", "neutral")


def test_phrase_after_another_cashtag_counts_less_for_the_target() -> None:
    text = "$BRKD up 5%, $CORR downgraded to sell"
    assert (label(text, "$BRKD"), label(text, "$CORR")) == ("positive", "negative")


def test_list_of_cashtags_shares_what_is_said_after_it() -> None:
    assert label("$BRKD $CORR $DUNL downgraded", "$BRKD") == "negative"


def test_words_of_the_targets_own_name_say_nothing() -> None:
    assert label("Collapse Records opens a shop", "") == "negative"
    assert label("Collapse Records opens a shop", "Collapse Records") == "neutral"


def test_target_inside_a_longer_word_is_no_mention() -> None:
    assert score("Endless corruption", "corrupt").negative == score("Endless corruption").negative


@pytest.mark.parametrize(
    "text", ["", " \n\t", "Board meeting on Tuesday", "Στο λιμάνι", "🂡🂢", "\ud800", "今天星期三", "İ" * 40]
)
def test_text_that_says_nothing_is_neutral(text: str) -> None:
    found = score(text)
    assert (label(text), found.risk, found.cues) == ("neutral", "none", ())


def test_both_scripts_of_a_mixed_text_are_read() -> None:
    both = score("Eastvale利好: beats estimates")
    assert set(both.cues) == {"利好", "beats estimates"}
    assert both.positive > max(score("Eastvale利好").positive, score("Eastvale beats estimates").positive)


def test_traditional_characters_read_like_simplified_ones() -> None:
    assert score("公司債務違約").negative == score("公司债务违约").negative > 0.5


def test_word_lists_are_not_used_on_other_languages() -> None:
    assert label("Der Crash der Fraud", lang="de") == "neutral"
    assert label("Der Crash 📉📉", lang="de") == "negative"
    assert label("crash", lang="en-GB") == label("跌停", lang="zh_CN") == label("crash", lang="und") == "negative"


def test_cues_are_as_the_text_writes_them_strongest_first_each_once() -> None:
    found = score("Fell 3%. FRAUD! fraud again. Weak Demand, lawsuit, a Data Breach, and Layoffs at Finmere")
    assert found.cues[0] == "FRAUD"
    assert len(found.cues) == 5
    assert len({cue.lower() for cue in found.cues}) == 5


def test_cue_shows_how_far_a_price_moved() -> None:
    assert score("Shares of Finmere fall 12% in Lisbon").cues == ("fall 12%",)
    assert score("股价跌逾5%").cues == ("跌逾5%",)


def test_cue_is_right_where_lower_case_changes_the_length_of_the_text() -> None:
    assert score("İİİİ Hexley admits Fraud today").cues == ("fraud",)


def test_named_risk_beats_a_phrase_of_no_kind() -> None:
    found = [Evidence(-3.0, 0, 1, "none"), Evidence(-1.0, 1, 2, "cyber")]
    assert judge(found, ()).risk == "cyber"


def test_tie_of_risks_goes_to_the_one_listed_first() -> None:
    found = [Evidence(-2.0, 0, 1, "market"), Evidence(-2.0, 1, 2, "default")]
    assert judge(found, ()).risk == judge(found[::-1], ()).risk == "default"


def test_long_text_is_read_at_its_head_and_around_its_target() -> None:
    filler = "the committee met again on other matters. " * 25_000
    text = f"{filler}Grantley admits fraud.{filler}"
    assert len(text) > 1_000_000
    assert label(text) == "neutral"
    assert label(text, "Grantley") == "negative"
    assert len(excerpt(text, "committee")) < HEAD_CHARACTERS + 3_000


def test_repetition_adds_little() -> None:
    assert score("🚀" * 50).positive < score("🚀🚀🚀").positive + 0.02


def test_second_half_of_a_long_text_weighs_less_than_its_lead() -> None:
    filler = "and then they spoke of many other things " * 30
    assert score(f"fraud {filler}").negative > score(f"{filler} fraud").negative


@given(st.floats(0, 50), st.floats(0, 50), st.floats(0, 20))
def test_more_evidence_never_makes_its_side_less_likely(bad: float, good: float, more: float) -> None:
    before = judge([Evidence(-bad, 0, 1, "none"), Evidence(good, 0, 1, "none")], ())
    worse = judge([Evidence(-bad - more, 0, 1, "none"), Evidence(good, 0, 1, "none")], ())
    better = judge([Evidence(-bad, 0, 1, "none"), Evidence(good + more, 0, 1, "none")], ())
    assert worse.negative >= before.negative - 1e-12
    assert worse.positive <= before.positive + 1e-12
    assert better.positive >= before.positive - 1e-12
    assert better.negative <= before.negative + 1e-12


_PIECES = st.sampled_from(
    [
        "fraud",
        "not",
        "up",
        "%",
        "-5%",
        "$ABCD",
        ",",
        ". ",
        "but",
        "利好",
        "不",
        "跌",
        "🚀",
        " ",
        "costs",
        "cut",
        "of",
        "\n",
        "A",
        "sues",
    ]
)


@settings(max_examples=300)
@given(
    st.one_of(st.text(max_size=80), st.lists(_PIECES, max_size=25).map(" ".join)),
    st.one_of(st.just(""), st.text(max_size=4), _PIECES),
    st.sampled_from([None, "", "en", "zh-Hant", "ja", "??"]),
)
def test_any_text_gets_probabilities_and_bounded_cues(text: str, target: str, lang: str | None) -> None:
    found = score(text, target, lang)
    parts = (found.negative, found.neutral, found.positive)
    assert all(0.0 < part < 1.0 for part in parts)
    assert math.isclose(sum(parts), 1.0, abs_tol=1e-9)
    assert found.risk in RISKS
    assert len(found.cues) <= 5
    assert all(cue and len(cue) <= 60 for cue in found.cues)


def test_answer_does_not_depend_on_the_batch_or_on_what_was_read_before() -> None:
    texts = ["Fraud at Hexley", "shares up 5%", "", "跌停", "Hexley denies fraud", "unheardofword fraud"] * 20
    pairs = [Pair(text, "Hexley", None) for text in texts]
    alone = [LexiconScorer().score([pair])[0] for pair in pairs[:6]] * 20
    shuffled = list(range(len(pairs)))
    random.Random(7).shuffle(shuffled)
    together = SCORER.score([pairs[index] for index in shuffled])
    assert [alone[index] for index in shuffled] == together


def test_name_tells_the_data_apart_and_is_the_same_each_time() -> None:
    prefix, _, digest = SCORER.name.partition("-")
    assert prefix == "lexicon"
    assert len(digest) == 8
    assert int(digest, 16) >= 0
    assert LexiconScorer().name == SCORER.name


def test_neutral_scorer_says_neutral_to_everything() -> None:
    scorer: PairScorer = NeutralScorer()
    answers = scorer.score([Pair("Fraud at Hexley", "", None), Pair("", "", None)])
    assert [answer.neutral > 0.9 for answer in answers] == [True, True]
    assert all(answer.risk == "none" and answer.cues == () for answer in answers)
    assert scorer.score([]) == []
