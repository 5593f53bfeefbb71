"""Firms: 120 invented listed companies, 80 English and 40 Chinese, each with names in both languages.

A row is `sector|name|legal suffix|ticker|short name|name in the other language`. No ticker is that of a real company as
far as we know: Chinese codes begin with digits that no exchange gives out.
"""

import csv
import io
from dataclasses import dataclass

_ENGLISH = """\
bank|Ashgrove Bancorp|Inc.|AGVB|Ashgrove|阿什格罗夫银行
bank|Kestrelmoor Bank|plc|KSMB|Kestrelmoor|凯斯特摩尔银行
bank|Penhallow Trust|Corp.|PNHT|Penhallow|彭哈洛信托
bank|Dunmarrow Financial|Inc.|DMRW|Dunmarrow|邓马罗金融
bank|Vantershaw Savings|Group|VTSH|Vantershaw|范特肖储蓄
bank|Ollerby Credit|Ltd|OLBY|Ollerby|奥勒比信贷
bank|Brackenfell Insurance|plc|BKFL|Brackenfell|布拉肯费尔保险
bank|Tamberline Capital|Inc.|TBLC|Tamberline|坦伯莱恩资本
food|Calloway Orchards|Inc.|CWOR|Calloway|卡洛韦果园
food|Millbeck Dairies|plc|MLBK|Millbeck|米尔贝克乳业
food|Sundergaard Foods|AG|SGRF|Sundergaard|松德高食品
food|Pellworth Brewing|plc|PLWB|Pellworth|佩尔沃思酿酒
food|Hartsmere Bakeries|Group|HTSM|Hartsmere|哈茨米尔烘焙
food|Corvino Pasta|SpA|CRVP|Corvino|科维诺面业
food|Nettleford Snacks|Inc.|NTFD|Nettleford|内特尔福德零食
food|Brightlea Infant Nutrition|Ltd|BLIN|Brightlea|布莱特利婴儿营养
pharma|Aldervane Therapeutics|Inc.|ADVT|Aldervane|奥尔德维恩医疗
pharma|Corrigan Biologics|Inc.|CGBX|Corrigan Bio|科里根生物
pharma|Mirefield Pharma|plc|MRFP|Mirefield|米尔菲尔德制药
pharma|Zephyrine Oncology|Inc.|ZPHO|Zephyrine|泽菲林肿瘤
pharma|Halvering Medical|AG|HVRM|Halvering|哈尔弗林医疗器械
pharma|Lumbridge Genetics|Inc.|LMBG|Lumbridge|兰布里奇基因
pharma|Ostrava Vaccines|AG|OSVX|Ostrava Vax|奥斯特拉瓦疫苗
pharma|Quenby Diagnostics|Ltd|QNBY|Quenby|昆比诊断
cars|Torvane Motors|Inc.|TRVN|Torvane|托文汽车
cars|Ellsmoor Electric Vehicles|Inc.|ELMV|Ellsmoor|埃尔斯莫尔电动车
cars|Bruckheim Automobile|AG|BRKH|Bruckheim|布鲁克海姆汽车
cars|Gantrell Tyres|plc|GNTR|Gantrell|甘特雷尔轮胎
cars|Pinnock Brakes|Ltd|PNKB|Pinnock|平诺克制动
cars|Stavely Trucks|Corp.|STVY|Stavely|斯塔夫利卡车
chips|Novarak Semiconductor|Inc.|NVRK|Novarak|诺瓦拉克半导体
chips|Fennimore Devices|Corp.|FNMD|Fennimore|芬尼莫尔器件
chips|Tessgard Lithography|AG|TSGD|Tessgard|泰斯加德光刻
chips|Quorvex Memory|Inc.|QVXM|Quorvex|阔维存储
chips|Brindale Sensors|plc|BDLS|Brindale|布林代尔传感
chips|Ixtera Photonics|Inc.|IXTR|Ixtera|伊克斯特光子
chips|Skarholm Components|AG|SKHC|Skarholm|斯卡霍姆元件
chips|Wexmoor Networks|Corp.|WXMN|Wexmoor|韦克斯摩尔网络
software|Cindervale Software|Inc.|CNDV|Cindervale|辛德维尔软件
software|Paxwell Cloud|Corp.|PXWC|Paxwell|帕克斯韦云
software|Orrery Analytics|Inc.|ORRY|Orrery Analytics|奥勒里数据
software|Hexbridge Security|Inc.|HXBS|Hexbridge|赫克斯布里奇安全
software|Lorimer Games|plc|LRMG|Lorimer|洛里默游戏
software|Tavistow Payments|Corp.|TVSP|Tavistow|塔维斯托支付
software|Greywick Media|plc|GYWK|Greywick|格雷威克传媒
software|Dovetree Social|Inc.|DVTR|Dovetree|达夫特里社交
energy|Carrowmore Petroleum|plc|CRWM|Carrowmore|卡罗莫尔石油
energy|Hollin Ridge Gas|Corp.|HLRG|Hollin Ridge|霍林岭燃气
energy|Sorrelwind Power|Inc.|SRLW|Sorrelwind|索雷尔风电
energy|Vesterby Offshore|ASA|VSBO|Vesterby|韦斯特比海工
energy|Kilbrannan Utilities|plc|KLBN|Kilbrannan|基尔布兰南公用
energy|Amberlode Solar|Inc.|ABLD|Amberlode|安伯洛德光伏
chemicals|Rothwell Chemicals|plc|RTWC|Rothwell Chemicals|罗斯韦尔化工
chemicals|Drayfield Coatings|Inc.|DYFC|Drayfield|德雷菲尔德涂料
chemicals|Merrivale Polymers|Corp.|MVPL|Merrivale|梅里韦尔聚合物
chemicals|Oxhey Fertilisers|Ltd|OXHF|Oxhey|奥克西化肥
chemicals|Strandberg Industrial Gases|AG|STBG|Strandberg Gases|斯特兰伯格气体
chemicals|Ullswick Fibres|plc|ULWF|Ullswick|阿尔斯威克纤维
retail|Marlowe & Finch|plc|MLWF|Marlowe Finch|马洛芬奇百货
retail|Peverell Stores|Group|PVRL|Peverell|佩弗雷尔百货
retail|Tidewell Outfitters|Inc.|TDWL|Tidewell|泰德韦尔服饰
retail|Bramcote Home|plc|BMCT|Bramcote|布拉姆科特家居
retail|Quickhollow Online|Inc.|QKHW|Quickhollow|快荷洛电商
retail|Saltersgate Pharmacies|Corp.|SGPH|Saltersgate|索尔特斯盖特药房
retail|Ravensworth Toys|Ltd|RVWT|Ravensworth|雷文斯沃思玩具
retail|Oakhanger Grocers|plc|OKHG|Oakhanger|奥克汉格超市
transport|Skylarke Airways|plc|SKLA|Skylarke|斯凯拉克航空
transport|Trans-Norden Air|AG|TNDA|Trans-Norden|北欧跨洋航空
transport|Farrowline Shipping|Ltd|FRWL|Farrowline|法罗莱恩航运
transport|Cobbett Rail|Corp.|CBTR|Cobbett Rail|科贝特铁路
transport|Harrier Freight Lines|Inc.|HRFL|Harrier Freight|哈里尔货运
transport|Portmarnock Ports|plc|PTMK|Portmarnock|波特马诺克港口
transport|Wheatley Parcel|Inc.|WTLP|Wheatley Parcel|惠特利快递
transport|Ardmuir Cruises|plc|ADMC|Ardmuir|阿德缪尔邮轮
property|Stonecroft Developments|plc|STCD|Stonecroft|斯通克罗夫特地产
property|Lyndale Homes|Inc.|LYDH|Lyndale|林代尔住宅
property|Everholt Offices|Group|EVHO|Everholt|埃弗霍特写字楼
property|Garsdale Malls|Corp.|GSDM|Garsdale|加斯代尔商场
mining|Blackmuir Copper|Ltd|BKMC|Blackmuir|布莱克缪尔铜业
mining|Yarrowfield Lithium|Corp.|YRWL|Yarrowfield|亚罗菲尔德锂业
"""

