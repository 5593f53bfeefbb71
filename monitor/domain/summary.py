"""Summary: the mergeable count of what was said in a stretch of time; integer sums, so order cannot matter."""

from dataclasses import dataclass


@dataclass(slots=True)
class Summary:
    """Counts and integer sums over documents; `a + b` equals the summary of both sets in any order or grouping.

    Attributes:
        documents: all that count. stories: those that are no copy of an earlier one. listed: those that only list
            the topic among many (counted here, never in `negative`).
        negative, positive: documents of that label. negative_stories: first tellings that are negative.
        net_sum: sum of net scores, units of 1/10,000. net_square_sum: sum of their squares, units of 1e-8.
    """

    documents: int = 0
    stories: int = 0
    listed: int = 0
    negative: int = 0
    positive: int = 0
    negative_stories: int = 0
    net_sum: int = 0
    net_square_sum: int = 0

    def add(self, *, net: int, is_negative: bool, is_positive: bool, is_story: bool, is_listed: bool) -> None:
        """Count one document; `net` in units of 1/10,000."""
        self.documents += 1
        self.stories += is_story
        if is_listed:
            self.listed += 1
            return
        self.negative += is_negative
        self.positive += is_positive
        self.negative_stories += is_negative and is_story
        self.net_sum += net
        self.net_square_sum += net * net

    def __add__(self, other: "Summary") -> "Summary":
        return Summary(*(mine + theirs for mine, theirs in zip(self.as_tuple(), other.as_tuple(), strict=True)))

    def as_tuple(self) -> tuple[int, int, int, int, int, int, int, int]:
        """The fields in order, for storage."""
        return (
            self.documents,
            self.stories,
            self.listed,
            self.negative,
            self.positive,
            self.negative_stories,
            self.net_sum,
            self.net_square_sum,
        )
