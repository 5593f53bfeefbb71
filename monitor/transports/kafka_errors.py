"""What the client's exceptions mean to us: come back later, stop because something is missing, or state does not fit.

Translated here and nowhere else, so that no exception of the library leaves this room. What is no Kafka error is a bug
and passes.
"""

import ssl

from kafka import errors

from monitor.errors import DependencyError, MonitorError, StateError, TransientError

_PASSWORD = (errors.SaslAuthenticationFailedError, errors.UnsupportedSaslMechanismError, errors.IllegalSaslStateError)

_LOST = (
    errors.CommitFailedError,
    errors.RebalanceInProgressError,
    errors.UnknownMemberIdError,
    errors.IllegalGenerationError,
)
"""The group has gone on without us, or is about to: the next poll tells who owns what."""


class MembershipError(TransientError):
    """The group moved on: nothing was committed, and the next poll tells what is still ours."""


def told(exc: BaseException, doing: str) -> MonitorError:
    """Our error for one of the client's.

    Args:
        doing: what was being done, as in `could not ... while DOING`.
    """
    detail = f"{type(exc).__name__}: {exc}"[:300]
    if isinstance(exc, _PASSWORD):
        return DependencyError(
            f"kafka.sasl_username: the brokers refuse the login while {doing} ({detail}); correct kafka.sasl_username, "
            "kafka.sasl_password and kafka.sasl_mechanism"
        )
    if (reason := _tls_reason(exc)) is not None:
        return DependencyError(
            f"kafka.tls_ca: the TLS connection fails while {doing} ({reason}); give the authority that signed the "
            "brokers' certificates, the name that they are issued for, and a certificate of our own if they ask for one"
        )
    # An idempotent producer wraps what it is refused into an error without a class of its own.
    if isinstance(exc, errors.InvalidReceiveError):
        return DependencyError(
            f"kafka.security_protocol: what answers does not speak Kafka in the clear while {doing} ({detail}); a port "
            "of TLS needs ssl or sasl_ssl, else correct kafka.bootstrap"
        )
    if isinstance(exc, errors.AuthorizationError) or "AuthorizationFailedError" in detail:
        return DependencyError(
            f"the brokers do not permit {doing} ({detail}); grant it to the user of kafka.sasl_username, see "
            "docs/kafka.md for what each role needs"
        )
    if isinstance(exc, errors.FencedInstanceIdError):
        return StateError(
            f"another process has taken this member's place in the group while {doing}: two run with one static "
            "membership id; give each its own (in Kubernetes: a StatefulSet), or stop one"
        )
    if isinstance(exc, _LOST):
        return MembershipError(f"the consumer group moved on while {doing} ({detail})")
    if isinstance(exc, errors.OffsetOutOfRangeError | errors.LogTruncationError):
        return StateError(
            f"a position lies outside its log while {doing} ({detail}): what should be read next was deleted by "
            "retention, or the topic was made again; restore the topic, or give the state up with: monitor state reset"
        )
    if isinstance(exc, errors.OffsetMetadataTooLargeError | errors.InvalidCommitOffsetSizeError):
        return DependencyError(
            f"offset.metadata.max.bytes: the brokers refuse a commit's metadata as too long ({detail}); raise it on "
            "every broker"
        )
    if isinstance(exc, errors.MessageSizeTooLargeError | errors.RecordListTooLargeError):
        return DependencyError(
            f"kafka.max_record_bytes: the brokers refuse a record as too large while {doing} ({detail}); lower it, or "
            "raise max.message.bytes of the Kafka topic"
        )
    if isinstance(exc, errors.UnknownTopicOrPartitionError):
        return DependencyError(
            f"a Kafka topic is missing while {doing} ({detail}); make ours with: monitor topics --create --config FILE"
        )
    if isinstance(exc, errors.CorruptRecordError | errors.UnsupportedCodecError):
        return StateError(
            f"a batch cannot be read while {doing} ({detail}); check the broker's disk, or move the position past it"
        )
    if isinstance(exc, errors.RetriableError):
        return TransientError(f"Kafka did not answer while {doing} ({detail})")
    return DependencyError(f"Kafka refused {doing} ({detail})")


def _tls_reason(exc: BaseException | None) -> str | None:
    """What TLS objects to; the client wraps it into a connection error whose text is all that is left of it."""
    if isinstance(exc, ssl.SSLError):
        return str(exc)
    text = str(exc)
    if isinstance(exc, errors.KafkaConnectionError) and ("SSL" in text or "certificate" in text or "TLS" in text):
        return text[:300]
    return None
