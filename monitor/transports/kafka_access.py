"""Access: how a Kafka cluster is reached and who we are to it; and the first contact, which says what is wrong.

The client tells of a wrong password, an untrusted certificate or a closed port only in its own log, and then goes on
trying. So one connection is made before any other, what the log says of it is listened to, and what no waiting can
mend stops at once; only a broker that is not there yet is waited for.
"""

import logging
import random
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from kafka import errors
from kafka.net.compat import KafkaNetClient
from kafka.protocol.sasl import SaslAuthenticateRequest, SaslAuthenticateResponse, SaslHandshakeResponse

from monitor.clock import Clock
from monitor.errors import ConfigError, DependencyError
from monitor.transports.kafka_errors import told
from monitor.transports.kafka_sockets import PROXY_URL

logger = logging.getLogger(__name__)

ATTEMPT_SECONDS = 4.0
"""One attempt at a first contact: a broker that lives answers in milliseconds, over a slow line in a second."""

FIRST_WAIT_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 15.0
"""Between attempts, doubling from first to longest: a rolling restart is met soon, an outage is not hammered."""

_STEP_MS = 50
"""How soon a reason that ends an attempt is noticed."""

_CHECKED, _CHECK = b"123456789", 0xE3069283
"""What every implementation of CRC-32C is tried with, and what it gives."""

_HUNG_UP = 2
"""Once may be a broker that was just shut down."""

METADATA_AGE_MS = 30_000
"""How old knowledge of topics may get: a new input topic is read, and one that was made again is noticed, this late."""

RECONNECT_MOST_MS = 5_000
"""The client's own 30 s would add half a minute of silence to a restart of a broker that took ten seconds."""


class Protocol(StrEnum):
    """What a connection is made of, by Kafka's names."""

    PLAINTEXT = "PLAINTEXT"
    SSL = "SSL"
    SASL_PLAINTEXT = "SASL_PLAINTEXT"
    SASL_SSL = "SASL_SSL"

    @property
    def has_password(self) -> bool:
        return self in (Protocol.SASL_PLAINTEXT, Protocol.SASL_SSL)

    @property
    def has_tls(self) -> bool:
        return self in (Protocol.SSL, Protocol.SASL_SSL)


@dataclass(frozen=True, slots=True)
class Access:
    """Where the brokers are and how to come in.

    Attributes:
        bootstrap: `host:port` of some brokers; the others are learnt from them.
        authority: PEM file of the authority that signed the brokers' certificates; None is the system's.
        certificate, key: PEM files with which we show who we are, where brokers demand that of a client.
        client: the beginning of the name under which brokers log our requests.
    """

    bootstrap: tuple[str, ...]
    protocol: Protocol = Protocol.PLAINTEXT
    mechanism: str | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    authority: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    client: str = "sentiment-monitor"

    def options(self, purpose: str) -> dict[str, Any]:
        """What every client of kafka-python is given. Raises: ConfigError: a certificate's file cannot be used."""
        options: dict[str, Any] = {
            "bootstrap_servers": list(self.bootstrap),
            "client_id": f"{self.client}-{purpose}",
            "security_protocol": self.protocol.value,
            "metadata_max_age_ms": METADATA_AGE_MS,
            "reconnect_backoff_max_ms": RECONNECT_MOST_MS,
            "bootstrap_timeout_ms": round(ATTEMPT_SECONDS * 1_000),
            "proxy_url": PROXY_URL,
        }
        if self.protocol.has_password:
            options |= {
                "sasl_mechanism": self.mechanism,
                "sasl_plain_username": self.username,
                "sasl_plain_password": self.password,
            }
        if self.protocol.has_tls:
            options["ssl_context"] = self._tls()
        return options

    def _tls(self) -> ssl.SSLContext:
        # Ours, because the client's own quietly goes on without verification where a file is missing.
        try:
            context = ssl.create_default_context(cafile=None if self.authority is None else str(self.authority))
        except (OSError, ssl.SSLError) as exc:
            raise ConfigError(
                f"kafka.tls_ca: {self.authority} is no PEM file of certificates ({exc}); give the brokers' authority"
            ) from exc
        if self.certificate is not None:
            try:
                context.load_cert_chain(self.certificate, self.key)
            except (OSError, ssl.SSLError) as exc:
                raise ConfigError(
                    f"kafka.tls_certificate: {self.certificate} with kafka.tls_key {self.key} cannot be used ({exc}); "
                    "give a PEM certificate and the unencrypted key that belongs to it"
                ) from exc
        return context


def check_libraries() -> None:
    """Refuse to start without what the client would quietly do without.

    Raises: DependencyError: `crc32c` or `lz4` is not installed; without the first, checksums in plain Python cost 6 to
        15 times the CPU of everything else.
    """
    missing = [name for name in ("crc32c", "lz4") if not _is_there(name)]
    if missing:
        raise DependencyError(
            f"Kafka needs the Python packages {' and '.join(missing)}: install the whole product with make setup-full"
        )


