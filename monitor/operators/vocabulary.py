"""The words by which tagging tells a company from the common word that spells it; folded, one list for each use.

These are data. A word too many in `COMMON_WORDS` costs a mention that nothing else confirms; a word too few lets
"target price" be news about a retailer. What depends on the desk belongs into the watchlist's `exclude` column.
"""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Ordinary English words that are also names of companies or tickers, and short words that an upper-case ticker spells.
COMMON_WORDS = _words(
    """
    a able about above access account ace across act action active add adept advance after again age agent agile ago
    ahead aid aim air airport alarm alert all alliance allied ally alone along alpha also alto always am amber
    american ample an anchor and angel answer any apart apex apple apples arch are area arena arm armor armour army
    around arrow art as ask aspect asset assets at atlas atom auto avid away awe axis baby back bad bag bake ball
    band bank bar base basic bat battle bay be beam bean bear beat bed bee been beer before bell below belt bench
    best bet beta better beyond bid big bike bill bird bit bite black blade blast blend block bloom blue board boat
    body bold bolt bond book boom boost boot boss both bottom bow bowl box boy brand brave bread break breeze brick
    bridge bright brilliant broad brook brown buckle bud build bull bumble burn bus business but butter buy buzz by
    cable cafe cake call calm camp can cane canopy cap capital car carbon card care career cargo carnival carrier
    cart case cash cast castle cat catalyst cause center central centre century chain chance change channel charge
    charm chart charter chase cheap check cheese chef chew chief choice church circle citizen citizens city civic
    clarity class clean clear click climb clip clock close cloud clover club coach coal coast coat coca code coin
    cold color come comfort comma common company compass concept connect constellation consumer contact continental
    control cool copper copy core corn corner cost could country courage cover cow craft crane credit creek crescent
    crew crop cross crown cruise crystal cube cup current curve cut cycle daily dairy dark dart data date dawn day
    days dead deal dear deep deer deliver delta demand depot desert design desk diamond did diet digital direct
    discover discovery dish do dog dollar dolphin dome domain dominion door dot double down dragon draw dream drill
    drink drive drop dry duke dune dust duty dynamic eagle ear early earth ease east easy eat echo eclipse edge
    edison egg eight either elastic electric element elements elevate elite else ember emerald empire end energy
    engine enter enterprise envision equal equity era essential eternal even ever every evolution evolve exact exit
    expert explore express extra eye face fair faith falcon fall family far farm fast fat favor fear feather feed
    feel few field fig fight file fill film final find fine fire firm first fish fit five fix flag flash flat fleet
    flex flight float floor flow flower fly focus fog food foot for force ford forest forge form fort fortune forum
    forward fossil found foundation four fox frame free fresh friend from front frontier frost fuel full fun fund
    fuse future gain galaxy game gap garden garlic gas gate gather gem general generation genesis gentle genuine get
    giant gift give glass glaze global globe glory go goal gold golden good got grab grace grain grand granite grape
    graph grass gravity great green grid grip grit ground group grove grow growth guard guess guide gulf gun had
    hair half hall halo hammer hand happy harbor harbour hard harmony harvest has hat have haven hawk he head health
    heart heat heavy hello help her here heritage hero hi hide high hill him hip his hit hold holiday home honest
    honey hook hop hope horizon horn horse host hot hour house how hub hull human hunt hunter hurry ice icon idea
    ideal if ignite image impact in inch index infinite infinity ink inn inner insight inspire into intuitive invest
    iris iron is island it its ivory jade jet jewel job join journey joy jump just keen keep key keys kind king kite
    knight know knowledge lab ladder lady lake lamb lamp land lane large last late launch lava law lead leaf leap
    learn leather left legacy legal legend lemon lemonade less let level liberty life lift light lily lime limited
    line link lion liquid list lit little live load loan local lock loft logic long look loop lot lots loud love low
    loyal luck lucid lucky lumen lunar lush made magic magnet mail main major make man many maple march marathon
    marine mark market mars mask mass master match mate material matrix matter max may me mean med medal meet men
    mend mercury merit message meta metal meter mid mile milk mill mind mine mint miracle mirror miss mission mix
    mobile mode model modern moment money monster month moon more mosaic moss most motion motor mount mountain move
    much muse music must my mystic name nano narrow nation national native natural nature navigator near neat need
    neon nest net network new news next nice night nimble nine no noble node none noon nor north northern not note
    nova novel now null number oak oasis object ocean of off offer office oil old olive olympic on once one online
    only onyx open opera opportunity optimum optimal or orange orbit orchard orchid order origin other our out
    outlook over own owl pace pacific pack page paid paint palace palm panda panel paper parade parallel park part
    partner parts party pass past path pay payment peak peace peach pear pearl peer pen penguin people pepper per
    perfect perk phoenix phone photo pick pie pier pilot pin pine pinnacle pioneer pipe pivot pixel place plain plan
    planet plant plasma play plaza plenty plug plum plus pocket point polar pole pool pop port portal post pot pound
    power prairie premier premium press price pride prime principal print prism private pro process profit progress
    progressive project promise proof prospect protect proud provident public pulse pump pure purple push put puzzle
    quality quantum quarry quartz queen quest quick quiet quiver race radar radiant radius rail rain rally ram ranch
    range ranger rapid rate raven raw ray reach react read ready real reason record red reef refine reflect regal
    region regions regency relay relief rent repair report republic resolute resource rest result return reveal
    rhythm rice rich ride ridge right ring rise rising river road roar robin robust rock rocket rod role roll roof
    room root roots rope rose ross round route royal ruby rule run rush sage sail saint salt same sand sands
    sapphire saturn save saw say scale scene school scope scout screen sea seal search season seat second secure see
    seed seek select self sell send senior sense sentinel set seven shadow shape share shark sharp she shed shell
    shield shift shine ship shoe shop shore short shot should show side sierra sign signal signature silk silver
    simple since single sit site six size skill skin sky slack sleep slim slow small smart smile smoke smooth snap
    snow so soap social soft soil solar sold sole solid solution some son song soon sorry sound source south
    southern southwest space spark speed spend spin spirit splash split spot spring sprint sprout spruce square
    stable stack staff stage stake stamp stand standard staple staples star start state station status stay steam
    steel stellar stem step sterling still stock stone stop storage store storm story stove straight stratus stream
    street strength stride strike strong studio study style sub success such sugar suit summer summit sun sunday
    sunrise super supply support sure surf surge swan sweet swift swing switch sword system table tag take talent
    tale talk tall tally tandem tank tap tapestry target task taste tax tea teach team tech tell ten term terra test
    text than that the their them then there they thing think this three thrive through thunder ticket tide tie
    tiger tile till time tin tip titan to today together toll ton tone too tool top torch total touch tough tour
    tower town toy track tractor trade trail train transit travel travelers treasure tree trend triangle tribe trim
    trinity trip triumph true trust truth try tulip tune turn turkey twin twist two type ultimate umbrella under
    uniform union unique unit unite united unity universal up upper ups upstart urban us use vail valley value van
    vast vault vector velocity venture venus verge veritas vertex very vessel via vibe victory video view village
    vine vintage virtue visa vision vista vital vivid voice volt voyage wager walk wall want war warm was wash watch
    water waters wave way we wealth wear weather web wedge week well went were west western whale what wheel when
    where which while white who whole why wide wild will willow win wind window wine wing winner winter wire wise
    wish with wolf women wonder wood word work workday world worth would wren write x xray yard year yellow yelp yes
    yet yield you young your zero zest zion zone zoom
    """
)

