"""Health: whether the process should be restarted (live) and whether it does its work (ready).

Live follows the engine loop's own heartbeat and nothing else: a broker or a database that is down is no reason to
restart, and restarting everybody makes such an hour worse. Ready is a set of named conditions, each with its reason.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass

from monitor.clock import Clock

CONDITIONS = ("scorer", "feeds", "watchlist", "state")


@dataclass(frozen=True, slots=True)
class Verdict:
    """An answer to a probe: yes or no, and what it rests on, as plain values for JSON."""

    ok: bool
    body: dict[str, object]


class Health:
    """What the probes ask; safe to call from any thread.

    Making it counts as the first heartbeat, so a process has `stall_after_seconds` to reach its loop.

    Args:
        stall_after_seconds: a loop silent for longer is stalled; above the longest single turn (a cold model, an fsync
            on a tired disk), below what an operator would wait.
        conditions: what must hold to be ready, for the roles that run here; each begins as not ready, "starting".
    """

    def __init__(self, clock: Clock, stall_after_seconds: float = 60.0, conditions: Sequence[str] = CONDITIONS) -> None:
        self.clock = clock
        self._stall_after_seconds = stall_after_seconds
        self._lock = threading.Lock()
        self._last_beat_seconds = clock.monotonic_seconds()
        # None is ready; a text says why not.
        self._faults: dict[str, str | None] = dict.fromkeys(conditions, "starting")
        self._notes: dict[str, str] = {}

    def beat(self) -> None:
        """The loop turned once."""
        self._last_beat_seconds = self.clock.monotonic_seconds()

    def set_ready(self, condition: str, ready: bool, reason: str = "") -> None:
        """Say whether a condition holds, and why not. Raises: ValueError: it was not declared."""
        with self._lock:
            if condition not in self._faults:
                raise ValueError(f"condition {condition!r} is none of {', '.join(self._faults)}")
            self._faults[condition] = None if ready else reason or "not ready"

    def set_note(self, condition: str, note: str) -> None:
        """Say what somebody should see to though the condition holds; "" when it is mended."""
        with self._lock:
            self._notes[condition] = note

    def live(self) -> Verdict:
        """Whether the loop still turns."""
        silent_seconds = self.clock.monotonic_seconds() - self._last_beat_seconds
        return Verdict(
            silent_seconds <= self._stall_after_seconds,
            {
                "live": silent_seconds <= self._stall_after_seconds,
                "seconds_since_heartbeat": round(silent_seconds, 3),
                "stall_after_seconds": self._stall_after_seconds,
            },
        )

    def ready(self) -> Verdict:
        """Whether every condition holds and the loop turns."""
        with self._lock:
            faults, notes = dict(self._faults), dict(self._notes)
        if not self.live().ok:
            faults["loop"] = "no heartbeat"
        ok = not any(faults.values())
        conditions: dict[str, dict[str, object]] = {
            name: {"ready": True} if fault is None else {"ready": False, "reason": fault}
            for name, fault in faults.items()
        }
        for name, told in conditions.items():
            if notes.get(name):
                told["note"] = notes[name]
        return Verdict(ok, {"ready": ok, "conditions": conditions})
