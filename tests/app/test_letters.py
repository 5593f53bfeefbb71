"""`monitor dead-letters` without Kafka: the history's, which are cut and have no time; and the words on a terminal."""

import base64
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from monitor.app.letter_forms import line_of, page_of
from monitor.cli import main
from monitor.delivery.redrive import Entry
from monitor.domain.document import LETTER_BYTES, DeadLetter, DeadLetterReason, InputPartition, Original
from monitor.ports import Commit
from monitor.storage.store import EmbeddedStore

NEWS, POSTS = InputPartition("news.jsonl"), InputPartition("posts.jsonl")
Ask = Callable[..., tuple[int, str]]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    path = tmp_path / "history.db"
    opened = EmbeddedStore.open(path)
    letters = [
        DeadLetter(DeadLetterReason.NOT_JSON, "record: not JSON", NEWS, 120, b"{oops"),
        DeadLetter(DeadLetterReason.NO_TEXT, "text: nothing to read", NEWS, 7, b"x" * LETTER_BYTES),
        DeadLetter(DeadLetterReason.NO_TEXT, "text: nothing to read", POSTS, 7, b'{"id": 1}'),
    ]
    opened.commit(Commit(dead_letters=letters))
    opened.close()
    return path


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Ask:
    monkeypatch.delenv("KAFKA_BOOTSTRAP", raising=False)

    def run(*arguments: str) -> tuple[int, str]:
        code = main(["dead-letters", *arguments])
        said = capsys.readouterr()
        return code, said.out + said.err

    return run


def test_history_lists_its_letters_in_order_of_their_inputs(store: Path, tmp_path: Path, ask: Ask) -> None:
    code, said = ask("list", "--state", str(store))
    assert code == 0
    assert [line.split()[:2] for line in said.splitlines()] == [
        ["news.jsonl/0@7", "no_text"],
        ["news.jsonl/0@120", "not_json"],
        ["posts.jsonl/0@7", "no_text"],
    ]
    config = tmp_path / "monitor.yaml"
    config.write_text(f"storage: {{path: {store}}}\n")
    assert ask("list", "--config", str(config)) == (code, said)
    assert ask("list", "--state", str(store), "--reason", "no_text", "--limit", "1")[1] == said.splitlines(True)[2]
    found = json.loads(ask("list", "--state", str(store), "--source", "news.jsonl/0", "--limit", "1", "--json")[1])
    assert (found["position"], found["at"], found["bytes"], found["is_whole"]) == ("news.jsonl/0@120", None, 5, True)


def test_history_shows_a_letter_and_says_where_it_is_cut(store: Path, ask: Ask) -> None:
    code, said = ask("show", "news.jsonl/0@7", "--state", str(store))
    assert code == 0
    assert "detail: text: nothing to read\n" in said
    assert "4,096 of an unknown number of bytes:\nxxxx" in said
    found = json.loads(ask("show", "news.jsonl/0@120", "--state", str(store), "--json")[1])
    assert base64.b64decode(found["value_base64"]) == b"{oops"
    assert found["key_base64"] is None


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("list",), "kafka.bootstrap: neither Kafka nor a history is configured"),
        (("list", "--state", "{store}", "--since", "2026-01-01"), "--since: the history keeps no time"),
        (("show", "news.jsonl/0@8", "--state", "{store}"), "POSITION: there is no dead letter news.jsonl/0@8"),
        (("list", "--state", "{store}.none"), "there is no store at"),
        (("redrive", "news.jsonl/0@7", "--config", "{config}"), "kafka.bootstrap: records are sent again on Kafka"),
    ],
)
def test_what_a_history_has_not_is_one_sentence(
    store: Path, tmp_path: Path, ask: Ask, arguments: tuple[str, ...], said: str
) -> None:
    config = tmp_path / "monitor.yaml"
    config.write_text("{}\n")
    code, told = ask(*(one.format(store=store, config=config) for one in arguments))
    assert code == 2
    assert said in told


def test_what_a_feed_sent_drives_no_terminal() -> None:
    value = "\x1b]0;owned\x07 \u202eback\nnext \t end".encode() + b"\xff"
    letter = DeadLetter(DeadLetterReason.NOT_JSON, "", NEWS, 1, value)
    entry = Entry(letter, NEWS, 1, -1, True, len(value))
    assert line_of(entry) == "news.jsonl/0@1  not_json  \\x1b]0;owned\\x07 \\u202eback next end\ufffd"
    page = page_of(entry, Original(None, value, (), -1), [("odd\x1b", b"\x9b1m")])
    assert page.replace("\n", "").isprintable()
    assert page.endswith("\\x1b]0;owned\\x07 \\u202eback\nnext \\t end\\xff")
