"""Configuration: every option of the monitor, declared once; read once, frozen, and handed out by section.

Sources, each above those before it: the defaults here, a YAML file, the environment, the command line, mounted secret
files. A key is its field's name without `_ms`: `max_hold: 5m` becomes `max_hold_ms = 300_000`. To add an option, add
one field. `python -m monitor.config > docs/config.md` writes the reference.
"""

import hashlib
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from monitor.domain.windows import WindowSpec
from monitor.errors import ConfigError
from monitor.options.kafka import KAFKA_NEEDS, KAFKA_PAIRS, KafkaConfig
from monitor.options.needs import Need
from monitor.options.option import (
    choice,
    day,
    duration,
    feed_places,
    look_backs,
    maybe_database,
    maybe_path,
    maybe_real,
    maybe_secret,
    maybe_secret_url,
    real,
    switch,
    text,
    whole,
    windows,
)
from monitor.options.pairs import HIGH, LOW, Pair, Rule
from monitor.options.places import PathNeed, Secret
from monitor.options.reference import write_reference
from monitor.options.resolve import judge, resolve
from monitor.options.sources import Sources
from monitor.options.tree import OptionTree
from monitor.options.yaml_tree import write_yaml

MIB = 1 << 20


class ScorerKind(StrEnum):
    """Who judges a text."""

    MODEL = "model"
    LEXICON = "lexicon"
    NEUTRAL = "neutral"


class LogLevel(StrEnum):
    """The least serious event that is logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogFormat(StrEnum):
    """For whom logs are written: people or machines."""

    CONSOLE = "console"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class FeedsConfig:
    """What is read, what is refused, and how time passes in a feed."""

    paths: tuple[str, ...] = feed_places(1_000, "Files, `-` or URLs to read when the command line names none.")
    max_record_bytes: int = whole(1_000_000, "bytes", 1_000, 16 * MIB, "A longer record is a dead letter.")
    max_text_chars: int = whole(10_000, "characters", 100, 1_000_000, "A longer text is cut, at a word if it can be.")
    max_parts: int = whole(32, "parts", 0, 1_000, "Captions and transcripts beyond this many are left out.")
    oldest_ms: int = day("1990-01-01", "1970-01-01", "2100-01-01", "A document from before this day is a dead letter.")
    max_future_ms: int = duration("10m", "0s", "30d", "A document this far after its own arrival is a dead letter.")
    max_leap_ms: int = duration(
        "1d",
        "1m",
        "365d",
        "Of records without a known arrival, a lone one this far ahead of its feed is a dead letter.",
    )
    max_out_of_orderness_ms: int = duration(
        "2s", "0s", "1h", "How far the watermark stays behind the latest document; a document behind it is late."
    )
    idle_after_ms: int = duration("30s", "1s", "1d", "An input that is silent for this long holds nothing back.")
    max_hold_ms: int = duration("5m", "1s", "1d", "How long an input that is not heard of may hold the others back.")
    progress_every_ms: int = duration(
        "100ms", "10ms", "10s", "At most this often it is told how far each input has been read.", decides=False
    )
    max_lead_ms: int = duration(
        "1h", "1s", "30d", "An input this far ahead of the slowest is paused until that has caught up.", decides=False
    )
    dead_letter_ratio: float = real(0.5, "share", 0.01, 1, "An input above this ratio is paused.")
    dead_letter_window: int = whole(1_000, "records", 10, 1_000_000, "The latest records that the ratio is taken of.")
    poll_every_ms: int = duration(
        "5m", "1s", "1d", "How often a URL is looked at; one that fails is asked less and less often.", decides=False
    )
    poll_timeout_ms: int = duration(
        "30s", "1s", "10m", "A URL whose document is not whole after this long is left until next time.", decides=False
    )
    max_feed_bytes: int = whole(
        5 * MIB, "bytes", 1_000, 64 * MIB, "A larger document of a URL, unpacked, is not read.", decides=False
    )


@dataclass(frozen=True, slots=True)
class WatchlistConfig:
    """Who is watched. What the file says has a version of its own, which every scored record carries."""

    path: Path | None = maybe_path(PathNeed.FILE, "The watchlist, CSV or YAML, unless the command line names one.")
    reload_every_ms: int = duration("5s", "1s", "1h", "How often it is looked at for changes.", decides=False)


class ScorerPrecision(StrEnum):
    """Numbers in which a model's products are computed."""

    AUTO = "auto"
    FLOAT32 = "float32"
    INT8 = "int8"
    FLOAT16 = "float16"
    BFLOAT16 = "bfloat16"