_CHINESE = """\
bank|沧浪银行|股份有限公司|609101.SH|沧浪银行|Canglang Bank
bank|云麓证券|股份有限公司|609102.SH|云麓证券|Yunlu Securities
bank|泽润信托|股份有限公司|009103.SZ|泽润信托|Zerun Trust
food|禾间乳业|股份有限公司|609104.SH|禾间乳业|Hejian Dairy
food|泉峪饮料|集团股份有限公司|009105.SZ|泉峪饮料|Quanyu Beverage
food|麦丘食品|股份有限公司|009106.SZ|麦丘食品|Maiqiu Foods
food|陶然酒业|股份有限公司|609107.SH|陶然酒业|Taoran Liquor
pharma|芷岸医药|股份有限公司|609108.SH|芷岸医药|Zhi'an Pharma
pharma|恒杏生物|科技股份有限公司|309109.SZ|恒杏生物|Hengxing Biotech
pharma|朴仁器械|股份有限公司|309110.SZ|朴仁器械|Puren Devices
pharma|鹿鸣疫苗|股份有限公司|309111.SZ|鹿鸣疫苗|Luming Vaccines
cars|驰野汽车|集团股份有限公司|609112.SH|驰野汽车|Chiye Auto
cars|凌牧新能源|股份有限公司|309113.SZ|凌牧新能源|Lingmu New Energy
cars|磐途轮胎|股份有限公司|609114.SH|磐途轮胎|Pantu Tyre
cars|序川动力|科技股份有限公司|309115.SZ|序川动力|Xuchuan Power
chips|澄芯微电子|股份有限公司|309116.SZ|澄芯微|Chengxin Micro
chips|曜石光电|股份有限公司|009117.SZ|曜石光电|Yaoshi Optics
chips|砺晶半导体|股份有限公司|609118.SH|砺晶半导体|Lijing Semiconductor
chips|觅光传感|科技股份有限公司|309119.SZ|觅光传感|Miguang Sensors
software|听涛软件|股份有限公司|309120.SZ|听涛软件|Tingtao Software
software|星桥互动|网络股份有限公司|009121.SZ|星桥互动|Xingqiao Interactive
software|织云数据|科技股份有限公司|309122.SZ|织云数据|Zhiyun Data
energy|岚浦电力|股份有限公司|609123.SH|岚浦电力|Lanpu Power
energy|赤野油服|股份有限公司|009124.SZ|赤野油服|Chiye Oilfield Services
energy|旭坞光伏|股份有限公司|609125.SH|旭坞光伏|Xuwu Solar
chemicals|滨屿化工|股份有限公司|609126.SH|滨屿化工|Binyu Chemical
chemicals|澜石材料|股份有限公司|009127.SZ|澜石材料|Lanshi Materials
chemicals|沃谷肥业|股份有限公司|009128.SZ|沃谷肥业|Wogu Fertilizer
chemicals|青绫化纤|股份有限公司|609129.SH|青绫化纤|Qingling Fibre
retail|汇巷百货|股份有限公司|609130.SH|汇巷百货|Huixiang Department Stores
retail|拾橙电商|股份有限公司|309131.SZ|拾橙电商|Shicheng Online
retail|家梧超市|连锁股份有限公司|009132.SZ|家梧超市|Jiawu Supermarkets
transport|云雁航空|股份有限公司|609133.SH|云雁航空|Yunyan Airlines
transport|渤帆海运|股份有限公司|609134.SH|渤帆海运|Bofan Shipping
transport|疾翎快递|股份有限公司|009135.SZ|疾翎快递|Jiling Express
property|筑澜地产|集团股份有限公司|009136.SZ|筑澜地产|Zhulan Property
property|望山置业|股份有限公司|609137.SH|望山置业|Wangshan Real Estate
property|锦堤控股|集团股份有限公司|009138.SZ|锦堤控股|Jindi Embankment Holdings
mining|玄坡矿业|股份有限公司|609139.SH|玄坡矿业|Xuanpo Mining
mining|砂岭稀土|股份有限公司|009140.SZ|砂岭稀土|Shaling Rare Earth
"""


