"""Log lines: one line an event, readable by machines and people, without secrets, and never an error of their own."""

import io
import json
import logging
import warnings
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.document import DeadLetterReason
from monitor.logs import QUIET, EventHandler, LogFormat, configure, event


@pytest.fixture(autouse=True)
def root_logger_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    level = root.level
    yield
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.NOTSET)
    for handler in [each for each in root.handlers if isinstance(each, EventHandler)]:
        root.removeHandler(handler)
    root.setLevel(level)
    logging.captureWarnings(False)


def logged(format: LogFormat = LogFormat.JSON, /, **fields: object) -> str:
    """The line that one event with these fields writes."""
    logger, stream = _private_logger(format)
    event(logger, "alert_fired", level=logging.INFO, exc_info=None, **fields)
    return stream.getvalue()


def _private_logger(format: LogFormat) -> tuple[logging.Logger, io.StringIO]:
    stream = io.StringIO()
    logger = logging.Logger("monitor.test", logging.INFO)
    logger.addHandler(EventHandler(stream, format))
    return logger, stream


def test_a_json_line_holds_the_event_and_its_fields() -> None:
    line = json.loads(logged(alert_id="northvale:negative_burst:1", severity=4.5, origins=7, risk=None))
    at = line.pop("at")
    assert at.endswith("Z") and at[10] == "T"
    assert line == {
        "level": "info",
        "logger": "monitor.test",
        "event": "alert_fired",
        "alert_id": "northvale:negative_burst:1",
        "severity": 4.5,
        "origins": 7,
        "risk": None,
    }


def test_a_console_line_quotes_only_what_needs_it() -> None:
    line = logged(LogFormat.CONSOLE, topic="northvale", headline="Northvale halts payouts", copies=3)
    assert "INFO     monitor.test alert_fired" in line
    assert line.endswith('topic=northvale headline="Northvale halts payouts" copies=3\n')


@pytest.mark.parametrize("format", LogFormat)
def test_a_text_of_many_lines_stays_on_one(format: LogFormat) -> None:
    line = logged(format, headline="first\nsecond\r\nthird\u2028fourth\x85fifth")
    assert len(line.splitlines()) == 1


@pytest.mark.parametrize("format", LogFormat)
def test_a_text_cannot_drive_the_terminal(format: LogFormat) -> None:
    line = logged(format, headline="calm \x1b[2J\x9b31m \u202etxet")
    assert not {"\x1b", "\x9b", "\u202e"} & set(line)


def test_chinese_stays_readable_where_the_stream_can_write_it() -> None:
    assert "北谷银行暂停取款" in logged(headline="北谷银行暂停取款")


@pytest.mark.parametrize("headline", ["北谷银行暂停取款", "smile \U0001f600", "lone \udc80 surrogate"])
def test_an_ascii_stream_gets_escapes_that_read_back_the_same(headline: str) -> None:
    raw = io.BytesIO()
    handler = EventHandler(io.TextIOWrapper(raw, encoding="ascii"), LogFormat.JSON)
    logger = logging.Logger("monitor.test", logging.INFO)
    logger.addHandler(handler)
    event(logger, "document_read", headline=headline)
    assert handler.lost == 0
    assert json.loads(raw.getvalue())["headline"] == headline


def test_a_field_that_is_named_as_one_of_the_lines_own_does_not_replace_it() -> None:
    line = json.loads(logged(event="theirs", at="theirs"))
    assert line["event"] == "alert_fired"
    assert (line["event_"], line["at_"]) == ("theirs", "theirs")


@pytest.mark.parametrize("key", ["password", "slack_webhook_url", "api_key", "broker_password", "token", "DSN"])
def test_a_secret_is_masked_by_its_name_at_any_depth(key: str) -> None:
    assert "swordfish" not in logged(**{key: "swordfish"})
    assert "swordfish" not in logged(settings={"inner": {key: "swordfish"}})


@pytest.mark.parametrize(
    "text",
    [
        "cannot reach postgresql://desk:swordfish@db.example/alerts",
        "POST https://hooks.slack.com/services/T0/B0/swordfish refused",
        "Authorization: Basic swordfish",
        "authorization=swordfish",
        "sent Bearer swordfish0123456",
        '{"password": "swordfish"}',
        "slack_token=swordfish&x=1",
    ],
)
@pytest.mark.parametrize("format", LogFormat)
def test_a_secret_is_masked_inside_a_text_a_message_and_an_exception(format: LogFormat, text: str) -> None:
    logger, stream = _private_logger(format)
    event(logger, "send_failed", detail=text, nested=[{"why": text}], error=RuntimeError(text))
    logger.warning("library says %s", text)
    try:
        raise RuntimeError(text)
    except RuntimeError:
        logger.exception("failed")
    assert "swordfish" not in stream.getvalue()
    assert stream.getvalue().count("\n") == 3


