"""Real parts that tests talk to: each is started, or what needs it is skipped loudly, at one place."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TypeVar

import pytest

Part = TypeVar("Part")


@contextmanager
def started(running: AbstractContextManager[Part], is_missing: type[Exception]) -> Iterator[Part]:
    """A part for as long as the block lasts. `is_missing`: what its starting raises where this machine lacks it."""
    try:
        part = running.__enter__()
    except is_missing as exc:
        pytest.skip(str(exc))  # a laptop runs the rest; CI makes a failure of it; the words name what to install
    try:
        yield part
    finally:
        running.__exit__(None, None, None)