@dataclass(frozen=True, slots=True)
class Firm:
    """A company of the story. `other` is its name in the other language; `id` is what the watchlist calls it."""

    id: str
    sector: str
    name: str
    suffix: str
    ticker: str
    short: str
    other: str
    is_chinese: bool

    @property
    def legal(self) -> str:
        """The name in full, with its legal suffix."""
        return self.name + self.suffix if self.is_chinese else f"{self.name} {self.suffix}"

    @property
    def code(self) -> str:
        """A Chinese company's six digits, another's letters: what its investors type."""
        return self.ticker.partition(".")[0]


def _read(table: str, *, is_chinese: bool) -> tuple[Firm, ...]:
    firms = []
    for line in table.splitlines():
        sector, name, suffix, ticker, short, other = line.split("|")
        slug = (other if is_chinese else name).lower().replace("'", "").replace("& ", "").replace(" ", "-")
        firms.append(Firm(slug, sector, name, suffix, ticker, short, other, is_chinese))
    return tuple(firms)


FIRMS = _read(_ENGLISH, is_chinese=False) + _read(_CHINESE, is_chinese=True)


def watchlist_csv() -> str:
    """The watchlist of all firms, in the columns of docs/watchlist.md."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("id", "name", "kind", "tickers", "aliases_en", "aliases_zh", "exclude"))
    for firm in FIRMS:
        english, chinese = (firm.other, firm.short) if firm.is_chinese else (firm.short, firm.other)
        writer.writerow((firm.id, firm.legal, "company", firm.ticker, english, chinese, ""))
    return out.getvalue()
