"""The wire: domain objects to JSON bytes and back, exactly, for Kafka records, snapshots and the history's bodies.

Each form carries its version as `"v":1`; a reader refuses any other. Keys are the domain's field names, so that an
archived record reads without this code; partitions are `[kafka_topic, partition]`, the signature is base64.
What was damaged on the way is a RecordError, never a half-filled object: types and ranges are checked while reading.
"""

from binascii import a2b_base64, b2a_base64
from collections.abc import Callable
from math import isfinite
from typing import Any, TypeVar

import orjson

from monitor.domain.alerts import AlertEvent, AlertState, Detection, Evidence, Rule
from monitor.domain.document import DeadLetterReason, InputPartition, ScoredDocument
from monitor.domain.progress import Progress, SourceProgress, SourceState
from monitor.domain.sentiment import SCALE, RiskKind, Sentiment
from monitor.domain.topics import MatchRole, TopicId
from monitor.errors import RecordError

VERSION = 1
"""Raised when a reader of the older form would misread the newer one; a field that readers may ignore needs none."""

_Read = TypeVar("_Read")
Kinds = tuple[tuple[str, tuple[type, ...]], ...]

# A dictionary finds a member in 30 ns where calling the enum takes 200.
_ROLES: dict[str, MatchRole] = {role.value: role for role in MatchRole}
_RISKS: dict[str, RiskKind] = {risk.value: risk for risk in RiskKind}


def kinds_of(
    *, text: str = "", optional: str = "", whole: str = "", number: str = "", array: str = "", body: str = ""
) -> Kinds:
    """The types that the named fields may have; JSON writes 3.0 as 3.0, but another writer may send 3."""
    allowed: tuple[tuple[str, tuple[type, ...]], ...] = (
        (text, (str,)),
        (optional, (str, type(None))),
        (whole, (int,)),
        (number, (float, int)),
        (array, (list,)),
        (body, (dict,)),
    )
    return tuple((name, types) for names, types in allowed for name in names.split())


_SCORED_KINDS = kinds_of(
    text="document_id topic_id source headline scorer watchlist",
    optional="author url lang",
    whole="event_time_ms effective_ms of_topics offset",
    array="cues sentiment",
)
_DETECTION_KINDS = kinds_of(
    text="topic_id scorer watchlist",
    whole="partition at_ms episode_start_ms look_back_ms observed volume documents origins topics_watched",
    number="severity expected",
    array="evidence",
)
# What releases before these fields left out; a reader of an old history fills in what they meant.
_DETECTION_LATER: dict[str, Any] = {"rates": [], "dispersion": 0.0, "coverage": 1.0, "members": []}
_DETECTION_LATER_KINDS = kinds_of(number="dispersion coverage", array="rates members")
_EVIDENCE_KINDS = kinds_of(
    text="document_id source headline", optional="url", whole="effective_ms net copies share", array="cues"
)
_ALERT_KINDS = kinds_of(
    text="alert_id config", whole="revision at_ms started_ms", number="peak_severity threshold", body="detection"
)
_PROGRESS_KINDS = kinds_of(whole="written_ms", array="known sources")
_SOURCE_KINDS = kinds_of(whole="from_position to_position watermark_ms greatest_effective_ms", array="volumes")


def encode_scored(scored: ScoredDocument) -> bytes:
    """One record of `sentiment.scored`. Raises: TypeError: a text holds a lone surrogate (parsing replaces them)."""
    sentiment = scored.sentiment
    partition = scored.source_partition
    return orjson.dumps(
        {
            "v": VERSION,
            "document_id": scored.document_id,
            "topic_id": scored.topic_id,
            "event_time_ms": scored.event_time_ms,
            "effective_ms": scored.effective_ms,
            "source": scored.source,
            "author": scored.author,
            "url": scored.url,
            "headline": scored.headline,
            "lang": scored.lang,
            "role": scored.role,
            "of_topics": scored.of_topics,
            "sentiment": (sentiment.negative, sentiment.neutral, sentiment.positive),
            "risk": scored.risk,
            "cues": scored.cues,
            "signature": b2a_base64(scored.signature, newline=False).decode("ascii"),
            "scorer": scored.scorer,
            "watchlist": scored.watchlist,
            "source_partition": (partition.kafka_topic, partition.partition),
            "offset": scored.offset,
        }
    )


def decode_scored(data: bytes) -> ScoredDocument:
    """The document that `encode_scored` was given. Raises: RecordError: the bytes are not one."""
    return decode_object(data, read_scored, "scored document")


def encode_detection(detection: Detection) -> bytes:
    """One record of `sentiment.detections`. Raises: ValueError: a number is infinite or NaN, which JSON cannot hold."""
    return orjson.dumps({"v": VERSION, **_detection_fields(detection)})


