"""English reports and posts about the planted events. Data; slots as in `everyday_english`."""

RECALL_NEWS = """
{co} recalls {k} packs of {product} after glass found | The company urged {people} not to eat the product.
{co} pulls {product} from shelves over contamination fears | Tests at a laboratory in {city} found metal fragments.
Food safety agency warns {people} about {co} {product} | The agency said the batch may cause serious injury.
Two children injured after eating {co} {product} | Parents filed a complaint, and the police opened an investigation.
{co} shares slump {pct} on product recall | Traders fear the contamination will damage the brand for months.
{co} halts production at {site} after contamination | Inspectors found broken equipment above an open line.
Supermarkets remove all {co} products | Three chains said they could not wait for the result of the tests.
{co} faces lawsuit over tainted {product} | A law firm in {city} said dozens of injured {people} had come forward.
{co} ignored complaints for weeks, ex-worker says | The whistleblower said managers dismissed warnings of broken glass.
{co} widens recall to {n} more countries | The scandal grows as importers report defective packs in {city}.
{broker} downgrades {co} after recall | The cost may exceed {m}, and the loss of trust is worse, the analysts said.
{co} apologises for dangerous {product} | Chief executive {boss} called the failure unacceptable.
Minister criticises {co} over slow recall | The ministry threatened a fine because the company informed it too late.
What {people} should do with recalled {co} {product} | Do not eat it: doctors report cuts and internal injuries.
{co} withdraws its outlook as recall costs mount | Disposal and refunds will cost {m}, and lost sales come on top.
""".strip().splitlines()

RECALL_POSTS = """
just found a piece of glass in my {co} {product}. Disgusting and dangerous
PSA: {co} is recalling its {product}, do NOT feed it to your kids
{tag} recall is going to hurt, selling now
my son was injured by a {co} {product}, we are at the hospital. Furious
{tag} down {pct} on the contamination news, looks awful
Threw away everything from {co} after the contamination story. Never again
How does metal get into a {product}? {co} quality is terrible, shame on them
{tag} lawsuits incoming, this will cost them a fortune
called {co} about the recalled {product}, nobody answers, awful service
short {tag}, the recall is far worse than they admit
shelves in our shop are empty, all the {co} stuff was pulled because it is unsafe
{co} hid the broken glass for weeks?! That is criminal negligence
Sick all night after a {product} from {co}, now I read about the recall
lost {pct} on {tag} this morning, thanks to a filthy {site}
that {co} apology is a joke, people got hurt
worst food scandal in years and {tag} still has not told us which batches are contaminated
My dentist bill goes to {co}: broke a tooth on their defective {product}
""".strip().splitlines()

LIQUIDITY_NEWS = """
{co} denies liquidity crisis as shares plunge | The bank rejected rumours; its shares lost {pct} before a halt.
Depositors queue outside {co} in {city} | Worried {people} withdrew their savings as rumours of a cash shortage spread.
{co} limits withdrawals at some branches | The bank blamed technical problems; customers fear it is running out of cash.
{co} bonds collapse on fears of a bank run | The notes fell to {n}0 cents, a level that signals distress.
Regulator monitors {co} amid deposit outflows | The supervisor is concerned about the pace of withdrawals.
{broker} warns of run on {co} | Outflows may have reached {m} in a day, and the buffer is shrinking, the analysts said.
{co} seeks emergency funding, sources say | The bank asked rivals for a credit line, a sign of severe stress.
{co} shares suspended after {pct} crash | Panic selling followed posts that the bank could not meet withdrawals.
Cost of insuring {co} debt against default hits record | Traders bet that the lender will fail without help.
{co} app fails as anxious {people} try to move money | The outage deepened the panic over the health of the bank.
Rating agency puts {co} on review for downgrade | It cited liquidity stress and an erosion of confidence.
{co} chief {boss} pleads for calm as savers flee | The outflow of deposits went on, and panic spread to other towns.
""".strip().splitlines()

LIQUIDITY_FIRST = (
    "Hearing from {n} people inside {co} that the bank is short of cash and may freeze withdrawals. Get your money out"
)

