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


class DependencyError(MonitorError):
    """A file system, port or server that the monitor cannot do without failed for good: exit 3."""

    exit_code = ExitCode.DEPENDENCY_DOWN
