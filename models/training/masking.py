"""Masked language modelling: which tokens of a row are hidden from the network and asked for.

Of the chosen ones 8 in 10 become the mask token, 1 in 10 some other token, and 1 in 10 stays: a network that reads
real text later must not learn that only masks matter.
Source: Devlin et al., BERT, NAACL 2019.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

_MASKED, _OTHER = 0.8, 0.9


@dataclass(frozen=True, slots=True)
class Masker:
    """What to hide, and with what.

    Attributes:
        share: of a row's tokens that are asked for, at least one. mask: id of the mask token. vocabulary: size.
    """

    share: float
    mask: int
    vocabulary: int

    def hide(self, ids: Tensor, lengths: Sequence[int], seeds: Sequence[str]) -> tuple[Tensor, Tensor]:
        """(ids with some hidden, which ones are asked for), both (n_rows, n_tokens); the same for the same seeds.

        Special tokens, first and last of each row, are never asked for.
        """
        hidden = ids.clone()
        asked = torch.zeros(ids.shape, dtype=torch.bool, device=ids.device)
        for row, (length, seed) in enumerate(zip(lengths, seeds, strict=True)):
            chance = random.Random(seed)
            inner = length - 2
            for place in sorted(chance.sample(range(1, inner + 1), min(max(round(inner * self.share), 1), inner))):
                asked[row, place] = True
                draw = chance.random()
                if draw < _MASKED:
                    hidden[row, place] = self.mask
                elif draw < _OTHER:
                    hidden[row, place] = chance.randrange(self.vocabulary)
        return hidden, asked
