"""Kinds of incidents and decoys, and which sectors an incident can happen in."""

from enum import StrEnum


class Kind(StrEnum):
    """What happened to a company."""

    RECALL = "recall"
    FRAUD = "fraud"
    DEFAULT = "default"
    CYBER = "cyber"
    ACCIDENT = "accident"
    WARNING = "profit_warning"
    FINE = "fine"
    ARREST = "arrest"
    LAWSUIT = "lawsuit"
    DOWNGRADE = "downgrade"
    STRIKE = "strike"
    LEAK = "data_leak"
    SANCTIONS = "sanctions"
    TRIAL = "trial_failure"
    BANKRUPTCY = "bankruptcy"


class Decoy(StrEnum):
    """What looks like an incident and is none."""

    GOOD_NEWS = "good_news"
    NEUTRAL_TALK = "neutral_talk"
    COPIES = "copies"
    ANGRY_AUTHOR = "angry_author"
    LISTS = "lists"
    OUTAGE = "outage"


SECTORS: dict[Kind, frozenset[str]] = {
    Kind.RECALL: frozenset({"food", "pharma"}),
    Kind.DEFAULT: frozenset({"bank", "property", "retail", "energy"}),
    Kind.CYBER: frozenset({"software", "bank", "retail", "transport", "energy"}),
    Kind.ACCIDENT: frozenset({"chemicals", "energy", "mining", "cars"}),
    Kind.STRIKE: frozenset({"transport", "cars", "mining", "retail", "food"}),
    Kind.LEAK: frozenset({"software", "bank", "retail", "transport"}),
    Kind.SANCTIONS: frozenset({"chips", "transport", "energy", "software"}),
    Kind.TRIAL: frozenset({"pharma"}),
}
"""Where an incident of a kind can happen; a kind that is not named here can happen anywhere."""