# Upper-case strings of three to six letters that headlines use and that are also somebody's ticker.
ACRONYMS = _words(
    """
    ABS ACA ADR ADRS AGM AIDS AMA AMEX AML API APR APRIL APY ARPU ASAP ASEAN ATH ATM AUD AUM BBC BEA BIS BLS BOC BOE
    BOJ BOK BREXIT BRICS BTC BTFD CAD CAGR CAPEX CBI CBO CBOE CBS CCP CDC CDS CEO CEOS CEST CET CFO CFPB CFTC CHF
    CIA CIO CMO CNBC CNN CNY COGS COO COVID CPA CPI CPO CSR CSRC CTO DAO DAX DCF DEA DIY DJIA DNA DOE DOJ DOT DOW
    DVD EBIT EBITDA ECB EEC EFTA EIA EMA EMEA ENG EOD EPA EPS ESG EST EDT ETA ETF ETFS ETH ETN EUR EURO EUROS EVS
    FAA FAANG FANG FAQ FBI FCA FCC FCF FDA FDIC FED FEMA FERC FIFA FOMC FOMO FTC FTSE FUD FWIW FX FYI GAAP GBP GDP
    GMO GMT GPS GPU HFT HIV HKD HKEX HODL HQ HR HTTP HTTPS HUD IAEA IATA IBAN ICO ICU IDK IEA IMF IMHO IMO INR IOT
    IPO IPOS IRA IRS ISIN ISM ISO IST ITC JOLTS JPY JST KPI KPIS KYC LBO LED LGBT LIBOR LLC LLP LMAO LNG LOL LPG LTD
    LTV MACD MBA MBS MENA MIT MOM MOU MPC MSCI NAFTA NASA NASDAQ NATO NAV NBA NBC NDA NFC NFL NFT NGO NHS NHTSA NIH
    NIKKEI NLRB NSA NSE NTSB NYC NYSE NYT NZD OECD OEM OMG OPEC OPEX ORDER OTC PBOC PCE PDF PDT PE PEG PEN PHD PMI
    PPI PPP PR PSA PST QE QOQ RBA RBI RBNZ REIT REITS RIP ROA ROE ROI ROIC RSI RSU SAAS SARS SBA SEC SEO SGD SIM SMA
    SME SMES SMS SOFR SOP SPAC SPACS SPX SPY STD SUV SUVS SWIFT TARP TBA TBD THC TIPS TSA TSX TTM TVS UAE UAV UAW
    UBI UFO UK UN UNESCO UNICEF USA USAF USB USD USDA USMCA USPS USSR USTR UTC UV VAT VC VIP VIX VPN VWAP WEF WHO
    WSJ WTF WTI WTO WWI WWII XETRA XI YEN YIELD YOLO YOY YTD YUAN
    """
)

