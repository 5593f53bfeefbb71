"""Coming in: by name through listeners that demand passwords and certificates; and what is said where that fails."""

import random
import socket
import ssl
import threading
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("kafka", reason="needs the full set: make setup-full")

from kafka import KafkaAdminClient, errors
from kafka.admin import ACL, ACLOperation, ACLPermissionType, ResourcePattern, ResourceType

from monitor.clock import ManualClock, SystemClock
from monitor.domain.document import InputPartition
from monitor.errors import ConfigError, DependencyError, MonitorError, StateError, TransientError
from monitor.transports import kafka_access
from monitor.transports.kafka_access import Access, Protocol, await_brokers, check_libraries
from monitor.transports.kafka_admin import KafkaAdmin
from monitor.transports.kafka_errors import MembershipError, told
from monitor.transports.kafka_member import Committed
from monitor.transports.kafka_plan import KafkaTopic
from monitor.transports.kafka_sender import OutRecord
from tests.transports.kafka_room import KafkaRoom, until
from tools.kafka.cluster import Cluster
from tools.kafka.properties import SASL, SASL_TLS, TLS, USERS

# The client leaves the socket of a connection that is refused to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

real = [pytest.mark.slow, pytest.mark.real]


@pytest.fixture(autouse=True)
def collected(fresh: str) -> None:
    """What a refused client left is collected within the test that it belongs to, as `fresh` does at its end."""


def contact(access: Access, limit_seconds: float = 0.0) -> None:
    await_brokers(access, SystemClock(), limit_seconds, random.Random(7))


def login(broker: Cluster, listener: str, mechanism: str, user: str = "ann") -> Access:
    """A user's access through a listener with passwords."""
    certificates = broker.certificates
    assert certificates is not None
    return Access(
        tuple(broker.addresses(listener).split(",")),
        Protocol.SASL_SSL if listener == SASL_TLS else Protocol.SASL_PLAINTEXT,
        mechanism,
        user,
        USERS[user],
        authority=certificates.authority if listener == SASL_TLS else None,
    )


def by_certificate(broker: Cluster) -> Access:
    """The access of whoever holds the client's certificate."""
    certificates = broker.certificates
    assert certificates is not None
    return Access(
        tuple(broker.addresses(TLS).split(",")),
        Protocol.SSL,
        authority=certificates.authority,
        certificate=certificates.client,
        key=certificates.client_key,
    )


def go_round(access: Access, word: str) -> None:
    """Make a topic, write to it, read it as a group, commit."""
    room = KafkaRoom("", word)
    room.access = access
    topic = room.topic("news")
    sender = room.sender()
    sender.send(OutRecord(topic, 0, None, b"through the gate"))
    sender.flush()
    sender.close()
    member = room.member([topic])
    until(lambda: member.poll(1, 0.1) == [] and bool(member.owned))
    partition = InputPartition(topic)
    member.begin(partition)
    values: list[bytes | None] = []

    def has_read() -> bool:
        values.extend(record.value for record in member.poll(10, 0.1))
        return bool(values)

    until(has_read)
    member.commit({partition: Committed(1, "")}, member.owned, 10)
    member.close()
    assert values == [b"through the gate"]


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
@pytest.mark.parametrize("listener", [SASL, SASL_TLS])
class TestPassword:
    pytestmark = real

    def test_right_password_opens_everything(self, broker: Cluster, fresh: str, listener: str, mechanism: str) -> None:
        access = login(broker, listener, mechanism)
        contact(access)
        go_round(access, fresh)

    def test_wrong_password_stops_at_once_and_names_the_keys(
        self, broker: Cluster, fresh: str, listener: str, mechanism: str
    ) -> None:
        access = replace(login(broker, listener, mechanism), password="guessed")
        # Whatever the patience: a wrong password is nothing to wait for.
        with pytest.raises(DependencyError, match=r"refuse the login.*kafka\.sasl_password") as caught:
            contact(access, limit_seconds=30)
        assert "guessed" not in str(caught.value)
        assert "guessed" not in repr(access)


