"""Partitions by murmur2: the values that Kafka's own clients give, or state would be looked for in the wrong place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.partitioning import murmur2, partition_of

GOLDEN = {
    "": 275_646_681,
    "21": 3_321_034_988,
    "abc": 479_470_107,
    "foobar": 3_504_634_814,
    "a-little-bit-long-string": 3_308_985_760,
    "a-little-bit-longer-string": 2_808_662_467,
    "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": 4_236_069_325,
    "HALD": 974_893_373,
    "腾讯控股": 2_136_754_728,
}
"""Those of ASCII words are in the tests of Kafka itself, there as signed numbers."""


@pytest.mark.parametrize(("word", "hashed"), GOLDEN.items())
def test_hash_is_the_one_that_kafka_has(word: str, hashed: int) -> None:
    assert murmur2(word.encode()) == hashed


@pytest.mark.parametrize(("key", "partition"), [("HALD", 5), ("topic-1", 1), ("腾讯控股", 0), ("21", 0), ("", 9)])
def test_partition_of_twelve_is_golden(key: str, partition: int) -> None:
    assert partition_of(key, 12) == partition


@given(st.text(max_size=30), st.integers(1, 200))
def test_every_key_has_a_partition_and_always_the_same(key: str, partitions: int) -> None:
    assert 0 <= partition_of(key, partitions) < partitions
    assert partition_of(key, partitions) == (murmur2(key.encode()) & 0x7FFF_FFFF) % partitions


def test_the_client_agrees() -> None:
    default = pytest.importorskip("kafka.partitioner.default", reason="needs the full set: make setup-full")
    for number in range(500):
        data = str(number).encode() * (number % 7)
        assert murmur2(data) == default.murmur2(data) & 0xFFFF_FFFF