COMMON_WORDS_ZH = _words(
    """
    苹果 小米 平安 大众 联想 美的 太平 长城 民生 光大 兴业 招商 建设 交通 农业 国泰 东方 太阳 新城 绿地 首创 世纪
    未来 理想 目标 橙子 壳牌 甲骨文 现代 先锋 统一 光明 三一 中国 开心 快手 万物 和谐 阳光 长江 黄河 泰山 太极 同仁
    永辉 永旺 好未来 新希望 希望 大家 人人 金融 银行 网易 字节 蓝思 海港 北方 南方 西部 中心 华夏 国际 通用 福特
    百度 百家 水井坊 正大 旺旺 红星 七匹狼 森马 喜茶 瑞幸 一汽 东风 春秋 吉祥 亚马逊 盖普
    """
)
"""Chinese names that are also ordinary words, places or first names; the fold of the name is looked up whole."""

CORPORATE_CUES = _words(
    """
    watchdog regulator regulators antitrust fined estimates headquarters chief deal billion million venture shares
    share stock stocks shareholder shareholders investor investors analyst analysts ceo cfo coo cto chairman
    chairwoman chairperson president executive executives boss spokesman spokeswoman spokesperson board directors
    earnings profit profits revenue revenues sales quarter quarterly dividend dividends buyback ipo guidance
    forecast results eps ebitda margin margins merger acquisition takeover stake bid subsidiary unit division
    lawsuit recall layoffs bonds bond debt notes bankruptcy upgrade downgrade upgraded downgraded nyse nasdaq
    listing valuation capitalisation capitalization q1 q2 q3 q4 retailer automaker carmaker chain brand stores
    workers employees staff plant factory customers suppliers
    """
)
"""Words that speak of a company when they stand within a few words of a name."""

CORPORATE_VERBS = _words(
    """
    pauses takes seeks pulls apologises apologizes commits tops inks books wipes goes turns slumps sinks soars
    tumbles says said reports reported announces announced unveils unveiled launches launched plans planned buys
    bought acquires acquired sells sold sues sued recalls recalled hires hired fires fired names named appoints
    appointed cuts raises raised posts posted beats misses warns warned files filed agrees agreed faces denies
    denied expects wins loses settles settled lays opens closes invests investigates pays reveals struggles slashes
    suspends halts resumes confirms defends rejects
    """
)
"""Verbs that a company is the subject of, directly after its name."""

CORPORATE_TITLES = _words(
    """
    retailer chain giant maker carmaker automaker chipmaker drugmaker supplier owner parent rival carrier operator
    lender insurer miner company firm group startup conglomerate brand major developer manufacturer
    """
)
"""Nouns that introduce a company, directly before its name."""

