"""A few sentences about which nobody can be in doubt, and what a model must not say of them.

A checkpoint whose labels stand in another order, or belong to another task, answers with as much confidence as a right
one. So each is asked these before it is used. It is no measure of quality: `python -m models.evaluate` is.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import permutations
from typing import Final

from models.checkpoint import CheckpointError
from models.labels import LABELS, NEGATIVE, NEUTRAL, POSITIVE
from models.scorer import Judgement, Pair, PairScorer

SENTENCES: Final[Mapping[str, tuple[tuple[str, ...], ...]]] = {
    "en": (
        (
            "Harrowgate Retail files for bankruptcy after losses mount",
            "Pelmont Bank collapses as depositors lose their savings",
            "Executives of Castlemere Energy arrested for fraud",
            "Shares of Dovedale Pharma plunge 60% after its drug kills patients",
            "Elmsworth Motors warns of a huge loss and cuts 9,000 jobs",
            "Fentham Chemicals defaults on its debt",
        ),
        (
            "The annual meeting of Harrowgate Retail takes place on 12 May in Leeds",
            "Pelmont Bank has its head office in Bristol",
            "Castlemere Energy publishes its calendar of events",
            "Dovedale Pharma will present at a conference on Tuesday",
            "Elmsworth Motors was founded in 1921",
            "Fentham Chemicals moves its archive to another building",
        ),
        (
            "Harrowgate Retail doubles its profit and raises its dividend",
            "Pelmont Bank beats expectations with record earnings",
            "Castlemere Energy wins a contract worth $2 billion, shares soar",
            "Shares of Dovedale Pharma jump 40% after its drug is approved",
            "Elmsworth Motors reports strong growth and lifts its outlook",
            "Fentham Chemicals upgraded to buy after an excellent quarter",
        ),
    ),
    "zh": (
        (
            "禾裕零售资不抵债，申请破产",
            "沛蒙银行倒闭，储户损失惨重",
            "澄岭能源高管因财务造假被捕",
            "鹤溪医药股价暴跌60%，新药致人死亡",
            "榆川汽车巨额亏损，裁员九千人",
            "枫塘化工债券违约",
        ),
        (
            "禾裕零售将于5月12日召开年度股东大会",
            "沛蒙银行总部位于南京",
            "澄岭能源公布投资者活动日程",
            "鹤溪医药周二将参加一场行业会议",
            "榆川汽车成立于1921年",
            "枫塘化工档案室搬迁",
        ),
        (
            "禾裕零售净利润翻倍，提高分红",
            "沛蒙银行业绩大超预期，利润创新高",
            "澄岭能源中标百亿元大单，股价涨停",
            "鹤溪医药新药获批，股价大涨40%",
            "榆川汽车业绩大幅增长，上调全年目标",
            "枫塘化工业绩优异，获上调评级至买入",
        ),
    ),
}
"""By language: disasters, plain facts and good news, in label order. No company of this name exists."""

_ORDERS = tuple(permutations(range(len(LABELS))))
_AS_WRITTEN = _ORDERS[0]
_FITS = 0.75
"""Share of the sentences from which another order of the labels explains the answers. By chance, with answers that have
nothing to do with the sentences, this is next to impossible; a model with swapped labels is usually above 0.85."""


def check_plain(scorer: PairScorer, languages: Sequence[str] = ()) -> None:
    """Ask about plain disasters, facts and good news in each of the languages; only `en` and `zh` have any.

    Without languages, where nobody knows which a model reads, only that counts in which it makes the most sense.
    Raises: CheckpointError: it calls most disasters positive or most good news negative, or another order of the labels
        fits what it says.
    """
    tables = {tag: table for tag in languages or SENTENCES if (table := _ask(scorer, tag)) is not None}
    if not languages:
        tables = dict([max(tables.items(), key=lambda one: _best(one[1])[0])])
    for table in tables.values():
        _judge(scorer.name, table)


Table = tuple[tuple[int, ...], ...]
"""How many sentences of a label (row) got which label (column)."""


def _ask(scorer: PairScorer, tag: str) -> Table | None:
    groups = SENTENCES.get(tag.partition("-")[0].lower())
    if groups is None:
        return None
    rows: list[tuple[int, ...]] = []
    for group in groups:
        answers = [_label(found) for found in scorer.score([Pair(text, "", tag) for text in group])]
        rows.append(tuple(answers.count(label) for label in range(len(LABELS))))
    return tuple(rows)


def _label(found: Judgement) -> int:
    """The likeliest label; what is no number is none."""
    parts = (found.negative, found.neutral, found.positive)
    return max((NEUTRAL, NEGATIVE, POSITIVE), key=lambda label: parts[label])


def _best(table: Table) -> tuple[int, tuple[int, ...]]:
    """How many answers are right if the labels are read in the best of all orders, and that order."""
    return max((sum(table[row][order[row]] for row in range(len(LABELS))), order) for order in _ORDERS)


def _judge(name: str, table: Table) -> None:
    total = sum(map(sum, table))
    right, order = _best(table)
    faults = list(_faults(table))
    if order != _AS_WRITTEN and right >= _FITS * total:
        meant = ", ".join(LABELS[order.index(label)] for label in range(len(LABELS)))
        faults = [f"its answers make sense only if its labels are read as {meant}"]
    if faults:
        raise CheckpointError(
            f"{name} is no sentiment model, or its labels stand in the wrong order: {' and '.join(faults)}; correct "
            "the label map (id2label in config.json), or use another checkpoint"
        )


def _faults(table: Table) -> Iterator[str]:
    for group, wrong, words in (
        (NEGATIVE, POSITIVE, "plain disasters positive"),
        (POSITIVE, NEGATIVE, "plain pieces of good news negative"),
    ):
        count, of = table[group][wrong], sum(table[group])
        if count > of / 2:
            yield f"it calls {count} of {of} {words}"
