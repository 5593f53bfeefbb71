"""Everything that `bench_score` measures, in its order, and what came of it.

Order of events: every contender is opened and asked the same texts, so that nobody races with other weights -> rounds
-> batches of growing size -> development rows -> two processes beside one -> fresh processes -> replays.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from models.corpus.rows import DataError
from models.evaluation.answers import LabelledSet
from models.text import MAX_TOKENS
from tests.bench.scoring.agreement import Agreement, agreements, development_sets
from tests.bench.scoring.agreement import as_json as agreements_as_json
from tests.bench.scoring.bars import Bar, agreement_bars, end_bars, speed_bars, start_bars
from tests.bench.scoring.contenders import ENGINE, PIPELINE, TORCH_SORTED, FloatArray
from tests.bench.scoring.processes import Processes, two_beside_one
from tests.bench.scoring.product import FULL_PRECISION
from tests.bench.scoring.reading import LANGUAGES, cut_windows
from tests.bench.scoring.replaying import EndToEnd, end_to_end
from tests.bench.scoring.rounds import BATCHES, SPAN, Point, Race, curves, race, repeats
from tests.bench.scoring.starting import Start, starts
from tests.bench.scoring.texts import NEWS, SETS, Supply, TextSet
from tests.bench.scoring.workers import Absent, Worker

MOST_APART = 1e-3
"""By which a probability of two in single precision may differ. Rounding makes 1e-6; another token, some hundredths."""
_SEED = 20_261_127
_DEMO = 0
"""Documents of a round that is the demo's."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured.

    Attributes:
        posts, news: texts of a round. batches: their sizes. span: texts in all batches of one size, about.
        check: texts that all must answer alike before anything is measured.
        sample: development rows of each set, about; None: all.
        starts: fresh processes. singles: texts that are asked one by one.
        replay_documents: of the generated feed, of which three in five name a topic and are scored.
    """

    sets: tuple[TextSet, ...]
    posts: int
    news: int
    rounds: int
    batches: tuple[int, ...]
    span: int
    check: int
    sample: int | None
    starts: int
    singles: int
    replay_documents: int
    replay_rounds: int

    def with_rounds(self, rounds: int | None) -> "Plan":
        """The same with so many rounds, if told."""
        return self if rounds is None else replace(self, rounds=rounds)


FULL = Plan(SETS, 512, 128, 5, BATCHES, SPAN, 32, None, 5, 300, 5_000, 3)
QUICK = Plan((SETS[0], SETS[-1]), 4, 2, 2, (1, 2), 1, 3, 1, 1, 5, 30, 1)
"""Both languages and both kinds, but not each with each."""


class WrongAnswer(Exception):
    """Contenders do not answer the same, so that nothing can be compared; the message says who."""


@dataclass(slots=True)
class Measured:
    """What came of it; what could not be measured is empty or None, and told in `notes`.

    Attributes:
        apart: by language, the most by which a probability of a contender differs from single precision in torch, on
            texts that one window holds.
        about: what the engine that was compared says of itself: which backend it chose.
        absent: who could not take part in a language, and why.
    """

    races: dict[str, Race] = field(default_factory=dict)
    curves: dict[str, dict[str, list[Point]]] = field(default_factory=dict)
    agreements: dict[str, dict[str, Agreement]] = field(default_factory=dict)
    apart: dict[str, dict[str, float]] = field(default_factory=dict)
    about: str = ""
    absent: dict[str, str] = field(default_factory=dict)
    start: Start | None = None
    processes: Processes | None = None
    end_to_end: EndToEnd | None = None
    demo: EndToEnd | None = None
    notes: list[str] = field(default_factory=list)

    def bars(self, extensions: Sequence[str]) -> list[Bar]:
        """Those that can be judged."""
        found = [*speed_bars(self.races, extensions), *agreement_bars(self.agreements)]
        found += start_bars(self.start) if self.start is not None else ()
        for name, one in (("replay", self.end_to_end), ("demo", self.demo)):
            found += end_bars(name, one) if one is not None else ()
        return found

    def as_json(self, extensions: Sequence[str]) -> dict[str, Any]:
        """What the last line says."""
        return {
            "engine": self.about,
            "throughput": {name: one.as_json() for name, one in self.races.items()},
            "curves": {
                name: {who: [point.as_json() for point in points] for who, points in one.items()}
                for name, one in self.curves.items()
            },
            "most_apart": {lang: {who: round(far, 6) for who, far in one.items()} for lang, one in self.apart.items()},
            "agreement": {lang: agreements_as_json(one) for lang, one in self.agreements.items()},
            "start": None if self.start is None else self.start.as_json(),
            "processes": None if self.processes is None else self.processes.as_json(),
            "replay": None if self.end_to_end is None else self.end_to_end.as_json(),
            "demo": None if self.demo is None else self.demo.as_json(),
            "absent": self.absent,
            "bars": {one.name: one.as_json() for one in self.bars(extensions)},
            "notes": self.notes,
        }


def measure(names: Sequence[str], plan: Plan, threads: int, data: Path) -> Measured:
    """Measure so many contenders by a plan. data: folder of the labelled sets.

    Raises: WrongAnswer: two in single precision disagree.
    """
    found = Measured()
    supplies = {one.name: Supply(one, _SEED) for one in SETS}
    sets = _development(data, plan, found)
    with tqdm(total=_steps(plan, names, sets, threads), disable=None, unit=" steps") as bar:
        _measure_together(found, names, plan, threads, supplies, sets, bar)
        if ENGINE in names and _is_there(found, ENGINE):
            _measure_alone(found, plan, threads, supplies, bar)
    return found


def _measure_together(
    found: Measured,
    names: Sequence[str],
    plan: Plan,
    threads: int,
    supplies: Mapping[str, Supply],
    sets: Mapping[str, Sequence[LabelledSet]],
    bar: Any,
) -> None:
    """What all contenders do in turn, each in its process."""

    def step(count: int = 1) -> None:
        bar.update(count)

    with ExitStack() as open_things:
        workers = []
        for name in names:
            workers.append(Worker(name, threads))
            open_things.callback(workers[-1].close)
        for lang in LANGUAGES:
            bar.set_description(f"same answers {lang}")
            _check(found, workers, supplies[f"posts-{lang}"], plan.check, step)
        for one in plan.sets:
            bar.set_description(f"rounds {one.name}")
            found.races[one.name] = race(workers, supplies[one.name], _texts(one, plan), plan.rounds, step)
        for one in plan.sets:
            bar.set_description(f"batches {one.name}")
            found.curves[one.name] = curves(workers, supplies[one.name], plan.batches, plan.span, step)
        for lang, labelled in sets.items():
            bar.set_description(f"development rows {lang}")
            if compared := agreements(workers, labelled, lang, step):
                found.agreements[lang] = compared
    if sets and not found.agreements:
        found.notes.append(f"agreement was not measured: it needs {TORCH_SORTED} and another contender")


def _measure_alone(found: Measured, plan: Plan, threads: int, supplies: Mapping[str, Supply], bar: Any) -> None:
    """What the engine does when nobody else is in memory."""
    posts = supplies["posts-en"]
    try:
        if threads > 1:
            bar.set_description("two processes")
            found.processes = two_beside_one(posts, plan.posts, plan.rounds, threads, bar.update)
        bar.set_description("fresh processes")
        warm = {one.name: supplies[one.name].draw(_texts(one, plan)) for one in plan.sets}
        found.start = starts(threads, posts.draw(1)[0], warm, posts.draw(plan.singles), plan.starts, bar.update)
        bar.set_description("replays")
        found.end_to_end = end_to_end(threads, plan.replay_documents, plan.replay_rounds, bar.update)
        bar.set_description("demos")
        found.demo = end_to_end(threads, _DEMO, plan.replay_rounds, bar.update)
    except (Absent, RuntimeError) as error:
        found.notes.append(f"not all was measured: {error}")  # Hours of figures are not thrown away for the last one.


def _is_there(found: Measured, name: str) -> bool:
    return not any(one.startswith(f"{name} ") for one in found.absent)


def _texts(of: TextSet, plan: Plan) -> int:
    return plan.news if of.tokens is NEWS else plan.posts


def _steps(plan: Plan, names: Sequence[str], sets: Mapping[str, Sequence[LabelledSet]], threads: int) -> int:
    """Steps of the progress bar; a contender that drops out leaves some over."""
    asked = sum(repeats(batch, plan.span) for batch in plan.batches)
    pairs = sum(len(one.rows) for labelled in sets.values() for one in labelled)
    judges = len([name for name in names if name != PIPELINE])
    alone = plan.starts + 2 * plan.replay_rounds + (2 * plan.rounds if threads > 1 else 0)
    together = len(LANGUAGES) + len(plan.sets) * (plan.rounds + asked)
    return len(names) * together + judges * pairs + (alone if ENGINE in names else 0)


def _check(found: Measured, workers: Sequence[Worker], supply: Supply, texts: int, on_step: Callable[[], None]) -> None:
    """Ask all the same short texts, which warms them up too, and compare."""
    lang = supply.of.lang
    drawn = supply.draw(texts)
    windows = cut_windows(lang, drawn)
    short = [text for text, window in zip(drawn, windows, strict=True) if len(window.ids) < MAX_TOKENS]
    answers: dict[str, FloatArray] = {}
    for worker in workers:
        try:
            answers[worker.name] = worker.score(lang, short)
            if worker.name == ENGINE:
                found.about = worker.about(lang)
        except Absent as error:
            found.absent[f"{worker.name} {lang}"] = str(error)
        on_step()
    reference = next((name for name in (TORCH_SORTED, PIPELINE, *answers) if name in answers), None)
    if reference is None:
        raise WrongAnswer("no contender could be opened: " + "; ".join(found.absent.values()))
    apart = {name: float(np.abs(one - answers[reference]).max()) for name, one in answers.items()}
    found.apart[lang] = apart
    exact = {name: far for name, far in apart.items() if _is_exact(name)}
    if wrong := {name: far for name, far in exact.items() if not far <= MOST_APART}:
        told = ", ".join(f"{name} by {far:.4f}" for name, far in wrong.items())
        raise WrongAnswer(
            f"{lang}: probabilities differ from those of {reference}: {told}; not the same weights or texts"
        )


def _is_exact(name: str) -> bool:
    return name in (PIPELINE, TORCH_SORTED) or FULL_PRECISION in name


def _development(data: Path, plan: Plan, found: Measured) -> dict[str, tuple[LabelledSet, ...]]:
    """Development rows by language; none, with a note, where there is no data."""
    try:
        return development_sets(data, plan.sample)
    except DataError as error:
        note = f"AGREEMENT WITH FULL PRECISION WAS NOT MEASURED: {error}"
        found.notes.append(note)
        tqdm.write(note, file=sys.stderr)
        return {}
