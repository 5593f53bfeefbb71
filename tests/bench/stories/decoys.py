"""What the decoys say: good news and neutral talk of an incident's size, one text that everybody copies, one angry
author, and gloomy lists of names. The shapes are those of `incidents_english.py`.
"""

GOOD_ENGLISH: tuple[str, ...] = (
    "{n} wins {m} order | The contract is the largest in the company's history and secures work in {city} for five years.",
    "{n} raises guidance after blowout quarter | Sales grew {pct}% and margins beat every estimate, {N} said.",
    "{n} to buy back {m} of stock | The board also lifted the dividend by a fifth.",
    "Brokers lift targets on {n} | Analysts called the update outstanding and see more upside.",
    "{n} partners with global leader on {prod} | Investors cheered the deal, which opens a new market.",
    "{n} named supplier of the year | The award crowns a remarkable turnaround, said {boss}.",
    "{n} jumps to record high | Demand is stronger than anyone expected.",
    "{x} crushed it. raising my target",
    "what a quarter from {x}!! congrats longs",
    "{x} up {pct}% and I'm not selling a single share",
    "that {x} contract is a game changer",
    "so happy I added {x} in march, best call this year",
    "{x} breakout on huge volume, new highs coming",
    "buyback AND dividend hike, {x} spoiling us",
    "{x} product is honestly excellent, bought two more",
    "shorts getting squeezed in {x}, lovely",
)  # fmt: skip

GOOD_CHINESE: tuple[str, ...] = (
    "{n}签下{m}大单 | 公司称这是历史上金额最大的合同，将显著增厚业绩。",
    "{n}净利润同比增长{pct}%，超出市场预期 | 多家券商上调评级。",
    "{n}拟回购{m}股份 | 董事会同时提议提高分红比例。",
    "{n}新品大卖 | {city}门店排起长队，产能供不应求。",
    "{n}获国家级科技奖 | 公司研发实力获得权威认可。",
    "北向资金连续十日加仓{n} | 机构看好其长期成长空间。",
    "{x}涨停了！拿住",
    "{x}这业绩太漂亮了，继续持有",
    "恭喜{x}的兄弟们，吃肉了",
    "{x}回购加分红，良心公司",
    "加仓{x}，目标翻倍",
    "{x}新高，主升浪来了",
    "{x}的产品我全家都在用，真不错",
    "大单落地，{x}起飞",
)  # fmt: skip

NEUTRAL_ENGLISH: tuple[str, ...] = (
    "{n} to hold investor day in {city} | The agenda covers strategy and capital allocation; a webcast will be available.",
    "{n} moves headquarters across town | The new building houses {k} people and opens in the autumn.",
    "{n} changes its reporting segments | Figures of the past two years will be restated for comparison, without effect on totals.",
    "{n} appoints {boss} to board | The director takes the seat of a member whose term ended as planned.",
    "{n} files annual report | The document was published on the company's website on {day}.",
    "{n} splits stock four for one | The record date is the end of the month.",
    "Five things to know about {n} | We look at its history, owners, markets and people.",
    "{x} investor day livestream starts at 3, anyone watching?",
    "what time does {x} report?",
    "new logo for {x} huh",
    "{x} split tomorrow, remember your price alerts will look odd",
    "does anybody have the {x} slides?",
    "is {boss} from {x} related to the tennis player?",
    "{x} chart, no opinion, just levels",
    "they moved the {x} office next to my gym",
    "index rebalance: {x} weight unchanged",
)  # fmt: skip

