"""What a store of one kind knows of itself: where it lies, what its database's errors mean, and what a person does."""

from contextlib import AbstractContextManager
from typing import Protocol


class Faults(Protocol):
    """The words and the errors of one database."""

    @property
    def elsewhere(self) -> str:
        """What a person does who meant another store."""
        ...

    def translated(self) -> AbstractContextManager[None]:
        """Turns the database's errors into ours by what the caller should do."""
        ...

    def damaged(self, what: str) -> str:
        """What an operator reads when the store cannot be used."""
        ...
