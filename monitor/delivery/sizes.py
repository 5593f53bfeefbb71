"""How large a record is to Kafka's brokers, who measure whole batches: an upper bound, without compressing anything."""

from collections.abc import Iterable

BATCH_OVERHEAD_BYTES = 61
RECORD_OVERHEAD_BYTES = 21
HEADER_OVERHEAD_BYTES = 10
"""What Kafka writes around a batch, a record and a header, each of its variable lengths at its longest."""


def batch_bytes(key: bytes | None, value: bytes, headers: Iterable[tuple[str, bytes]]) -> int:
    """Bytes of a batch that holds only this record, before compression: at least what the brokers measure."""
    told = sum(HEADER_OVERHEAD_BYTES + len(name.encode()) + len(held) for name, held in headers)
    return BATCH_OVERHEAD_BYTES + RECORD_OVERHEAD_BYTES + len(key or b"") + len(value) + told
