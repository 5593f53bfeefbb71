"""The cast: some forty invented companies, and what each trade makes, where, and for whom.

Names, tickers and brokers are invented; none is meant to resemble a listed company.
"""

from dataclasses import dataclass
from enum import StrEnum

from monitor.domain.topics import Topic, TopicId, TopicKind


class Sector(StrEnum):
    """The trades of the cast."""

    BANK = "bank"
    FOOD = "food"
    CHIPS = "chips"
    CARS = "cars"
    AIRLINE = "airline"
    PHARMA = "pharma"
    ENERGY = "energy"
    RETAIL = "retail"
    PROPERTY = "property"


@dataclass(frozen=True, slots=True)
class Trade:
    """Words that fit a sector, as (English, Chinese) pairs of equal length: what it sells, where, to whom."""

    products: tuple[tuple[str, str], ...]
    sites: tuple[tuple[str, str], ...]
    customers: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Company:
    """An invented company. `zh` is its Chinese name; `is_chinese` says where it is at home, and is talked of most."""

    ticker: str
    legal_name: str
    name: str
    zh: str
    sector: Sector
    is_chinese: bool = False
    more_en: tuple[str, ...] = ()
    more_zh: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    @property
    def id(self) -> TopicId:
        """The topic's id on the watchlist: the ticker."""
        return TopicId(self.ticker)

    @property
    def topic(self) -> Topic:
        """The company as a row of the watchlist."""
        return Topic(
            id=self.id,
            name=self.legal_name,
            kind=TopicKind.COMPANY,
            tickers=(self.ticker,),
            aliases_en=(self.name, *self.more_en),
            aliases_zh=(self.zh, *self.more_zh),
            exclude=self.exclude,
        )


TRADES = {
    Sector.BANK: Trade(
        (("mortgage", "房贷"), ("savings account", "储蓄"), ("card", "信用卡"), ("small-business loan", "小微贷款")),
        (("branch", "网点"), ("call centre", "客服中心"), ("trading floor", "交易大厅")),
        ("account holders", "储户"),
    ),
    Sector.FOOD: Trade(
        (("yoghurt", "酸奶"), ("frozen dumpling", "速冻水饺"), ("oat biscuit", "燕麦饼干"), ("fruit juice", "果汁")),
        (("bakery", "烘焙厂"), ("bottling plant", "灌装厂"), ("cold store", "冷库")),
        ("shoppers", "消费者"),
    ),
    Sector.CHIPS: Trade(
        (("power chip", "功率芯片"), ("memory module", "存储模组"), ("image sensor", "图像传感器"), ("wafer", "晶圆")),
        (("wafer fab", "晶圆厂"), ("packaging plant", "封装厂"), ("design centre", "设计中心")),
        ("device makers", "终端厂商"),
    ),
    Sector.CARS: Trade(
        (("saloon", "轿车"), ("battery pack", "电池包"), ("delivery van", "物流车"), ("axle", "车桥")),
        (("assembly line", "总装线"), ("press shop", "冲压车间"), ("test track", "试车场")),
        ("drivers", "车主"),
    ),
    Sector.AIRLINE: Trade(
        (("winter timetable", "冬季航班"), ("cargo service", "货运服务"), ("loyalty programme", "会员计划")),
        (("hub", "枢纽机场"), ("hangar", "机库"), ("check-in hall", "值机大厅")),
        ("passengers", "旅客"),
    ),
    Sector.PHARMA: Trade(
        (("asthma inhaler", "哮喘吸入剂"), ("vaccine", "疫苗"), ("insulin pen", "胰岛素笔")),
        (("laboratory", "实验室"), ("filling line", "灌装线"), ("trial site", "临床中心")),
        ("patients", "患者"),
    ),
    Sector.ENERGY: Trade(
        (("supply contract", "供电合同"), ("wind turbine", "风电机组"), ("grid battery", "储能电站")),
        (("power station", "电厂"), ("substation", "变电站"), ("wind farm", "风电场")),
        ("households", "居民用户"),
    ),
    Sector.RETAIL: Trade(
        (("own-label range", "自有品牌"), ("home delivery service", "到家服务"), ("spring catalogue", "春季新品")),
        (("store", "门店"), ("warehouse", "仓库"), ("collection point", "提货点")),
        ("customers", "顾客"),
    ),
    Sector.PROPERTY: Trade(
        (("flat", "公寓"), ("office tower", "写字楼"), ("parking deck", "停车楼")),
        (("building site", "工地"), ("sales office", "售楼处"), ("show flat", "样板间")),
        ("home buyers", "购房者"),
    ),
}