@dataclass(frozen=True, slots=True)
class ScorerConfig:
    """Who judges a text, and in what batches. A score does not depend on its neighbours in the batch."""

    kind: ScorerKind = choice(
        ScorerKind.MODEL,
        "`model`: a trained model; `lexicon`: our word lists; `neutral`: a floor to compare with.",
    )
    checkpoint: str = text(
        "default",
        "Which model: `default`; `commercial`, trained only on what may be used so; a folder; or a hub name.",
    )
    device: str = text(
        "auto", "Where a model runs: `auto`, a GPU if there is one; `cpu`; `cuda`; or one GPU, `cuda:1`.", decides=False
    )
    precision: ScorerPrecision = choice(
        ScorerPrecision.AUTO, "In which numbers; `auto` is the quickest that agrees with float32.", decides=False
    )
    allow_fallback: bool = switch(
        False, "Where that device or precision is not to be had, another serves; or it is an error.", decides=False
    )
    threads: int = whole(0, "threads", 0, 1_024, "On how many a model runs; 0 is all cores.", decides=False)
    batch_size: int = whole(256, "texts", 1, 4_096, "A batch this large is scored at once.", decides=False)
    batch_delay_ms: int = duration("100ms", "0s", "10s", "A smaller batch is scored after this long.", decides=False)
    max_pending: int = whole(
        2_048, "texts", 1, 1_000_000, "With more than this waiting for a score, reading pauses.", decides=False
    )


@dataclass(frozen=True, slots=True)
class TrendConfig:
    """What is counted, in which windows, and what counts as the same story."""

    lateness_horizon_ms: int = duration(
        "24h", "1m", "7d", "A document later than this is archived and counts nowhere; ids are remembered as long."
    )
    windows: tuple[WindowSpec, ...] = windows(
        (("1m", "1m"),), "1m", "7d", 8, "The windows of the charts, each `{size, hop}`."
    )
    story_horizon_ms: int = duration("48h", "1m", "30d", "A copy of a story older than this starts a new story.")
    story_similarity: float = real(
        0.6, "share", 0.3, 1, "Estimated share of common phrases from which two texts are copies."
    )
    max_stories_per_topic: int = whole(2_000, "stories", 10, 1_000_000, "Beyond this the oldest story is forgotten.")
    max_documents_per_topic: int = whole(
        20_000, "documents", 100, 10_000_000, "Beyond this the oldest document leaves the look-back."
    )


@dataclass(frozen=True, slots=True)
class DetectionConfig:
    """What is unusual: negative stories against the topic's own past and the feed's volume."""

    look_backs_ms: tuple[int, ...] = look_backs(
        ("15m", "1h", "4h", "12h", "24h"), "1m", "7d", 16, "The stretches of time before a document that are tested."
    )
    floor: float = real(1.0, "severity", 0.5, 10, "Severity, -log10 of the tail probability, below which all is usual.")
    min_documents: int = whole(2, "documents", 1, 1_000, "With fewer in the look-back nothing is detected.")
    min_origins: int = whole(2, "origins", 1, 1_000, "With fewer independent negative origins nothing is detected.")
    min_negative_ratio: float = real(
        0.5, "share", 0, 1, "Least part of negatives among negatives and positives for a direction to be clear."
    )
    least_probability: float = real(
        0.3, "probability", 0.05, 0.95, "A document is negative (or positive) from this probability of it on."
    )
    max_topics_per_document: int = whole(
        4, "topics", 1, 1_000, "A document about more topics than this only lists them, and counts for none."
    )
    min_history_ms: int = duration("7d", "1m", "365d", "A topic is watched for this long before anything is unusual.")
    baseline_half_life_ms: int = duration(
        "60d", "1d", "3650d", "After this long the past weighs half in what is usual."
    )
    prior_documents: float = real(
        2.0, "negatives", 0.01, 1_000, "Weight of the average topic in the expectation of one with little history."
    )
    dispersion_pooled: float = real(0.5, "", 0, 100, "Over-dispersion of counts that all topics share; 0 is Poisson.")
    burst_clip: float = real(
        3.0,
        "multiple",
        1,
        1_000,
        "A day's negatives above this many times the expected enter the baseline only up to it.",
    )
    episode_gap_ms: int = duration("12h", "1m", "30d", "An episode is over after it was usual for this long.")


