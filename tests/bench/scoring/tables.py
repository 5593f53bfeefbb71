"""What is printed, for a person at a terminal."""

from collections.abc import Iterable, Mapping

from tests.bench.scoring.agreement import Agreement
from tests.bench.scoring.bars import Bar
from tests.bench.scoring.contenders import PIPELINE, TORCH_SORTED
from tests.bench.scoring.processes import Processes
from tests.bench.scoring.replaying import EndToEnd
from tests.bench.scoring.rounds import Point, Race, Spread
from tests.bench.scoring.starting import Start

_NAME = 34


def race_table(name: str, race: Race) -> list[str]:
    """Speeds on one set of texts."""
    found = [
        f"{name}: {race.texts} new texts a round, {race.tokens:.0f} tokens each at the mean, {race.rounds} rounds",
        f"{'contender':<{_NAME}}{'texts/s':>9}{'(range)':>18}{'tokens/s':>10}"
        f"{'x pipeline':>12}{'(range)':>14}{'x torch-sorted':>16}{'(range)':>14}",
    ]
    for contender, speed in race.speeds.items():
        ratios = "".join(
            _ratio(speed.against.get(other), width) for other, width in ((PIPELINE, 12), (TORCH_SORTED, 16))
        )
        texts = f"{speed.texts.median:>9,.0f}{_range(speed.texts, 0):>18}"
        found.append(f"{contender:<{_NAME}}{texts}{speed.tokens.median:>10,.0f}{ratios}")
    return [*found, *(f"{contender:<{_NAME}}absent: {why}" for contender, why in race.absent.items())]


def curve_table(name: str, curves: Mapping[str, list[Point]]) -> list[str]:
    """Milliseconds of a batch by its size."""
    batches = [point.batch for point in next(iter(curves.values()), [])]
    found = [f"{name}: milliseconds until a batch of so many texts is answered, at the median"]
    found.append(f"{'contender':<{_NAME}}{''.join(f'{batch:>10}' for batch in batches)}")
    for contender, points in curves.items():
        found.append(f"{contender:<{_NAME}}{''.join(f'{1e3 * point.seconds:>10,.1f}' for point in points)}")
    return found


def agreement_table(lang: str, found: Mapping[str, Agreement]) -> list[str]:
    """Backends beside full precision."""
    rows = [f"{lang}: beside full precision, on development rows"]
    rows.append(f"{'contender':<{_NAME}}{'rows':>8}{'same labels':>14}{'most apart':>12}{'weighted F1':>13}{'full':>9}")
    for name, one in found.items():
        same = f"{one.rows:>8,}{one.same_labels:>14.4f}{one.greatest_difference:>12.4f}"
        rows.append(f"{name:<{_NAME}}{same}{one.weighted_f1:>13.4f}{one.weighted_f1_full:>9.4f}")
    return rows


def alone_lines(start: Start | None, processes: Processes | None, whole: Mapping[str, EndToEnd | None]) -> list[str]:
    """What the engine does when nobody else is in memory."""
    found = []
    if start is not None:
        cold = f"{start.cold_seconds.median:.2f} s {_range(start.cold_seconds, 2)}"
        found += [
            f"the engine here: {start.scorer}",
            f"cold start to the first score: {cold}; both languages resident: {start.resident_mb:.0f} MB",
            f"a single text: {start.single_ms:.1f} ms, 99 in 100 within {start.single_p99_ms:.1f} ms",
        ]
    if processes is not None:
        one = f"{processes.one.median:,.0f} texts/s, {processes.one_mb:.0f} MB"
        two = f"two that share them: {processes.two.median:,.0f} texts/s, {processes.two_mb:.0f} MB"
        ratio = f"ratio {processes.ratio.median:.2f} {_range(processes.ratio, 2)}"
        found.append(f"one process of {processes.threads} threads: {one}; {two}; {ratio}")
    for name, one_whole in whole.items():
        if one_whole is not None:
            rates = f"{one_whole.replayed.median:,.0f} pairs/s of the engine's {one_whole.engine.median:,.0f}"
            ratio = f"ratio {one_whole.ratio.median:.2f} {_range(one_whole.ratio, 2)}"
            found.append(f"{name} end to end: {rates}; {ratio}; cores busy {one_whole.busy.median:.0%}")
    return found


def bar_table(bars: Iterable[Bar]) -> list[str]:
    """Every bar with its figure."""
    words = {True: "holds", False: "MISSED", None: "-"}
    return [
        f"{one.name:<50}{one.found:>10.3f}{f'bar {one.bar:g}':>12}  {words[one.holds]:<8}{one.note}" for one in bars
    ]


def _ratio(one: Spread | None, width: int) -> str:
    return f"{'-':>{width}}{'':>14}" if one is None else f"{one.median:>{width}.2f}{_range(one, 2):>14}"


def _range(one: Spread, digits: int) -> str:
    return f"({one.least:,.{digits}f}-{one.most:,.{digits}f})"