class TestCertificates:
    pytestmark = real

    def test_certificate_opens_everything(self, broker: Cluster, fresh: str) -> None:
        contact(by_certificate(broker))
        go_round(by_certificate(broker), fresh)

    def test_brokers_whose_authority_is_not_ours_are_refused(self, broker: Cluster, fresh: str) -> None:
        assert broker.certificates is not None
        for access in (by_certificate(broker), login(broker, SASL_TLS, "PLAIN")):
            with pytest.raises(DependencyError, match=r"kafka\.tls_ca: .*certificate verify failed"):
                contact(replace(access, authority=broker.certificates.stranger), limit_seconds=30)

    def test_broker_is_refused_under_another_name(self, broker: Cluster, fresh: str) -> None:
        access = by_certificate(broker)
        gate = Gate(access.bootstrap[0], "127.0.0.2")
        gate.open()
        with pytest.raises(DependencyError, match=r"kafka\.tls_ca: .*127\.0\.0\.2"):
            contact(replace(access, bootstrap=(gate.address,)), limit_seconds=30)
        gate.close()

    def test_who_shows_no_certificate_is_told_that_one_is_asked_for(self, broker: Cluster, fresh: str) -> None:
        with pytest.raises(DependencyError, match=r"kafka\.tls_ca: .*a certificate of our own"):
            contact(replace(by_certificate(broker), certificate=None, key=None))

    def test_plain_client_at_a_port_of_tls_is_told_that_no_broker_speaks_so(self, broker: Cluster, fresh: str) -> None:
        # Whether the client reads what TLS answers before it hangs up is chance.
        with pytest.raises(DependencyError, match=r"kafka\.bootstrap: no broker answered|kafka\.security_protocol: "):
            contact(Access(tuple(broker.addresses(TLS).split(","))))


class TestPermission:
    pytestmark = real

    def denied(self, act: object) -> None:
        assert callable(act)
        with pytest.raises(DependencyError, match=r"do not permit .*kafka\.sasl_username"):
            act()

    def test_nothing_is_permitted_that_was_not_granted(self, broker: Cluster, fresh: str) -> None:
        theirs = KafkaRoom(broker.bootstrap, fresh)
        topic = theirs.topic("news")
        theirs.write(topic, [b"x"])
        room = KafkaRoom("", fresh)
        room.access = login(broker, SASL, "PLAIN", "bob")
        contact(room.access)
        admin = KafkaAdmin(room.access)
        self.denied(lambda: admin.create([KafkaTopic(room.prefix + "own", 1, 1)]))
        self.denied(lambda: admin.standing([topic]))
        admin.close()
        sender = room.sender()
        self.denied(lambda: sender.send(OutRecord(topic, 0, None, b"x")))
        sender.close()
        member = room.member([topic])
        self.denied(lambda: until(lambda: bool(member.poll(1, 0.1))))
        member.close()

    def test_who_may_only_read_may_not_write(self, broker: Cluster, fresh: str) -> None:
        theirs = KafkaRoom(broker.bootstrap, fresh)
        topic = theirs.topic("news")
        client = KafkaAdminClient(bootstrap_servers=list(theirs.access.bootstrap))
        grants = [(ResourceType.TOPIC, topic), (ResourceType.GROUP, theirs.prefix + "group")]
        client.create_acls(
            [
                ACL("User:bob", "*", operation, ACLPermissionType.ALLOW, ResourcePattern(kind, name))
                for kind, name in grants
                for operation in (ACLOperation.READ, ACLOperation.DESCRIBE)
            ]
        )
        client.close()
        room = KafkaRoom("", fresh)
        room.access = login(broker, SASL, "SCRAM-SHA-256", "bob")
        member = room.member([topic])
        until(lambda: member.poll(1, 0.1) == [] and bool(member.owned))
        member.begin(InputPartition(topic))
        admin = KafkaAdmin(room.access)
        assert admin.shapes([topic])[topic].partitions == 1
        assert [one.partitions for one in admin.members(room.prefix + "group")] == [(InputPartition(topic),)]
        self.denied(lambda: admin.standing([topic]))
        admin.close()
        member.close()
        sender = room.sender()

        def write() -> None:
            sender.send(OutRecord(topic, 0, None, b"x"))
            sender.flush()

        self.denied(write)
        sender.close()


class Gate:
    """A port that is closed until `open`, and then leads to a broker."""

    def __init__(self, target: str, at: str = "127.0.0.1") -> None:
        host, _, port = target.partition(":")
        self._target = (host, int(port))
        self._server = socket.socket()
        self._server.bind((at, 0))
        self.address = f"{at}:{self._server.getsockname()[1]}"

    def open(self) -> None:
        self._server.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._server.close()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            broker = socket.create_connection(self._target)
            for source, sink in ((client, broker), (broker, client)):
                threading.Thread(target=self._carry, args=(source, sink), daemon=True).start()

    @staticmethod
    def _carry(source: socket.socket, sink: socket.socket) -> None:
        with source, sink:
            try:
                while data := source.recv(65_536):
                    sink.sendall(data)
            except OSError:
                return


