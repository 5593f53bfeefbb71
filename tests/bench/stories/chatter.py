"""Chatter: what is said of companies on any day, in three tones. The shapes are those of `incidents_english.py`.

Bad chatter is mild (a soft quarter, a late parcel, a red candle), and neutral chatter holds gloomy words that mean
nothing bad ("no layoffs planned"), because a real feed is full of both.
"""

from enum import StrEnum


class Tone(StrEnum):
    """How somebody speaks of a company."""

    GOOD = "good"
    BAD = "bad"
    NEUTRAL = "neutral"


NEWS_ENGLISH: dict[Tone, tuple[str, ...]] = {
    Tone.GOOD: (
        "{n} beats forecasts as orders pick up | Revenue rose {pct}% in the quarter, helped by {prod}.",
        "{n} wins contract in {city} | The deal is worth {m} over four years.",
        "{n} lifts dividend | It is the seventh increase in a row.",
        "Broker upgrades {n} to buy | The analysts see {pct}% upside and praise the cost discipline.",
        "{n} opens new site, hires {k} | Local politicians welcomed the investment.",
        "{n} shares gain on takeover interest | A bid could come at a hefty premium.",
        "{n} trial data impress doctors | Results were better than hoped for, the investigators said.",
        "{n} completes integration ahead of plan | Savings will be {m} a year.",
        "Credit rating of {n} raised a notch | The agency pointed to lower debt.",
    ),
    Tone.BAD: (
        "{n} sees softer demand in second half | Volumes dipped {pct}% and the company is cautious.",
        "{n} trims hiring plans | A spokesman said the market had become more difficult.",
        "Analyst lowers {n} target slightly | The note mentions pressure on margins.",
        "{n} delays launch of {prod} to next year | The company wants to run more checks.",
        "{n} shares ease on profit taking | The stock slipped {pct}% in thin trade.",
        "Customers complain about {n} price rises | A consumer forum counted hundreds of posts.",
        "{n} loses minor patent case | The ruling has little effect on sales.",
        "{n} to close {city} office | Some forty jobs are affected.",
    ),
    Tone.NEUTRAL: (
        "{n} names {boss} head of marketing | The appointment takes effect on the first of the month.",
        "{n} publishes sustainability report | It covers energy, water and staff.",
        "{n} to report third-quarter figures on {day} | A conference call will follow at nine.",
        "{n} sponsors {city} marathon | The race has {k} runners.",
        "Interview: {boss} of {n} on the next ten years | We talked about people, machines and patience.",
        "{n} denies plan to cut jobs | No layoffs are planned, a spokeswoman said.",
        "{n} unveils updated {prod} | Prices start where those of the old model did.",
        "{n} completes annual fire drill at {city} site | Two hundred took part.",
        "{n} issues bond as part of regular funding | The coupon is in line with peers.",
        "{n} holds cyber security conference | Speakers discussed how to prevent attacks.",
        "How {n} is organised | A short guide to its divisions in {city} and abroad.",
        "{n} director buys and sells shares under plan | The filing lists {k} shares.",
    ),
}  # fmt: skip

POSTS_ENGLISH: dict[Tone, tuple[str, ...]] = {
    Tone.GOOD: (
        "{x} looking strong into the close",
        "added more {x} this morning",
        "{x} beat, nice",
        "love what {x} is doing with {prod}",
        "{x} is my favourite in {trade}",
        "green day, {x} +{pct}%",
        "{x} dividends paying my rent lol",
        "upgrade for {x}, about time",
        "{x} breaking out",
        "great service from {x} today honestly",
        "calls on {x}",
        "{x} management delivers every quarter",
        "bullish {x}",
    ),
    Tone.BAD: (
        "{x} red again",
        "{x} -{pct}% meh",
        "not loving the {x} numbers",
        "{x} app is so slow today",
        "trimmed {x}, looks tired",
        "{x} customer service could be better tbh",
        "puts on {x} for the week",
        "{x} overpriced at these levels",
        "{x} failing at resistance again",
        "why is {x} dropping",
        "{x} parcel late again",
        "bearish on {x} short term",
    ),
    Tone.NEUTRAL: (
        "anyone following {x}?",
        "watching {x} today",
        "{x} earnings next week, what's everyone expecting",
        "{x} at the moving average",
        "who knows when {x} pays",
        "thoughts on {x}?",
        "{x} options expiring friday",
        "{x} vs its peers in {trade}, thread",
        "still holding {x}, no plan",
        "is {x} a bank or what do they do",
        "{x} volume {k} so far",
        "walked past the {x} building in {city}",
        "{x} conference today, notes later",
        "what's the bear case for {x}?",
        "new {prod} from {x}, have not tried it",
        "rumor about {x}? can't find anything",
    ),
}

