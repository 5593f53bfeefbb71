"""What the tests of delivery speak of: owners, Kafka topics and their shapes, all invented."""

from hypothesis import strategies as st

from monitor.delivery.shape import Owner, Shape
from monitor.domain.document import DeadLetter, DeadLetterReason, InputPartition

NEWS = InputPartition("feeds.news", 2)
SCORE = Owner("score", NEWS)
TREND = Owner("trend", InputPartition("sentiment.scored", 3))
SCORED = Shape("sentiment.scored", "hY2c0vQ0TnqvF1uEo0pXvw", 4)
STATE = Shape("sentiment.state", "0kqCq3f8QkGZbqg7nqv1dA", 5)
SHAPES = (SCORED, STATE)

names = st.text(min_size=1, max_size=30)
positions = st.integers(0, 2**53)
owners = st.builds(Owner, names, st.builds(InputPartition, names, st.integers(0, 500)))
shapes = st.lists(st.builds(Shape, names, names, st.integers(1, 500)), max_size=6).map(tuple)


BAD = b'{"id": "1", "source": "harbour-wire", "published_at": "soon", "text": "Halden Bank halts withdrawals"}'


def letter(offset: int = 4_711, value: bytes = BAD, reason: DeadLetterReason = DeadLetterReason.BAD_TIME) -> DeadLetter:
    """A dead letter of the news."""
    return DeadLetter(reason, "published_at: give an ISO 8601 time", NEWS, offset, value)