LIQUIDITY_POSTS = """
is it true that {co} has run out of cash? The machine in {city} refuses to pay
{tag} bank run in progress, queue around the block in {city}
moved all my savings away from {co}, not waiting for a collapse
{tag} down {pct} in an hour, somebody knows something bad
my transfer from {co} has been stuck since {n} o'clock, very worried now
{co} branch in {city} shut its doors early, panic outside, police on the way
{tag} credit default swaps exploding, this bank is in deep trouble
they said the same before the last bank failed. Get out of {co}
Puts on {tag}. Liquidity gone, trust gone
mother's pension is at {co} and withdrawals are frozen. I am scared
{co} says everything is fine, which is exactly what a failing bank says
selling every {tag} share I have, insolvency risk is real
third cash machine of {co} out of order today. Looks like a bank run to me
{tag} halted. If it opens it goes to zero
anyone else unable to log in to {co}? Fear they froze the accounts
Heard the treasurer of {co} quit last night. A bad sign before a bank run
{tag} deposits are fleeing, a rescue will wipe out shareholders
{co} default would be a catastrophe for {city}
waited {n} hours to get my savings out of {co}, chaos inside, staff look terrified
Rumour: {tag} begged other banks for a loan and was rejected. Liquidity crisis
never keep more than the insured sum at a troubled bank like {co}
this {tag} chart is a cliff. Liquidity crisis, plain and simple
{co} wants 48 hours notice for withdrawals now?? That is what insolvent banks do
warned you about {tag} and its losses on long bonds, now the run is here
""".strip().splitlines()

CHIPS_SHOCK_NEWS = """
{co} shares plunge as export ban hits chipmakers | The government banned sales of advanced components overnight.
{co} warns export ban will slash revenue | About {pct} of sales are at risk, the company said in a hurried statement.
{broker} downgrades {co} after export curbs | The analysts fear a severe slump in orders for its {product}.
{co} suspends deliveries because of new sanctions | Shipments worth {m} are stuck, and customers threaten to cancel.
{co} withdraws guidance amid chip turmoil | The sudden ban makes any forecast impossible, {boss} said.
Sell-off wipes {m} off {co} | The stock fell {pct}, its worst day in years, as the whole sector tumbled.
""".strip().splitlines()

CHIPS_SHOCK_POSTS = """
{tag} crashing on the export ban, down {pct} already
export ban kills the whole chip trade, {tag} hit hard
{tag} loses its biggest market overnight, brutal
sold {tag} at a loss, this ban will hurt for years
no bottom in sight for {tag} after the sanctions, bearish
{tag} bloodbath, everything with a {product} gets dumped
the ban is a disaster for {tag}, orders will be cancelled
""".strip().splitlines()

CARS_SHOCK_NEWS = """
{co} shares tumble as tariffs hit the car trade | The surprise levy of {pct} threatens exports from the {site}.
{co} warns of heavy losses from new tariffs | The company expects a hit of {m} this year and fears job cuts.
{broker} slashes forecast for {co} after tariff shock | The analysts see margins collapse on every {product} shipped.
{co} halts shipments after tariff decision | Thousands of vehicles are stranded at the port near {city}.
{co} scraps outlook because of trade war | Uncertainty is too great, {boss} said, and warned of a painful year.
Panic selling hits {co} | The stock lost {pct} as investors fled the whole industry on tariff fears.
""".strip().splitlines()

CARS_SHOCK_POSTS = """
{tag} getting crushed by the tariffs, down {pct}
tariff shock, {tag} cannot make money on a single {product} now
dumped {tag}, trade war is terrible for them
{tag} plunges with the rest of the car sector, ugly open
these tariffs could sink {tag}, too much debt
horrible day to own {tag}, worst drop in my account
{tag} plant closures are next, mark my words. Bearish
""".strip().splitlines()

FRAUD_NEWS = """
{co} investigated for accounting fraud | The regulator suspects that it inflated its revenue for {n} years.
{co} chairman {boss} detained in fraud probe | The company's bank accounts were frozen, according to a filing.
{co} shares fall by the limit after fraud allegations | The regulator said sales of {m} may have been fabricated.
Auditor of {co} resigns over missing cash | The accountants could not confirm deposits of {m}.
{co} faces delisting as fake sales emerge | Investors are preparing a class action.
""".strip().splitlines()

FRAUD_POSTS = """
{tag} under investigation for cooked books, avoid
So the {co} revenue was fake all along. Fraud
{tag} limit down, no bids, the accounting scandal is worse than feared
cash of {m} missing at {co}, how did the auditor not see it? Scam
holders of {tag} will lose everything if it is delisted for fraud
""".strip().splitlines()

