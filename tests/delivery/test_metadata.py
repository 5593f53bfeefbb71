"""Commit metadata: what was committed comes back exactly, and what is not ours or is damaged is refused by name."""

from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.delivery.crashes import CrashNote
from monitor.delivery.metadata import (
    MAX_BYTES,
    Pointer,
    ScoreCommit,
    StateCommit,
    decode_score,
    decode_state,
    encode_score,
    encode_state,
)
from monitor.delivery.shape import Owner, Shape
from monitor.domain.document import InputPartition
from monitor.domain.progress import SourceState
from monitor.errors import ConfigError, StateError
from monitor.operators.intake import Run
from monitor.operators.watermark import PartitionState
from monitor.roles import score_snapshot
from tests.delivery.things import NEWS, SCORE, SHAPES, TREND, names, owners, positions, shapes

LATER = Pointer("9100-c0ffee", 540, 552, 9_100)
EARLIER = Pointer("7000-decaf0", 500, 512, 7_000)
COMMIT = StateCommit(TREND, 9_300, (LATER, EARLIER), SHAPES)
TEXT = encode_state(COMMIT)


def score_state(position: int = 4_100) -> bytes:
    state = PartitionState(
        position=position,
        greatest_ms=1_772_409_600_000,
        greatest_effective_ms=1_772_409_599_000,
        believed_ms=1_772_409_600_000,
        state=SourceState.IDLE,
        run=Run(90, 3, False),
    )
    stored = score_snapshot.snapshot({NEWS: state})[str(NEWS)]
    assert stored is not None
    return stored


def refusal(text: str, owner: Owner = TREND, position: int = COMMIT.position) -> str:
    with pytest.raises(StateError) as refused:
        decode_state(text, owner, position)
    said = str(refused.value)
    assert f"monitor state reset --role {owner.role} --partition {owner.source}" in said
    return said


def signed(body: str) -> str:
    """A text that passes the check, whatever it says."""
    return f"sentiment-monitor/1 {crc32(body.encode()):08x} {body}"


# ---- there and back


def test_watermark_of_an_input_survives_in_the_commit_alone() -> None:
    crashes = CrashNote(1, 480, 4_100, 2, is_in_hand=True)
    text = encode_score(ScoreCommit(SCORE, 4_100, score_state(), SHAPES, crashes))
    commit = decode_score(text, SCORE, 4_100)
    assert (commit.shapes, commit.crashes) == (SHAPES, crashes)
    again = score_snapshot.restore({"": commit.state})[NEWS]
    assert (again.position, again.committed_position, again.read_position) == (4_100, 4_100, 4_100)
    assert (again.greatest_ms, again.greatest_effective_ms) == (1_772_409_600_000, 1_772_409_599_000)
    assert (again.believed_ms, again.state, again.run) == (1_772_409_600_000, SourceState.IDLE, Run(90, 3, False))


pointers = st.builds(Pointer, names, positions, positions, st.integers(0, 2**40))


@given(owners, st.integers(2**40, 2**53), st.lists(pointers, max_size=2).map(tuple), shapes)
def test_state_commit_comes_back_exactly(
    owner: Owner, position: int, kept: tuple[Pointer, ...], remembered: tuple[Shape, ...]
) -> None:
    commit = StateCommit(owner, position, kept, remembered)
    assert decode_state(encode_state(commit, 10**6), owner, position) == commit


def test_commit_names_the_last_two_snapshots_newest_first() -> None:
    commit = StateCommit(TREND, 0, (), SHAPES).moved(7_000, EARLIER).moved(8_000).moved(9_300, LATER)
    assert commit == COMMIT
    newest = Pointer("9300-beef", 600, 601, 9_300)
    assert commit.moved(9_300, newest).pointers == (newest, LATER)


def test_commit_does_not_move_on_before_a_snapshot_holds_what_was_read() -> None:
    begun = StateCommit(TREND, 40, (), SHAPES)
    assert begun.moved(40) == begun
    with pytest.raises(ValueError, match="needs a snapshot"):
        begun.moved(41)


# ---- its length


