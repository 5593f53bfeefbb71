"""Chunks: a snapshot comes back exactly whatever lies between its chunks, or is refused; never something else.

log of `sentiment.state`   a0 a1 | b0 | a1 (again) | x | b1 a2     a is found whole, b too; x is nobody's
"""

import random
import zlib

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.delivery import chunks
from monitor.delivery.chunks import LEAST_CHUNK_BYTES, DamagedSnapshot, Snapshot, Versions, cut, join
from monitor.delivery.shape import Owner, Shape
from monitor.domain.document import InputPartition
from monitor.errors import StateError
from monitor.roles import trend_snapshot
from tests.delivery.things import SHAPES, TREND
from tests.roles.scenes import Log, clock, random_documents, trend

VERSIONS = Versions(3, "negative-burst-2", "1m,1h")


def snapshot(state: dict[str, bytes], applied: int = 9_100) -> Snapshot:
    return Snapshot(TREND, applied, VERSIONS, SHAPES, state)


def noise(length: int, seed: int = 0) -> bytes:
    """Bytes that do not compress."""
    return random.Random(seed).randbytes(length)


LARGE = snapshot({"common": noise(30_000, 1), "topic:halden": noise(30_000, 2), "topic:northwind": b""})
LARGE_ID, LARGE_CHUNKS = cut(LARGE, LEAST_CHUNK_BYTES)


def header_of(chunk: bytes) -> dict[str, object]:
    header: dict[str, object] = orjson.loads(chunk.partition(b"\n")[0])
    return header


# ---- there and back

states = st.dictionaries(st.text(max_size=20), st.binary(max_size=200), max_size=8)


@given(states, st.binary(max_size=60_000), st.integers(0, 2**53))
def test_any_state_comes_back_exactly_from_chunks_of_bounded_size(
    small: dict[str, bytes], large: bytes, applied: int
) -> None:
    made = snapshot({**small, "large": large}, applied)
    snapshot_id, written = cut(made, LEAST_CHUNK_BYTES)
    assert max(map(len, written)) <= LEAST_CHUNK_BYTES
    assert join(written, snapshot_id, TREND) == made


def test_state_of_a_trend_role_comes_back_and_is_packed() -> None:
    log = Log(trend())
    for scored in random_documents(3, count=200):
        log.put(scored)
    log.tell(clock(days=5))
    stored = {key: value for key, value in trend_snapshot.snapshot(log.role.state, log.role.take_dirty()).items()}
    state = {key: value for key, value in stored.items() if value is not None}
    snapshot_id, written = cut(snapshot(state))
    restored = join(written, snapshot_id, TREND)
    assert restored.state == state
    assert trend_snapshot.restore(restored.state).position == log.role.state.position
    assert sum(map(len, written)) < 0.5 * sum(map(len, state.values()))


def test_empty_state_is_one_chunk() -> None:
    snapshot_id, written = cut(snapshot({}))
    assert len(written) == 1
    assert join(written, snapshot_id, TREND) == snapshot({})


@pytest.mark.parametrize(("value", "packing"), [(b"spring " * 100, "zlib"), (noise(700), "none")])
def test_body_is_packed_only_where_it_pays(value: bytes, packing: str) -> None:
    _, (only,) = cut(snapshot({"k": value}))
    assert header_of(only)["packing"] == packing


def test_header_tells_a_person_whose_state_it_is_and_what_it_was_made_with() -> None:
    header = header_of(LARGE_CHUNKS[1])
    assert header["role"] == "trend"
    assert header["source"] == ["sentiment.scored", 3]
    assert (header["applied"], header["number"], header["count"]) == (9_100, 1, len(LARGE_CHUNKS))
    assert (header["state"], header["rules"], header["windows"]) == (3, "negative-burst-2", "1m,1h")
    assert header["shapes"] == [list(shape) for shape in SHAPES]


def test_the_same_state_has_the_same_id_and_another_state_another() -> None:
    first = cut(snapshot({"a": b"1", "b": b"2"}))
    assert cut(snapshot({"b": b"2", "a": b"1"})) == first
    others = [
        snapshot({"a": b"1", "b": b"3"}),
        snapshot({"a": b"1", "b": b"2"}, applied=9_101),
        Snapshot(TREND, 9_100, Versions(4, "negative-burst-2", "1m,1h"), SHAPES, {"a": b"1", "b": b"2"}),
        Snapshot(TREND, 9_100, VERSIONS, SHAPES[:1], {"a": b"1", "b": b"2"}),
        Snapshot(Owner("alert", TREND.source), 9_100, VERSIONS, SHAPES, {"a": b"1", "b": b"2"}),
    ]
    assert len({first[0], *(cut(other)[0] for other in others)}) == 1 + len(others)


def test_header_with_the_longest_names_leaves_room_for_state() -> None:
    """Our own Kafka topics are eight, and a name has at most 249 characters."""
    longest = tuple(Shape("t" * 249, "i" * 22, 10**6) for _ in range(8))
    owner = Owner("trend", InputPartition("t" * 249, 10**6))
    made = Snapshot(owner, 2**53, VERSIONS, longest, {"k": noise(40_000)})
    snapshot_id, written = cut(made, LEAST_CHUNK_BYTES)
    assert len(written) == 3
    assert join(written, snapshot_id, owner) == made


