"""What is printed, for a person at a terminal."""

from collections.abc import Iterable, Mapping, Sequence

from tests.bench.kafka.bars import Bar
from tests.bench.kafka.cost import Cost
from tests.bench.kafka.latency import Latency
from tests.bench.kafka.rates import OneCore, Scaled
from tests.bench.kafka.restore import STAGES, Restored
from tests.bench.scoring.rounds import Spread


def cost_table(costs: Mapping[str, Cost]) -> list[str]:
    """Microseconds of a processor for each record that a role reads."""
    found = [
        "microseconds of a processor for each record read, median (range)",
        f"{'role':<9}{'records':>9}{'says':>7}{'loop':>20}{'embedded':>20}{'kafka':>20}{'x loop+embedded':>22}",
    ]
    for role, one in costs.items():
        ways = "".join(f"{_told(way, 1):>20}" for way in (one.loop, one.embedded, one.kafka))
        found.append(f"{role:<9}{one.records:>9,}{one.fan_out:>7.2f}{ways}{_told(one.ratio, 2):>22}")
    return found


def rate_lines(one_core: OneCore | None, scaled: Sequence[Scaled]) -> list[str]:
    """Records a second."""
    found = []
    if one_core is not None:
        what = f"{one_core.documents:,} documents about {one_core.topics:,} topics"
        found.append(f"trend on one core: {_told(one_core.rate, 0)} a second, {_told(one_core.cpu, 1)} us each; {what}")
    if scaled:
        roles = list(scaled[0].rates)
        found.append(f"{'partitions = processes':<24}{''.join(f'{role:>12}' for role in roles)}  records a second")
        for one in scaled:
            found.append(f"{one.processes:<24}{''.join(f'{one.rates[role]:>12,.0f}' for role in roles)}")
    return found


def latency_lines(one: Latency) -> list[str]:
    """Milliseconds from progress to alert."""
    figures = ", ".join(f"p{round(100 * share)} {one.at(share):,.0f}" for share in (0.5, 0.9, 0.99))
    return [
        f"alert after the watermark: {figures}, most {one.milliseconds[-1]:,.0f} ms ({len(one.milliseconds)} of "
        f"{one.plants} plants, behind the first {one.first_seconds:.0f} s; {one.per_second:,} documents a second about "
        f"{one.topics:,} topics; load at most {one.behind_ms:,.0f} ms late)"
    ]


def restore_table(restored: Sequence[Restored]) -> list[str]:
    """Seconds until what is new is read."""
    stages = "".join(f"{name:>9}" for name in STAGES)
    found = [f"{'topics':>9}{'documents':>11}{'again':>8}{'seconds':>20}{stages}  steps of the restore"]
    for one in restored:
        stages = "".join(f"{one.stages[name]:>9.2f}" for name in STAGES)
        steps = ", ".join(f"{name} {seconds:.2f}" for name, seconds in one.steps.items())
        sizes = f"{one.packed / 1e6:.1f} MB packed, {one.whole / 1e6:.1f} MB"
        counts = f"{one.topics:>9,}{one.documents:>11,}{one.replayed:>8,}"
        found.append(f"{counts}{_told(one.seconds, 2):>20}{stages}  {steps}; {sizes}")
    return found


def bar_table(bars: Iterable[Bar]) -> list[str]:
    """Every bar with its figure."""
    words = {True: "holds", False: "MISSED"}
    return [
        f"{one.name:<42}{one.found:>12,.3f}{f'bar {one.bar:,g}':>12}  {words[one.holds]:<8}{one.note}" for one in bars
    ]


def _told(one: Spread, digits: int) -> str:
    return f"{one.median:,.{digits}f} ({one.least:,.{digits}f}-{one.most:,.{digits}f})"
