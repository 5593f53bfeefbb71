"""Truth: what was planted. It is read by the generator and by whoever judges a monitor, and never enters the feed."""

from dataclasses import dataclass

from tests.bench.stories.kinds import Decoy, Kind

SHOCK = "shock"


@dataclass(frozen=True, slots=True)
class Planted:
    """One planted event.

    Attributes:
        kind: the kind of an incident or decoy, or SHOCK.
        firms: ids of the companies that must alert (incident, shock) or must not (decoy). Of an outage these are the
            ten that the silent feed carries most: theirs is the talk that goes missing.
        start_ms, end_ms: event time of the first and the last document; of an outage, when it began and ended.
        documents: how many were written for each company. outlet: the feed that falls silent, else empty.
    """

    kind: str
    firms: tuple[str, ...]
    start_ms: int
    end_ms: int
    documents: int
    outlet: str = ""

    @property
    def is_incident(self) -> bool:
        """Whether it is bad news on one company."""
        return self.kind in set(Kind)

    @property
    def is_decoy(self) -> bool:
        """Whether it must be left alone."""
        return self.kind in set(Decoy)
