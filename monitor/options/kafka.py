"""The section `kafka:`: how the brokers are reached, what is read from them, and what our own Kafka topics are like."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from monitor.options.needs import Either, Need
from monitor.options.option import (
    addresses,
    choice,
    duration,
    kafka_name,
    kafka_names,
    kafka_prefix,
    maybe_path,
    maybe_pattern,
    maybe_secret,
    maybe_text,
    whole,
)
from monitor.options.pairs import HIGH, LOW, Pair
from monitor.options.places import PathNeed, Secret

MIB = 1 << 20
GIB = 1 << 30


class KafkaProtocol(StrEnum):
    """What a connection to a broker is made of."""

    PLAINTEXT = "plaintext"
    SSL = "ssl"
    SASL_PLAINTEXT = "sasl_plaintext"
    SASL_SSL = "sasl_ssl"


class KafkaMechanism(StrEnum):
    """How a password is proven."""

    PLAIN = "plain"
    SCRAM_SHA_256 = "scram-sha-256"
    SCRAM_SHA_512 = "scram-sha-512"


@dataclass(frozen=True, slots=True)
class KafkaConfig:
    """The brokers, what is read from them, and what our own Kafka topics are like (docs/kafka.md)."""

    bootstrap: tuple[str, ...] | None = addresses(
        "Some brokers, by which the others are found; null is no Kafka.", also=("KAFKA_BOOTSTRAP",)
    )
    security_protocol: KafkaProtocol = choice(KafkaProtocol.PLAINTEXT, "What a connection is made of.")
    sasl_mechanism: KafkaMechanism = choice(KafkaMechanism.SCRAM_SHA_512, "How the password is proven.")
    sasl_username: str | None = maybe_text("As whom we come in.")
    sasl_password: Secret | None = maybe_secret("Its password.")
    tls_ca: Path | None = maybe_path(
        PathNeed.FILE, "PEM of the authority that signed the brokers' certificates; null trusts the system's."
    )
    tls_certificate: Path | None = maybe_path(PathNeed.FILE, "PEM certificate that we show, if brokers ask for one.")
    tls_key: Path | None = maybe_path(PathNeed.FILE, "PEM of its key, unencrypted.")
    input_topics: tuple[str, ...] = kafka_names(1_000, "The Kafka topics that feeds are read from.")
    input_pattern: str | None = maybe_pattern("Instead of names: every topic whose whole name matches is a feed.")
    prefix: str = kafka_prefix("Before the names of our own Kafka topics and groups, where several share a cluster.")
    client_id: str = kafka_name("sentiment-monitor", "Begins the name under which brokers log our requests.")
    static_id: str | None = maybe_text("Place of this process in the group of trend that outlasts a restart.")
    connect_timeout_ms: int = duration("60s", "0s", "1d", "A start that finds no broker for this long gives up.")
    session_timeout_ms: int = duration("45s", "1s", "30m", "A process that is not heard of for this long is replaced.")
    poll_interval_ms: int = duration("5m", "1s", "1d", "One that does not ask for records for this long is too.")
    delivery_timeout_ms: int = duration(
        "30s", "100ms", "1h", "What is not on every replica after this long has failed, and is done again."
    )
    snapshot_every_ms: int = duration(
        "60s", "100ms", "1h", "How often trend and alert write their state; what came since is read again at a restart."
    )
    snapshot_records: int = whole(100_000, "records", 100, 100_000_000, "And at least after this many records.")
    replication_factor: int = whole(3, "replicas", 1, 10, "Of our own topics; 1 where there is one broker.")
    partitions: int = whole(
        12, "partitions", 1, 1_000, "Of sentiment.scored and sentiment.trends; fixed once they are made."
    )
    alert_partitions: int = whole(
        3, "partitions", 1, 1_000, "Of sentiment.alerts and sentiment.dead-letter; fixed once they are made."
    )
    retention_ms: int = duration("7d", "1h", "3650d", "How long our own streams are kept.")
    dead_letter_retention_ms: int = duration("30d", "1h", "3650d", "How long dead letters are.")
    state_bytes: int = whole(4 * GIB, "bytes", MIB, 1 << 40, "How much of each state's snapshots is kept.")
    max_record_bytes: int = whole(
        1_000_000, "bytes", 10_000, 64 * MIB, "A larger record of ours becomes a dead letter; the brokers' limit too."
    )


KAFKA_PAIRS = (
    Pair("kafka.session_timeout", "kafka.poll_interval", HIGH, "who may be silent may also not ask"),
    Pair("kafka.delivery_timeout", "kafka.poll_interval", LOW, "a flush must not cost the membership", strictly=True),
    Pair("feeds.max_hold", "kafka.retention", HIGH, "what is held out must still be there when it is back"),
)

_PASSWORDS = (KafkaProtocol.SASL_PLAINTEXT, KafkaProtocol.SASL_SSL)
KAFKA_NEEDS = (
    Need("kafka.sasl_username", "kafka.security_protocol", _PASSWORDS, "a login has a name"),
    Need("kafka.sasl_password", "kafka.security_protocol", _PASSWORDS, "a login has a password"),
    Need("kafka.tls_key", "kafka.tls_certificate", None, "a certificate is proven by its key"),
    Need("kafka.tls_certificate", "kafka.tls_key", None, "a key alone says nothing of us"),
    Either("kafka.input_topics", "kafka.input_pattern", "one of the two says what the feeds are"),
)
