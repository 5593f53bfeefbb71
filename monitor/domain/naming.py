"""What an alert is about, as people say it: a company, several at once, or a feed."""

from collections.abc import Callable, Sequence

from monitor.domain.alerts import Detection, Rule
from monitor.domain.topics import TopicId

NAMED_MEMBERS = 3
"""Names that a person takes in at a glance; the others are counted."""


def subject(detection: Detection, name_of: Callable[[TopicId], str]) -> str:
    """Who or what a detection is about: `Halden Bank`, `9 topics: Halden Bank, ... and 6 more`, `feed chirrup`."""
    match detection.rule:
        case Rule.GROUP_BURST:
            return f"{len(detection.members)} topics: {listed([name_of(member) for member in detection.members])}"
        case Rule.FEED_SILENT:
            return f"feed {detection.topic_id.removeprefix('feed:')}"
        case Rule.NEGATIVE_BURST:
            return name_of(detection.topic_id)


def listed(names: Sequence[str]) -> str:
    """The first names, and how many more there are."""
    shown = list(names[:NAMED_MEMBERS])
    hidden = len(names) - len(shown)
    if hidden:
        return f"{', '.join(shown)} and {hidden} more"
    return " and ".join(filter(None, [", ".join(shown[:-1]), *shown[-1:]]))
