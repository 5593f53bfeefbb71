"""Everyday English: what papers and posters write about a company in a week in which nothing special happens.

Data. A news line is `headline | lead`; a post is one line. Slots: {co} name, {tag} cashtag or name, {pct} percentage,
{m} sum of money, {k} thousands, {n} small number, {city}, {boss}, {product}, {site}, {people}, {month}, {day},
{broker}; {other} is a second company.
"""

NEWS_NEUTRAL = """
{co} to publish first-quarter figures on {day} | The company will hold a call with analysts in the afternoon, it said.
{co} names {boss} to its board | {boss} becomes a non-executive director in {month} and joins the audit committee.
{co} moves its regional office to {city} | About {k} staff will change desks over the summer, the company said.
{co} annual meeting set for {month} | Shareholders can register for the meeting in {city} until the end of the month.
{co} shows new {product} at trade fair in {city} | The company shared a stand with suppliers and gave no sales target.
What to know about {co} before {day} | A short guide to the calendar, the people and the numbers that analysts look at.
{co} and the city of {city} sign a training agreement | Apprentices will spend a year at the local {site}.
{co} chief {boss} on habits, hiring and early mornings | In an interview the executive talked about a life in the trade.
{co} rotates its auditors after ten years | The change follows the usual timetable for listed companies.
{co} to host investor day in {city} | Managers will explain the plan for {n} years, according to an invitation.
{co} renames its {product} line | The new name will appear on the website from {month}.
{co} appoints {boss} as head of communications | {boss} previously worked for an agency in {city}.
{co} holds {product} price steady for {month} | The list price stays where it was in the previous quarter.
How the {product} reaches {people}: a visit to {co} | Our reporter spent {n} days at a {site} near {city}.
{co} files routine registration document | The paper describes the business and repeats figures that were known.
{co} sponsors youth orchestra in {city} | The company has supported the ensemble for {n} seasons.
{co} opens visitor centre at its {site} | School classes can book a tour from {month}.
{co} extends contract with logistics partner | The agreement runs for another {n} years on the same terms.
{co} updates the app that {people} use | The new version changes the menu and the colours, the company said.
{broker} starts coverage of {co} with a hold rating | The broker set a price target close to the current share price.
{co} shares little changed in quiet trade | Volume was in line with the average of the past month, traders said.
{co} to replace notes due next year | The company has mandated {n} banks for meetings with investors this week.
{co} moves listing of its notes to {city} | The transfer is technical and takes effect on {day}.
{co} publishes its yearly sustainability report | The document runs to {k} words and covers water, energy and travel.
{co} to take part in conference in {city} | {boss} will speak on a panel about the {product} market.
{co} changes the format of its quarterly report | The segments stay the same; the tables move to an annex.
{co} schedules maintenance at its {site} near {city} | The work takes {n} days and was announced last year.
{co} in figures: {k} people, {n} countries, one {product} | A look at a company that many readers use.
""".strip().splitlines()

NEWS_GOOD = """
{co} raises its outlook after a strong quarter | Profit rose {pct} and orders reached a record, the company said.
{co} beats expectations as {product} demand grows | Revenue climbed {pct} to {m}, ahead of what analysts had forecast.
{co} wins {m} order for its {product} | The contract is the largest in the history of the company.
{co} shares jump to a record high | Investors cheered an upbeat forecast and a higher dividend.
{co} lifts dividend and starts a buyback of {m} | The board praised strong cash flow and a healthy balance sheet.
{broker} upgrades {co} to buy | The analysts see robust growth and raised their price target by {pct}.
{co} to create {k} jobs near {city} | The expansion of the {site} follows rapid growth in demand, {boss} said.
{co} reports best {month} ever | Sales of the {product} surged {pct}, helped by loyal {people}.
{co} returns to profit sooner than planned | Margins improved for the third quarter in a row.
{co} and partner achieve breakthrough with new {product} | Early results were excellent, the developers said.
Rating agency upgrades {co} on improved finances | The agency cited lower debt and strong earnings.
{co} gains market share in {city} region | The company outperformed its peers with growth of {pct}.
{co} {product} wins industry award | The jury praised its quality and its success with {people}.
{co} profit doubles on efficiency gains | Net income rose to {m}, a record for the period.
{co} secures approval for new {site} | The permit came earlier than hoped and the shares gained {pct}.
{co} repays loan early thanks to strong cash flow | The company saves {m} in interest a year.
Analysts praise {co} after upbeat investor day | {broker} called the targets credible and the momentum impressive.
{co} extends winning streak with {pct} gain | The stock was the best performer of its sector on {day}.
{co} raises pay after a record year | Staff at the {site} receive a bonus, {boss} told them to applause.
{co} expects strong growth to continue | Order intake is {pct} higher than a year ago, the company said.
""".strip().splitlines()

