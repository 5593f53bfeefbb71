"""What a configuration may ask of the machine that scores; it loads nothing."""

from dataclasses import dataclass

AUTO = "auto"
PRECISIONS = (AUTO, "float32", "int8", "float16", "bfloat16")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the configuration asks for.

    Attributes:
        device: auto, cpu, cuda or cuda:N. precision: one of PRECISIONS.
        is_fallback_allowed: whether another may serve where that is not to be had; or an error tells it.
    """

    device: str = AUTO
    precision: str = AUTO
    is_fallback_allowed: bool = False


ANYTHING = Wanted()
"""The quickest of what is here."""
