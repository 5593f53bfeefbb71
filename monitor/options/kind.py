"""Kind: what the values of an option may be, how one is read from YAML, and how it is written back."""

from abc import ABC, abstractmethod
from typing import Generic, TypeVar

from monitor.options.fault import Fault, Misfit, quote, type_word

T = TypeVar("T")


class Kind(ABC, Generic[T]):
    """What the values of an option may be."""

    def takes_text(self) -> bool:
        """Whether an environment variable is the value as it stands; else it is read as YAML."""
        return False

    def is_secret(self) -> bool:
        """Whether no message and no dump may show a value."""
        return False

    @abstractmethod
    def describe(self) -> str:
        """Type and unit, for people: `whole number of bytes`."""

    def limits(self) -> str:
        """The range, for people; empty where everything goes."""
        return ""

    @abstractmethod
    def parse(self, raw: object) -> T:
        """The value that a raw YAML value means. Raises: Misfit: it is of another type."""

    def check(self, value: T) -> None:
        """Raises: Misfit: the value is out of range."""

    def read(self, raw: object) -> T:
        """Parse and check. Raises: Misfit."""
        value = self.parse(raw)
        self.check(value)
        return value

    def show(self, value: T) -> object:
        """The value as YAML would hold it; `read` takes it back."""
        return value

    def wanted(self) -> str:
        """The remedy for a value of another type or out of range."""
        return f"give a {self.describe()}" + (f", {self.limits()}" if self.limits() else "")

    def of_other_type(self, raw: object) -> Misfit:
        return Misfit(Fault("", "is empty" if raw is None else f"{quote(raw)} is {type_word(raw)}", self.wanted()))

    def out_of_range(self, value: T) -> Misfit:
        return Misfit(Fault("", f"{self.show(value)} is out of range", self.wanted()))
