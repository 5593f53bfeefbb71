"""Everything that an evaluation says, as values that go to JSON as they are."""

from dataclasses import dataclass

from models.evaluation.abstention import Coverage
from models.evaluation.bootstrap import Difference, Interval
from models.evaluation.calibration import Bin
from models.evaluation.leave_out import LeftOut
from models.evaluation.probes import ProbeFigures

POOLED = "pooled"
"""The name in `Report.calibration` of the mean's sets, pooled."""
_SHORT = ("accuracy", "macro_f1", "weighted_f1", "negative_precision", "negative_recall")

Differences = dict[str, dict[str, dict[str, Difference]]]
"""By pair of scorers, by data set (and `mean`), by figure."""


@dataclass(frozen=True, slots=True)
class SetFigures:
    """One set. `figures` are those of `metrics.measures`; `confusion` counts by (label, answer)."""

    texts: int
    figures: dict[str, Interval]
    confusion: list[list[int]]


@dataclass(frozen=True, slots=True)
class Calibration:
    """Honesty of probabilities over some sets, as they come and after temperatures of the other half.

    Attributes:
        error, error_scaled: expected calibration error, 15 bins of equal width.
        bins, bins_scaled: of the answer's probability. negative_bins: of p(negative), of equal mass.
    """

    texts: int
    error: Interval
    error_scaled: Interval
    bins: list[Bin]
    bins_scaled: list[Bin]
    negative_bins: list[Bin]
    negative_bins_scaled: list[Bin]


@dataclass(frozen=True, slots=True)
class Fitted:
    """What a checkpoint of one language would be exported with.

    Attributes:
        temperatures: `target` and `text`, fitted on all rows of the language's sets with three labels.
        threshold: on p(negative) at these temperatures; None where no row is negative.
    """

    temperatures: dict[str, float]
    threshold: float | None


@dataclass(frozen=True, slots=True)
class Negatives:
    """Negative against the rest at one threshold on p(negative).

    Attributes:
        recall, precision: mean over the sets at the threshold. by_set: (recall, precision) of every set.
        halves: the mean when each half is judged by the other half's threshold; None where it was given.
    """

    threshold: float
    is_given: bool
    recall: Interval
    precision: Interval
    by_set: dict[str, tuple[float, float]]
    halves: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Entities:
    """Answers about targets: of all rows with one, and of texts whose targets carry different labels."""

    accuracy: Interval
    texts: int
    conflicting: Interval | None
    conflicting_texts: int


@dataclass(frozen=True, slots=True)
class Changed:
    """A set after a change that should not matter; `gain` is changed minus unchanged weighted F1."""

    texts: int
    moved: int
    accuracy: float
    weighted_f1: float
    accuracy_gain: Difference
    weighted_f1_gain: Difference


@dataclass(frozen=True, slots=True)
class Posts:
    """The hand-labelled posts."""

    agreement: float
    figures: SetFigures
    calibration: Calibration
    recall_at_threshold: float
    precision_at_threshold: float


@dataclass(frozen=True, slots=True)
class Report:
    """All of one scorer. `fitted` is by language; `mean_of` names the sets of `mean`, of `calibration[POOLED]`, of
    `abstention` and of the threshold.
    """

    name: str
    sets: dict[str, SetFigures]
    mean_of: list[str]
    mean: dict[str, Interval]
    fitted: dict[str, Fitted]
    calibration: dict[str, Calibration]
    negatives: Negatives | None
    abstention: list[Coverage]
    entities: dict[str, Entities]
    robustness: dict[str, dict[str, Changed]]
    probes: list[ProbeFigures]
    posts: Posts | None


@dataclass(frozen=True, slots=True)
class Findings:
    """One evaluation: reports by scorer, paired differences, and what is left without a source."""

    reports: dict[str, Report]
    differences: Differences
    left_out: dict[str, list[LeftOut]]

    def short(self) -> dict[str, dict[str, dict[str, float]]]:
        """The leading figures by data set and scorer, to four digits."""
        names = next(iter(self.reports.values())).sets
        return {
            name: {
                key: {figure: round(report.sets[name].figures[figure].value, 4) for figure in _SHORT}
                for key, report in self.reports.items()
            }
            for name in names
        }
