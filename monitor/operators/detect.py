"""Detect: how unusual is the number of negative stories about a topic, over look-backs that end now?

Severity is the greatest -log10 of the probability that so many or more negative stories fall into a look-back by
chance, given the topic's own history and what the feed said. Nominal probabilities of this kind are wrong by orders of
magnitude on real feeds; they rank, and the alert budget turns rank into a promise. Gates ask for a minimum of
documents, of independent origins, and of direction (a burst of talk that is mostly good is no bad news).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from monitor.clock import MINUTE_MS
from monitor.domain.alerts import Silence
from monitor.operators.baseline import Baseline, HistoryState, look_back_minutes
from monitor.operators.lookback import LookBackState, count_since, independent_origins
from monitor.operators.volume import ALL_VENDORS, FeedVolume

MAX_SEVERITY = 300.0
"""-log10 of the smallest normal double; beyond it probabilities are 0 and cannot rank."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The look-back that is the most unusual, and the counts that make it so."""

    severity: float
    look_back_ms: int
    observed: int
    expected: float
    volume: int
    documents: int
    origins: int


class Detector:
    """Looks at one topic at one effective time. Stateless but for its settings."""

    def __init__(
        self,
        look_backs_ms: Sequence[int],
        floor: float,
        min_documents: int,
        min_origins: int,
        min_negative_ratio: float,
        min_history_ms: int,
    ) -> None:
        self._look_backs_ms = tuple(look_backs_ms)
        self._floor = floor
        self._min_documents = min_documents
        self._min_origins = min_origins
        self._min_negative_ratio = min_negative_ratio
        self._min_history_days = min_history_ms / 86_400_000

    def look(
        self, look_back: LookBackState, history: HistoryState, baseline: Baseline, volume: FeedVolume, at_ms: int
    ) -> Finding | Silence:
        """The most unusual look-back that passes every gate, or why there is none."""
        longest_ms = self._look_backs_ms[-1]
        if count_since(look_back.carriers_ms, at_ms - longest_ms) < self._min_documents:
            return Silence.TOO_FEW_DOCUMENTS
        if at_ms / 86_400_000 - history.start_day < self._min_history_days:
            return Silence.WARMING_UP
        usual = baseline.usual(history, volume, at_ms)
        best: Finding | None = None
        silence = Silence.TOO_FEW_DOCUMENTS
        for look_back_ms in self._look_backs_ms:
            since_ms = at_ms - look_back_ms
            stories = count_since(look_back.carriers_ms, since_ms)
            if stories < self._min_documents:
                continue
            origins = independent_origins(look_back.carriers[-stories:])
            if origins < max(self._min_origins, 1):
                silence = Silence.TOO_FEW_ORIGINS
                continue
            positive = count_since(look_back.positive_ms, since_ms)
            if stories < self._min_negative_ratio * (stories + positive):
                silence = Silence.NO_DIRECTION
                continue
            from_minute, to_minute = look_back_minutes(at_ms, look_back_ms)
            documents = count_since(look_back.documents_ms, since_ms)
            expected = usual.expected(volume, from_minute, to_minute, documents)
            # One author's twelve posts are one voice: what is compared with the usual are independent origins.
            severity = tail_severity(origins, expected, usual.dispersion)
            if best is None or severity > best.severity:
                best = Finding(
                    severity=round(severity, 3),
                    look_back_ms=look_back_ms,
                    observed=origins,
                    expected=round(expected, 4),
                    volume=volume.count(ALL_VENDORS, from_minute, to_minute),
                    documents=documents,
                    origins=origins,
                )
        if best is None:
            return silence
        return best if best.severity >= self._floor else Silence.BELOW_FLOOR

    def next_change_ms(self, look_back: LookBackState, at_ms: int) -> int | None:
        """The first whole minute after `at_ms` at which a carrier has left some look-back that is still populated.

        Between documents a severity only falls so; a check at every other minute would find what the last one found.
        """
        first_ms: int | None = None
        for look_back_ms in self._look_backs_ms:
            stories = count_since(look_back.carriers_ms, at_ms - look_back_ms)
            if stories >= self._min_documents:
                leaves_ms = look_back.carriers_ms[-stories] + look_back_ms
                if first_ms is None or leaves_ms < first_ms:
                    first_ms = leaves_ms
        return None if first_ms is None else -(-max(first_ms, at_ms + 1) // MINUTE_MS) * MINUTE_MS


def tail_severity(observed: int, expected: float, dispersion: float) -> float:
    """-log10 P(N >= observed) for a negative binomial N; 0 when observed is not above expected.

    Args:
        observed: a count. expected: the mean, above 0. dispersion: variance = mean + dispersion * mean^2, at least 0.
    """
    if observed <= expected or observed <= 0:
        return 0.0
    if expected <= 0.0:
        return MAX_SEVERITY
    if dispersion < 1e-9:
        log_term = observed * math.log(expected) - expected - math.lgamma(observed + 1)
        size, ratio = math.inf, 0.0
    else:
        size = 1.0 / dispersion
        ratio = expected / (size + expected)
        log_term = (
            math.lgamma(observed + size)
            - math.lgamma(size)
            - math.lgamma(observed + 1)
            + size * math.log(size / (size + expected))
            + observed * math.log(ratio)
        )
    total, term, count = 1.0, 1.0, observed
    while term > 1e-9 * total and count < observed + 10_000:
        count += 1
        term *= expected / count if size is math.inf else ratio * (size + count - 1) / count
        total += term
    return min(MAX_SEVERITY, max(0.0, -(log_term + math.log(total)) / math.log(10.0)))
