"""The report in a real browser: quick, quiet, readable on a phone, at a desk, in the dark and on paper."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Route

from monitor.app import ReplayArguments, Replayed, replay
from monitor.clock import ManualClock
from monitor.config import load_config
from monitor.domain.alerts import AlertEvent, AlertId
from monitor.domain.topics import TopicId
from monitor.errors import ExitCode
from monitor.lab.report import heading_of, write_report
from monitor.lab.story import Planted, PlantedKind, StorySettings, tell, watchlist_table
from monitor.lab.story.telling import LEAST_DAYS, LEAST_DOCUMENTS
from monitor.lab.verdict import judge
from tests.browser.chromium import browser

pytestmark = [pytest.mark.slow, pytest.mark.real]

LOAD_MS = 1_000
PHONE, DESK = (390, 844), (1280, 800)
SCREENS = [pytest.param(PHONE, id="phone"), pytest.param(DESK, id="desk")]
SCHEMES = ["light", "dark"]

CONTRASTS = """() => {
  const parse = text => (text.match(/[\\d.]+/g) || []).map(Number);
  const linear = part => { const v = part / 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; };
  const luminance = rgb => 0.2126 * linear(rgb[0]) + 0.7152 * linear(rgb[1]) + 0.0722 * linear(rgb[2]);
  const ground = element => {
    for (let one = element; one; one = one.parentElement) {
      const found = parse(getComputedStyle(one).backgroundColor);
      if (found.length === 3 || found[3] > 0) return found;
    }
    return [255, 255, 255];
  };
  const found = {};
  for (const element of document.querySelectorAll("body *")) {
    const says = [...element.childNodes].some(node => node.nodeType === Node.TEXT_NODE && node.textContent.trim());
    if (!says || element.closest("svg")) continue;
    const pair = [luminance(parse(getComputedStyle(element).color)), luminance(ground(element))].sort((a, b) => b - a);
    const key = element.tagName.toLowerCase() + "." + element.className;
    found[key] = Math.min(found[key] || 99, (pair[0] + 0.05) / (pair[1] + 0.05));
  }
  return found;
}"""
"""The least contrast of each kind of element that says something, by WCAG 2's formula."""


@dataclass
class Heard:
    """What a page did while it was looked at."""

    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Story:
    """A small story, what was planted in it, what was told of it, and the report with the verdict and without."""

    planted: tuple[Planted, ...]
    events: tuple[AlertEvent, ...]
    plain: Path
    judged: Path

    def anchor(self, kind: PlantedKind) -> str:
        """Where the alert that found a planted event stands on the page."""
        found = next(row for row in judge(self.planted, self.events).rows if row.kind is kind)
        assert found.alert_id is not None, f"{kind} was missed"
        return self._anchors()[found.alert_id]

    def _anchors(self) -> dict[AlertId, str]:
        text = self.plain.read_text(encoding="utf-8")
        cards = text.split('<article class="case" id="')[1:]
        return {
            event.alert_id: card.partition('"')[0]
            for event in self.events
            for card in cards
            if f"alert {event.alert_id} " in card
        }


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    folder = tmp_path_factory.mktemp("story")
    told = tell(StorySettings(days=LEAST_DAYS, documents=LEAST_DOCUMENTS))
    (folder / "feed.jsonl").write_bytes(b"".join(line + b"\n" for line in told.records))
    (folder / "watchlist.csv").write_text(watchlist_table(told.watchlist), encoding="utf-8")
    config = load_config(None, {}, {"scorer.kind": "lexicon"})
    events: list[AlertEvent] = []

    def write(replayed: Replayed) -> None:
        events.extend(replayed.history.alerts())
        heading = heading_of(config, replayed.watchlist, replayed.scorer)

        def name_of(topic: TopicId) -> str:
            return replayed.embedded.tags.name_of(topic)

        write_report(replayed.history, name_of, folder / "plain.html", heading=heading)
        verdict = judge(told.planted, events)
        write_report(replayed.history, name_of, folder / "judged.html", heading=heading, verdict=verdict)

    arguments = ReplayArguments(
        feeds=(str(folder / "feed.jsonl"),),
        watchlist=folder / "watchlist.csv",
        alerts=folder / "alerts.jsonl",
        state=None,
        from_ms=None,
        to_ms=None,
        as_of_ms=None,
        on_end=write,
    )
    far_later = ManualClock(told.planted[0].start_ms * 2)
    assert replay(config, arguments, far_later) is ExitCode.DONE
    return Story(tuple(told.planted), tuple(events), folder / "plain.html", folder / "judged.html")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as started:
        yield started