def test_commit_with_long_names_and_every_own_topic_fits_the_brokers_default() -> None:
    source = InputPartition("f" * 249, 100)
    own = tuple(Shape(f"sentiment.{'x' * 20}", "0kqCq3f8QkGZbqg7nqv1dA", 100) for _ in range(8))
    state = score_snapshot.snapshot({source: PartitionState(position=2**53, greatest_ms=2**53)})[str(source)]
    assert state is not None
    assert len(encode_score(ScoreCommit(Owner("score", source), 2**53, state, own)).encode()) < MAX_BYTES / 2


def test_commit_that_is_too_long_for_the_broker_names_the_setting_and_a_value_that_will_do() -> None:
    many = tuple(Shape("t" * 240, "i" * 22, 4) for _ in range(20))
    commit = StateCommit(TREND, 1, (), many)
    with pytest.raises(ConfigError, match=r"^offset\.metadata\.max\.bytes: .* set it to 8,192 on every broker"):
        encode_state(commit)
    assert decode_state(encode_state(commit, 8_192), TREND, 1) == commit


def test_length_is_counted_in_bytes() -> None:
    commit = StateCommit(TREND, 1, (), (Shape("新" * 40, "i", 4),))
    length = len(encode_state(commit))
    with pytest.raises(ConfigError):
        encode_state(commit, length)


# ---- what is refused


def test_commit_without_metadata_was_made_by_something_else() -> None:
    assert "has no metadata: something else moved the group's offsets" in refusal("")


@pytest.mark.parametrize("text", ["{}", "checkpoint-12", "sentiment-monitors/1 00000000 {}", "\x00"])
def test_metadata_of_another_program_is_refused(text: str) -> None:
    assert "metadata of another program" in refusal(text)


def test_format_of_a_newer_release_is_refused_by_its_number() -> None:
    assert "has the format '2', but this release reads 1" in refusal(TEXT.replace("/1 ", "/2 "))


@given(st.integers(0, len(TEXT) - 1), st.characters())
def test_no_changed_character_passes_unnoticed(place: int, character: str) -> None:
    damaged = TEXT[:place] + character + TEXT[place + 1 :]
    if damaged != TEXT:
        refusal(damaged)


@pytest.mark.parametrize("length", range(0, len(TEXT), 7))
def test_text_that_was_cut_is_refused(length: int) -> None:
    refusal(TEXT[:length])


def test_commit_of_another_partition_or_role_is_refused() -> None:
    other = Owner("trend", InputPartition("sentiment.scored", 2))
    assert "belongs to trend for sentiment.scored/3" in refusal(TEXT, other)
    assert "belongs to trend for" in refusal(TEXT, Owner("alert", TREND.source))


def test_offset_that_was_moved_under_its_metadata_is_refused() -> None:
    assert "was made at 9300, but stands at 20: something else moved it" in refusal(TEXT, position=20)


def test_score_does_not_read_the_commit_of_a_role_with_snapshots() -> None:
    with pytest.raises(StateError):
        decode_score(TEXT, TREND, COMMIT.position)


HEAD = '{"role":"trend","source":["sentiment.scored",3],"position":9300'


@pytest.mark.parametrize(
    "body",
    [
        "[]",
        "{}",
        HEAD,
        HEAD + "}",
        HEAD + ',"shapes":[]}',
        HEAD + ',"pointers":[],"shapes":[["sentiment.scored","x"]]}',
        HEAD + ',"pointers":[["a",1,2]],"shapes":[]}',
        HEAD + ',"pointers":[["a",1,2,-3]],"shapes":[]}',
        HEAD + ',"pointers":[["a",1,2,true]],"shapes":[]}',
        HEAD + ',"pointers":[["a",1,2,9301]],"shapes":[]}',
        HEAD.replace("9300", "true") + ',"pointers":[],"shapes":[]}',
        HEAD.replace("3]", "-3]") + ',"pointers":[],"shapes":[]}',
    ],
)
def test_body_that_no_release_wrote_is_refused(body: str) -> None:
    refusal(signed(body))


@pytest.mark.parametrize("crashes", ["[]", "[1,2,3,4]", "[1,0,null,0,true]", "[1,-1,null,0,0]", "[1,0,null,2,0]", "7"])
def test_note_of_deaths_that_no_release_wrote_is_refused(crashes: str) -> None:
    body = '{"role":"score","source":["feeds.news",2],"position":7,"state":[],"shapes":[],"crashes":' + crashes + "}"
    with pytest.raises(StateError, match="cannot be read"):
        decode_score(signed(body), SCORE, 7)