@dataclass(frozen=True, slots=True)
class AlertsConfig:
    """What somebody is told, within the budget that the desk accepts."""

    budget_per_working_day: float = real(2.0, "alerts", 0.01, 10_000, "What the whole desk accepts on a working day.")
    budget_per_topic_month: float | None = maybe_real(
        "alerts", 0.0001, 1_000, "What it accepts for one topic in a month; if given, it holds instead of the other."
    )
    initial_threshold: float | None = maybe_real(
        "severity", 0.5, 20, "Severity of an alert until the tail has been measured; null follows from the budget."
    )
    exit_ratio: float = real(
        0.5, "share", 0, 1, "An alert is resolved below this part of the threshold at which it fired."
    )
    cooldown_ms: int = duration("24h", "0s", "90d", "Quiet time for a topic after an alert; 0 is none.")
    amend_step: float = real(0.5, "severity", 0.01, 10, "Least rise of severity after which an alert is told again.")
    amend_ratio: float = real(
        0.25,
        "share",
        0,
        10,
        "And the rise is at least this part of what was told last: a storm is told calmly.",
    )
    budget_memory_ms: int = duration(
        "60d", "1d", "3650d", "The past from which the threshold for the budget is measured."
    )
    group_min_topics: int = whole(
        5,
        "topics",
        2,
        100_000,
        "So many that turn unusual at once are told as one group, if chance does not explain it.",
    )
    group_window_ms: int = duration("1h", "1m", "1d", "They turn unusual within this time.")
    group_floor: float = real(2.0, "severity", 0.5, 20, "Severity from which a topic counts for a group.")
    group_threshold: float = real(4.0, "severity", 0.5, 100, "Severity from which a group is told.")
    group_wait_ms: int = duration(
        "10m", "0s", "6h", "While a group may be forming, a single topic's alert waits this long; 0 is not at all."
    )
    feed_threshold: float = real(3.0, "severity", 1, 100, "Severity from which a silent feed is told.")


@dataclass(frozen=True, slots=True)
class StorageConfig:
    """Where state and history lie."""

    path: Path | None = maybe_path(PathNeed.PARENT, "SQLite file of state and history; null keeps them in memory.")
    url: str | None = maybe_database(
        "On Kafka: the PostgreSQL database that the archive writes to, instead of a file (docs/history.md)."
    )
    password: Secret | None = maybe_secret("Its user's password; null leaves it to PGPASSWORD and `~/.pgpass`.")
    connect_timeout_ms: int = duration("60s", "0s", "1d", "A start that finds no server for this long gives up.")
    commit_every_ms: int = duration("5s", "10ms", "10m", "State is committed at least this often.")
    commit_documents: int = whole(2_048, "documents", 1, 1_000_000, "State is committed after this many documents.")
    history_retention_ms: int = duration("400d", "0s", "36500d", "Older history is deleted; 0 keeps it for ever.")


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """Health and metrics over HTTP."""

    enabled: bool = switch(True, "Whether `/livez`, `/readyz` and `/metrics` are served.")
    host: str = text("127.0.0.1", "Address to listen on; `0.0.0.0` in a container, where others must reach it.")
    port: int = whole(8_330, "", 0, 65_535, "Port to listen on; 0 takes any that is free.")


@dataclass(frozen=True, slots=True)
class LoggingConfig:
    """The monitor's own log, on standard error."""

    level: LogLevel = choice(LogLevel.INFO, "The least serious event that is logged.")
    format: LogFormat = choice(LogFormat.CONSOLE, "`console` for people, `json` for machines.")


@dataclass(frozen=True, slots=True)
class NotifyConfig:
    """How people are told."""

    console: bool = switch(True, "Whether alerts are printed on standard output.")
    file: Path | None = maybe_path(PathNeed.PARENT, "File that gets each turn of an alert as a line of JSON.")
    max_age_ms: int = duration("1h", "0s", "365d", "An alert decided later than this is recorded but sent to nobody.")
    slack_webhook_url: Secret | None = maybe_secret_url(
        "Incoming web hook of the Slack channel that alerts go to.", also=("SLACK_WEBHOOK_URL",)
    )


@dataclass(frozen=True, slots=True)
class Config:
    """All options. Each part of the monitor receives only its own section.

    `warnings` are sentences for the log: what was given in a doubtful way. They are no part of the configuration.
    """

    secrets_dir: Path | None = maybe_path(
        PathNeed.DIRECTORY, "Directory with one file for each secret, named like the option."
    )
    feeds: FeedsConfig = FeedsConfig()
    watchlist: WatchlistConfig = WatchlistConfig()
    scorer: ScorerConfig = ScorerConfig()
    trend: TrendConfig = TrendConfig()
    detection: DetectionConfig = DetectionConfig()
    alerts: AlertsConfig = AlertsConfig()
    storage: StorageConfig = StorageConfig()
    kafka: KafkaConfig = KafkaConfig()
    server: ServerConfig = ServerConfig()
    logging: LoggingConfig = LoggingConfig()
    notify: NotifyConfig = NotifyConfig()
    warnings: tuple[str, ...] = field(default=(), compare=False, repr=False)

    @property
    def fingerprint(self) -> str:
        """12 hex digits over the options that change decisions; hashed at each call, so keep it.

        Options that only say where things lie, how fast they go or how they are told are left out: a replay with other
        batch sizes has the same alerts to the byte, and each of them carries this.
        """
        values = _TREE.flatten(self)
        shown = {path: OPTIONS[path].show(values[path], masked=True) for path in _deciding()}
        return hashlib.sha256(json.dumps(shown, sort_keys=True).encode()).hexdigest()[:12]

    def as_yaml(self, masked: bool = True) -> str:
        """The whole configuration as a file that `load_config` reads back, if the secrets are not masked."""
        shown = {path: OPTIONS[path].show(value, masked=masked) for path, value in _TREE.flatten(self).items()}
        return write_yaml(_TREE.nest(shown))


