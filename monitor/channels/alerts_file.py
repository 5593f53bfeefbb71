"""The alerts file: JSON lines, one when an alert fires and one each time its severity rises (DESIGN section 10).

Its length at each commit is part of the committed state: a run that was cut off goes on from exactly there, so the
same command again ends in the same bytes. Everything else of an alert's life is in the history.
"""

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import blake2b
from io import FileIO
from pathlib import Path
from typing import Any

import orjson

from monitor.domain.alerts import AlertEvent, AlertState
from monitor.errors import ConfigError, DependencyError, StateError

LENGTH_KEY = "alerts_file_bytes"
"""The key under which a commit keeps the file's length."""

TAIL_KEY = "alerts_file_tail"
"""The key of a hash of the last bytes below that length: another file of the name is not cut, but refused."""

TAIL_BYTES = 256


def iso(time_ms: int) -> str:
    """ISO 8601 in UTC; milliseconds only where there are any."""
    moment = datetime.fromtimestamp(time_ms / 1000, tz=UTC)
    return moment.isoformat(timespec="milliseconds" if time_ms % 1000 else "seconds").replace("+00:00", "Z")


def line(event: AlertEvent, topic_name: str, *, may_repeat: bool = False) -> bytes:
    """One turn of an alert as a line of JSON, with its line end."""
    found = event.detection
    fields: dict[str, Any] = {
        "id": event.alert_id,
        "topic": found.topic_id,
        "at": iso(event.at_ms),
        "severity": found.severity,
        "event": event.state,
        "name": topic_name,
        "rule": found.rule,
        "revision": event.revision,
        "since": iso(found.episode_start_ms),
        "threshold": event.threshold,
        "look_back_seconds": found.look_back_ms // 1000,
        "observed": found.observed,
        "expected": found.expected,
        "documents": found.documents,
        "origins": found.origins,
        "risk": found.risk,
        "coverage": found.coverage,
        "members": found.members,
        "carried_by": [evidence.document_id for evidence in found.evidence],
        "scorer": found.scorer,
        "watchlist": found.watchlist,
        "config": event.config,
    }
    if may_repeat:
        fields["possible_repeat"] = True
    return orjson.dumps(fields) + b"\n"


class AlertsFile:
    """Writes alerts to a file, going on where a commit left it; without one it begins anew.

    Args:
        kept: what `flush` gave to the commit that is gone on from; empty for none.

    Raises: ConfigError: the file cannot be written. StateError: it does not hold what was committed.
    """

    name = "alerts_file"
    tells_people = False

    def __init__(self, path: Path, kept: Mapping[str, str]) -> None:
        self._path = path
        committed_bytes = int(kept.get(LENGTH_KEY, "0"))
        try:
            # Unbuffered: a line is the kernel's at once, and only a crash of the machine waits for `flush`.
            self._file = FileIO(path, "r+" if committed_bytes else "w+")
        except FileNotFoundError as exc:
            if committed_bytes:
                raise StateError(_lost(path, committed_bytes)) from exc
            raise ConfigError(f"--alerts {path}: its directory does not exist; create it first") from exc
        except OSError as exc:
            raise ConfigError(f"--alerts {path}: cannot be written ({exc.strerror}); name another file") from exc
        if committed_bytes:
            held = os.fstat(self._file.fileno()).st_size
            if held < committed_bytes or self._tail(committed_bytes) != kept.get(TAIL_KEY):
                self._file.close()
                raise StateError(_lost(path, committed_bytes))
            self._file.truncate(committed_bytes)
            self._file.seek(committed_bytes)

    def send(self, event: AlertEvent, topic_name: str, *, may_repeat: bool = False) -> None:
        """Append the line of an alert that fires or rises. Raises: DependencyError: the disk is full or gone."""
        if event.state not in (AlertState.FIRING, AlertState.AMENDED):
            return
        data = memoryview(line(event, topic_name, may_repeat=may_repeat))
        try:
            while data:
                data = data[self._file.write(data) :]
        except OSError as exc:
            raise DependencyError(
                f"{self._path}: cannot be written any more ({exc.strerror}); free some space"
            ) from exc

    def flush(self) -> dict[str, str]:
        """Make it durable, and tell its length."""
        try:
            os.fsync(self._file.fileno())
        except OSError as exc:
            # A device such as /dev/stdout or /dev/null cannot be synced, and need not be.
            if os.path.isfile(self._path):
                raise DependencyError(f"{self._path}: cannot be made durable ({exc.strerror})") from exc
            return {}
        length = self._file.tell()
        return {LENGTH_KEY: str(length), TAIL_KEY: self._tail(length)}

    def _tail(self, length: int) -> str:
        """A hash of the last bytes below a length; the place of the next write does not move."""
        size = min(TAIL_BYTES, length)
        return blake2b(os.pread(self._file.fileno(), size, length - size), digest_size=8).hexdigest()

    def close(self) -> None:
        """Give the file back."""
        self._file.close()


def _lost(path: Path, committed_bytes: int) -> str:
    return (
        f"--alerts {path} does not hold the {committed_bytes} bytes that were committed: it was changed or another "
        "file is meant; put it back, or start over with a new --state"
    )