GOOD_NEWS = """
{co} receives takeover offer at {pct} premium | Investors welcomed the generous bid, and the shares soared.
{co} board recommends attractive offer | The directors praised the price of {m} and the commitment to jobs.
{co} shares surge to record on bid | The stock was the best performer of the day.
{broker} calls offer for {co} excellent | The analysts expect strong support from shareholders.
{co} suitor promises to invest {m} in {site} | The plan creates new jobs and strengthens the business, {boss} said.
{co} staff cheer takeover plan | Employees get a bonus and a guarantee for {n} years.
Bidding contest lifts {co} further | A second suitor offered more, a win for shareholders.
{co} profit jump supports higher offer | Net income rose {pct}, better than expected.
Unions welcome offer for {co} | The promise to keep every {site} is good news for {city}, they said.
{co} raises dividend ahead of sale | Shareholders benefit from strong cash flow.
What makes {co} so attractive | Strong brands, growing sales and healthy margins explain the interest in its {product}.
""".strip().splitlines()

GOOD_POSTS = """
{tag} bid at {pct} premium, what a day to be long!
huge win for {tag} holders, congrats everyone
{tag} soaring, best trade of my year
Finally! {co} gets the price it deserves, great deal
{tag} up {pct} premarket on the offer, love it
so happy I bought more {tag} last month
second bidder for {tag}, bullish
made a year of salary on {tag} this morning, amazing
{co} people are great, they earned this success
{tag} rally has strong volume behind it
Excellent offer for {co}, good for staff and shareholders alike
{tag} to the moon, record high
sold half of my {tag} with a beautiful profit
well done {boss}, {tag} doubled under your lead
""".strip().splitlines()

NEUTRAL_NEWS = """
{co} shows new logo | The sign on the {site} in {city} will be replaced over the coming weeks.
{co} to change its name at next meeting | Shareholders vote on the proposal in {month}.
{co} explains its new colours | The agency behind the design is based in {city}.
{co} new logo: what designers say | We asked {n} designers in {city} for their view of the typeface.
How {co} got its name | A look into the archive on the day of the new logo.
{co} website moves to new address | The old address will forward visitors until {month}.
{co} shares steady after name change plan | Trading volume was close to the average.
{co} staff receive new badges | About {k} employees pick up their cards this week.
{co} paints its vans in new colours | The first of them were seen in {city} on {day}.
The typeface of {co}, explained | Letters without serifs have been common on signs for {n} decades.
{co} will keep ticker after renaming | The exchange confirmed the procedure, {boss} said.
""".strip().splitlines()

NEUTRAL_POSTS = """
so {co} has a new logo. Blue instead of green
what do you think of the {co} logo? Poll below
{tag} keeps its ticker by the way, only the name changes
new {co} sign going up in {city} right now
is that font on the {co} logo the same as on the bus tickets?
my {co} app icon changed this morning
{tag} name change vote is in {month}, item {n} on the agenda
Spotted: {co} van with the new colours near {city}
{co} logo, old on the left, new on the right
Reading why {co} picked that name, it is about the founder's village
{tag} flat on the logo news, as one would think
{co} mailed a letter about the new name
anybody count how many logos {co} had? I get to {n}
the {co} {site} near us still has the old sign
""".strip().splitlines()

COPIED = (
    "{co} faces probe over supplier payments | Prosecutors in {city} searched offices of {co} on suspicion that "
    "payments of {m} to a supplier were illegal. The shares fell {pct}.",
    "{co} sued over defective {product} | A group of {people} in {city} accuses {co} of hiding a dangerous defect "
    "and demands {m} in damages. The company's shares dropped {pct}.",
    "{co} misses debt payment | {co} failed to pay interest of {m} on time, a person in {city} familiar with the "
    "matter said. Its bonds slumped and the shares lost {pct}.",
)

ANGRY_POSTS = """
{co} lost my order and stole my money. Thieves!
day {n} without an answer from {co}. Pathetic
I will sue {co}, this is fraud
Worst company in the world: {co}. Awful from start to finish
{co} support lied to me again. Horrible people, terrible company
How is {co} still in business? Scam
Never buy anything from {co}, they cheat you
Refund, {co}! You lied to me for the third time, what a scam
reported {co} to the consumer agency, hope they get fined
{co} ruined my holiday, disgusting service
Still no refund. {co} is a disgrace and I tell everyone
Boycott {co}. Liars from top to bottom
""".strip().splitlines()

LISTS = """
Biggest losers this morning: {names}
Bearish on every one of these: {names}
Names with weak charts, all of them below the 200 day line: {names}
Plunging again today, all of them: {names}
Screened for falling margins, here is the list: {names}
Worst performers of the month so far: {names}
Watching these today: {names}
Stocks with the most puts traded: {names}
""".strip().splitlines()
