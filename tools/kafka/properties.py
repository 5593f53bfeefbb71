"""The broker's own configuration: KRaft, everything on 127.0.0.1, small, and strict where a mistake would hide.

Every broker has an open listener, through which tools and tests administer it, and may have one whose clients are told
another port: that of a proxy, for the tests of bad lines. One that is `guarded` has three more,
which demand what production brokers demand, and an authorizer that denies whatever was not granted; who comes through
the open listener may do everything.
"""

from dataclasses import dataclass, field
from pathlib import Path

from tools.kafka.certificates import Certificates

USERS = {"ann": "ann-secret", "bob": "bob-secret"}
"""The users of a guarded broker: ann may do everything, bob nothing that was not granted to him."""

OPEN, CONTROLLER, PROXIED = "PLAINTEXT", "CONTROLLER", "PROXIED"
SASL, TLS, SASL_TLS = "SASL", "TLS", "SASLTLS"
GUARDED = {SASL: "SASL_PLAINTEXT", TLS: "SSL", SASL_TLS: "SASL_SSL"}
"""The listeners that demand something, and the security protocol of each."""


@dataclass(frozen=True, slots=True)
class Node:
    """One broker, which is a controller too.

    Attributes:
        ports: by listener. told: the ports that clients are told instead, where somebody stands between.
    """

    id: int
    folder: Path
    ports: dict[str, int]
    told: dict[str, int] = field(default_factory=dict)


def properties_of(node: Node, nodes: list[Node], certificates: Certificates | None) -> str:
    """The text of server.properties."""
    copies = min(3, len(nodes))
    plain = dict.fromkeys((OPEN, CONTROLLER, PROXIED), "PLAINTEXT")
    protocols = {**plain, **(GUARDED if certificates is not None else {})}
    told = {**node.ports, **node.told}
    del told[CONTROLLER]
    values: dict[str, object] = {
        "process.roles": "broker,controller",
        "node.id": node.id,
        "controller.quorum.voters": ",".join(f"{one.id}@127.0.0.1:{one.ports[CONTROLLER]}" for one in nodes),
        "controller.listener.names": CONTROLLER,
        "inter.broker.listener.name": OPEN,
        "listeners": ",".join(f"{name}://127.0.0.1:{port}" for name, port in node.ports.items()),
        "advertised.listeners": ",".join(f"{name}://127.0.0.1:{port}" for name, port in told.items()),
        "listener.security.protocol.map": ",".join(f"{name}:{protocol}" for name, protocol in protocols.items()),
        "log.dirs": node.folder / "log",
        # A client that misspells a topic must be told so; making it would hide the mistake.
        "auto.create.topics.enable": "false",
        "default.replication.factor": copies,
        "min.insync.replicas": max(1, copies - 1),
        "offsets.topic.replication.factor": copies,
        # Few partitions of its own, so that it is up in seconds and a restart of a cluster is quick.
        "offsets.topic.num.partitions": 4,
        "transaction.state.log.replication.factor": copies,
        "transaction.state.log.min.isr": 1,
        "transaction.state.log.num.partitions": 2,
        "share.coordinator.state.topic.replication.factor": copies,
        "share.coordinator.state.topic.num.partitions": 1,
        # Tests of a member that dies cannot wait for the six seconds that are the least by default.
        "group.min.session.timeout.ms": 1_000,
        "group.initial.rebalance.delay.ms": 0,
        "log.retention.check.interval.ms": 60_000,
    }
    if certificates is not None:
        values |= _guards(certificates)
    return "".join(f"{key}={value}\n" for key, value in values.items())


def _guards(certificates: Certificates) -> dict[str, object]:
    logins = " ".join(f'user_{name}="{password}"' for name, password in USERS.items())
    plain = f"org.apache.kafka.common.security.plain.PlainLoginModule required {logins};"
    scram = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
    values: dict[str, object] = {
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS;User:ann;User:CN=client",
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": certificates.broker,
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": certificates.authority,
        f"listener.name.{TLS.lower()}.ssl.client.auth": "required",
    }
    for listener in (SASL.lower(), SASL_TLS.lower()):
        name = f"listener.name.{listener}"
        values[f"{name}.sasl.enabled.mechanisms"] = "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512"
        values[f"{name}.plain.sasl.jaas.config"] = plain
        values[f"{name}.scram-sha-256.sasl.jaas.config"] = scram
        values[f"{name}.scram-sha-512.sasl.jaas.config"] = scram
    return values


LOG4J = """\
status = error
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = [%d] %p %m (%c)%n
rootLogger.level = info
rootLogger.appenderRef.out.ref = out
"""