COMPANIES = (
    Company("BRKM", "Brackmoor Bank plc", "Brackmoor Bank", "布莱克摩尔银行", Sector.BANK, more_en=("Brackmoor",),
            exclude=("Brackmoor Moor", "Brackmoor Festival")),
    Company("OSTV", "Osterveld Bank NV", "Osterveld Bank", "奥斯特维尔德银行", Sector.BANK, more_en=("Osterveld",)),
    Company("PNHV", "Pinhaven Savings Group", "Pinhaven Savings", "松港储蓄", Sector.BANK, more_en=("Pinhaven",)),
    Company("LQVB", "Lindqvar Bank AB", "Lindqvar Bank", "林德瓦尔银行", Sector.BANK, more_en=("Lindqvar",)),
    Company("YLAN", "Yunlan Bank Co., Ltd.", "Yunlan Bank", "云澜银行", Sector.BANK, is_chinese=True),
    Company("JYRB", "Jiangyue Commercial Bank Co., Ltd.", "Jiangyue Bank", "江岳银行", Sector.BANK, is_chinese=True,
            more_zh=("江岳农商银行",)),
    Company("MRWB", "Marrowby Foods plc", "Marrowby Foods", "马罗比食品", Sector.FOOD, more_en=("Marrowby",)),
    Company("DNML", "Dunmarle Dairies Ltd", "Dunmarle Dairies", "邓马尔乳业", Sector.FOOD, more_en=("Dunmarle",)),
    Company("SBFN", "Sorbello & Finch Inc.", "Sorbello & Finch", "索贝洛食品", Sector.FOOD),
    Company("PKWB", "Peckwater Brewing Co.", "Peckwater Brewing", "佩克沃特酒业", Sector.FOOD, more_en=("Peckwater",)),
    Company("HSYF", "Hesuiyuan Foods Co., Ltd.", "Hesuiyuan Foods", "禾穗源食品", Sector.FOOD, is_chinese=True,
            more_en=("Hesuiyuan",), more_zh=("禾穗源",)),
    Company("QRVN", "Quorvane Microdevices Inc.", "Quorvane Microdevices", "阔万微电子", Sector.CHIPS,
            more_en=("Quorvane",)),
    Company("AMBL", "Ambrel Silicon Corp.", "Ambrel Silicon", "安布雷尔硅业", Sector.CHIPS, more_en=("Ambrel",)),
    Company("THLD", "Thornleigh Devices plc", "Thornleigh Devices", "索恩利器件", Sector.CHIPS),
    Company("NXRA", "Nexorra Lithography NV", "Nexorra Lithography", "奈索拉光刻", Sector.CHIPS, more_en=("Nexorra",)),
    Company("PLCD", "Pellucida Photonics Inc.", "Pellucida Photonics", "佩卢西达光电", Sector.CHIPS,
            more_en=("Pellucida",)),
    Company("TWKF", "Tarnwick Foundries Ltd", "Tarnwick Foundries", "塔恩威克晶圆", Sector.CHIPS,
            more_en=("Tarnwick",)),
    Company("CLBX", "Calbrixa Analog Corp.", "Calbrixa Analog", "卡尔布里克模拟", Sector.CHIPS, more_en=("Calbrixa",)),
    Company("ZHME", "Zhenhe Microelectronics Co., Ltd.", "Zhenhe Microelectronics", "臻禾微电子", Sector.CHIPS,
            is_chinese=True, more_zh=("臻禾微电",)),
    Company("MUYN", "Muyun Semiconductor Co., Ltd.", "Muyun Semiconductor", "暮云半导体", Sector.CHIPS,
            is_chinese=True),
    Company("XLST", "Xinglu Storage Co., Ltd.", "Xinglu Storage", "星麓存储", Sector.CHIPS, is_chinese=True),
    Company("WXCM", "Wexcombe Motors plc", "Wexcombe Motors", "韦克斯科姆汽车", Sector.CARS, more_en=("Wexcombe",)),
    Company("FKRA", "Falkenrath Automobil AG", "Falkenrath", "法尔肯拉特汽车", Sector.CARS),
    Company("SDEV", "Sunderby Electric Vehicles Inc.", "Sunderby Electric", "森德比电动车", Sector.CARS,
            more_en=("Sunderby",)),
    Company("BDWT", "Bradwen Tyres Ltd", "Bradwen Tyres", "布拉德文轮胎", Sector.CARS),
    Company("ELGX", "Ellingrove Axle Corp.", "Ellingrove Axle", "埃林格罗夫车桥", Sector.CARS,
            more_en=("Ellingrove",)),
    Company("MCTB", "Marchetto Brakes SpA", "Marchetto Brakes", "马尔凯托制动", Sector.CARS, more_en=("Marchetto",)),
    Company("VDML", "Vandermeel Trucks NV", "Vandermeel Trucks", "范德梅尔卡车", Sector.CARS, more_en=("Vandermeel",)),
    Company("CYAO", "Chiyao Auto Co., Ltd.", "Chiyao Auto", "驰曜汽车", Sector.CARS, is_chinese=True),
    Company("LGJU", "Lingju New Energy Vehicles Co., Ltd.", "Lingju Vehicles", "凌驹汽车", Sector.CARS,
            is_chinese=True, more_en=("Lingju",)),
    Company("HTBT", "Haoting Batteries Co., Ltd.", "Haoting Batteries", "皓霆电池", Sector.CARS, is_chinese=True),
    Company("SKRW", "Skarrow Airways plc", "Skarrow Airways", "斯卡罗航空", Sector.AIRLINE, more_en=("Skarrow",)),
    Company("PTLA", "Petrelwing Airlines Inc.", "Petrelwing Airlines", "佩特雷尔航空", Sector.AIRLINE,
            more_en=("Petrelwing",)),
    Company("LULG", "Luling Airlines Co., Ltd.", "Luling Airlines", "鹭翎航空", Sector.AIRLINE, is_chinese=True),
    Company("ALDM", "Aldermere Pharma plc", "Aldermere Pharma", "奥德米尔制药", Sector.PHARMA, more_en=("Aldermere",)),
    Company("CVXA", "Corvexa Therapeutics Inc.", "Corvexa Therapeutics", "科维萨医药", Sector.PHARMA,
            more_en=("Corvexa",)),
    Company("GNLB", "Genlund Biologics AS", "Genlund Biologics", "根伦德生物", Sector.PHARMA, more_en=("Genlund",)),
    Company("BSHP", "Baishu Pharmaceutical Co., Ltd.", "Baishu Pharmaceutical", "柏枢药业", Sector.PHARMA,
            is_chinese=True),
    Company("NSCR", "Northscar Energy Inc.", "Northscar Energy", "北斯卡能源", Sector.ENERGY, more_en=("Northscar",)),
    Company("SHYP", "Shuoyuan Power Co., Ltd.", "Shuoyuan Power", "铄源电力", Sector.ENERGY, is_chinese=True),
    Company("HBTN", "Hobbleton Stores plc", "Hobbleton Stores", "霍布尔顿百货", Sector.RETAIL, more_en=("Hobbleton",)),
    Company("JUWN", "Juwan Retail Co., Ltd.", "Juwan Retail", "聚湾商超", Sector.RETAIL, is_chinese=True),
    Company("YTPR", "Yaoting Property Co., Ltd.", "Yaoting Property", "曜庭地产", Sector.PROPERTY, is_chinese=True),
)  # fmt: skip