PAIRS = (
    Pair("feeds.max_out_of_orderness", "feeds.max_hold", HIGH, "an input in order must not be held out", strictly=True),
    Pair("feeds.max_out_of_orderness", "feeds.max_lead", HIGH, "usual disorder must not pause an input", strictly=True),
    Pair("feeds.max_out_of_orderness", "feeds.max_leap", HIGH, "usual disorder is no far future", strictly=True),
    Pair("feeds.max_out_of_orderness", "trend.lateness_horizon", HIGH, "usual disorder must not cost documents"),
    Pair("feeds.progress_every", "feeds.max_hold", LOW, "an input needs the time to be heard of", strictly=True),
    Pair("scorer.batch_size", "scorer.max_pending", HIGH, "a batch must have room to fill"),
    Pair("detection.look_backs", "trend.story_horizon", HIGH, "a copy inside a look-back is no other story"),
    Pair("detection.look_backs", "detection.min_history", HIGH, "nobody knows what is usual in a longer look-back"),
    Pair("detection.min_origins", "detection.min_documents", LOW, "each origin is at least one document"),
    Pair("detection.floor", "alerts.group_floor", HIGH, "groups never see what is below the floor"),
    Pair("detection.floor", "alerts.initial_threshold", HIGH, "alerts never see what is below the floor"),
    Pair(
        "detection.episode_gap",
        "alerts.cooldown",
        HIGH,
        "a shorter one ends before a new episode can begin",
        zero_is_none=True,
    ),
    Pair("alerts.cooldown", "alerts.budget_memory", HIGH, "the budget must remember the last alert"),
    *(
        Pair(
            counting, "storage.history_retention", HIGH, "what may still change must not be deleted", zero_is_none=True
        )
        for counting in ("trend.lateness_horizon", "trend.windows", "detection.look_backs")
    ),
    *KAFKA_PAIRS,
)
"""What one option asks of another."""

NEEDS = (Need("storage.url", "storage.password", None, "a password is for a database"),)

RULES: tuple[Rule, ...] = (*PAIRS, *NEEDS, *KAFKA_NEEDS)
"""These, and what must or must not be given beside another."""

_UNDECIDING_SECTIONS = ("storage", "kafka", "server", "logging", "notify")
_TREE = OptionTree(Config)
OPTIONS = _TREE.options
"""Every option by its path, in the order of declaration."""


def load_config(
    path: Path | None, environ: Mapping[str, str], command_line: Mapping[str, object] | None = None
) -> Config:
    """Read every source and return the one configuration.

    Args:
        path: a YAML file, or None for none.
        environ: the environment, as `os.environ` has it.
        command_line: values by option path, as YAML would hold them: `{"alerts.budget_per_topic_month": 0.5}`.
    Raises: ConfigError: with all faults of all sources.
    """
    sources = Sources(OPTIONS)
    if path is not None:
        sources.add_file(path)
    sources.add_environment(environ)
    sources.add_command_line(command_line or {})
    values = resolve(sources, OPTIONS, RULES)
    return _TREE.build(values, warnings=tuple(sources.warnings))


def check(config: Config) -> None:
    """Judge a configuration that code has put together. Raises: ConfigError: with all its faults."""
    faults = judge(_TREE.flatten(config), OPTIONS, RULES)
    if faults:
        raise ConfigError(*(fault.sentence() for fault in faults))


def explain_faults(error: ConfigError) -> str:
    """What a person at a terminal reads: one fault on a line, with their number if there are several."""
    if len(error.faults) == 1:
        return f"Wrong configuration: {error.faults[0]}"
    return "\n".join([f"Wrong configuration, {len(error.faults)} faults:", *(f"  {fault}" for fault in error.faults)])


def reference_markdown() -> str:
    """docs/config.md."""
    return write_reference(OPTIONS, _TREE.words, RULES, _deciding())


def _deciding() -> list[str]:
    """Paths of the options that change decisions."""
    return [
        path
        for path, option in OPTIONS.items()
        if option.decides and path.partition(".")[0] not in _UNDECIDING_SECTIONS
    ]


def main() -> None:
    """Print the reference."""
    sys.stdout.write(reference_markdown())


if __name__ == "__main__":
    main()