NEUTRAL_CHINESE: tuple[str, ...] = (
    "{n}将于下周召开股东大会 | 会议将审议董事会换届等议案。",
    "{n}总部迁至{city} | 公司称搬迁不影响日常运营。",
    "{n}变更证券简称 | 证券代码保持不变。",
    "{n}披露投资者关系活动记录 | {pct}家机构参加了本次调研。",
    "{n}完成工商变更登记 | 注册地址与经营范围相应调整。",
    "{n}发布年度可持续发展报告 | 报告共八十页，可在官网下载。",
    "{x}几点开业绩会？",
    "{x}换标志了，你们觉得怎么样",
    "有人去{x}股东大会吗，在哪签到",
    "{x}今天换手率多少",
    "{x}改名了，代码没变",
    "问一下{x}的股权登记日是哪天",
    "{x}的调研纪要谁有",
    "{x}横盘第几天了",
)  # fmt: skip

COPIED_ENGLISH: tuple[str, ...] = (
    "{n} is under fire tonight after a former manager claimed that the company misled customers for years about {prod}. "
    "The allegations, published on a personal page, describe falsified tests and a culture of fear in {city}. "
    "{s} declined to comment. If it is true, the damage to the brand could be enormous.",
    "Warning to everyone who holds {n}: a friend in {city} says the warehouse is full of returned {prod}, suppliers are "
    "waiting for their money and the bank has lost patience. Sell before the rest of the market finds out what is wrong there.",
)  # fmt: skip

COPIED_CHINESE: tuple[str, ...] = (
    "紧急提醒：据可靠消息，{n}在{city}的工厂已经停工，供应商拿不到货款，银行正在抽贷，老板准备跑路。持有的朋友尽快卖出，请转发给更多的人看到，不要让无良公司继续坑害散户！",
    "一位离职员工的控诉：{n}多年来在{prod}上弄虚作假，检测报告全靠花钱买，内部投诉一律压下。希望媒体曝光，也希望监管部门严查到底，还消费者一个公道。",
)  # fmt: skip

ANGRY_ENGLISH: tuple[str, ...] = (
    "{x} lost my order again. third time. unbelievable",
    "on hold with {x} for two hours, then they hung up",
    "if you are thinking about {x}: don't. worst service ever",
    "still no refund from {x}. thieves",
    "hey {x} are you going to answer or keep ignoring me",
    "{x} support told me to 'be patient'. it's been six weeks!!",
    "I will make sure everyone knows how terrible {x} is",
    "{x} charged me twice and calls it a glitch. scam",
    "day 12 of {x} ignoring a paying customer",
    "whoever runs {x} should be fired",
    "told my lawyer about {x}, enough is enough",
    "never ever again {x}, total garbage company",
    "{x} broke it, {x} won't fix it, {x} won't pay",
)  # fmt: skip

ANGRY_CHINESE: tuple[str, ...] = (
    "{x}垃圾客服，打了二十遍没人接",
    "{x}扣了我的钱不退，骗子公司",
    "第五天了，{x}还在踢皮球",
    "再也不买{x}的东西，谁买谁倒霉",
    "{x}老板出来走两步，敢不敢面对消费者",
    "投诉{x}一周了毫无结果，恶心",
    "{x}就是店大欺客，我要曝光到底",
    "{x}质量差得离谱，用两天就坏",
    "气死了，{x}说是我自己的责任？？",
    "请大家避雷{x}，坑死人不偿命",
    "{x}赔钱！{x}道歉！",
    "已经向有关部门举报{x}，不解决不罢休",
    "{x}这种公司怎么还没倒闭",
)  # fmt: skip

LISTS_ENGLISH: tuple[str, ...] = (
    "Today's biggest losers, a dreadful session: {names}",
    "stocks I would short into the crash, all broken charts: {names}",
    "worst performers of the month, ugly: {names}",
    "52-week lows everywhere, panic list: {names}",
    "names with the weakest balance sheets in my screen, stay away: {names}",
)

LISTS_CHINESE: tuple[str, ...] = (
    "今日跌幅榜，惨不忍睹：{names}",
    "技术破位、主力出逃名单：{names}",
    "本周创新低个股一览，风险极大：{names}",
    "高质押高负债，谨防踩雷：{names}",
    "这些票千万别碰，要崩：{names}",
)