CITIES = (
    ("Lisbon", "里斯本"), ("Leeds", "利兹"), ("Rotterdam", "鹿特丹"), ("Aarhus", "奥胡斯"), ("Turin", "都灵"),
    ("Denver", "丹佛"), ("Toronto", "多伦多"), ("Wuhan", "武汉"), ("Chengdu", "成都"), ("Suzhou", "苏州"),
    ("Xiamen", "厦门"), ("Osaka", "大阪"), ("Busan", "釜山"), ("Jakarta", "雅加达"), ("Nairobi", "内罗毕"),
)  # fmt: skip
PEOPLE = (
    ("Ana Brandt", "白安娜"), ("Mina Okafor", "欧明娜"), ("Tom Hallewell", "何立维"), ("Ruth Savary", "沙如诗"),
    ("Piet Donkers", "唐培德"), ("Lena Ostberg", "欧丽娜"), ("Zhao Mingke", "赵明柯"), ("Lu Shiyan", "陆诗砚"),
    ("Han Yuchen", "韩煜晨"), ("Sofia Marelli", "马素菲"), ("Omar Dastgir", "戴欧玛"), ("Grace Nwosu", "倪格蕾"),
)  # fmt: skip
BROKERS = (
    ("Tolland Research", "拓澜研究"), ("Averdale Securities", "艾维谷证券"), ("Kestrin Partners", "凯思林资本"),
    ("Fairlough Brokers", "泛泷证券"), ("Beacon Row Capital", "灯塔街资本"), ("Mosswater Equity", "苔溪证券"),
)  # fmt: skip
DAYS = (
    ("Monday", "周一"), ("Tuesday", "周二"), ("Wednesday", "周三"), ("Thursday", "周四"), ("Friday", "周五"),
)  # fmt: skip
MONTHS = (("April", "四月"), ("May", "五月"), ("June", "六月"), ("July", "七月"), ("September", "九月"))

UNWATCHED = (
    ("Gossamer Lane Bakery", "薄纱巷面包房"), ("Tidewick Ferries", "潮威渡轮"),
    ("the Millbrook co-operative", "磨溪合作社"),
    ("Oakfen Ceramics", "橡沼陶瓷"), ("the port authority", "港务管理处"), ("Larkhill Cycles", "云雀山自行车"),
    ("the film festival", "电影节"), ("Brindle Street Theatre", "斑纹街剧院"),
)  # fmt: skip
"""Who else is talked of: on no watchlist, so that most feeds' usual case, a document about nobody, occurs too."""