LEGAL_SUFFIXES = _words(
    """
    inc incorporated corp corporation co company companies plc ltd limited ag se sa nv bv gmbh kgaa kg llc lp llp ab
    asa as oyj spa srl pty bhd berhad pjsc ojsc jsc kk sab cv holding holdings group
    """
)
"""Last words of a company's name that the press leaves out; compared without their full stops."""

LEGAL_SUFFIXES_ZH = ("股份有限公司", "有限责任公司", "有限公司", "公司")

CORPORATE_CUES_ZH = (
    "股价", "手机", "官网", "发布", "宣布", "回应", "推出", "垄断", "估值", "股份", "股票", "公司", "集团", "财报",
    "年报", "季报", "营收", "净利", "利润", "业绩", "亏损", "盈利", "市值", "上市", "收购", "并购", "增持", "减持",
    "回购", "分红", "股东", "高管", "董事", "总裁", "首席执行官", "创始人", "发布会", "子公司", "旗下", "监管",
    "起诉", "诉讼", "召回", "裁员", "债券", "违约", "评级", "停牌", "复牌", "涨停", "跌停", "大涨", "大跌", "收涨",
    "收跌", "港股", "美股", "概念股", "供应链",
)  # fmt: skip

# What stands beside a common word when it is only that word: (before it, after it). Whatever else the text says.
NOT_THE_COMPANY: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    "apple": (
        _words("big adam's custard rotten toffee"),
        _words(
            """
            pie pies juice cider tree trees orchard orchards sauce crumble growers harvest strudel vinegar picking
            """
        ),
    ),
    "target": (
        _words(
            """
            raises raised lowers lowered cuts trims increases boosts hikes sets reiterates next initial price prices
            profit earnings sales revenue growth inflation production output emission emissions climate fund
            takeover acquisition key main its rate delivery new annual cost savings our the a their your his her
            this per soft easy moving return buy upside downside consensus street hike
            """
        ),
        _words(
            """
            price prices date dates range audience audiences market markets rate rates group of for practice set
            list level levels from customer customers
            """
        ),
    ),
    "gap": (
        _words(
            """
            pay wage gender trade output funding bridge narrow widening skills wealth fiscal deficit income budget
            the a close mind valuation credibility information price cumberland generation yield
            """
        ),
        _words(
            """
            between in up down year years insurance fill filling analysis higher lower widens narrows of opening
            open
            """
        ),
    ),
    "shell": (
        _words("egg bomb the a sea tortoise turtle empty bash artillery mortar"),
        _words("company companies corporation corporations script scripts casing shock game of out egg eggs fire"),
    ),
    "visa": (
        _words(
            """
            work student travel tourist entry transit exit business residence h1b h 1b h2b golden spouse a the
            multiple his her their your schengen immigrant
            """
        ),
        _words(
            """
            application applications rules rule policy requirements requirement ban bans waiver waivers holder
            holders issue issues restrictions free on interview program programme office fraud status overstay
            applicants lottery curbs
            """
        ),
    ),
    "ford": (
        _words("harrison tom betty gerald president river henry glenn rob doug"),
        _words("administration theatre theater crossing the"),
    ),
    "orange": (
        _words("agent blood juicy fresh burnt bright an the"),
        _words("juice county crop crops grower growers futures peel tree trees alert"),
    ),
    "total": (
        _words("in a the of sum grand combined"),
        _words(
            """
            of revenue revenues sales profit loss losses assets debt cost costs return returns number value volume
            income liabilities equity deposits loans expenses eclipse recall ban
            """
        ),
    ),
    "meta": (
        _words("so very"),
        _words("analysis analyses data tag tags"),
    ),
    "block": (
        _words("a the road stumbling building city tower cell"),
        _words("trade trades chain party of list lists"),
    ),
    "square": (
        _words("red times trafalgar tiananmen tahrir town public a the"),
        _words("feet foot metre metres meter meters mile miles kilometres root one"),
    ),
    "match": (
        _words("a the football cricket tennis boxing to"),
        _words("point play fixing day of"),
    ),
    "snap": (
        _words("a cold oh"),
        _words("election elections poll lockdown decision judgment judgement"),
    ),
    "苹果": (
        _words("青 红 烂"),
        _words("汁 派 树 园 醋 酱 期货 种植 果农"),
    ),
    "小米": (
        _words(""),
        _words("粥 椒 辣 饭 糕"),
    ),
}
