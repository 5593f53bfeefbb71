"""The bars that the scoring engine must pass, and whether it does."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tests.bench.scoring.agreement import Agreement
from tests.bench.scoring.contenders import ENGINE, PIPELINE, TORCH_SORTED
from tests.bench.scoring.product import RECHECKED
from tests.bench.scoring.replaying import EndToEnd
from tests.bench.scoring.rounds import Race
from tests.bench.scoring.starting import Start

TIMES: Final = {PIPELINE: 6.0, TORCH_SORTED: 2.7}
"""The engine's tokens a second, in those of each; at the median, on every set of texts."""
TIMES_NEED: Final = ("AMX", "AVX-512 VNNI")
"""One of these: on a processor that multiplies no small numbers by itself there is nothing to gain but padding."""
SAME_LABELS, LOST_F1, LEAST_ROWS = 0.993, 0.003, 3_000
COLD_SECONDS, RESIDENT_MB, SINGLE_MS, END_TO_END = 3.0, 700.0, 15.0, 0.85


@dataclass(frozen=True, slots=True)
class Bar:
    """One of them.

    Attributes:
        holds: None where it does not apply; `note` says why, or what the figure is of.
    """

    name: str
    bar: float
    found: float
    holds: bool | None
    note: str = ""

    def as_json(self) -> dict[str, Any]:
        return {"bar": self.bar, "found": round(self.found, 4), "holds": self.holds, "note": self.note}


def speed_bars(races: Mapping[str, Race], extensions: Sequence[str]) -> Iterable[Bar]:
    """The engine beside others, on its slowest set of texts."""
    applies = any(one in TIMES_NEED for one in extensions)
    for other, bar in TIMES.items():
        found = {
            name: race.speeds[ENGINE].against[other].median
            for name, race in races.items()
            if ENGINE in race.speeds and other in race.speeds[ENGINE].against
        }
        if found:
            worst = min(found, key=lambda name: found[name])
            note = f"on {worst}"
            if not applies:
                note += f"; it is a bar only where the processor has {' or '.join(TIMES_NEED)}"
            yield Bar(f"times {other}", bar, found[worst], found[worst] >= bar if applies else None, note)


def agreement_bars(agreements: Mapping[str, Mapping[str, Agreement]]) -> Iterable[Bar]:
    """What is served, here or where the processor is another, beside full precision, in each language."""
    for lang, found in agreements.items():
        for name, one in found.items():
            if name != ENGINE and not name.endswith(RECHECKED):
                continue
            few = lang == "en" and one.rows < LEAST_ROWS
            note = f"{one.rows:,} rows" + (f", fewer than the {LEAST_ROWS:,} that it takes" if few else "")
            same, lost = one.same_labels, one.weighted_f1_full - one.weighted_f1
            yield Bar(f"same labels {lang} {name}", SAME_LABELS, same, None if few else same >= SAME_LABELS, note)
            yield Bar(f"lost weighted F1 {lang} {name}", LOST_F1, lost, None if few else lost <= LOST_F1, note)


def start_bars(start: Start) -> Iterable[Bar]:
    """What a process needs."""
    cold = start.cold_seconds.median
    yield Bar("cold start seconds", COLD_SECONDS, cold, cold < COLD_SECONDS)
    is_told = start.resident_mb > 0
    note = "both languages loaded and used" if is_told else "this system does not tell"
    yield Bar("resident MB", RESIDENT_MB, start.resident_mb, start.resident_mb < RESIDENT_MB if is_told else None, note)
    yield Bar("single text ms", SINGLE_MS, start.single_ms, start.single_ms < SINGLE_MS, "at the median")


def end_bars(name: str, found: EndToEnd) -> Iterable[Bar]:
    """The whole beside the engine; name: of what was run."""
    yield Bar(f"{name} of the engine's rate", END_TO_END, found.ratio.median, found.ratio.median >= END_TO_END)
