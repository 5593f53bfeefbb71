"""`monitor topics`: makes our Kafka topics, and tells how what stands there differs from the configuration."""

import random
from typing import TYPE_CHECKING, TextIO

from monitor.clock import Clock
from monitor.config import Config
from monitor.errors import ConfigError, DependencyError, ExitCode
from monitor.options.kafka import KafkaConfig

if TYPE_CHECKING:
    from monitor.transports.kafka_access import Access
    from monitor.transports.kafka_plan import TopicPlan


def topics(config: Config, *, create: bool, say: TextIO, clock: Clock) -> ExitCode:
    """Make what is missing, if so wished, then compare; one sentence for each difference, with its remedy.

    Topics that exist are never changed: state rests on them.
    Returns: DONE where everything is as configured, else WRONG_USE.
    Raises: ConfigError, DependencyError: no Kafka is configured, the full set is not installed, no broker lets us in.
    """
    kafka = config.kafka
    access = access_of(kafka)
    # Here, because the slim set has no client for it.
    from monitor.transports.kafka_access import await_brokers, check_libraries
    from monitor.transports.kafka_admin import KafkaAdmin
    from monitor.transports.kafka_plan import differences, input_differences, planned

    check_libraries()
    await_brokers(access, clock, kafka.connect_timeout_ms / 1_000, random.Random())
    wanted = planned(plan_of(kafka), kafka.prefix)
    admin = KafkaAdmin(access)
    try:
        names = [topic.name for topic in wanted]
        if create:
            standing = admin.standing(names)
            missing = [topic for topic in wanted if topic.name not in standing]
            admin.create(missing)
            for topic in missing:
                print(f"made {topic.name}: {topic.partitions} partitions, {topic.replication} replicas", file=say)
        standing = admin.standing([*names, *kafka.input_topics])
    finally:
        admin.close()
    found = [*differences(wanted, standing), *input_differences(kafka.input_topics, standing)]
    for difference in found:
        print(difference, file=say)
    if found:
        print(f"{len(found)} differences to the configuration.", file=say)
        return ExitCode.WRONG_USE
    print(f"{len(wanted)} Kafka topics are as configured.", file=say)
    return ExitCode.DONE


def access_of(kafka: KafkaConfig) -> "Access":
    """How the brokers are reached. Raises: ConfigError: nobody said where they are; DependencyError: no client."""
    if kafka.bootstrap is None:
        raise ConfigError(
            "kafka.bootstrap: nobody said where Kafka is; give the address of a broker, such as kafka-1.example:9092"
        )
    try:
        from monitor.transports.kafka_access import Access, Protocol
    except ModuleNotFoundError as exc:
        raise DependencyError(
            f"Kafka needs the Python package {exc.name}: install the whole product with make setup-full"
        ) from exc
    protocol = Protocol(kafka.security_protocol.value.upper())
    password = kafka.sasl_password if protocol.has_password else None
    return Access(
        kafka.bootstrap,
        protocol,
        kafka.sasl_mechanism.value.upper() if protocol.has_password else None,
        kafka.sasl_username if protocol.has_password else None,
        None if password is None else password.reveal(),
        kafka.tls_ca,
        kafka.tls_certificate,
        kafka.tls_key,
        kafka.client_id,
    )


def plan_of(kafka: KafkaConfig) -> "TopicPlan":
    """What our own Kafka topics are to be like."""
    from monitor.transports.kafka_plan import TopicPlan

    return TopicPlan(
        partitions=kafka.partitions,
        alert_partitions=kafka.alert_partitions,
        replication=kafka.replication_factor,
        retention_ms=kafka.retention_ms,
        dead_letter_retention_ms=kafka.dead_letter_retention_ms,
        state_bytes=kafka.state_bytes,
        max_record_bytes=kafka.max_record_bytes,
    )