def opened(chromium: Browser, file: Path, screen: tuple[int, int] = DESK, scheme: str = "light") -> tuple[Page, Heard]:
    """The file in a fresh profile; every request but that for the file is cut off, and all is written down."""
    width, height = screen
    context = chromium.new_context(
        viewport={"width": width, "height": height}, color_scheme="dark" if scheme == "dark" else "light"
    )
    page, heard = context.new_page(), Heard()

    def on_request(route: Route) -> None:
        heard.requests.append(route.request.url)
        if route.request.url == file.as_uri():
            route.continue_()
        else:
            route.abort()

    def on_console(message: ConsoleMessage) -> None:
        heard.complaints.append(message.text)

    page.route("**/*", on_request)
    page.on("console", on_console)
    page.on("pageerror", lambda error: heard.complaints.append(str(error)))
    page.goto(file.as_uri())
    return page, heard


@pytest.mark.parametrize("screen", SCREENS)
def test_report_loads_within_a_second_without_a_complaint_or_a_request(
    chromium: Browser, story: Story, screen: tuple[int, int]
) -> None:
    took_ms = []
    for _ in range(3):  # The middle one counts: the first pays for the browser's start, another for a busy machine.
        page, heard = opened(chromium, story.judged, screen)
        took_ms.append(page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd"))
        page.context.close()
        assert heard.complaints == []
        assert heard.requests == [story.judged.as_uri()]
    assert 0 < median(took_ms) < LOAD_MS


def test_planted_request_is_seen_and_forbidden(chromium: Browser, story: Story, tmp_path: Path) -> None:
    """The two checks above can fail: a picture from elsewhere is refused by the page's own policy, aloud."""
    text = story.plain.read_text(encoding="utf-8")
    spoilt = tmp_path / "spoilt.html"
    spoilt.write_text(text.replace("<main>", '<main><img src="https://elsewhere.example/a.png">'), encoding="utf-8")
    page, heard = opened(chromium, spoilt)
    page.context.close()
    assert any("Content Security Policy" in complaint for complaint in heard.complaints)
    assert heard.requests == [spoilt.as_uri()]


@pytest.mark.parametrize("which", ["plain", "judged"])
def test_nothing_is_wider_than_the_screen(chromium: Browser, story: Story, which: str) -> None:
    page, _ = opened(chromium, story.plain if which == "plain" else story.judged)
    needed = {}
    for width in (320, 390, 768, 1280):
        page.set_viewport_size({"width": width, "height": 844})
        needed[width] = page.evaluate("document.documentElement.scrollWidth")
    page.context.close()
    assert needed == {width: width for width in needed}


@pytest.mark.parametrize("which", ["plain", "judged"])
@pytest.mark.parametrize("screen", SCREENS)
def test_planted_incident_is_on_the_first_screen(
    chromium: Browser, story: Story, which: str, screen: tuple[int, int]
) -> None:
    page, _ = opened(chromium, story.plain if which == "plain" else story.judged, screen)
    for kind in (PlantedKind.RECALL, PlantedKind.LIQUIDITY, PlantedKind.FRAUD):
        places = page.locator(f'a[href="#{story.anchor(kind)}"]:not(.flag)')
        boxes = [places.nth(index).bounding_box() for index in range(places.count())]
        assert any(box is not None and box["y"] >= 0 and box["y"] + box["height"] <= screen[1] for box in boxes), kind
    page.context.close()


def test_link_to_an_alert_leads_to_its_card(chromium: Browser, story: Story) -> None:
    page, _ = opened(chromium, story.judged, PHONE)
    anchor = story.anchor(PlantedKind.LIQUIDITY)
    page.locator(f'table.verdict a[href="#{anchor}"]').first.click()
    box = page.locator(f"#{anchor}").bounding_box()
    page.context.close()
    assert box is not None and abs(box["y"]) < 40


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("screen", SCREENS)
def test_all_text_stands_out_from_its_ground(
    chromium: Browser, story: Story, scheme: str, screen: tuple[int, int]
) -> None:
    page, _ = opened(chromium, story.judged, screen, scheme)
    contrasts: dict[str, float] = page.evaluate(CONTRASTS)
    is_dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    page.context.close()
    assert is_dark is (scheme == "dark")
    assert len(contrasts) > 20
    assert {kind: round(ratio, 2) for kind, ratio in contrasts.items() if ratio < 4.5} == {}


def test_report_prints_with_whole_charts_and_readable_addresses(chromium: Browser, story: Story) -> None:
    page, _ = opened(chromium, story.judged)
    paper = page.pdf(format="A4", prefer_css_page_size=True)
    page.emulate_media(media="print", color_scheme="dark")
    ink, ground = page.evaluate("(s => [s.color, s.backgroundColor])(getComputedStyle(document.body))")
    address = page.locator('.documents a[href^="http"]').first
    shown = address.evaluate("link => getComputedStyle(link, '::after').content")
    breaks = page.locator("figure").evaluate_all("all => all.map(one => getComputedStyle(one).breakInside)")
    page.context.close()
    assert paper.startswith(b"%PDF-") and len(paper) > 50_000
    assert (ink, ground) == ("rgb(0, 0, 0)", "rgb(255, 255, 255)")
    assert "http" in shown
    assert breaks and set(breaks) == {"avoid"}


def test_report_of_the_story_is_small(story: Story) -> None:
    assert story.judged.stat().st_size < 1_500_000
