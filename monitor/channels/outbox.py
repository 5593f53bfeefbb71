"""The outbox: a channel that reaches people over the network never holds up the loop that decides.

    send -> [waiting] -> one worker thread -> deliver      done, or never to be done: out
                 ^                               |
                 +-- back-off with jitter -------+          TransientError: once more, until the alert is too old

What waits is part of each commit (`flush`), so the next start sends it. Nothing is lost by a crash. What may have
arrived already (the line broke before the answer, or the process died during the attempt) is marked as a possible
repeat. Without a broker what was decided after the last commit is decided again and sent again, unmarked, because
nothing remembers that it was sent; on Kafka it waits until a commit holds it (`awaits_commit`), so whatever is sent a
second time says so. Turns of one alert stay in order; a turn that fails lets other alerts pass. Left out on purpose: a
ledger of every delivery.
"""

import json
import logging
import random
import threading
import traceback
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from monitor.clock import Clock
from monitor.domain.alerts import AlertEvent
from monitor.errors import RecordError, TransientError
from monitor.logs import event as log
from monitor.wire import decode_alert, encode_alert

logger = logging.getLogger(__name__)

CAPACITY = 500
"""Events that may wait. A desk accepts some a day, so more is a flood nobody reads; each adds kilobytes to a commit."""

FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 300.0
"""Between two attempts: a service that was down for an hour is tried often enough, and not hammered."""

LONGEST_RETRY_AFTER_SECONDS = 3_600.0
"""A service may ask for patience, but not for ever."""

DRAIN_SECONDS = 5.0
"""For what waits when the monitor stops: below the 10 s after which containers are killed, above one usual delivery."""


class MaybeArrivedError(TransientError):
    """The attempt failed after the message had left: another one may show it twice."""


class Delivery(Protocol):
    """One way to reach people: a single attempt, called from one thread."""

    @property
    def name(self) -> str: ...

    def deliver(self, event: AlertEvent, topic_name: str, *, may_repeat: bool) -> None:
        """Tell it once. `may_repeat`: it may have been told before, and people should know.

        Raises: TransientError: try again later. RecordError: it will never be taken.
        """
        ...


@dataclass(slots=True)
class _Waiting:
    """An event on its way. `attempts` were made in this process."""

    number: int
    event: AlertEvent
    topic_name: str
    may_have_arrived: bool
    attempts: int = 0


