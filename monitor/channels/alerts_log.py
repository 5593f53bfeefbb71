"""The file channel of a monitor that runs: each turn of an alert as a line of JSON, added at the end.

For programs that follow a file. Unlike the file of a replay (`alerts_file.py`) it is never cut back: who follows it has
read it. What a crash left undecided comes again, and says so (`"possible_repeat": true`). The file is opened for each
line, so one that was moved away is begun anew. Left out: rotation, which others do.
"""

import os
import stat
from pathlib import Path

from monitor.channels.alerts_file import line
from monitor.domain.alerts import AlertEvent
from monitor.errors import ConfigError, DependencyError

_TAIL_BYTES = 1 << 16
"""Where the end of the last whole line is looked for: a line has some kilobytes."""

_BEGINNING = b'{"id":'
"""Of each of our lines."""


class AlertsLog:
    """Adds lines to a file.

    Raises: ConfigError: it cannot be written there.
    """

    name = "file"
    tells_people = False

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._mend()
        except OSError as exc:
            raise ConfigError(f"notify.file: {path} cannot be written ({exc.strerror}); name another file") from exc

    def send(self, event: AlertEvent, topic_name: str, *, may_repeat: bool = False) -> None:
        """Add the line of one turn, durably. Raises: DependencyError: the disk is full or gone."""
        data = memoryview(line(event, topic_name, may_repeat=may_repeat))
        try:
            file = self._open()
            try:
                while data:
                    data = data[os.write(file, data) :]
                _make_durable(file)
            finally:
                os.close(file)
        except OSError as exc:
            raise DependencyError(
                f"notify.file: {self._path} cannot be written any more ({exc.strerror}); make room, or name another"
            ) from exc

    def flush(self) -> dict[str, str]:
        """Each line was durable when it was added; a commit keeps nothing of it."""
        return {}

    def _open(self) -> int:
        return os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)

    def _mend(self) -> None:
        """Take away half a line that a full disk or a power cut left: whose it was is still in the ledger."""
        os.close(self._open())
        if not self._path.is_file():
            return
        with self._path.open("r+b") as file:
            end = file.seek(0, os.SEEK_END)
            file.seek(max(0, end - _TAIL_BYTES))
            tail = file.read()
            half = tail[tail.rfind(b"\n") + 1 :]
            # Of somebody else's file nothing is taken away.
            if half.startswith(_BEGINNING) or (half and _BEGINNING.startswith(half)):
                file.truncate(end - len(half))


def _make_durable(file: int) -> None:
    try:
        os.fsync(file)
    except OSError:
        # A pipe cannot be made durable, and need not be.
        if stat.S_ISREG(os.fstat(file).st_mode):
            raise
