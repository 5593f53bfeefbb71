"""Puts the same questions to one scorer after another.

Order of events: answers -> figures by set -> mean -> temperatures -> negatives at one threshold -> abstention ->
changed rows -> probes -> labelled posts; then differences between scorers. What is fitted (temperatures, threshold) is
told for all rows, and judged by halves: each half by what the other half fitted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from models.corpus.rows import Row
from models.evaluation.abstention import coverage_curve
from models.evaluation.answers import Answers, LabelledSet, RememberingScorer, first_half, has_target, mean_sets
from models.evaluation.bootstrap import RESAMPLES, Difference, Interval, Resampling, difference, interval
from models.evaluation.calibration import (
    CalibrationError,
    error_of,
    error_sums,
    fit_temperatures,
    log_probabilities,
    mass_bins,
    scale,
    width_bins,
)
from models.evaluation.metrics import BoolArray, FloatArray, cells, confusion, measures
from models.evaluation.negatives import Threshold, called_sums, choose_threshold, precision_of, recall_of
from models.evaluation.probes import judge_probes
from models.evaluation.replay_posts import ReplayPost, agreement
from models.evaluation.report import (
    POOLED,
    Calibration,
    Changed,
    Entities,
    Fitted,
    Negatives,
    Posts,
    Report,
    SetFigures,
)
from models.evaluation.robustness import changed, changes
from models.labels import LABELS, NEGATIVE

LEAST_CONFLICTING = 20
"""Fewer rows of conflicting labels say nothing."""
_SAME = {"target": 1.0, "text": 1.0}


@dataclass(frozen=True, slots=True)
class Posed:
    """What every scorer is asked, and by how much it is resampled.

    Attributes:
        threshold: on p(negative), or None to choose one.
    """

    sets: tuple[LabelledSet, ...]
    seed: int = 1
    resamples: int = RESAMPLES
    threshold: float | None = None
    probes: Mapping[tuple[str, str], list[Row]] = field(default_factory=dict)
    posts: tuple[ReplayPost, ...] = ()
    posts_set: LabelledSet | None = None


class Examiner:
    """Puts the same questions to one scorer after another, on the same resamples."""

    def __init__(self, posed: Posed) -> None:
        self._posed = posed
        asked = [*posed.sets, *filter(None, [posed.posts_set])]
        self._draws = {one.name: Resampling(one.groups, posed.seed, one.name, posed.resamples) for one in asked}
        self._has_target = {one.name: has_target(one.rows) for one in asked}
        self._first = {one.name: first_half(one.rows) for one in asked}
        self._mean = [one.name for one in mean_sets(posed.sets)]

    def report(self, scorer: RememberingScorer) -> Report:
        """Everything about one scorer. Raises nothing for any answers."""
        posed = self._posed
        answers = {one.name: scorer.answers(one) for one in posed.sets}
        mean = [answers[name] for name in self._mean]
        scaled, fitted = self._scaled(answers)
        calibration = {name: self._calibration([one], [scaled[name]]) for name, one in answers.items()}
        if mean:
            calibration[POOLED] = self._calibration(mean, [scaled[name] for name in self._mean])
        negatives = self._negatives(answers)
        threshold = negatives.threshold if negatives else posed.threshold if posed.threshold is not None else 0.5
        return Report(
            scorer.name,
            {name: self._figures(one) for name, one in answers.items()},
            self._mean,
            self._mean_figures(mean),
            fitted,
            calibration,
            negatives,
            coverage_curve(_joined(mean, "confidence"), _joined(mean, "is_right").astype(np.bool_)) if mean else [],
            {name: self._entities(one) for name, one in answers.items() if one.of.has_targets},
            {name: self._changed(scorer, one) for name, one in answers.items()},
            judge_probes(scorer, dict(posed.probes), threshold),
            self._posts(scorer, threshold, fitted["en"].temperatures if "en" in fitted else _SAME),
        )

    def differences(self, scorer: RememberingScorer, other: RememberingScorer) -> dict[str, dict[str, Difference]]:
        """What `scorer` has more than `other`, by set and over the mean, paired."""
        found: dict[str, dict[str, Difference]] = {}
        means: dict[str, list[tuple[float, FloatArray]]] = {}
        for one in self._posed.sets:
            gains = self._gains(scorer.answers(one), other.answers(one))
            found[one.name] = {key: difference(*gain) for key, gain in gains.items()}
            for key, gain in gains.items() if one.name in self._mean else ():
                means.setdefault(key, []).append(gain)
        if means:
            found["mean"] = {
                key: difference(
                    float(np.mean([value for value, _ in gains])), np.mean([drawn for _, drawn in gains], axis=0)
                )
                for key, gains in means.items()
            }
        return found

    def _gains(self, one: Answers, other: Answers, keys: Sequence[str] = ()) -> dict[str, tuple[float, FloatArray]]:
        """Differences of figures: of all rows, and of every resample."""
        tables = []
        for answers in (one, other):
            table = cells(answers.of.gold, answers.labels)
            drawn = measures(_tables(self._draws[one.of.name].sums(table)))
            tables.append((measures(_tables(table.sum(axis=0))), drawn))
        wanted = keys or ("accuracy", "macro_f1", "weighted_f1", "negative_f1")
        return {
            key: (float(tables[0][0][key] - tables[1][0][key]), tables[0][1][key] - tables[1][1][key]) for key in wanted
        }

    def _figures(self, answers: Answers) -> SetFigures:
        table = confusion(answers.of.gold, answers.labels)
        drawn = measures(_tables(self._draws[answers.of.name].sums(cells(answers.of.gold, answers.labels))))
        figures = {key: interval(float(value), drawn[key]) for key, value in measures(table).items()}
        return SetFigures(len(answers.of.rows), figures, table.tolist())

    def _mean_figures(self, mean: Sequence[Answers]) -> dict[str, Interval]:
        if not mean:
            return {}
        whole = [measures(confusion(one.of.gold, one.labels)) for one in mean]
        drawn = [measures(_tables(self._draws[one.of.name].sums(cells(one.of.gold, one.labels)))) for one in mean]
        return {
            key: interval(float(np.mean([one[key] for one in whole])), np.mean([one[key] for one in drawn], axis=0))
            for key in whole[0]
        }

    def _scaled(self, answers: Mapping[str, Answers]) -> tuple[dict[str, Answers], dict[str, Fitted]]:
        """Answers at temperatures of the other half, and by language what all rows would fit."""
        scaled, fitted = dict(answers), {}
        for lang in dict.fromkeys(one.of.lang for one in answers.values()):
            here = [one for one in answers.values() if one.of.lang == lang]
            known = [one for one in here if one.of.is_fitted]
            fitted[lang or "any"] = self._fitted(here, self._fit(known, None))
            halves = [self._fit(known, is_first) for is_first in (False, True)]
            for one in here:
                first, second = (self._at(one, temperatures).raw for temperatures in halves)
                scaled[one.of.name] = Answers(one.of, np.where(self._first[one.of.name][:, None], first, second))
        return scaled, fitted

    def _fitted(self, answers: Sequence[Answers], temperatures: dict[str, float]) -> Fitted:
        of = {one.name for one in mean_sets([one.of for one in answers])}
        scaled = {one.of.name: self._at(one, temperatures) for one in answers if one.of.name in of}
        try:
            return Fitted(temperatures, self._choose(scaled, list(scaled), None).value)
        except ValueError:
            return Fitted(temperatures, None)

    def _at(self, answers: Answers, temperatures: Mapping[str, float]) -> Answers:
        logits = log_probabilities(answers.raw)
        return Answers(answers.of, scale(logits, temperatures, self._has_target[answers.of.name]))

    def _fit(self, answers: Sequence[Answers], is_first: bool | None) -> dict[str, float]:
        """Temperatures of one half, or of all; 1 where nothing can be fitted."""
        if not answers:
            return _SAME
        chosen = [
            np.ones(len(one.raw), np.bool_) if is_first is None else self._first[one.of.name] == is_first
            for one in answers
        ]
        logits = np.concatenate([log_probabilities(one.raw)[rows] for one, rows in zip(answers, chosen, strict=True)])
        gold = np.concatenate([one.of.gold[rows] for one, rows in zip(answers, chosen, strict=True)])
        named = np.concatenate([self._has_target[one.of.name][rows] for one, rows in zip(answers, chosen, strict=True)])
        try:
            return fit_temperatures(logits, gold, named)
        except CalibrationError:
            return _SAME

    def _calibration(self, answers: Sequence[Answers], scaled: Sequence[Answers]) -> Calibration:
        """Over one or more sets, pooled."""
        errors = []
        for these in (answers, scaled):
            sums = [error_sums(one.confidence, one.is_right) for one in these]
            drawn = sum(self._draws[one.of.name].sums(table) for one, table in zip(these, sums, strict=True))
            whole = float(error_of(np.sum([table.sum(axis=0) for table in sums], axis=0)))
            errors.append(interval(whole, error_of(np.asarray(drawn))))
        bins = [
            width_bins(_joined(these, "confidence"), _joined(these, "is_right").astype(np.bool_))
            for these in (answers, scaled)
        ]
        gold = np.concatenate([one.of.gold for one in answers]) == NEGATIVE
        mass = [mass_bins(_joined(these, "negative"), gold) for these in (answers, scaled)]
        return Calibration(len(gold), errors[0], errors[1], bins[0], bins[1], mass[0], mass[1])

    def _negatives(self, answers: Mapping[str, Answers]) -> Negatives | None:
        mean = [name for name in self._mean if _is_negative(answers[name]).any()]
        if not mean:
            return None
        given = self._posed.threshold
        value = given if given is not None else self._choose(answers, mean, None).value
        sums = {name: called_sums(one.negative >= value, _is_negative(one)) for name, one in answers.items()}
        drawn = [self._draws[name].sums(sums[name]) for name in mean]
        ends = []
        for of in (recall_of, precision_of):
            whole = float(np.mean([of(sums[name].sum(axis=0)) for name in mean]))
            ends.append(interval(whole, np.mean([of(one) for one in drawn], axis=0)))
        by_set = {
            name: (float(recall_of(one.sum(axis=0))), float(precision_of(one.sum(axis=0))))
            for name, one in sums.items()
        }
        halves = None if given is not None else self._halves(answers, mean)
        return Negatives(value, given is not None, ends[0], ends[1], by_set, halves)

    def _choose(self, answers: Mapping[str, Answers], names: Sequence[str], is_first: bool | None) -> Threshold:
        chosen = {
            name: np.ones(len(answers[name].raw), np.bool_) if is_first is None else self._first[name] == is_first
            for name in names
        }
        return choose_threshold(
            {name: answers[name].negative[chosen[name]] for name in names},
            {name: _is_negative(answers[name])[chosen[name]] for name in names},
        )

    def _halves(self, answers: Mapping[str, Answers], names: Sequence[str]) -> tuple[float, float] | None:
        """Mean recall and precision, each half by the other half's threshold."""
        try:
            values = [self._choose(answers, names, is_first).value for is_first in (False, True)]
        except ValueError:
            return None
        sums = []
        for name in names:
            called = answers[name].negative >= np.where(self._first[name], values[0], values[1])
            sums.append(called_sums(called, _is_negative(answers[name])).sum(axis=0))
        return float(np.mean([recall_of(one) for one in sums])), float(np.mean([precision_of(one) for one in sums]))

    def _entities(self, answers: Answers) -> Entities:
        of, draws = answers.of, self._draws[answers.of.name]
        labels: dict[int, set[int]] = {}
        for group, gold in zip(of.groups.tolist(), of.gold.tolist(), strict=True):
            labels.setdefault(group, set()).add(gold)
        conflicting = np.array([len(labels[group]) > 1 for group in of.groups.tolist()], dtype=np.bool_)
        about = np.array([bool(row.target) for row in of.rows], dtype=np.bool_)

        def accuracy(rows: BoolArray) -> Interval:
            sums = np.stack([answers.is_right & rows, rows], axis=1).astype(np.float64)
            return draws.interval(sums, lambda one: one[..., 0] / np.maximum(one[..., 1], 1))

        count = int((conflicting & about).sum())
        both = accuracy(conflicting & about) if count >= LEAST_CONFLICTING else None
        return Entities(accuracy(about), int(about.sum()), both, count)

    def _changed(self, scorer: RememberingScorer, answers: Answers) -> dict[str, Changed]:
        found: dict[str, Changed] = {}
        of = answers.of
        for name, change in changes(of).items():
            rows = changed(of.rows, change, self._posed.seed)
            moved = sum(row != old for row, old in zip(rows, of.rows, strict=True))
            after = Answers(of, scorer.probabilities(rows))
            figures = measures(confusion(of.gold, after.labels))
            gains = self._gains(after, answers, ("accuracy", "weighted_f1"))
            found[name] = Changed(
                len(rows),
                moved,
                float(figures["accuracy"]),
                float(figures["weighted_f1"]),
                difference(*gains["accuracy"]),
                difference(*gains["weighted_f1"]),
            )
        return found

    def _posts(self, scorer: RememberingScorer, threshold: float, temperatures: Mapping[str, float]) -> Posts | None:
        of = self._posed.posts_set
        if of is None:
            return None
        answers = scorer.answers(of)
        sums = called_sums(answers.negative >= threshold, _is_negative(answers)).sum(axis=0)
        scaled = self._at(answers, temperatures)
        return Posts(
            agreement(list(self._posed.posts)),
            self._figures(answers),
            self._calibration([answers], [scaled]),
            float(recall_of(sums)),
            float(precision_of(sums)),
        )


def _is_negative(answers: Answers) -> BoolArray:
    found: BoolArray = answers.of.gold == NEGATIVE
    return found


def _joined(answers: Sequence[Answers], what: str) -> FloatArray:
    return np.concatenate([np.asarray(getattr(one, what), dtype=np.float64) for one in answers])


def _tables(sums: FloatArray) -> FloatArray:
    """Flattened confusion tables as tables, (..., n_labels, n_labels)."""
    return sums.reshape(*sums.shape[:-1], len(LABELS), len(LABELS))
