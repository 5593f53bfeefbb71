"""Kinds of what stands in a network: addresses of servers, names in Kafka, patterns of them, and passwords."""

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from monitor.options.compounds import Listing
from monitor.options.fault import Fault, Misfit, quote, type_word
from monitor.options.kind import Kind
from monitor.options.places import MASK, Secret
from monitor.options.scalars import Text

_ADDRESS = re.compile(r"(?P<host>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]):(?P<port>[0-9]{1,5})")
_DATABASES = ("postgresql", "postgres", "postgresql+psycopg")
_NAME = re.compile(r"[A-Za-z0-9._-]{1,249}")
"""What Kafka takes as the name of a topic, a group or a client."""


class Address(Text):
    """`host:port`."""

    __slots__ = ()

    def describe(self) -> str:
        return "host:port"

    def check(self, value: str) -> None:
        found = _ADDRESS.fullmatch(value)
        if found is None or not 0 < int(found["port"]) < 65_536:
            raise Misfit(Fault("", f"{quote(value)} is no address of a server", self.wanted()))

    def wanted(self) -> str:
        return "give host:port, such as kafka-1.example:9092"


class Addresses(Listing[str]):
    """Several of them; in the environment also with commas between, as other tools have it."""

    __slots__ = ()

    def takes_text(self) -> bool:
        return True

    def parse(self, raw: object) -> tuple[str, ...]:
        if isinstance(raw, str):
            raw = [part.strip() for part in raw.removeprefix("[").removesuffix("]").split(",")]
        return Listing.parse(self, raw)

    def wanted(self) -> str:
        return "give a list of host:port, such as [kafka-1.example:9092, kafka-2.example:9092]"


class DatabaseUrl(Text):
    """Where a database of PostgreSQL is. It may hold a password that does not belong there: faults never quote it."""

    __slots__ = ()

    def describe(self) -> str:
        return "URL of a database"

    def limits(self) -> str:
        return "without a password"

    def check(self, value: str) -> None:
        try:
            parts = urlsplit(value)
            has_password = parts.password is not None
        except ValueError:
            raise Misfit(Fault("", "is no URL", self.wanted())) from None
        if parts.scheme not in _DATABASES:
            raise Misfit(Fault("", "is no URL of a PostgreSQL database", self.wanted()))
        if has_password or any("password" in name for name, _ in parse_qsl(parts.query)):
            raise Misfit(Fault("", "carries a password", "take it out, and give it in the file storage.password"))
        if not parts.path.strip("/"):
            raise Misfit(Fault("", "names no database", self.wanted()))
        if re.search(r"[\s\x00-\x1f\x7f]", value):
            raise Misfit(Fault("", "has a space or a control character in it", self.wanted()))

    def wanted(self) -> str:
        return "give postgresql://user@host:5432/database"


@dataclass(frozen=True, slots=True)
class KafkaName(Kind[str]):
    """A name in Kafka; `least` is 0 where it may be empty."""

    least: int = 1

    def takes_text(self) -> bool:
        return True

    def describe(self) -> str:
        return "name"

    def limits(self) -> str:
        return f"{self.least} to 249 of A-Z a-z 0-9 . _ -"

    def parse(self, raw: object) -> str:
        if raw is None and not self.least:
            return ""
        if not isinstance(raw, str):
            raise self.of_other_type(raw)
        return raw

    def check(self, value: str) -> None:
        if not _NAME.fullmatch(value) and (value or self.least):
            raise Misfit(Fault("", f"{quote(value)} is no name in Kafka", self.wanted()))


class Pattern(Text):
    """A regular expression."""

    __slots__ = ()

    def describe(self) -> str:
        return "pattern"

    def check(self, value: str) -> None:
        Text.check(self, value)
        try:
            re.compile(value)
        except re.error as error:
            raise Misfit(Fault("", f"{quote(value)} is no pattern: {error}", self.wanted())) from None

    def wanted(self) -> str:
        return r"give a regular expression, in single quotes, such as 'feeds\..*'"


@dataclass(frozen=True, slots=True)
class Password(Kind[Secret]):
    """A password: its faults never quote it."""

    def takes_text(self) -> bool:
        return True

    def is_secret(self) -> bool:
        return True

    def describe(self) -> str:
        return "secret"

    def parse(self, raw: object) -> Secret:
        if not isinstance(raw, str):
            raise Misfit(Fault("", "is empty" if raw is None else f"is {type_word(raw)}", self.wanted()))
        return Secret(raw)

    def check(self, value: Secret) -> None:
        if value.reveal() == MASK:
            raise Misfit(Fault("", "is the mask of a dump, not the secret", "give the secret itself"))
        if not value.reveal().isprintable() or not value.reveal():
            raise Misfit(Fault("", "is empty or has several lines", self.wanted()))

    def show(self, value: Secret) -> object:
        return value.reveal()

    def wanted(self) -> str:
        return "give one line of text in quotes, best in a file of secrets_dir"
