"""Wording: turns a template and a company into a headline and a text.

Facts (money, counts, people) belong to an occasion and are drawn once; how the company is called is drawn for each
document, as different people call it differently.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from tests.bench.stories import chatter
from tests.bench.stories.firms import Firm

_CITIES = (
    *("Aldermouth", "Brevik Sound", "Carraway", "Dunstead", "Eastvale", "Port Lorne", "Westerholm", "Granby Falls"),
    *(
        "Hollowbridge",
        "Innerleith",
        "Marlock",
        "Northcote Bay",
        "Oldhaven",
        "Quarrington",
        "Saint Brannoc",
        "Upper Tarn",
    ),
)
_CITIES_CHINESE = ("临溪市", "望江市", "北渚市", "云洲市", "青浦湾", "南屏县", "东澜市", "鹿回市")
_BOSSES = ("Marta Ellwood", "Piers Hathersage", "Jonas Brandvik", "Lucinda Okoro", "Ravi Menzies", "Elena Storrow")
_BOSSES_CHINESE = ("沈牧之", "葛怀远", "陆启明", "邵文澜", "纪长风", "温若谷")
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")
_DAYS_CHINESE = ("周一", "周二", "周三", "周四", "周五")

_PRODUCTS: dict[str, tuple[tuple[str, str], ...]] = {
    "bank": (("savings accounts", "理财产品"), ("its mobile app", "手机应用")),
    "food": (("yoghurt cups", "酸奶"), ("frozen meals", "速冻食品")),
    "pharma": (("inhalers", "吸入剂"), ("blood test kits", "检测试剂")),
    "cars": (("brake assemblies", "制动总成"), ("its family saloon", "新款轿车")),
    "chips": (("memory modules", "存储模组"), ("image sensors", "图像传感器")),
    "software": (("its cloud suite", "云服务"), ("its mobile client", "客户端")),
    "energy": (("battery packs", "储能电池"), ("smart meters", "智能电表")),
    "chemicals": (("wood varnish", "涂料"), ("crop treatments", "农药")),
    "retail": (("baby cots", "婴儿床"), ("own-brand lamps", "自有品牌台灯")),
    "transport": (("season tickets", "年票"), ("parcel lockers", "快递柜")),
    "property": (("new flats", "新房"), ("office leases", "写字楼")),
    "mining": (("ore concentrate", "精矿"), ("lithium salts", "锂盐")),
}
_TRADES: dict[str, tuple[str, str]] = {
    "bank": ("financials", "金融"),
    "food": ("food and drink", "食品饮料"),
    "pharma": ("pharma", "医药"),
    "cars": ("autos", "汽车"),
    "chips": ("semis", "半导体"),
    "software": ("software", "软件"),
    "energy": ("energy", "能源"),
    "chemicals": ("chemicals", "化工"),
    "retail": ("retail", "零售"),
    "transport": ("transport", "运输"),
    "property": ("real estate", "地产"),
    "mining": ("miners", "矿业"),
}


@dataclass(frozen=True, slots=True)
class Words:
    """A document's words. `symbols` are what the vendor's own tagging declares."""

    title: str
    text: str
    symbols: tuple[str, ...] = ()


def draw_facts(firm: Firm, is_chinese: bool, rng: Random) -> dict[str, str]:
    """The facts of one occasion, in the language of who tells it."""
    language = int(is_chinese)
    million = rng.choice((12, 38, 75, 140, 260, 480, 900))
    count = rng.randrange(11, 980) * 100
    return {
        "city": rng.choice(_CITIES_CHINESE if is_chinese else _CITIES),
        "boss": rng.choice(_BOSSES_CHINESE if is_chinese else _BOSSES),
        "day": rng.choice(_DAYS_CHINESE if is_chinese else _DAYS),
        "m": f"{million / 10:g}亿元" if is_chinese else f"${million} million",
        "k": f"{count / 10000:g}万" if is_chinese and count >= 10_000 else f"{count:,}",
        "pct": str(rng.randrange(11, 60)),
        "prod": rng.choice(_PRODUCTS[firm.sector])[language],
        "trade": _TRADES[firm.sector][language],
    }


def draw_small_facts(firm: Firm, is_chinese: bool, rng: Random) -> dict[str, str]:
    """The facts of an ordinary day: small percentages."""
    return {**draw_facts(firm, is_chinese, rng), "pct": str(rng.randrange(1, 6))}


def mention(firm: Firm, is_chinese: bool, rng: Random) -> str:
    """How somebody on a message board calls a company."""
    if is_chinese:
        own = firm.short if firm.is_chinese else firm.other
        return rng.choice((own, own, own, f"${own}$", f"{own}({firm.code})", firm.code + " " + own))
    if firm.is_chinese:
        return firm.other
    return rng.choice(
        (f"${firm.ticker}", f"${firm.ticker}", f"${firm.ticker}", firm.short, firm.name, f"${firm.ticker.lower()}")
    )


def is_news(template: str) -> bool:
    """Whether a template is an article and no post."""
    return " | " in template


def word_article(template: str, firm: Firm, facts: dict[str, str], is_chinese: bool, rng: Random) -> Words:
    """An article: headline, lead, and sometimes a sentence or two of context."""
    headline, _, lead = template.partition(" | ")
    name, short = (firm.other, firm.other) if firm.is_chinese is not is_chinese else (firm.name, firm.short)
    fields = {**facts, "n": name, "s": short, "N": firm.legal if firm.is_chinese is is_chinese else name, "x": short}
    context = chatter.CONTEXT_CHINESE if is_chinese else chatter.CONTEXT_ENGLISH
    more = rng.sample(context, rng.choice((0, 1, 1, 2)))
    text = ("" if is_chinese else " ").join(piece.format_map(fields) for piece in (lead, *more))
    return Words(headline.format_map(fields), text, (firm.ticker,) if rng.random() < 0.3 else ())


def word_post(template: str, firm: Firm, facts: dict[str, str], is_chinese: bool, rng: Random) -> Words:
    """A post: one line, with what people put around it."""
    called = mention(firm, is_chinese, rng)
    short = firm.other if firm.is_chinese is not is_chinese else firm.short
    leads, tails = (
        (chatter.LEADS_CHINESE, chatter.TAILS_CHINESE) if is_chinese else (chatter.LEADS_ENGLISH, chatter.TAILS_ENGLISH)
    )
    body = template.format_map({**facts, "x": called, "n": short, "s": short})
    text = rng.choice(leads) + body + rng.choice(tails)
    return Words("", text, (firm.ticker,) if called.startswith("$") and rng.random() < 0.6 else ())


def take(templates: Sequence[str], count: int, rng: Random) -> list[str]:
    """`count` templates in random order, none twice while there are others."""
    taken: list[str] = []
    while len(taken) < count:
        taken += rng.sample(templates, min(count - len(taken), len(templates)))
    return taken
