"""RoutedScorer: the script of a text decides who answers. All companies are invented."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.labels import CUT, NO_RISK, UNSUPPORTED_TARGET, UNTRAINED_LANGUAGE
from models.routed import RoutedScorer, language_of
from models.scorer import Judgement, Pair


class Fake:
    """Answers with its own name as the cue, and the marks that it was given."""

    def __init__(self, name: str, *marks: str) -> None:
        self.name = name
        self.marks = marks
        self.calls: list[list[Pair]] = []

    def score(self, pairs: Sequence[Pair]) -> list[Judgement]:
        self.calls.append([*pairs])
        return [Judgement(0.2, 0.6, 0.2, NO_RISK, (self.name, pair.text), self.marks) for pair in pairs]


@pytest.mark.parametrize(
    ("text", "lang", "language"),
    [
        ("Hexley shares fall", None, "en"),
        ("Hexley shares fall", "en-GB", "en"),
        ("Hexley shares fall", "zh", "en"),
        ("Hexley shares fall", "und", "en"),
        ("HEXLEY １２ ＴＶ", None, "en"),
        ("Hexley (海棠股份) reports a record quarter in phones", None, "en"),
        ("海棠股份业绩预亏", None, "zh"),
        ("海棠股份業績預虧", None, "zh"),
        ("海棠股份业绩预亏", "en", "zh"),
        ("海棠股份业绩预亏", "zh_CN", "zh"),
        ("海棠发布 HexPhone 15 Pro Max", None, "zh"),
        ("$HXLY 利好", None, "zh"),
        ("优の良品在上海和北京的门店今天同时宣布全部关闭，拖欠工资三个月", None, "zh"),
        ("𠮷野家停业", None, "zh"),
        ("ヘクスリー、業績を下方修正", None, "other"),
        ("日経平均、続落　終値は前日比三百円安", None, "other"),
        ("日経平均続落", "ja", "ja"),
        ("헥슬리 주가 급락", None, "other"),
        ("헥슬리 주가 급락", "ko-KR", "ko"),
        ("Акции Хексли упали", None, "other"),
        ("Акции Хексли упали", "ru", "ru"),
        ("Акции Хексли упали", "en", "other"),
        ("أسهم هكسلي تهبط", None, "other"),
        ("מניות הקסלי צונחות", None, "other"),
        ("หุ้นเฮกซ์ลีย์ร่วง", None, "other"),
        ("Die Aktie von Hexley fällt", "de", "de"),
        ("L'action Hexley s'écroule", "FR_fr", "fr"),
        ("Hexley: акции упали на бирже", None, "other"),
        ("", None, "en"),
        ("🚀🚀 123 %", None, "en"),
        ("🚀🚀 123 %", "de", "en"),
        ("\ud800\u202e", None, "en"),
    ],
)
def test_language_follows_the_script_and_where_that_is_open_the_tag(text: str, lang: str | None, language: str) -> None:
    assert language_of(text, lang) == language


@given(st.text(), st.one_of(st.none(), st.text(max_size=5)))
def test_any_text_and_any_tag_have_a_language(text: str, lang: str | None) -> None:
    assert language_of(text, lang)


def test_each_text_goes_to_the_scorer_of_its_language_in_one_call_and_answers_come_back_in_order() -> None:
    english, chinese = Fake("en-1"), Fake("zh-1")
    pairs = [Pair(text, "", None) for text in ("one", "二", "three", "四", "пять", "six")]
    found = RoutedScorer({"en": english, "zh": chinese}, "en").score(pairs)
    assert [one.cues for one in found] == [
        ("en-1", "one"),
        ("zh-1", "二"),
        ("en-1", "three"),
        ("zh-1", "四"),
        ("en-1", "пять"),
        ("en-1", "six"),
    ]
    assert [one.marks for one in found] == [(), (), (), (), (UNTRAINED_LANGUAGE,), ()]
    assert (len(english.calls), len(chinese.calls)) == (1, 1)


def test_scorer_without_texts_is_not_asked() -> None:
    english, chinese = Fake("en-1"), Fake("zh-1")
    scorer = RoutedScorer({"en": english, "zh": chinese}, "en")
    assert scorer.score([]) == []
    scorer.score([Pair("one", "", None)])
    assert (len(english.calls), len(chinese.calls)) == (1, 0)


def test_mark_of_the_language_is_added_to_those_of_the_scorer_in_their_order() -> None:
    [found] = RoutedScorer({"en": Fake("en-1", UNSUPPORTED_TARGET, CUT)}, "en").score([Pair("пять", "", None)])
    assert found.marks == (UNSUPPORTED_TARGET, UNTRAINED_LANGUAGE, CUT)


def test_english_is_untrained_for_a_scorer_of_chinese_alone() -> None:
    scorer = RoutedScorer({"zh": Fake("zh-1")}, "zh")
    english, chinese = scorer.score([Pair("one", "", None), Pair("二", "", None)])
    assert (english.cues[0], english.marks) == ("zh-1", (UNTRAINED_LANGUAGE,))
    assert chinese.marks == ()


def test_language_with_a_scorer_of_its_own_is_not_marked() -> None:
    german = Fake("de-1")
    [found] = RoutedScorer({"en": Fake("en-1"), "de": german}, "en").score([Pair("Aktie fällt", "", "de-AT")])
    assert (found.cues[0], found.marks) == ("de-1", ())


def test_name_holds_each_scorer_once_the_default_first() -> None:
    english, chinese = Fake("en-1"), Fake("zh-1")
    assert RoutedScorer({"zh": chinese, "en": english}, "en").name == "en-1+zh-1"
    assert RoutedScorer({"en": english, "zh": english}, "en").name == "en-1"


def test_default_must_be_one_of_the_scorers() -> None:
    with pytest.raises(ValueError, match="the default 'en' is none of zh"):
        RoutedScorer({"zh": Fake("zh-1")}, "en")


class Network(Fake):
    """One that runs a network and remembers."""

    def __init__(self, name: str, backend: str) -> None:
        super().__init__(name)
        self.backend = backend
        self.forgot = 0

    def forget(self) -> None:
        self.forgot += 1


@pytest.mark.parametrize(("backends", "told"), [(("a-int8", "a-int8"), "a-int8"), (("a", "b"), "a+b")])
def test_what_runs_the_networks_is_named_once(backends: tuple[str, str], told: str) -> None:
    english, chinese = (Network("n", one) for one in backends)
    assert RoutedScorer({"en": english, "zh": chinese}, "en").backend == told


def test_word_lists_run_no_network() -> None:
    assert RoutedScorer({"en": Fake("en-1")}, "en").backend == ""


def test_all_that_remember_forget() -> None:
    network = Network("zh-1", "a")
    RoutedScorer({"en": Fake("en-1"), "zh": network}, "en").forget()
    assert network.forgot == 1