NEWS_BAD = """
{co} misses estimates as {product} demand weakens | Quarterly profit fell {pct} and the shares dropped in early trade.
{broker} downgrades {co} to sell | The analysts warn of shrinking margins and weak demand for its {product}.
{co} cuts its outlook for the year | The company blamed higher costs and sluggish sales in its home market.
Workers strike at {co} {site} near {city} | The union rejected the latest offer and warned of further walkouts.
{co} fined {m} over misleading adverts | The regulator said {people} had been deceived about the {product}.
{co} sued by former supplier | The complaint seeks {m} in damages for breach of contract.
{co} finance chief resigns abruptly | The surprise departure of {boss} worries investors, and the shares fell {pct}.
{co} to cut {k} jobs | The layoffs follow a decline in orders and mounting losses.
Fire damages {co} {site} near {city} | Two workers were injured and production was halted.
{co} posts wider loss | The loss grew to {m} after a disappointing quarter.
{co} delays launch of {product} again | The postponement is a setback for {boss}, who had promised it for {month}.
Outage at {co} leaves {people} stranded | The failure lasted {n} hours and drew a flood of complaints.
{co} loses major customer | The cancellation of the contract leaves a hole of {m} in revenue.
Rating agency cuts {co} on weak earnings | The downgrade makes borrowing more expensive, and the outlook is negative.
{co} writes off {m} on failed venture | The impairment wiped out the profit of the quarter.
Data leak at {co} exposes {k} {people} | The company apologised for the breach of its systems.
""".strip().splitlines()

POST_NEUTRAL = """
anyone listening to the {tag} call on {day}?
{tag} reports {day} after the close, marking my calendar
Reading the {tag} annual report tonight. {k} words, need more coffee
Is {tag} at that conference in {city} this week or next?
{tag} flat today, nothing to see
Does somebody have a link to the {tag} presentation from {city}?
Saw a {co} van in {city} this morning, new colours
What is your holding period for {tag}? Mine is about {n} years
{tag} volume about average so far
My neighbour works at the {co} {site}, says the canteen got a new menu
Which broker covers {tag} now that the old analyst moved to {city}?
Wondering how {tag} splits revenue between regions, page {n} of the filing does not say
{tag} trading sideways for {n} days now
New {co} ad with the dog is everywhere
Do you count {tag} as a value name or as something else?
{tag} ex-dividend is on {day}, right?
poll: where is {tag} by the end of {month}?
Comparing {tag} with its peers this weekend, spreadsheet in the thread
{boss} of {co} is on the panel in {city} at ten
First time I looked at {tag}. Who are the biggest holders?
""".strip().splitlines()

POST_GOOD = """
{tag} great quarter, record profit, very happy holder here
Love the new {co} {product}, best thing I bought this year
{tag} breaking out to new highs, strong volume
added more {tag}, bullish into the summer
{tag} upgrade from {broker} this morning, nice
{tag} up {pct} today, what a run!
Impressive numbers from {co}, margins improving every quarter
{tag} just won a {m} contract, huge win
{tag} dividend raised again, that is how you treat shareholders
Strong buy for me: {tag} is undervalued and growing {pct} a year
Great service at {co} today, friendly staff and everything worked
{tag} beat and raise, congrats to the longs
{tag} rally continues, still cheap in my view
So glad I kept my {tag}, up {pct} since {month}
{boss} is doing an excellent job at {co}, profits keep growing
""".strip().splitlines()

POST_BAD = """
{tag} awful quarter, sold everything at a loss
{tag} down {pct} again, this is a disaster
Terrible support at {co}, {n} hours on hold and still no refund
{tag} breaking support, looks very weak, bearish
{tag} misses again. Management has lost all credibility
Disappointed by {co}, the {product} broke after {n} days
puts on {tag}, this is going to tank
{tag} guidance cut, ugly
downgrade for {tag} from {broker}, falling hard premarket
worst stock in my account: {tag}, I lost {pct} since {month}
{co} overcharged me and refuses to pay it back, avoid
{tag} bag holder here, losses keep growing
layoffs at the {co} {site}, my cousin lost the job today
{tag} crash incoming, debt is out of control
""".strip().splitlines()

PAIR_NEUTRAL = """
{co} and {other} share a stand in {city} | The two companies said that the joint appearance is for this fair only.
{co} or {other}: what the calendar holds | Both companies report in the same week of {month}.
{other} veteran {boss} joins {co} | The manager starts in {month} and will work from {city}.
{co} and {other} agree on a common form for invoices | Suppliers can use it from {month}.
""".strip().splitlines()

BLOG_OPENINGS = """
A few notes from this morning.
Readers asked me about this one.
I follow the company for the local newsletter.
Filed under: things I read on the train.
My usual disclaimer: I own no shares in it.
""".strip().splitlines()

CONTEXT = """
The company, which has its seat near {city}, employs about {k} people.
{boss}, who has led the business for {n} years, was not available for comment.
A spokesperson gave no further details.
Analysts at {broker} will update their model on {day}.
The {product} stands for about {pct} of revenue.
The next quarterly report is due in {month}.
{co} was founded in {city} more than {n} decades ago.
The statement was sent out before the market opened.
Most of its {people} live within an hour of a {site}.
The company runs {n} sites, the largest of them near {city}.
A conference call for analysts is planned for {day}.
The stock has been part of the main index for {n} years.
This article is part of our series on the companies of the region.
Figures in this report come from the company and from {broker}.
""".strip().splitlines()
