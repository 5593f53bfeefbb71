"""Jobs: what runs beside the engine's loop, each again when it asks for it. APScheduler keeps the times.

A job runs alone, never twice at once, and its next run begins to count when it has ended. What has waited too long
runs once. Left out: keeping jobs over a restart; who starts the monitor adds them anew.
"""

import logging
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from queue import SimpleQueue
from threading import Thread
from typing import Any

from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_EXECUTED
from apscheduler.executors.base import BaseExecutor, run_job
from apscheduler.schedulers.background import BackgroundScheduler

from monitor.clock import SECOND_MS, Clock
from monitor.logs import event

logger = logging.getLogger(__name__)

WORKERS = 8
"""Threads for all jobs. They wait for servers nearly all the time; more would only let more documents be parsed at
once, which the loop would feel."""

RETRY_SECONDS = 60.0
"""After a job that raised, which is a bug of ours: soon enough to matter, not so often that it fills the log."""

# It tells every run, at a level at which people want to hear of alerts.
logging.getLogger("apscheduler").setLevel(logging.ERROR)


class Jobs:
    """Runs jobs until `stop`. A job returns the seconds until it wants to run again."""

    def __init__(self, clock: Clock, workers: int = WORKERS) -> None:
        self._clock = clock
        self._runs: dict[str, Callable[[], float]] = {}
        executor = _DaemonExecutor(workers)
        self.threads = executor.threads
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            executors={"default": executor},
            job_defaults={"max_instances": 1, "coalesce": True, "misfire_grace_time": None},
        )
        # Told after the job has left the executor: only then may it be planned again at once.
        self._scheduler.add_listener(self._plan_next, EVENT_JOB_EXECUTED | EVENT_JOB_ERROR)
        self._is_stopped = False

    def add(self, name: str, run: Callable[[], float]) -> None:
        """A job of a name of its own, first run as soon as the jobs are started."""
        if name in self._runs:
            raise ValueError(f"there is a job {name} already")
        self._runs[name] = run
        self._plan(name, 0.0)

    def start(self) -> None:
        """Begin."""
        self._scheduler.start()

    def stop(self) -> None:
        """Start no more runs. Does not wait for those under way: nobody's end depends on a server's answer."""
        if not self._is_stopped:
            self._is_stopped = True
            if self._scheduler.running:
                self._scheduler.shutdown(wait=False)

    def _plan(self, name: str, seconds: float) -> None:
        moment = datetime.fromtimestamp(self._clock.now_ms() / SECOND_MS, UTC) + timedelta(seconds=seconds)
        self._scheduler.add_job(
            self._runs[name], trigger="date", run_date=moment, id=name, name=name, replace_existing=True
        )

    def _plan_next(self, done: Any) -> None:
        if self._is_stopped:
            return
        seconds = RETRY_SECONDS
        if done.exception is None:
            seconds = float(done.retval)
        else:
            # The library has logged its trace.
            event(logger, "job_failed", level=logging.ERROR, job=done.job_id, next_run_seconds=seconds)
        self._plan(done.job_id, seconds)


class _DaemonExecutor(BaseExecutor):
    """Runs jobs on threads that do not keep the process alive: those of the library's own pool would, while a server
    is silent or a name is being looked up."""

    def __init__(self, workers: int) -> None:
        super().__init__()
        self._waiting: SimpleQueue[tuple[Any, Any] | None] = SimpleQueue()
        self.threads = [Thread(target=self._work, name=f"job {n}", daemon=True) for n in range(workers)]

    def start(self, scheduler: Any, alias: str) -> None:
        super().start(scheduler, alias)
        for thread in self.threads:
            thread.start()

    def shutdown(self, wait: bool = True) -> None:
        for _ in self.threads:
            self._waiting.put(None)

    def _do_submit_job(self, job: Any, run_times: Any) -> None:
        self._waiting.put((job, run_times))

    def _work(self) -> None:
        while (item := self._waiting.get()) is not None:
            job, run_times = item
            try:
                events = run_job(job, job._jobstore_alias, run_times, self._logger.name)
            except BaseException:
                self._run_job_error(job.id, *sys.exc_info()[1:])
            else:
                self._run_job_success(job.id, events)
