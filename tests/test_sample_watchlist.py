"""The sample watchlist of listed companies: it loads, nobody claims another's name, and plain words stay words."""

import functools
from pathlib import Path

import pytest

from monitor.cli import main
from monitor.domain.topics import TopicKind
from monitor.operators.aliases import AmbiguityReason, ambiguity_report, build_aliases, pattern_of
from monitor.operators.tag import Tagger
from monitor.operators.tickers import read_ticker
from monitor.watchlist import Watchlist, load_watchlist

PATH = Path(__file__).parents[1] / "deploy" / "watchlist.companies.csv"


@functools.cache
def watchlist() -> Watchlist:
    return load_watchlist(PATH)


@functools.cache
def tagger() -> Tagger:
    return Tagger(watchlist().topics)


def named(text: str) -> set[str]:
    return {mention.topic_id for mention in tagger().find(text)}


def test_it_is_judged_good_by_the_command_that_users_are_told_to_use(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "monitor.yaml"
    config.write_text(f"watchlist: {{path: {PATH}}}\n")
    assert main(["check-config", str(config)]) == 0
    shown = capsys.readouterr()
    assert f"{len(watchlist().topics)} topics" in shown.out
    assert "warning" not in shown.out + shown.err


def test_it_holds_companies_of_many_markets_and_some_sectors_and_themes() -> None:
    kinds = [topic.kind for topic in watchlist().topics]
    assert kinds.count(TopicKind.COMPANY) >= 120
    assert min(kinds.count(TopicKind.SECTOR), kinds.count(TopicKind.THEME)) >= 5
    markets = {read_ticker(ticker)[1] for topic in watchlist().topics for ticker in topic.tickers}
    assert {"HK", "SH", "SZ", "L", "DE", "PA", "SW", "T", "TW", "KS"} <= markets


def test_no_name_and_no_ticker_is_claimed_twice() -> None:
    shared = {AmbiguityReason.SHARED, AmbiguityReason.SHARED_TICKER}
    assert [str(each) for each in ambiguity_report(watchlist().topics) if shared.intersection(each.reasons)] == []


def test_only_known_words_need_a_second_cue() -> None:
    """A new alias that is an ordinary word is added here on purpose, or not at all."""
    words = {alias.form for alias in build_aliases(watchlist().topics) if AmbiguityReason.COMMON_WORD in alias.reasons}
    assert words == {
        "Apple", "Ford", "Meta", "Shell", "Target", "Visa",
        "亚马逊", "壳牌", "小米", "甲骨文", "百度", "福特", "网易", "联想", "苹果",
    }  # fmt: skip


def test_every_company_is_known_in_both_languages_but_few() -> None:
    lacking = [t.id for t in watchlist().topics if t.kind is TopicKind.COMPANY and not t.aliases_zh]
    assert lacking == ["PLTR"]
    assert [topic.id for topic in watchlist().topics if not (topic.aliases_en or topic.name.isascii())] == []


def test_every_exclude_phrase_stands_apart_from_the_names_themselves() -> None:
    """A phrase that equals a name would silence the company altogether."""
    for topic in watchlist().topics:
        names = {pattern_of(form) for form in (topic.name, *topic.aliases_en, *topic.aliases_zh)}
        assert not names.intersection(map(pattern_of, topic.exclude)), topic.id


@pytest.mark.parametrize(
    ("text", "topics"),
    [
        ("Apple shares fell 4 percent after the company cut its forecast", {"AAPL"}),
        ("Regulators fined Amazon over its returns policy", {"AMZN"}),
        ("Visa's quarterly profit beat estimates", {"V"}),
        ("The retailer Target warned of weak sales", {"TGT"}),
        ("Oracle reported a data breach", {"ORCL", "cyber-attacks"}),
        ("Shell plc to cut a fifth of its exploration staff", {"SHEL"}),
        ("Intel delays its new plant", {"INTC"}),
        ("Ford recalls 40,000 pickups over brakes", {"F"}),
        ("Tesla and BYD cut prices again", {"TSLA", "BYD"}),
        ("Société Générale and SocGen are one bank", {"GLE"}),
        ("Societe Generale names a new chief", {"GLE"}),
        ("JP Morgan downgrades Nestle, UBS disagrees", {"JPM", "NESN", "UBS"}),
        ("Samsung Electronics and SK Hynix lead chip stocks lower", {"005930.KS", "000660.KS", "semiconductors"}),
        ("Depositors leave regional banks after talk of a bank run", {"us-regional-banks", "bank-runs"}),
        ("$SHEL and $BP jump", {"SHEL", "BP"}),
        ("Traders sold $JD and $BABA", {"JD", "BABA"}),
        ("TSMC (TPE: 2330) halts a line", {"TSM"}),
        ("Toyota Motor suspends shipments", {"7203.T"}),
        ("苹果公司被罚款", {"AAPL"}),
        ("苹果股价大跌，分析师下调评级", {"AAPL"}),
        ("蘋果公司面臨反壟斷訴訟", {"AAPL"}),
        ("小米集团回应汽车召回传闻", {"1810.HK"}),
        ("京东与美团争夺外卖市场", {"JD", "3690.HK"}),
        ("中国银行年报显示不良率上升", {"BOC"}),
        ("工商银行、建设银行下调存款利率", {"ICBC", "CCB"}),
        ("腾讯控股（00700.HK）遭大股东减持", {"0700.HK"}),
        ("贵州茅台（600519）股价创两年新低", {"600519.SH"}),
        ("台积电暂停扩产，联发科跟进", {"TSM", "2454.TW"}),
        ("滙豐控股宣布裁員", {"HSBC"}),
        ("碧桂园与万科债券大跌，房企再陷流动性担忧", {"2007.HK", "VANKE", "cn-property"}),
        ("特斯拉召回一万辆汽车", {"TSLA"}),
        ("降息预期升温，油价回落", {"rate-cuts", "oil"}),
    ],
)
def test_a_company_in_the_news_is_found(text: str, topics: set[str]) -> None:
    assert named(text) == topics


@pytest.mark.parametrize(
    "text",
    [
        "An apple pie recipe for Sunday",
        "Apple pie sales rise at the village bakery",
        "A weekend in the Big Apple",
        "Fires in the Amazon rainforest reach a record",
        "Visa requirements for students were relaxed",
        "The ministry suspends the visa waiver for tourists",
        "Analysts raised the price target to 40 dollars",
        "The central bank missed its inflation target",
        "A shell company hid the profits",
        "Artillery shell output doubles",
        "Intel officials briefed the committee",
        "Harrison Ford returns to the screen",
        "A meta-analysis of forty trials",
        "The Oracle of Omaha speaks on Saturday",
        "Nikola Tesla was born in Smiljan",
        "A beach house in Santander province",
        "Bayer Leverkusen lost the final at the Allianz Arena",
        "JD Vance visits the plant",
        "The fine is NOK 5 million",
        "RIO DE JANEIRO - rain stopped the parade",
        "The NMR team moves to another office",
        "She posted the picture on Facebook",
        "SAN FRANCISCO - the ads were pulled and STAN left",
        "Palm oil prices climb",
        "Patients with wet AMD lose sight",
        "The People's Bank of China fixed the rate",
        "苹果 12 元一斤，比去年便宜",
        "苹果汁出口下降",
        "红富士苹果丰收",
        "亚马逊雨林大火持续",
        "小米粥养胃",
        "殷墟甲骨文字展出",
        "京东方发布新面板",
        "中国银行业总资产增长",
        "欧美银行加息",
        "航空客运恢复",
        "加强生产安全检查",
        "公司努力拓展海外市场",
        "建筑施工行业低迷",
        "最大摩擦力的测定",
        "李小鹏出席会议",
        "由此引发联想",
        "三星堆出土新文物",
        "茅台镇游客增多",
        "高通胀拖累消费",
        "投入一千万科研经费",
    ],
)
def test_plain_words_are_no_news_about_a_company(text: str) -> None:
    assert named(text) == set()
