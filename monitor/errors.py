"""Errors, sorted by what the caller should do about them.

A bug is none of these: it crashes the process, and the restart resumes from the last commit.
"""

from enum import IntEnum


class ExitCode(IntEnum):
    """What a command's exit status tells the script that called it."""

    DONE = 0
    WRONG_USE = 2
    DEPENDENCY_DOWN = 3
    TOO_MANY_UNUSABLE = 4
    DEVICE_LOST = 5


class MonitorError(Exception):
    """Root of every error that the monitor raises on purpose; carries the exit code of an uncaught one."""

    exit_code = ExitCode.WRONG_USE


class ConfigError(MonitorError):
    """A wrong option, file or command line: stop. `faults` holds one sentence each, key first, remedy last."""

    def __init__(self, *faults: str) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


class InputError(MonitorError):
    """What a command was given to work on cannot be used: stop. `faults` holds one sentence each, place first."""

    def __init__(self, *faults: str) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


class RecordError(MonitorError):
    """One record cannot be used: dead-letter it with `reason` and go on."""

    exit_code = ExitCode.TOO_MANY_UNUSABLE

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class TransientError(MonitorError):
    """Something outside is down for now: back off (with jitter) and try again."""

    exit_code = ExitCode.DEPENDENCY_DOWN

    def __init__(self, message: str, retry_after_seconds: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class Backpressure(MonitorError):
    """The next step is full: keep the record, stop reading, try again after it has drained."""


class StateError(MonitorError):
    """The stored state does not fit: stop, and name the remedy. Never reset in silence."""


class UnscorableError(MonitorError):
    """Some requests of a batch cannot be scored, each asked alone: dead-letter what they belong to, ask for the rest.

    Attributes:
        numbers: their places in the batch, ascending. reason: the scorer's, of the first, in one line.
    Raises: ValueError: no numbers, for asking for the rest would be asking for the same.
    """

    def __init__(self, numbers: tuple[int, ...], reason: str) -> None:
        if not numbers:
            raise ValueError("a batch of which everything can be scored is no error")
        super().__init__(f"{len(numbers)} of the batch cannot be scored: {reason}")
        self.numbers = numbers
        self.reason = reason


class DeviceLostError(MonitorError):
    """The device that scores is gone for this process: end it without committing more, exit 5.

    Attributes:
        reason: the device's own words. kept: what of the work so far is kept, and how to go on; a whole sentence part.
    """

    exit_code = ExitCode.DEVICE_LOST

    def __init__(
        self, reason: str, kept: str = "nothing that was committed is lost; give the same command again"
    ) -> None:
        super().__init__(
            f"the device that scores is lost ({reason}); {kept}. If it is lost again, restart the machine, "
            "or score without it (scorer.device: cpu)"
        )
        self.reason = reason
        self.kept = kept


class DependencyError(MonitorError):
    """A file system, port or server that the monitor cannot do without failed for good: exit 3."""

    exit_code = ExitCode.DEPENDENCY_DOWN
