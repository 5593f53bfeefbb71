"""Signatures: copies in every disguise agree, other words about the same event do not, and a batch changes nothing."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.operators.signature import SHINGLE_SPACED, normalise, signatures, similarity

COPY = 0.6
"""The default of `trend.story_similarity`."""

HEADLINE = "Halden Bank halts withdrawals at eleven branches after depositors queue through the night"
REPORT = (
    "Korvane Chips said on Tuesday it will stop two production lines in Orsmund after inspectors found cracked wafers "
    "in a shipment for Tessaly Motors. The company expects a charge of 40 million crowns and has told its insurers."
)
CHINESE = "北风食品周二宣布召回三万箱冷冻水饺，原因是质检人员在两条生产线上发现金属碎屑，公司股价午后一度下跌百分之九"

COPIES = {
    "case and punctuation": (HEADLINE, HEADLINE.upper().replace(" AFTER", ", AFTER") + "!!!"),
    "full width": (HEADLINE, HEADLINE.replace("Halden Bank", "Ｈａｌｄｅｎ　Ｂａｎｋ")),
    "typographic quotes": (HEADLINE + ", it's said", HEADLINE + ", it’s said"),
    "retweet": (HEADLINE, f"RT @harbourdesk: {HEADLINE}"),
    "retweet of a retweet": (HEADLINE, f"RT @tin_kettle: RT @harbourdesk: {HEADLINE}"),
    "retweet that was cut": (HEADLINE, f"RT @harbourdesk: {HEADLINE[:74]}…"),
    "named at the end": (HEADLINE, f"{HEADLINE} via @harbourdesk"),
    "with a link": (HEADLINE, f"{HEADLINE} https://harbour.example/a1?ref=7 www.harbour.example/a1"),
    "syndicated": (REPORT, f"ORSMUND, March 3 (Harbour Wire) - {REPORT} Read more on our site."),
    "a number was corrected": (REPORT, REPORT.replace("40 million", "45 million")),
    "an editor's touch": (HEADLINE, HEADLINE.replace("eleven", "twelve")),
    "Chinese retweet": (CHINESE, f"RT @东港财经: {CHINESE}"),
    "Chinese with a mark in front": (CHINESE, f"【快讯】{CHINESE}。"),
    "Chinese, a number was corrected": (CHINESE, CHINESE.replace("三万箱", "五万箱")),
    "Chinese, lightly edited": (CHINESE, CHINESE.replace("午后一度下跌", "午后下跌").replace("，公司", "；公司")),
}

STRANGERS = {
    "two reports of one event": (
        HEADLINE,
        "Customers of the lender Halden wait in vain for their money as counters stay closed in several towns",
    ),
    "two reports of one recall": (
        REPORT,
        "Broken wafers force Korvane to idle part of its Orsmund plant; carmaker Tessaly was to receive the chips, "
        "people close to the matter say, and a write-down looms.",
    ),
    "two Chinese reports of one event": (CHINESE, "水饺里吃出金属？北风食品紧急下架涉事批次，监管部门已派人进厂调查"),
    "two companies in one market report": (
        "Tessaly Motors ends the week lower as car makers lose ground on weak orders from overseas",
        "Korvane Chips ends the day higher, its fourth gain, helped by a new contract with a phone maker",
    ),
    "English and Chinese": (HEADLINE, CHINESE),
}


def pair_similarity(a: str, b: str) -> float:
    first, second = signatures([a, b])
    return similarity(first, second)


@pytest.mark.parametrize(("original", "copy"), COPIES.values(), ids=COPIES)
def test_copy_in_disguise_agrees_with_its_original(original: str, copy: str) -> None:
    assert pair_similarity(original, copy) >= COPY


@pytest.mark.parametrize(("one", "other"), STRANGERS.values(), ids=STRANGERS)
def test_other_words_about_the_same_event_do_not_agree(one: str, other: str) -> None:
    assert pair_similarity(one, other) < COPY / 2


def test_text_that_is_too_short_to_compare_by_parts_agrees_only_with_itself() -> None:
    assert pair_similarity("Halden down", "HALDEN DOWN!") == 1.0
    assert pair_similarity("Halden down", "Halden up") == 0.0
    assert pair_similarity("停牌", "复牌") == 0.0


@pytest.mark.parametrize("text", ["", "  ", "?!…", "https://harbour.example/x", "@harbourdesk", "RT @harbourdesk:"])
def test_text_of_nothing_has_no_signature_and_agrees_with_nothing(text: str) -> None:
    assert signatures([text]) == [b""]
    assert pair_similarity(text, text) == 0.0
    assert pair_similarity(text, HEADLINE) == 0.0


def test_what_follows_the_first_two_thousand_characters_is_not_compared() -> None:
    body = " ".join(f"word{number}" for number in range(400))
    assert pair_similarity(body, body[:2_000] + " and some legal text of another vendor" * 20) == 1.0


def test_links_mentions_case_and_width_are_no_part_of_what_is_said() -> None:
    assert normalise("RT @x_9: ＡＢＣ rises — 5%! http://h.example/1") == "abc rises 5"
    assert normalise("see www.h.example/abc, RT who?") == "see rt who"


@given(texts=st.lists(st.text(max_size=80), min_size=1, max_size=8), batch=st.randoms(use_true_random=False))
def test_signature_depends_on_nothing_but_its_own_text(texts: list[str], batch: random.Random) -> None:
    mixed = [*texts, HEADLINE, CHINESE]
    batch.shuffle(mixed)
    found = signatures(mixed)
    assert found == [signatures([text])[0] for text in mixed]
    assert {len(signature) for signature in found} <= {0, 64}


def test_signature_is_the_same_on_every_machine() -> None:
    """It travels with scored documents and lies in snapshots: another value is another format."""
    english, chinese, short = signatures([HEADLINE, CHINESE, "Halden down"])
    assert english[:8].hex() == "6bdd3066504bd3c4"
    assert chinese[:8].hex() == "a6230d9ac2ac80e0"
    assert short[:8].hex() == "847b3358e13a571d"


@settings(max_examples=30)
@given(kept=st.integers(0, 60), seed=st.integers(0, 10_000))
def test_similarity_estimates_the_share_of_common_shingles(kept: int, seed: int) -> None:
    """Against the exact Jaccard of the shingle sets; four standard errors of 32 slots are 0.35."""
    rng = random.Random(seed)
    words = ["".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=rng.randrange(3, 9))) for _ in range(120)]
    one, other = " ".join(words[:60]), " ".join(words[:kept] + words[60 : 120 - kept])
    assert abs(pair_similarity(one, other) - jaccard(one, other)) < 0.36


def test_estimates_are_right_on_average() -> None:
    rng = random.Random(5)
    errors = []
    for _ in range(60):
        words = ["".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=6)) for _ in range(60)]
        one, other = " ".join(words[:40]), " ".join(words[:30] + words[50:])
        errors.append(pair_similarity(one, other) - jaccard(one, other))
    assert abs(sum(errors) / len(errors)) < 0.04


def jaccard(a: str, b: str) -> float:
    """Common shingles of five characters, as a share of all of both."""
    first, second = (
        {text[start : start + SHINGLE_SPACED] for start in range(len(text) - SHINGLE_SPACED + 1)} for text in (a, b)
    )
    return len(first & second) / len(first | second)