def decode_detection(data: bytes) -> Detection:
    """The detection that `encode_detection` was given. Raises: RecordError: the bytes are not one."""
    return decode_object(data, _detection, "detection")


def encode_alert(event: AlertEvent) -> bytes:
    """One record of `sentiment.alerts`, the whole detection inside. Raises: ValueError: a number is infinite or NaN."""
    return orjson.dumps(
        {
            "v": VERSION,
            "alert_id": event.alert_id,
            "revision": event.revision,
            "state": event.state,
            "at_ms": event.at_ms,
            "started_ms": event.started_ms,
            "peak_severity": _finite(event.peak_severity, "peak_severity"),
            "threshold": _finite(event.threshold, "threshold"),
            "detection": _detection_fields(event.detection),
            "config": event.config,
        }
    )


def decode_alert(data: bytes) -> AlertEvent:
    """The event that `encode_alert` was given. Raises: RecordError: the bytes are not one."""
    return decode_object(data, _alert, "alert event")


def encode_progress(progress: Progress) -> bytes:
    """One progress record."""
    return orjson.dumps(
        {
            "v": VERSION,
            "known": [(partition.kafka_topic, partition.partition) for partition in progress.known],
            "sources": [
                {
                    "source": (source.source.kafka_topic, source.source.partition),
                    "from_position": source.from_position,
                    "to_position": source.to_position,
                    "watermark_ms": source.watermark_ms,
                    "greatest_effective_ms": source.greatest_effective_ms,
                    "state": source.state,
                    "volumes": source.volumes,
                }
                for source in progress.sources
            ],
            "written_ms": progress.written_ms,
        }
    )


def decode_progress(data: bytes) -> Progress:
    """The progress that `encode_progress` was given. Raises: RecordError: the bytes are not one."""
    return decode_object(data, _progress, "progress record")


def decode_object(data: bytes, read: Callable[[dict[str, Any]], _Read], noun: str) -> _Read:
    """Read one object by `read`; whatever is wrong with the bytes is a RecordError that says what."""
    try:
        fields = orjson.loads(data)
    except orjson.JSONDecodeError as exc:
        raise RecordError(DeadLetterReason.NOT_JSON, f"{noun}: {exc}") from exc
    if type(fields) is not dict:
        raise RecordError(DeadLetterReason.NOT_AN_OBJECT, f"{noun}: not a JSON object")
    version = fields.get("v")
    if type(version) is not int or version != VERSION:
        raise RecordError(
            DeadLetterReason.BAD_FIELD, f"{noun}: format version {version!r}, but this release reads {VERSION}"
        )
    try:
        return read(fields)
    except KeyError as exc:
        raise RecordError(DeadLetterReason.BAD_FIELD, f"{noun}: {exc} is missing or not of its closed set") from exc
    except (TypeError, ValueError, AttributeError) as exc:
        raise RecordError(DeadLetterReason.BAD_FIELD, f"{noun}: {exc}") from exc


def check_kinds(fields: dict[str, Any], kinds: Kinds) -> None:
    """Refuse a field of another type. Exact types: to Python, true is a number too."""
    for name, allowed in kinds:
        if type(fields[name]) not in allowed:
            raise TypeError(f"{name} is {type(fields[name]).__name__}, not {allowed[0].__name__}")


def _texts(items: list[Any], name: str) -> tuple[str, ...]:
    for item in items:
        if type(item) is not str:
            raise TypeError(f"{name} holds {type(item).__name__}, not str")
    return tuple(items)


def _partition(pair: Any) -> InputPartition:
    kafka_topic, partition = pair
    if type(kafka_topic) is not str or type(partition) is not int:
        raise TypeError("a partition is a name and a number")
    return InputPartition(kafka_topic, partition)


def _finite(number: float, name: str) -> float:
    """JSON has no infinity: orjson would write null, and the record could never be read again."""
    if not isfinite(number):
        raise ValueError(f"{name} is {number}: cap it where it is computed")
    return number


def read_scored(fields: dict[str, Any]) -> ScoredDocument:
    check_kinds(fields, _SCORED_KINDS)
    negative, neutral, positive = fields["sentiment"]
    if not (type(negative) is type(neutral) is type(positive) is int and negative >= 0 <= neutral and positive >= 0):
        raise ValueError("sentiment is not three whole numbers from 0")
    if negative + neutral + positive != SCALE:
        raise ValueError(f"sentiment sums to {negative + neutral + positive}, not {SCALE}")
    return ScoredDocument(
        fields["document_id"],
        fields["topic_id"],
        fields["event_time_ms"],
        fields["effective_ms"],
        fields["source"],
        fields["author"],
        fields["url"],
        fields["headline"],
        fields["lang"],
        _ROLES[fields["role"]],
        fields["of_topics"],
        Sentiment(negative, neutral, positive),
        _RISKS[fields["risk"]],
        _texts(fields["cues"], "cues"),
        a2b_base64(fields["signature"], strict_mode=True),
        fields["scorer"],
        fields["watchlist"],
        _partition(fields["source_partition"]),
        fields["offset"],
    )


