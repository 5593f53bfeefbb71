"""Packing: which windows are computed together, under a budget of tokens."""

from collections.abc import Sequence

BUDGET_TOKENS = 512
"""Of one pack. A dozen headlines together cost a third less than one by one; above, a pack outgrows the processor's
cache, and there are too few packs for several threads to share a small batch evenly."""


def pack_equals(lengths: Sequence[int], budget: int, lanes: int = 1) -> list[list[int]]:
    """Packs of windows of one length each, so that nothing is padded; the costliest first.

    Args:
        lengths: tokens of each window. budget: tokens of a pack, at most; a longer window is a pack of its own.
        lanes: that share the work. Where there are few windows, packs are smaller, so that each has some.
    Returns: numbers of windows, each once.
    """
    fair = max(1, -(-sum(lengths) // (2 * lanes))) if lanes > 1 else budget
    same: dict[int, list[int]] = {}
    for number, length in enumerate(lengths):
        same.setdefault(length, []).append(number)
    packs = []
    for length, numbers in same.items():
        count = max(1, min(budget, fair) // max(length, 1))
        packs += [numbers[at : at + count] for at in range(0, len(numbers), count)]
    return sorted(packs, key=lambda pack: (-len(pack) * lengths[pack[0]], pack[0]))