def _is_there(name: str) -> bool:
    """Whether the package does its work: one that is installed may still lack its compiled part."""
    try:
        if name == "crc32c":
            from crc32c import crc32c

            return bool(crc32c(_CHECKED) == _CHECK)
        import lz4.frame

        return bool(lz4.frame.decompress(lz4.frame.compress(_CHECKED)) == _CHECKED)
    except ImportError:
        return False


def await_brokers(access: Access, clock: Clock, limit_seconds: float, dice: random.Random) -> None:
    """Return once a broker has let us in; wait for one that is not there, longer and longer between attempts.

    Args:
        limit_seconds: after which waiting ends; 0 is one attempt.
        dice: for the jitter of the waiting, so that a hundred replicas do not come back in one instant.
    Raises: DependencyError: none was there in time, or none lets us in; ConfigError: see `Access.options`.
    """
    started = clock.monotonic_seconds()
    wait = FIRST_WAIT_SECONDS
    while True:
        failure = _contact(access)
        if failure is None:
            return
        waited = clock.monotonic_seconds() - started
        if isinstance(failure, DependencyError) or waited >= limit_seconds:
            raise failure if isinstance(failure, DependencyError) else _unreachable(access, failure, waited)
        pause = min(wait, limit_seconds - waited) * dice.uniform(0.5, 1.0)
        logger.warning("no broker at %s yet (%s); trying again in %.1f s", _named(access), failure, pause)
        clock.sleep(pause)
        wait = min(2 * wait, LONGEST_WAIT_SECONDS)


def _contact(access: Access) -> Exception | None:
    """Come in once; what kept us out, as a DependencyError if waiting does not mend it."""
    options = access.options("contact")
    with _listening() as heard:
        client = KafkaNetClient(**options)
        try:
            coming_in = client._manager.bootstrap_async(ATTEMPT_SECONDS * 1_000)
            while not coming_in.is_done and not heard.is_final:
                client.poll(timeout_ms=_STEP_MS)
        finally:
            client.close()
    if coming_in.is_done and coming_in.succeeded():
        return None
    failure: Exception = heard.reason or coming_in.exception
    ours = told(failure, "reaching the brokers")
    return ours if isinstance(ours, DependencyError) else failure


class _Heard(logging.Handler):
    """Keeps the most telling reason of what the client writes into its log and does not raise.

    A refused login is read from the broker's answer; or, because the broker closes the connection right behind that and
    the client then mostly throws it away, from a connection that ended twice while the login was on its way.
    """

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.reason: Exception | None = None
        self._is_logging_in = False
        self._hung_up = 0

    @property
    def is_final(self) -> bool:
        """Whether waiting cannot mend it."""
        return self.reason is not None and _weight(self.reason) > 1

    def emit(self, record: logging.LogRecord) -> None:
        arguments = record.args if isinstance(record.args, tuple) else ()
        for argument in arguments:
            if isinstance(argument, Exception):
                self._hear(self._meant(argument))
            elif isinstance(argument, SaslAuthenticateRequest):
                self._is_logging_in = True
            elif isinstance(argument, SaslAuthenticateResponse) and not argument.error_code:
                self._is_logging_in = False
            elif isinstance(argument, SaslAuthenticateResponse | SaslHandshakeResponse) and argument.error_code:
                # The handshake says no more than that the mechanism is not among the broker's.
                said = getattr(argument, "error_message", None) or "the mechanism is not enabled there"
                self._hear(errors.SaslAuthenticationFailedError(said))

    def _meant(self, reason: Exception) -> Exception:
        has_hung_up = self._is_logging_in and isinstance(reason, errors.KafkaConnectionError)
        if has_hung_up:
            # The same end is logged several times; the next login sets it again.
            self._is_logging_in = False
            self._hung_up += 1
        refused: Exception = errors.SaslAuthenticationFailedError("the broker ended the connection during the login")
        return refused if has_hung_up and self._hung_up >= _HUNG_UP else reason

    def _hear(self, reason: Exception) -> None:
        if self.reason is None or _weight(reason) >= _weight(self.reason):
            self.reason = reason


def _weight(reason: Exception) -> int:
    """How much a reason tells: a time-out less than a closed port, that less than what waiting does not mend."""
    if isinstance(reason, errors.KafkaTimeoutError):
        return 0
    return 2 if isinstance(told(reason, ""), DependencyError) else 1


@contextmanager
def _listening() -> Iterator[_Heard]:
    """Hear what the client logs, at its most talkative, and keep it from everybody else: passwords are among it."""
    client_log = logging.getLogger("kafka")
    heard = _Heard()
    level, propagates = client_log.level, client_log.propagate
    client_log.addHandler(heard)
    client_log.setLevel(logging.DEBUG)
    client_log.propagate = False
    try:
        yield heard
    finally:
        client_log.propagate = propagates
        client_log.setLevel(level)
        client_log.removeHandler(heard)


def _named(access: Access) -> str:
    return ", ".join(access.bootstrap)


def _unreachable(access: Access, failure: Exception, waited: float) -> DependencyError:
    return DependencyError(
        f"kafka.bootstrap: no broker answered at {_named(access)} within {waited:.0f} s (last: {_short(failure)}); "
        "start Kafka, correct the address, or open the way to it"
    )


def _short(failure: Exception) -> str:
    return f"{type(failure).__name__}: {failure}"[:200]
