"""Whether two tellings of a network say the same: torch and the graph are asked the same random questions.

The graph is written by hand, so a slip in it would not crash but answer a little differently. That must not ship.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime
import torch

from models.checkpoint import Architecture
from models.exporting.graph import INPUTS, OUTPUT
from models.exporting.weights import ExportError
from models.training.network import SentimentNetwork
from models.weights import FloatArray

IntArray = npt.NDArray[np.int64]

TOLERANCE = 1e-3
"""By which a logit may differ; a probability then differs by half of it at most. Logits are compared because a sure
network's probabilities hide a slip. In six layers rounding alone makes 1e-5; the slightest of the slips that were
tried, another epsilon in the norms, makes 5e-3."""
_BATCHES = ((1, 1), (1, 17), (3, 9), (4, 24))  # Rows and tokens: a lone token, a lone text, padding.
_SEED = 20_261_126


def compare(
    graph: Path, stored: SentimentNetwork, trained: SentimentNetwork, sizes: Architecture
) -> tuple[float, float]:
    """Ask a graph, its weights in torch (`stored`) and those before they were stored in few bits (`trained`).

    Returns: by how much a logit of the graph differs from that of `stored` at most, and a probability of `stored` from
        that of `trained`.
    Raises: ExportError: the graph differs by more than the tolerance.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
    slip = rounding = 0.0
    for batch in _questions(sizes):
        expected, before = _logits(stored, batch), _logits(trained, batch)
        difference = np.abs(session.run([OUTPUT], batch)[0] - expected)
        if not (difference <= TOLERANCE).all():  # Written so that what is not a number is refused too.
            raise ExportError(
                f"torch and {graph.name} differ by {difference.max():.4f} in a logit, more than {TOLERANCE}: the graph "
                "does not tell this network, which must be a BERT as transformers makes it"
            )
        slip = max(slip, float(difference.max()))
        rounding = max(rounding, float(np.abs(_softmax(expected) - _softmax(before)).max()))
    return slip, rounding


def _questions(sizes: Architecture) -> list[dict[str, IntArray]]:
    """Random ids with and without padding and targets, always the same."""
    chance = np.random.default_rng(_SEED)
    found = []
    for rows, longest in _BATCHES:
        tokens = min(longest, sizes.positions)
        ids = chance.integers(0, sizes.vocabulary, (rows, tokens))
        lengths = chance.integers(1, tokens + 1, (rows, 1))
        lengths[0] = tokens
        mask = (np.arange(tokens) < lengths).astype(np.int64)
        targets = (chance.random((rows, tokens)) < 0.2).astype(np.int64) * mask
        targets[rows // 2] = 0
        found.append(dict(zip(INPUTS, (ids, mask, targets), strict=True)))
    return found


def _logits(network: SentimentNetwork, batch: Mapping[str, IntArray]) -> FloatArray:
    with torch.no_grad():
        found: FloatArray = network(*(torch.from_numpy(batch[name]) for name in INPUTS)).numpy()
    return found


def _softmax(logits: FloatArray) -> FloatArray:
    odds: FloatArray = np.exp(logits - logits.max(axis=1, keepdims=True))
    odds /= odds.sum(axis=1, keepdims=True)
    return odds