class Outbox:
    """The Channel over one Delivery. Nothing is sent before `start`; `work` alone does it in a test.

    Args:
        kept: what `flush` gave to the commit that is gone on from; empty for none.
        max_age_ms: an event whose decision is older than this is given up.
        draw: randomness for the jitter; it decides nothing but when.
        awaits_commit: whether an event is sent only when `committed` has told that what `flush` gave is durable.
    """

    tells_people = True

    def __init__(
        self,
        delivery: Delivery,
        clock: Clock,
        kept: Mapping[str, str],
        max_age_ms: int,
        draw: random.Random,
        capacity: int = CAPACITY,
        *,
        awaits_commit: bool = False,
    ) -> None:
        self.name = delivery.name
        self._delivery = delivery
        self._clock = clock
        self._max_age_ms = max_age_ms
        self._draw = draw
        self._capacity = capacity
        self._awaits_commit = awaits_commit
        self._key = f"outbox_{delivery.name}"
        self._waiting: list[_Waiting] = []
        self._in_flight: _Waiting | None = None
        self._outcomes: Counter[str] = Counter()
        self._failures_in_a_row = 0
        self._paused_until_seconds = 0.0
        self._numbers = 0
        self._flushed = 0
        self._may_leave = 0
        self._has_news = False
        self._is_closing = False
        self._is_closed = False
        self._deadline_seconds = 0.0
        # One lock for all of the above; no delivery is made while it is held.
        self._changed = threading.Condition()
        self._worker = threading.Thread(target=self._run, name=f"outbox-{delivery.name}", daemon=True)
        self._restore(kept.get(self._key, "[]"))
        # What a commit holds may leave.
        self._may_leave = self._numbers

    def start(self) -> None:
        """Begin to deliver."""
        self._worker.start()

    def send(self, event: AlertEvent, topic_name: str) -> None:
        """Take an event; returns at once. In a flood the oldest that waits is given up for it."""
        with self._changed:
            if len(self._waiting) >= self._capacity:
                oldest = next(one for one in self._waiting if one is not self._in_flight)
                self._leave(oldest, "gave_up", reason="too many are waiting")
            self._add(event, topic_name, may_have_arrived=False)
            self._changed.notify()

    def flush(self) -> dict[str, str]:
        """What is not delivered yet, for the commit; it is sent after the next start.

        A process that dies may have delivered it after this commit, so only what is left by `close` is surely new.
        """
        with self._changed:
            waiting = [
                {
                    "alert": encode_alert(one.event).decode(),
                    "name": one.topic_name,
                    "may_repeat": one.may_have_arrived or one is self._in_flight or not self._is_closed,
                }
                for one in self._waiting
            ]
            self._flushed = self._numbers
            self._has_news = False
        return {self._key: json.dumps(waiting, ensure_ascii=False)}

    def forget_uncommitted(self) -> None:
        """What no commit holds will be sent again by whoever goes on from the last one."""
        with self._changed:
            self._waiting = [one for one in self._waiting if one.number <= self._may_leave]

    @property
    def has_news(self) -> bool:
        """Whether an event has left since the last `flush`: until that is committed, a crash sends it again."""
        with self._changed:
            return self._has_news

    def committed(self) -> None:
        """What the last `flush` gave is durable."""
        with self._changed:
            self._may_leave = self._flushed
            self._changed.notify()

    def take_outcomes(self) -> Mapping[str, int]:
        """What became of events since the last call, by outcome."""
        with self._changed:
            taken, self._outcomes = self._outcomes, Counter()
        return taken

    def close(self, drain_seconds: float = DRAIN_SECONDS) -> None:
        """Deliver what can be delivered in this time, and tell what is left; `flush` then holds it. Once is enough."""
        with self._changed:
            if self._is_closed:
                return
            self._is_closing = True
            self._deadline_seconds = self._clock.monotonic_seconds() + drain_seconds
            self._changed.notify()
        if self._worker.is_alive():
            self._worker.join(drain_seconds)
        with self._changed:
            self._is_closed = True
            if self._waiting:
                self._outcomes["undelivered"] += len(self._waiting)
                alert_ids = [one.event.alert_id for one in self._waiting]
                log(logger, "notifications_undelivered", level=logging.ERROR, channel=self.name, alert_ids=alert_ids)

    def work(self) -> float | None:
        """One attempt, if one is due. The seconds until the next; None when nothing waits."""
        with self._changed:
            self._give_up_old()
            one = self._next()
            if one is None:
                return None
            pause_seconds = self._paused_until_seconds - self._clock.monotonic_seconds()
            if pause_seconds > 0.0:
                return pause_seconds
            self._in_flight = one
        failure: Exception | None = None
        try:
            self._delivery.deliver(one.event, one.topic_name, may_repeat=one.may_have_arrived)
        except Exception as exc:  # also a bug: one alert that cannot be written must not silence the others
            failure = exc
        with self._changed:
            self._in_flight = None
            self._settle(one, failure)
        return 0.0

    def _run(self) -> None:
        while True:
            pause_seconds = self.work()
            with self._changed:
                if self._is_closing:
                    due_seconds = self._clock.monotonic_seconds() + (pause_seconds or 0.0)
                    if self._next() is None or due_seconds >= self._deadline_seconds:
                        return
                # Asked again, because something may have come since `work` looked.
                if self._next() is None:
                    self._changed.wait()
                elif pause_seconds:
                    self._changed.wait(pause_seconds)

    def _next(self) -> _Waiting | None:
        """Of the first turn of each alert, the least tried: a message that nobody takes does not stop the others."""
        may_leave = self._may_leave if self._awaits_commit else self._numbers
        firsts = {one.event.alert_id: one for one in reversed(self._waiting) if one.number <= may_leave}
        return min(firsts.values(), key=lambda one: (one.attempts, one.number), default=None)

    def _settle(self, one: _Waiting, failure: Exception | None) -> None:
        one.attempts += 1
        if not isinstance(failure, TransientError):
            self._failures_in_a_row = 0
            self._paused_until_seconds = 0.0
        match failure:
            case None:
                self._leave(one, "sent_again" if one.may_have_arrived else "sent", level=logging.INFO)
            case TransientError():
                one.may_have_arrived |= isinstance(failure, MaybeArrivedError)
                self._pause(one, failure)
            case RecordError():
                self._leave(one, "failed", reason=str(failure))
            case _:
                # Only where, and never what: an exception of a library may quote the address, which is a secret.
                trace = "".join(traceback.format_tb(failure.__traceback__))
                self._leave(one, "failed", reason=f"a bug: {type(failure).__name__}", where=trace)

    def _pause(self, one: _Waiting, failure: TransientError) -> None:
        longest_seconds = FIRST_PAUSE_SECONDS * 2.0 ** min(self._failures_in_a_row, 20)
        # Half of it is drawn, so that a hundred monitors do not come back in the same second.
        drawn_seconds = min(longest_seconds, LONGEST_PAUSE_SECONDS) * self._draw.uniform(0.5, 1.0)
        pause_seconds = max(drawn_seconds, min(failure.retry_after_seconds, LONGEST_RETRY_AFTER_SECONDS))
        self._failures_in_a_row += 1
        self._paused_until_seconds = self._clock.monotonic_seconds() + pause_seconds
        self._outcomes["retried"] += 1
        log(
            logger,
            "notification_retried",
            level=logging.WARNING,
            channel=self.name,
            alert_id=one.event.alert_id,
            reason=str(failure),
            attempts=one.attempts,
            pause_seconds=round(pause_seconds, 1),
        )

    def _give_up_old(self) -> None:
        oldest_ms = self._clock.now_ms() - self._max_age_ms
        for one in [one for one in self._waiting if one.event.at_ms < oldest_ms]:
            self._leave(one, "gave_up", reason="too old to be news")

    def _leave(self, one: _Waiting, outcome: str, *, level: int = logging.ERROR, **more: Any) -> None:
        self._waiting.remove(one)
        self._has_news = True
        self._outcomes[outcome] += 1
        log(
            logger,
            f"notification_{outcome}",
            level=level,
            channel=self.name,
            alert_id=one.event.alert_id,
            state=one.event.state,
            attempts=one.attempts,
            **more,
        )

    def _add(self, event: AlertEvent, topic_name: str, *, may_have_arrived: bool) -> None:
        self._numbers += 1
        self._waiting.append(_Waiting(self._numbers, event, topic_name, may_have_arrived))

    def _restore(self, kept: str) -> None:
        try:
            for one in json.loads(kept):
                self._add(decode_alert(one["alert"].encode()), one["name"], may_have_arrived=one["may_repeat"] is True)
        except (ValueError, TypeError, KeyError, AttributeError, RecordError) as exc:
            # Of another release perhaps. The history holds the alerts; a page that is an hour late is not worth a stop.
            self._outcomes["gave_up"] += 1
            log(logger, "outbox_unreadable", level=logging.ERROR, channel=self.name, error=str(exc), kept=kept)