def _detection_fields(detection: Detection) -> dict[str, Any]:
    return {
        "partition": detection.partition,
        "topic_id": detection.topic_id,
        "rule": detection.rule,
        "at_ms": detection.at_ms,
        "episode_start_ms": detection.episode_start_ms,
        "severity": _finite(detection.severity, "severity"),
        "look_back_ms": detection.look_back_ms,
        "observed": detection.observed,
        "expected": _finite(detection.expected, "expected"),
        "volume": detection.volume,
        "documents": detection.documents,
        "origins": detection.origins,
        "risk": detection.risk,
        # orjson writes a dataclass as an object of its fields, in their order.
        "evidence": detection.evidence,
        "topics_watched": detection.topics_watched,
        "scorer": detection.scorer,
        "watchlist": detection.watchlist,
        "rates": [(vendor, _finite(rate, "rates")) for vendor, rate in detection.rates],
        "dispersion": _finite(detection.dispersion, "dispersion"),
        "coverage": _finite(detection.coverage, "coverage"),
        "members": detection.members,
    }


def _detection(fields: dict[str, Any]) -> Detection:
    check_kinds(fields, _DETECTION_KINDS)
    fields = {**_DETECTION_LATER, **fields}
    check_kinds(fields, _DETECTION_LATER_KINDS)
    return Detection(
        fields["partition"],
        fields["topic_id"],
        Rule(fields["rule"]),
        fields["at_ms"],
        fields["episode_start_ms"],
        float(fields["severity"]),
        fields["look_back_ms"],
        fields["observed"],
        float(fields["expected"]),
        fields["volume"],
        fields["documents"],
        fields["origins"],
        _RISKS[fields["risk"]],
        tuple(_evidence(item) for item in fields["evidence"]),
        fields["topics_watched"],
        fields["scorer"],
        fields["watchlist"],
        tuple(_rate(pair) for pair in fields["rates"]),
        float(fields["dispersion"]),
        float(fields["coverage"]),
        tuple(TopicId(member) for member in _texts(fields["members"], "members")),
    )


def _rate(pair: Any) -> tuple[str, float]:
    vendor, rate = pair
    if type(vendor) is not str or type(rate) not in (float, int):
        raise TypeError("a rate is a vendor and a number")
    return vendor, float(rate)


def _evidence(fields: dict[str, Any]) -> Evidence:
    check_kinds(fields, _EVIDENCE_KINDS)
    return Evidence(
        fields["document_id"],
        fields["effective_ms"],
        fields["source"],
        fields["headline"],
        fields["url"],
        fields["net"],
        _RISKS[fields["risk"]],
        _texts(fields["cues"], "cues"),
        fields["copies"],
        fields["share"],
    )


def _alert(fields: dict[str, Any]) -> AlertEvent:
    check_kinds(fields, _ALERT_KINDS)
    return AlertEvent(
        fields["alert_id"],
        fields["revision"],
        AlertState(fields["state"]),
        fields["at_ms"],
        fields["started_ms"],
        float(fields["peak_severity"]),
        float(fields["threshold"]),
        _detection(fields["detection"]),
        fields["config"],
    )


def _progress(fields: dict[str, Any]) -> Progress:
    check_kinds(fields, _PROGRESS_KINDS)
    return Progress(
        tuple(_partition(pair) for pair in fields["known"]),
        tuple(_source(source) for source in fields["sources"]),
        fields["written_ms"],
    )


def _source(fields: dict[str, Any]) -> SourceProgress:
    check_kinds(fields, _SOURCE_KINDS)
    return SourceProgress(
        _partition(fields["source"]),
        fields["from_position"],
        fields["to_position"],
        fields["watermark_ms"],
        fields["greatest_effective_ms"],
        SourceState(fields["state"]),
        tuple(_volume(volume) for volume in fields["volumes"]),
    )


def _volume(triple: Any) -> tuple[str, int, int]:
    vendor, minute, count = triple
    if type(vendor) is not str or type(minute) is not int or type(count) is not int:
        raise TypeError("a volume is a vendor, a minute and a count")
    return vendor, minute, count
