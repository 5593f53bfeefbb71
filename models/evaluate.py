"""Judge the scorers that need no training on labelled data: `python -m models.evaluate --data DIR`.

Prints one line for each data set and scorer, and last one line of JSON. A set that lacks a class (no neutral, say) is
judged by the macro F1 of the classes it has, and answers of the missing class count as wrong: compare scorers on such
a set, never the set with another.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from models.data import Example, data_files, is_held_out, read_examples
from models.labels import LABELS, NEGATIVE
from models.lexicon import LexiconScorer
from models.neutral import NeutralScorer
from models.scorer import PairScorer

IntArray = npt.NDArray[np.int64]


def confusion(gold: Sequence[int], answers: Sequence[int]) -> IntArray:
    """Counts by (gold label, answered label), shape (n_labels, n_labels)."""
    table: IntArray = np.zeros((len(LABELS), len(LABELS)), dtype=np.int64)
    np.add.at(table, (np.asarray(gold, dtype=np.int64), np.asarray(answers, dtype=np.int64)), 1)
    return table


def measures(table: IntArray) -> dict[str, float]:
    """Accuracy, macro F1 over the labels that occur, and precision and recall of negative, each in [0, 1]."""
    right = np.diag(table).astype(np.float64)
    gold, answered = table.sum(axis=1), table.sum(axis=0)
    f1 = 2 * right / np.maximum(gold + answered, 1)
    return {
        "accuracy": float(right.sum() / max(table.sum(), 1)),
        "macro_f1": float(f1[gold > 0].mean()) if gold.any() else 0.0,
        "negative_precision": float(right[NEGATIVE] / max(answered[NEGATIVE], 1)),
        "negative_recall": float(right[NEGATIVE] / max(gold[NEGATIVE], 1)),
    }


def answer(scorer: PairScorer, examples: Sequence[Example]) -> list[int]:
    """The likeliest label of each example."""
    judgements = scorer.score([example.pair for example in examples])
    return [int(np.argmax((found.negative, found.neutral, found.positive))) for found in judgements]


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table for the folder on the command line."""
    parser = argparse.ArgumentParser(prog="python -m models.evaluate", description="Judge scorers on labelled texts.")
    parser.add_argument("--data", type=Path, required=True, help="folder of *.jsonl.gz files")
    parser.add_argument("--held-out", action="store_true", help="only the fifth that nothing was fitted on")
    options = parser.parse_args(arguments)
    scorers: list[PairScorer] = [LexiconScorer(), NeutralScorer()]
    results: dict[str, dict[str, dict[str, float]]] = {}
    print(f"{'data set':<24}{'texts':>7}  {'scorer':<18}{'accuracy':>9}{'macro F1':>10}{'neg prec':>10}{'neg rec':>9}")
    for path in data_files(options.data):
        examples = [one for one in read_examples(path) if not options.held_out or is_held_out(one.pair.text)]
        if not examples:
            continue
        name = path.name.removesuffix(".jsonl.gz")
        results[name] = {}
        for scorer in scorers:
            found = measures(confusion([one.label for one in examples], answer(scorer, examples)))
            results[name][scorer.name] = {key: round(value, 4) for key, value in found.items()}
            print(
                f"{name:<24}{len(examples):>7}  {scorer.name:<18}{found['accuracy']:>9.3f}{found['macro_f1']:>10.3f}"
                f"{found['negative_precision']:>10.3f}{found['negative_recall']:>9.3f}"
            )
    print(json.dumps(results))


if __name__ == "__main__":
    main()