class Opening(ManualClock):
    """A clock that opens a gate when it is slept by for the third time."""

    def __init__(self, gate: Gate) -> None:
        super().__init__()
        self._gate = gate
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        self.slept.append(seconds)
        if len(self.slept) == 3:
            self._gate.open()


@pytest.mark.slow
@pytest.mark.real
def test_broker_that_is_not_there_yet_is_waited_for_longer_and_longer(
    kafka_bootstrap: str, fresh: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka_access, "ATTEMPT_SECONDS", 1.0)
    gate = Gate(kafka_bootstrap.split(",")[0])
    clock = Opening(gate)
    await_brokers(Access((gate.address,)), clock, 60, random.Random(7))
    gate.close()
    assert len(clock.slept) == 3
    # Each between half and the whole of a wait that doubles.
    assert all(0.5 * wait <= slept <= wait for slept, wait in zip(clock.slept, (0.5, 1.0, 2.0), strict=True))


@pytest.mark.slow
def test_broker_that_never_comes_is_one_clear_sentence_after_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka_access, "ATTEMPT_SECONDS", 0.2)
    gate = Gate("127.0.0.1:1")
    clock = ManualClock()
    with pytest.raises(DependencyError) as caught:
        await_brokers(Access((gate.address,)), clock, 20, random.Random(7))
    gate.close()
    assert str(caught.value).startswith(f"kafka.bootstrap: no broker answered at {gate.address} within 20 s (last: ")
    assert "ECONNREFUSED" in str(caught.value)
    assert caught.value.exit_code == 3
    assert clock.monotonic_seconds() == pytest.approx(20, abs=0.01)


def test_libraries_that_the_client_would_do_without_are_there() -> None:
    check_libraries()


@pytest.mark.parametrize("name", ["crc32c", "lz4"])
def test_missing_library_is_named_with_its_remedy(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "lz4.frame" if name == "lz4" else name, None)
    with pytest.raises(DependencyError, match=f"{name}.*make setup-full"):
        check_libraries()


def test_authority_that_is_no_certificate_is_named(tmp_path: Path) -> None:
    wrong = tmp_path / "ca.pem"
    wrong.write_text("hello")
    with pytest.raises(ConfigError, match=r"kafka\.tls_ca: .*ca\.pem is no PEM file"):
        Access(("127.0.0.1:1",), Protocol.SSL, authority=wrong).options("test")
    with pytest.raises(ConfigError, match=r"kafka\.tls_certificate: .*ca\.pem"):
        Access(("127.0.0.1:1",), Protocol.SSL, certificate=wrong, key=wrong).options("test")


def test_names_are_verified_and_old_protocols_refused() -> None:
    context = Access(("127.0.0.1:1",), Protocol.SSL).options("test")["ssl_context"]
    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (errors.SaslAuthenticationFailedError("no"), DependencyError, "kafka.sasl_password"),
        (errors.TopicAuthorizationFailedError("t"), DependencyError, "do not permit"),
        (errors.GroupAuthorizationFailedError("g"), DependencyError, "do not permit"),
        (ssl.SSLCertVerificationError("self-signed"), DependencyError, "kafka.tls_ca"),
        (errors.FencedInstanceIdError(), StateError, "static membership id"),
        (errors.CommitFailedError("x"), MembershipError, "moved on"),
        (errors.RebalanceInProgressError("x"), MembershipError, "moved on"),
        (errors.OffsetOutOfRangeError({}), StateError, "monitor state reset"),
        (errors.OffsetMetadataTooLargeError(), DependencyError, "offset.metadata.max.bytes"),
        (errors.MessageSizeTooLargeError(), DependencyError, "kafka.max_record_bytes"),
        (errors.UnknownTopicOrPartitionError(), DependencyError, "monitor topics --create"),
        (errors.CorruptRecordError(), StateError, "disk"),
        (errors.KafkaTimeoutError("slow"), TransientError, "did not answer"),
        (errors.NotLeaderForPartitionError(), TransientError, "did not answer"),
        (errors.UnknownError(), DependencyError, "refused"),
    ],
    ids=lambda part: type(part).__name__ if isinstance(part, Exception) else "",
)
def test_each_error_of_the_client_says_what_to_do(error: Exception, kind: type[MonitorError], words: str) -> None:
    ours = told(error, "testing")
    assert type(ours) is kind
    assert words in str(ours)
    assert "testing" in str(ours) or words == "offset.metadata.max.bytes"
