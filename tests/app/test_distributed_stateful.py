"""Trend and alert: progress goes behind what it announces."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest

pytest.importorskip("kafka", reason="needs the full set: make setup-full")

from monitor.app.distributed.cluster import Cluster, RoleName
from monitor.app.distributed.process import Beats
from monitor.app.distributed.stateful import StatefulRole, StatefulWorker
from monitor.app.distributed.worker import Pace, no_seam
from monitor.clock import SystemClock
from monitor.delivery.chunks import Versions
from monitor.domain.progress import Progress
from monitor.domain.streams import Output, Stream
from monitor.transports.kafka_access import Access
from monitor.transports.kafka_member import MemberLimits
from monitor.transports.kafka_sender import SenderLimits
from tests.faults.watching import BeatingWatch
from tests.roles.scenes import HALDEN, clock, detection

PROGRESS = Output(Stream.DETECTIONS, Progress((), (), 0))
DETECTION = Output(Stream.DETECTIONS, detection(HALDEN, clock(), 4.0))
ROW = Output(Stream.TRENDS, "a row")


class Lines:
    """A publisher that remembers what was sent, and where in between it was flushed."""

    is_full = False

    def __init__(self) -> None:
        self.sent: list[object] = []

    def publish(self, outputs: Sequence[Output]) -> None:
        self.sent += outputs

    def flush(self) -> None:
        self.sent.append("flushed")


@pytest.mark.parametrize(
    ("outputs", "sent"),
    [
        ([ROW, PROGRESS, ROW, PROGRESS], [ROW, PROGRESS, ROW, PROGRESS]),
        ([ROW, DETECTION, PROGRESS, PROGRESS], [ROW, DETECTION, "flushed", PROGRESS, PROGRESS]),
        ([PROGRESS, DETECTION, DETECTION, PROGRESS], [PROGRESS, DETECTION, DETECTION, "flushed", PROGRESS]),
        ([], []),
    ],
    ids=["without a detection nothing waits", "once", "several share a flush", "nothing"],
)
def test_progress_leaves_when_the_detections_before_it_are_acknowledged(
    outputs: list[Output], sent: list[object]
) -> None:
    """Else the batch of a detection may be given up, that of the progress arrive, and the detection, made again by the
    next life, count as one that was heard."""
    cluster = Cluster(Access(("nowhere:1",)), (), MemberLimits(1, 1), SenderLimits(1, 1))
    role = StatefulRole(RoleName.TREND, Stream.SCORED, Versions(1, "", ""), cast(Any, None))
    watch = BeatingWatch(Beats(SystemClock(), [RoleName.TREND]))
    worker = StatefulWorker(cluster, role, Pace(1, 1, 1, 1, 1, 1, 1, 1), SystemClock(), watch, no_seam)
    lines = Lines()
    worker._publish(cast(Any, SimpleNamespace(publisher=lines)), outputs)
    assert lines.sent == sent