def test_chunks_too_small_for_their_header_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 16,384 bytes"):
        cut(snapshot({}), LEAST_CHUNK_BYTES - 1)


# ---- what else lies in the log


@given(st.randoms(use_true_random=False), st.integers(1, 3))
def test_order_repeats_and_chunks_of_others_do_no_harm(rng: random.Random, times: int) -> None:
    other_id, others = cut(snapshot({"common": noise(40_000, 7)}, applied=9_200), LEAST_CHUNK_BYTES)
    log = LARGE_CHUNKS * times + others + [b"", b"\n", b"{}\n", b"[1]\nx", b"what is this", b'{"v":9}\n']
    rng.shuffle(log)
    assert join(log, LARGE_ID, TREND) == LARGE
    assert join(log, other_id, TREND).applied == 9_200


@given(st.sets(st.integers(0, len(LARGE_CHUNKS) - 1), min_size=1))
def test_missing_chunks_are_found_and_counted(lost: set[int]) -> None:
    left = [chunk for number, chunk in enumerate(LARGE_CHUNKS) if number not in lost]
    said = f"{len(lost)} of its {len(LARGE_CHUNKS)} chunks are missing" if left else "none of its chunks is there"
    with pytest.raises(DamagedSnapshot, match=said):
        join(left, LARGE_ID, TREND)


@settings(max_examples=200)
@given(st.data())
def test_damage_of_one_byte_is_found_wherever_it_is(data: st.DataObject) -> None:
    which = data.draw(st.integers(0, len(LARGE_CHUNKS) - 1))
    header_length = LARGE_CHUNKS[which].index(b"\n") + 1
    # Half of the draws fall on the header, which is a small part of the bytes and has most of the meaning.
    ends = st.sampled_from([header_length, len(LARGE_CHUNKS[which])])
    place = data.draw(ends.flatmap(lambda end: st.integers(0, end - 1)))
    chunk = bytearray(LARGE_CHUNKS[which])
    chunk[place] ^= data.draw(st.integers(1, 255))
    log = [*LARGE_CHUNKS[:which], bytes(chunk), *LARGE_CHUNKS[which + 1 :]]
    with pytest.raises((DamagedSnapshot, StateError)):
        join(log, LARGE_ID, TREND)


def test_damaged_chunk_beside_a_good_one_is_not_chosen_by_luck() -> None:
    damaged = LARGE_CHUNKS[0][:-1] + bytes([LARGE_CHUNKS[0][-1] ^ 1])
    for log in ([damaged, *LARGE_CHUNKS], [*LARGE_CHUNKS, damaged]):
        with pytest.raises(DamagedSnapshot, match="chunk 0 is there twice and differs"):
            join(log, LARGE_ID, TREND)


def test_cut_off_chunk_is_found() -> None:
    with pytest.raises(DamagedSnapshot, match="fails its check"):
        join([*LARGE_CHUNKS[:-1], LARGE_CHUNKS[-1][:-20]], LARGE_ID, TREND)


def test_snapshot_of_another_partition_is_refused_even_if_a_pointer_names_it() -> None:
    with pytest.raises(DamagedSnapshot, match=r"belongs to trend for sentiment\.scored/3"):
        join(LARGE_CHUNKS, LARGE_ID, Owner("trend", InputPartition("sentiment.scored", 2)))


def test_content_under_another_snapshots_id_is_refused() -> None:
    other_id, _ = cut(snapshot({}, applied=9_200))
    passed_off = [chunk.replace(LARGE_ID.encode(), other_id.encode(), 1) for chunk in LARGE_CHUNKS]
    with pytest.raises(DamagedSnapshot, match="fails its check"):
        join(passed_off, other_id, TREND)


def test_form_of_a_newer_release_is_refused_with_the_remedy() -> None:
    newer = [chunk.replace(b'"v":1', b'"v":2', 1) for chunk in LARGE_CHUNKS]
    with pytest.raises(StateError, match=r"form 2, but this release reads 1: .*monitor state reset --role trend"):
        join(newer, LARGE_ID, TREND)


@pytest.mark.parametrize(
    "body", [b"\0\0\0\7short", b"\0\0", b"\0\0\0\1k", b"\0\0\0\1k\0\0\0\7short", b"\0\0\0\1\xff\0\0\0\0"]
)
def test_body_that_was_signed_but_never_packed_is_refused(body: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only a bug can write it; it must not be read as less state."""
    monkeypatch.setattr(chunks, "_packed", lambda state: [body])
    snapshot_id, written = cut(snapshot({}))
    with pytest.raises(DamagedSnapshot, match="cannot be read"):
        join(written, snapshot_id, TREND)


def test_body_that_was_signed_but_never_compressed_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zlib, "compress", lambda body, level: b"not zlib")
    snapshot_id, written = cut(snapshot({"k": b"spring " * 100}))
    with pytest.raises(DamagedSnapshot, match="cannot be read"):
        join(written, snapshot_id, TREND)
