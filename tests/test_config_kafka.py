"""The section `kafka:`: addresses in either form, secrets shown to nobody, needs told with their remedy."""

from pathlib import Path

import pytest

from monitor.config import Config, load_config
from monitor.errors import ConfigError
from monitor.options.kafka import KafkaMechanism, KafkaProtocol
from monitor.options.places import Secret


def load(tmp_path: Path, text: str, **environ: str) -> Config:
    path = tmp_path / "monitor.yaml"
    path.write_text(text, encoding="utf-8")
    return load_config(path, environ)


def faults(tmp_path: Path, text: str, **environ: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text, **environ)
    return "\n".join(caught.value.faults)


def test_without_the_section_there_is_no_kafka() -> None:
    assert load_config(None, {}).kafka.bootstrap is None


def test_addresses_are_a_list_or_as_other_tools_write_them(tmp_path: Path) -> None:
    wanted = ("kafka-1.example:9092", "kafka-2.example:9093")
    listed = load(tmp_path, "kafka: {bootstrap: [kafka-1.example:9092, kafka-2.example:9093]}")
    assert listed.kafka.bootstrap == wanted
    assert load(tmp_path, "kafka: {bootstrap: 'kafka-1.example:9092,kafka-2.example:9093'}").kafka.bootstrap == wanted
    for name in ("KAFKA_BOOTSTRAP", "MONITOR_KAFKA__BOOTSTRAP"):
        given = load(tmp_path, "", **{name: "kafka-1.example:9092, kafka-2.example:9093"})
        assert given.kafka.bootstrap == wanted
    assert load(tmp_path, "", MONITOR_KAFKA__BOOTSTRAP="[kafka-1.example:9092]").kafka.bootstrap == wanted[:1]


@pytest.mark.parametrize(
    "address", ["kafka.example", "kafka.example:0", "kafka.example:70000", "http://k:9", "", "a b:1"]
)
def test_what_is_no_address_is_told(tmp_path: Path, address: str) -> None:
    assert "kafka.bootstrap[0]: " in faults(tmp_path, f"kafka: {{bootstrap: ['{address}']}}")
    assert "such as kafka-1.example:9092" in faults(tmp_path, f"kafka: {{bootstrap: ['{address}']}}")


def test_login_needs_name_and_password(tmp_path: Path) -> None:
    told = faults(tmp_path, "kafka: {security_protocol: sasl_ssl}")
    assert "kafka.sasl_username: is needed because kafka.security_protocol is sasl_ssl" in told
    assert "kafka.sasl_password: is needed because kafka.security_protocol is sasl_ssl" in told
    given = load(
        tmp_path,
        "kafka: {security_protocol: SASL_SSL, sasl_mechanism: SCRAM-SHA-256, sasl_username: ann}",
        MONITOR_KAFKA__SASL_PASSWORD="hush: 'hush'",
    ).kafka
    assert given.security_protocol is KafkaProtocol.SASL_SSL
    assert given.sasl_mechanism is KafkaMechanism.SCRAM_SHA_256
    assert given.sasl_password == Secret("hush: 'hush'")


def test_password_is_shown_nowhere_and_best_lies_in_a_file(tmp_path: Path) -> None:
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "kafka.sasl_password").write_text("hush-hush\n")
    config = load(tmp_path, f"secrets_dir: {secrets}")
    assert config.kafka.sasl_password == Secret("hush-hush")
    assert "hush-hush" not in config.as_yaml() + repr(config)
    (warning,) = load(tmp_path, "kafka: {sasl_password: hush-hush}").warnings
    assert warning.startswith("kafka.sasl_password: a secret stands in")
    assert "hush" not in warning
    assert "hush" not in faults(tmp_path, 'kafka: {sasl_password: "hush\\nhush"}')


def test_certificate_and_key_come_together(tmp_path: Path) -> None:
    pem = tmp_path / "a.pem"
    pem.write_text("-")
    told = faults(tmp_path, f"kafka: {{tls_certificate: {pem}}}")
    assert "kafka.tls_key: is needed because kafka.tls_certificate is given" in told
    told = faults(tmp_path, f"kafka: {{tls_key: {pem}}}")
    assert "kafka.tls_certificate: is needed because kafka.tls_key is given" in told
    assert "kafka.tls_ca: there is no file" in faults(tmp_path, "kafka: {tls_ca: absent.pem}")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("input_topics: [feeds/news]", "kafka.input_topics[0]: 'feeds/news' is no name in Kafka"),
        ("input_topics: [a, a]", "kafka.input_topics[1]: 'a' is there twice"),
        ("input_pattern: 'feeds\\.('", "kafka.input_pattern: "),
        ("prefix: 'a b'", "kafka.prefix: 'a b' is no name in Kafka"),
        ("client_id: ''", "kafka.client_id: '' is no name in Kafka"),
        ("{session_timeout: 10m, poll_interval: 5m}", "kafka.poll_interval: 5m must be at least kafka.session_timeout"),
        ("{delivery_timeout: 5m, poll_interval: 5m}", "kafka.delivery_timeout: 5m must be below kafka.poll_interval"),
        ("{input_topics: [a], input_pattern: b}", "kafka.input_pattern: "),
    ],
)
def test_wrong_value_names_its_key(tmp_path: Path, text: str, told: str) -> None:
    assert told in faults(tmp_path, f"kafka: {text}" if text.startswith("{") else f"kafka:\n  {text}")


def test_nothing_of_kafka_decides_anything() -> None:
    plain = load_config(None, {})
    other = load_config(None, {}, {"kafka.partitions": 3, "kafka.prefix": "desk.", "kafka.bootstrap": "k:1"})
    assert other.fingerprint == plain.fingerprint