NEWS_CHINESE: dict[Tone, tuple[str, ...]] = {
    Tone.GOOD: (
        "{n}前三季度净利润同比增长{pct}% | 公司表示主营产品销量稳步提升。",
        "{n}中标{m}项目 | 该项目位于{city}，预计明年交付。",
        "{n}获机构上调评级 | 研报认为其盈利能力持续改善。",
        "{n}新产线投产 | 达产后产能将提升三成。",
        "{n}拟每十股派现五元 | 分红比例创新高。",
        "{n}与高校共建实验室 | 双方将在{prod}方面深化合作。",
    ),
    Tone.BAD: (
        "{n}三季度营收略低于预期 | 需求偏弱，毛利率小幅下滑。",
        "{n}股价回落 | 获利盘了结，全天跌{pct}%。",
        "{n}股东拟减持不超过1%股份 | 原因为个人资金需求。",
        "{n}新品延期上市 | 公司称仍在优化细节。",
        "{n}被投诉发货慢 | 有消费者反映等待超过两周。",
    ),
    Tone.NEUTRAL: (
        "{n}召开临时股东大会 | 会议审议通过三项议案。",
        "{n}聘任{boss}为副总经理 | 任期至本届董事会届满。",
        "{n}发布{prod}新版本 | 售价与上一代持平。",
        "{n}接待{pct}家机构调研 | 公司介绍了生产经营情况。",
        "{n}澄清裁员传闻 | 公司称目前没有相关计划，经营正常。",
        "{n}将于{day}披露季报 | 业绩说明会随后举行。",
        "{n}开展消防安全演练 | 两百余名员工参加。",
        "{n}完成董事会换届 | 新一届成员共九人。",
    ),
}

POSTS_CHINESE: dict[Tone, tuple[str, ...]] = {
    Tone.GOOD: (
        "{x}今天走得不错",
        "加仓{x}了",
        "{x}红盘收，舒服",
        "看好{x}，长期拿着",
        "{x}业绩可以啊",
        "{x}要突破了",
        "{x}涨{pct}个点，开心",
        "支持{x}，国货之光",
        "{x}龙头稳",
    ),
    Tone.BAD: (
        "{x}又绿了",
        "{x}怎么老跌",
        "{x}磨人，不想拿了",
        "减了点{x}",
        "{x}今天弱",
        "{x}套了半年",
        "{x}客服态度一般",
        "{x}跌{pct}个点，无语",
        "{x}快递慢死了",
    ),
    Tone.NEUTRAL: (
        "{x}怎么看？",
        "有人拿{x}吗",
        "{x}什么时候出季报",
        "{x}今天缩量",
        "{x}横着",
        "蹲一个{x}的消息",
        "{x}成本{pct}，问问大家",
        "{x}在{city}的门店搬了",
        "{x}筹码怎么样",
        "观察{x}",
        "{x}的{prod}有人用过吗",
        "求{x}研报",
        "{x}换手{pct}%",
    ),
}

LEADS_ENGLISH = ("", "", "", "", "", "hm. ", "ok so ", "morning all, ", "fwiw ", "imho ", "update: ", "fyi ", "not advice but ")
TAILS_ENGLISH = ("", "", "", "", "", "", " #stocks", " #investing", " anyone?", " we'll see", " ...", " 👀", " just my view", " idk")
LEADS_CHINESE = ("", "", "", "", "", "说说", "大家好，", "弱弱地说，", "收盘了，", "盘中：", "个人看法：", "今天")
TAILS_CHINESE = ("", "", "", "", "", "", "。", "……", "，仅供参考", "，大家怎么看", "[捂脸]", "，先这样", "，晚安")
"""What people put before and after a post; mostly nothing."""

CONTEXT_ENGLISH: tuple[str, ...] = (
    "{N} is based in {city} and employs {k} people.",
    "A spokesperson did not immediately reply to a request for comment.",
    "The stock has moved broadly in line with the market this year.",
    "The company is due to publish its next figures in the coming weeks.",
    "Peers in {trade} traded little changed.",
    "{s} was founded forty years ago and listed in {city}.",
)
CONTEXT_CHINESE: tuple[str, ...] = (
    "{n}总部位于{city}，现有员工{k}人。",
    "截至发稿，公司未就此作出进一步回应。",
    "资料显示，公司主营{trade}业务。",
    "本报记者将持续关注。",
    "该股今年以来走势与大盘基本一致。",
)
"""What reporters fill a page with."""