def test_what_only_looks_like_a_secret_is_kept() -> None:
    line = json.loads(logged(token_budget=512, max_tokens=8, detail="basic materials fell; url http://a.example:80/x"))
    assert (line["token_budget"], line["max_tokens"]) == (512, 8)
    assert line["detail"] == "basic materials fell; url http://a.example:80/x"


def test_values_of_any_kind_become_plain_json() -> None:
    class Rude:
        def __str__(self) -> str:
            raise RuntimeError("no")

    endless: list[object] = []
    endless.append(endless)
    line = json.loads(
        logged(
            reason=DeadLetterReason.POISON,
            not_a_number=float("nan"),
            raw=b"caf\xe9",
            huge=10**5000,
            rude=Rude(),
            endless=endless,
            many=list(range(1000)),
            long="x" * 100_000,
        ),
        parse_constant=lambda name: pytest.fail(f"{name} is no JSON"),
    )
    assert line["reason"] == "poison"
    assert line["not_a_number"] == "nan"
    assert line["raw"] == "caf\\xe9"
    assert line["huge"] == f"integer of {(10**5000).bit_length()} bits"
    assert line["rude"] == "<unprintable Rude>"
    assert len(line["many"]) == 51 and line["many"][-1] == "…"
    assert len(line["long"]) == 2001


@given(st.dictionaries(st.text(min_size=1), st.text() | st.binary() | st.floats() | st.integers(), max_size=4))
def test_whatever_the_fields_the_line_is_one_and_reads_back(fields: dict[str, object]) -> None:
    logger, stream = _private_logger(LogFormat.JSON)
    logger.info("anything", extra={"event_fields": fields})
    line = stream.getvalue()
    assert len(line.splitlines()) == 1
    assert json.loads(line)["event"] == "anything"


def test_an_exception_comes_with_its_trace_on_the_same_line() -> None:
    logger, stream = _private_logger(LogFormat.JSON)
    try:
        raise ValueError("first\nsecond")
    except ValueError as exc:
        event(logger, "poll_failed", exc_info=exc, level=logging.ERROR, input="feeds.news/0")
    line = json.loads(stream.getvalue())
    assert stream.getvalue().count("\n") == 1
    assert line["level"] == "error"
    assert line["exception"] == "ValueError: first\nsecond"
    assert "test_logs.py" in line["trace"]


def test_a_message_with_wrong_arguments_is_still_a_line() -> None:
    logger, stream = _private_logger(LogFormat.JSON)
    logger.info("%d documents", "many")
    assert json.loads(stream.getvalue())["message"] == "%d documents ('many',)"


def test_a_closed_stream_loses_the_line_and_nothing_else() -> None:
    stream = io.StringIO()
    handler = EventHandler(stream, LogFormat.JSON)
    logger = logging.Logger("monitor.test", logging.INFO)
    logger.addHandler(handler)
    stream.close()
    event(logger, "alert_fired", topic="northvale")
    assert handler.lost == 1


def test_an_event_below_the_level_is_not_written() -> None:
    logger, stream = _private_logger(LogFormat.JSON)
    event(logger, "batch_closed", level=logging.DEBUG)
    assert stream.getvalue() == ""


def test_configuring_twice_writes_each_line_once() -> None:
    first, second = io.StringIO(), io.StringIO()
    configure("info", "json", first)
    configure("WARNING", "console", second)
    logging.getLogger("monitor.somewhere").info("quiet")
    logging.getLogger("somebody.else").warning("loud")
    assert first.getvalue() == ""
    assert second.getvalue().count("\n") == 1
    assert "WARNING  somebody.else message message=loud" in second.getvalue()


def test_a_python_warning_becomes_a_log_line() -> None:
    stream = io.StringIO()
    configure("info", "json", stream)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        # catch_warnings restores what captureWarnings replaces, so it is asked again inside.
        logging.captureWarnings(False)
        logging.captureWarnings(True)
        warnings.warn("old\nhabit", DeprecationWarning, stacklevel=1)
        logging.captureWarnings(False)
    assert json.loads(stream.getvalue())["logger"] == "py.warnings"


@pytest.mark.parametrize(("level", "format"), [("loud", "json"), ("info", "xml")])
def test_an_unknown_level_or_format_is_refused(level: str, format: str) -> None:
    with pytest.raises(ValueError, match=r"loud|xml"):
        configure(level, format, io.StringIO())


@pytest.mark.parametrize("level", ["debug", "info", "warning"])
def test_kafka_client_is_heard_only_when_something_is_wrong(level: str) -> None:
    stream = io.StringIO()
    configure(level, "json", stream)
    client = logging.getLogger("kafka.net.connection")
    client.debug("Request 1: SaslAuthenticateRequest(auth_bytes=hush)")
    client.info("connected")
    client.warning("connection lost")
    assert "hush" not in stream.getvalue()
    assert [json.loads(line)["message"] for line in stream.getvalue().splitlines()] == ["connection lost"]
