"""A report as text: what a person reads first. Everything is in the JSON file as well."""

from collections.abc import Mapping, Sequence

from models.evaluation.abstention import accuracy_at
from models.evaluation.bootstrap import Difference, Interval
from models.evaluation.leave_out import LeftOut
from models.evaluation.report import Findings, Report
from models.labels import LABELS

_BY_LABEL = [(index, f"{label}_{what}") for index, label in enumerate(LABELS) for what in ("precision", "recall", "f1")]
_COVERAGES = (1.0, 0.9, 0.8, 0.7, 0.5)


def columns(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table; columns in which every cell is a figure stand to the right."""
    widths = [max(len(row[at]) for row in [header, *rows]) for at in range(len(header))]
    is_figure = [all(row[at][:1] in "+-.0123456789" for row in rows) for at in range(len(header))]
    lines = []
    for row in [header, *rows]:
        cells = zip(row, widths, is_figure, strict=True)
        lines.append(
            "  ".join(cell.rjust(width) if right else cell.ljust(width) for cell, width, right in cells).rstrip()
        )
    return "\n".join(lines)


def sections(findings: Findings) -> dict[str, str]:
    """Every table by its title; the first, of figures by data set, has none."""
    reports = findings.reports
    first = next(iter(reports.values()))
    found = {
        "": sets_table(reports),
        "By label": classes_table(reports),
        "Calibration error, 15 bins; scaled: each half by temperatures of the other": calibration_table(reports),
        f"Negative at one threshold, mean of {', '.join(first.mean_of)}": negatives_table(reports),
        "Accuracy by the share of texts answered": abstention_table(reports),
        "Answers about targets, and changes that should not matter": robustness_table(reports),
    }
    if first.probes:
        found["Sentences of our own: share called negative"] = probes_table(reports)
    if first.posts:
        found["Posts labelled by hand"] = posts_table(reports)
    if findings.differences:
        found["Paired differences: what the first has more"] = differences_table(findings.differences)
    if findings.left_out:
        found["Leave one source out"] = left_out_table(findings.left_out)
    return found


def sets_table(reports: Mapping[str, Report]) -> str:
    """Each data set and scorer, then the mean."""
    header = (
        "data set",
        "texts",
        "scorer",
        "accuracy",
        "macro F1",
        "weighted F1",
        "95 %",
        "neg prec",
        "neg rec",
        "neg F1",
    )
    rows: list[list[str]] = []
    for name in next(iter(reports.values())).sets:
        for key, report in reports.items():
            one = report.sets[name]
            rows.append([name, f"{one.texts:,}", key, *_figures(one.figures)])
    for key, report in reports.items() if _means_more(reports) else ():
        texts = sum(report.sets[name].texts for name in report.mean_of)
        rows.append(["mean", f"{texts:,}", key, *_figures(report.mean)])
    found = columns(header, rows)
    if _means_more(reports):
        found += f"\nmean: of {', '.join(next(iter(reports.values())).mean_of)}"
    return found


def classes_table(reports: Mapping[str, Report]) -> str:
    """Precision, recall and F1 of each label that the set has."""
    header = ["data set", "scorer", *(f"{label[:3]} {what}" for label in LABELS for what in ("prec", "rec", "F1"))]
    rows = [
        [
            name,
            key,
            *(_share(one.figures[figure].value) if sum(one.confusion[index]) else "-" for index, figure in _BY_LABEL),
        ]
        for name in next(iter(reports.values())).sets
        for key, report in reports.items()
        for one in [report.sets[name]]
    ]
    return columns(header, rows)


def calibration_table(reports: Mapping[str, Report]) -> str:
    """Calibration error before and after temperature scaling, and the temperatures."""
    header = ("data set", "texts", "scorer", "error", "95 %", "scaled", "95 %")
    rows = [
        [
            name,
            f"{one.texts:,}",
            key,
            _share(one.error.value),
            _ends(one.error),
            _share(one.error_scaled.value),
            _ends(one.error_scaled),
        ]
        for name in next(iter(reports.values())).calibration
        for key, report in reports.items()
        for one in [report.calibration[name]]
    ]
    told = []
    for key, report in reports.items():
        for lang, one in report.fitted.items():
            target, text = one.temperatures["target"], one.temperatures["text"]
            threshold = "-" if one.threshold is None else f"{one.threshold:.3f}"
            fits = f"temperature {target:.3f} with a target, {text:.3f} without, and then the threshold {threshold}"
            told.append(f"{key}, {lang}: fits {fits}")
    return "\n".join([columns(header, rows), *told])


def negatives_table(reports: Mapping[str, Report]) -> str:
    """Negative at one threshold for all sets."""
    header = ("scorer", "threshold", "recall", "95 %", "precision", "95 %", "halves: recall", "precision")
    rows = []
    for key, report in reports.items():
        one = report.negatives
        if one is not None:
            halves = [_share(value) for value in one.halves] if one.halves else ["-", "-"]
            mean = [_share(one.recall.value), _ends(one.recall), _share(one.precision.value), _ends(one.precision)]
            rows.append([key, f"{one.threshold:.3f}", *mean, *halves])
    return columns(header, rows) if rows else "no set holds a negative row"


def abstention_table(reports: Mapping[str, Report]) -> str:
    """Accuracy by the share of texts that are answered, the surest first."""
    header = ("scorer", *(f"{coverage:.0%}" for coverage in _COVERAGES))
    rows = [
        [key, *(_share(accuracy_at(report.abstention, coverage)) for coverage in _COVERAGES)]
        for key, report in reports.items()
        if report.abstention
    ]
    return columns(header, rows)


def robustness_table(reports: Mapping[str, Report]) -> str:
    """Answers about targets, and what a change that should not matter changes."""
    entities = [
        [
            name,
            key,
            f"{one.texts:,}",
            _share(one.accuracy.value),
            _ends(one.accuracy),
            f"{one.conflicting_texts:,}",
            _share(one.conflicting.value) if one.conflicting else "-",
            _ends(one.conflicting) if one.conflicting else "-",
        ]
        for key, report in reports.items()
        for name, one in report.entities.items()
    ]
    changes = [
        [
            name,
            change,
            key,
            f"{one.moved:,}",
            _share(one.accuracy),
            _gain(one.accuracy_gain),
            _share(one.weighted_f1),
            _gain(one.weighted_f1_gain),
        ]
        for key, report in reports.items()
        for name, found in report.robustness.items()
        for change, one in found.items()
    ]
    header = ("data set", "scorer", "about targets", "accuracy", "95 %", "conflicting", "accuracy", "95 %")
    tables = [columns(header, sorted(entities))] if entities else []
    header = ("data set", "change", "scorer", "rows moved", "accuracy", "gain", "weighted F1", "gain")
    return "\n\n".join([*tables, columns(header, sorted(changes))])


def probes_table(reports: Mapping[str, Report]) -> str:
    """Our own sentences: how many are called negative."""
    header = ("lang", "kind", "count", "scorer", "called negative", "without target", "at threshold", "without target")
    rows = [
        [
            one.lang,
            one.kind,
            str(one.count),
            key,
            *(
                _share(share)
                for share in (one.negative, one.negative_without, one.at_threshold, one.at_threshold_without)
            ),
        ]
        for key, report in reports.items()
        for one in report.probes
    ]
    return columns(header, sorted(rows))


def posts_table(reports: Mapping[str, Report]) -> str:
    """The hand-labelled posts."""
    header = (
        "scorer",
        "posts",
        "accuracy",
        "neg prec",
        "neg rec",
        "at threshold: prec",
        "rec",
        "error",
        "scaled",
        "kappa of passes",
    )
    rows = []
    for key, report in reports.items():
        if (one := report.posts) is not None:
            figures = [
                one.figures.figures[name].value for name in ("accuracy", "negative_precision", "negative_recall")
            ]
            more = [
                one.precision_at_threshold,
                one.recall_at_threshold,
                one.calibration.error.value,
                one.calibration.error_scaled.value,
            ]
            rows.append([key, str(one.figures.texts), *map(_share, [*figures, *more, one.agreement])])
    return columns(header, rows)


def differences_table(differences: Mapping[str, Mapping[str, Mapping[str, Difference]]]) -> str:
    """Paired differences: what the first has more than the second."""
    header = ("scorers", "data set", "accuracy", "95 %", "weighted F1", "95 %", "not better in")
    rows = [
        [
            pair,
            name,
            _gain(one["accuracy"]),
            _ends(one["accuracy"]),
            _gain(one["weighted_f1"]),
            _ends(one["weighted_f1"]),
            _share(one["weighted_f1"].not_better),
        ]
        for pair, found in differences.items()
        for name, one in found.items()
    ]
    return columns(header, rows)


def left_out_table(found: Mapping[str, Sequence[LeftOut]]) -> str:
    """Each source by a model that never saw it, beside one that did."""
    header = ("scorer", "source", "texts", "weighted F1", "trained with it", "accuracy", "trained with it")
    rows = [
        [
            key,
            one.source,
            f"{one.texts:,}",
            *map(_share, (one.weighted_f1, one.weighted_f1_with, one.accuracy, one.accuracy_with)),
        ]
        for key, ones in found.items()
        for one in ones
    ]
    return columns(header, rows)


def _means_more(reports: Mapping[str, Report]) -> bool:
    return len(next(iter(reports.values())).mean_of) > 1


def _figures(figures: Mapping[str, Interval]) -> list[str]:
    shown = [_share(figures[name].value) for name in ("accuracy", "macro_f1", "weighted_f1")]
    negative = [_share(figures[f"negative_{name}"].value) for name in ("precision", "recall", "f1")]
    return [*shown, _ends(figures["weighted_f1"]), *negative]


def _share(value: float) -> str:
    return f"{value:.3f}"


def _gain(gain: Difference) -> str:
    return f"{gain.value:+.3f}"


def _ends(one: Interval | Difference) -> str:
    return f"{one.low:+.3f} {one.high:+.3f}" if isinstance(one, Difference) else f"{one.low:.3f}-{one.high:.3f}"
