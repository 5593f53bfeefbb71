"""Fit the six constants that turn evidence into probabilities: `python -m models.fit_lexicon --data DIR`.

Maximum likelihood by gradient descent on four fifths of the data, each set in equal weight; a class that a set cannot
hold is masked in its rows. Prints the constants, then how honest p(negative) is on the last fifth. Run it by hand after
the word lists or the rules have changed, and copy the figures.
"""

import argparse
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from models.corpus.rows import classes
from models.corpus.sets import data_files, labelled_rows
from models.labels import LABELS, NEGATIVE
from models.lexicon import LexiconScorer, totals
from models.scorer import Pair

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

# Gold prices are not sentiment, nwgi was labelled by a machine, and finnsp_entity repeats the texts of finnsp.
_LEFT_OUT = frozenset(("gold_headlines", "nwgi", "finnsp_entity"))
_STEPS = 3_000
_RATE = 0.5
_LEAST_SLOPE = 0.02  # Slopes stay positive: more evidence for a side must never speak against it.
_START = (-1.5, 1.5, 0.5, -1.0, 1.5, 0.5)


@dataclass(frozen=True, slots=True)
class Sample:
    """Evidence and labels of many texts.

    Attributes:
        evidence: log(1 + sum) against and for the target, shape (n_texts, 2).
        labels: gold label indices, shape (n_texts,). possible: classes that the text's set holds, shape (n_texts, 3).
        weights: shape (n_texts,), each set sums to the same.
    """

    evidence: FloatArray
    labels: IntArray
    possible: BoolArray
    weights: FloatArray

    def part(self, chosen: BoolArray) -> "Sample":
        """The texts that `chosen` marks."""
        return Sample(self.evidence[chosen], self.labels[chosen], self.possible[chosen], self.weights[chosen])


def probabilities(constants: FloatArray, sample: Sample) -> FloatArray:
    """Probabilities of the possible labels, shape (n_texts, 3)."""
    bad, good = sample.evidence[:, 0], sample.evidence[:, 1]
    logits = np.zeros((len(bad), len(LABELS)))
    logits[:, 0] = constants[0] + constants[1] * bad - constants[2] * good
    logits[:, 2] = constants[3] + constants[4] * good - constants[5] * bad
    logits[~sample.possible] = -np.inf
    odds: FloatArray = np.exp(logits - logits.max(axis=1, keepdims=True))
    odds /= odds.sum(axis=1, keepdims=True)
    return odds


def fit(sample: Sample) -> FloatArray:
    """The constants of greatest likelihood: prior, own and other slope of negative, then of positive."""
    constants: FloatArray = np.array(_START)
    bad, good = sample.evidence[:, 0], sample.evidence[:, 1]
    share = sample.weights / sample.weights.sum()
    for _ in range(_STEPS):
        surplus = probabilities(constants, sample)
        surplus[np.arange(len(bad)), sample.labels] -= 1.0
        negative, positive = surplus[:, 0] * share, surplus[:, 2] * share
        constants -= _RATE * np.array(
            [negative.sum(), negative @ bad, -(negative @ good), positive.sum(), positive @ good, -(positive @ bad)]
        )
        constants[[1, 2, 4, 5]] = np.maximum(constants[[1, 2, 4, 5]], _LEAST_SLOPE)
    return constants


def is_held_out(text: str) -> bool:
    """Whether a text belongs to the fifth that no constant is fitted on; equal texts fall on one side."""
    # Not the split of the trained models: the constants and the figures of docs/lexicon.md came from this one.
    return hashlib.blake2b("".join(text.lower().split()).encode(), digest_size=2).digest()[0] < 51


def gather(folder: Path) -> tuple[Sample, BoolArray]:
    """The evidence of every labelled text of a folder, and which texts are held out."""
    scorer = LexiconScorer()
    evidence: list[tuple[float, float]] = []
    labels: list[int] = []
    possible: list[list[bool]] = []
    weights: list[float] = []
    held_out: list[bool] = []
    for name, path in data_files(folder).items():
        if name in _LEFT_OUT:
            continue
        rows = labelled_rows(path)
        occurs = classes(rows)
        for row in rows:
            evidence.append(totals(scorer.evidence(Pair(row.text, row.target, row.lang or None))))
            labels.append(row.label)
            possible.append(list(occurs))
            weights.append(1.0 / len(rows))
            held_out.append(is_held_out(row.text))
    sample = Sample(np.log1p(np.array(evidence)), np.array(labels), np.array(possible), np.array(weights))
    return sample, np.array(held_out)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the constants, and by tenths of p(negative) how often the text was negative."""
    parser = argparse.ArgumentParser(prog="python -m models.fit_lexicon", description="Fit the lexicon's constants.")
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    sample, held_out = gather(parser.parse_args(arguments).data)
    constants = fit(sample.part(~held_out))
    print("negative: prior {:.2f}, own {:.2f}, other {:.2f}".format(*constants[:3]))
    print("positive: prior {:.2f}, own {:.2f}, other {:.2f}".format(*constants[3:]))
    judged = sample.part(held_out)
    answered = probabilities(constants, judged)[:, NEGATIVE]
    for low in range(10):
        tenth = (answered * 10).astype(np.int64) == low
        if tenth.any():
            share = float((judged.labels[tenth] == NEGATIVE).mean())
            print(f"p(negative) {float(answered[tenth].mean()):.2f}  observed {share:.2f}  texts {int(tenth.sum())}")


if __name__ == "__main__":
    main()
