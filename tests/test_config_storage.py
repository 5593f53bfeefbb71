"""The options of `storage:` for a server: a URL without a password, and a password that is shown to nobody."""

import io
from pathlib import Path

import pytest

from monitor.app import start_run
from monitor.clock import SystemClock
from monitor.config import Config, load_config
from monitor.errors import ConfigError
from monitor.options.places import Secret

URL = "postgresql://monitor@db.example:5432/history"


def load(tmp_path: Path, text: str, **environ: str) -> Config:
    path = tmp_path / "monitor.yaml"
    path.write_text(text, encoding="utf-8")
    return load_config(path, environ)


@pytest.mark.parametrize(
    "url",
    [
        URL,
        "postgresql+psycopg://monitor@db.example/history",
        "postgres:///history?host=/run/postgresql",
        "postgresql://monitor@a.example:5432,b.example:5433/history?target_session_attrs=read-write",
        "postgresql://monitor@db.example/history?sslmode=verify-full&options=-csearch_path%3Dmonitor",
    ],
)
def test_url_in_the_forms_that_libpq_and_sqlalchemy_take(tmp_path: Path, url: str) -> None:
    assert load(tmp_path, f"storage: {{url: '{url}'}}").storage.url == url


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("postgresql://monitor:hush@db.example/history", "carries a password"),
        ("postgresql://monitor@db.example/history?password=hush", "carries a password"),
        ("postgresql://monitor@db.example/history?sslpassword=hush", "carries a password"),
        ("mysql://monitor:hush@db.example/history", "is no URL of a PostgreSQL database"),
        ("hush.db", "is no URL of a PostgreSQL database"),
        ("postgresql://[hush/history", "is no URL"),
        ("postgresql://hush@db.example", "names no database"),
        ("postgresql://hush@db.example/", "names no database"),
        ("postgresql://hush@db.example/his tory", "has a space"),
    ],
)
def test_url_that_cannot_be_used_is_told_without_being_quoted(tmp_path: Path, url: str, fault: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, f"storage: {{url: '{url}'}}")
    assert f"storage.url: {fault}" in str(caught.value)
    assert "hush" not in str(caught.value)


def test_password_is_best_a_secret_file_and_is_in_no_dump(tmp_path: Path) -> None:
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "storage.password").write_text("hush\n")
    config = load(tmp_path, f"secrets_dir: {secrets}\nstorage: {{url: '{URL}'}}")
    assert config.storage.password == Secret("hush")
    assert "hush" not in config.as_yaml() + repr(config)


def test_password_without_a_database_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"storage\.url: is needed because storage\.password is given"):
        load(tmp_path, "", MONITOR_STORAGE__PASSWORD="hush")


def test_one_process_without_kafka_refuses_a_server_and_names_the_file(tmp_path: Path) -> None:
    config = load(tmp_path, f"server: {{port: 0}}\nscorer: {{kind: lexicon}}\nstorage: {{url: '{URL}'}}")
    (tmp_path / "feed.jsonl").touch()
    watchlist = tmp_path / "watchlist.csv"
    watchlist.write_text("id,name,kind,tickers,aliases_en,aliases_zh,exclude\nnorvane,Norvane Bank,company,,,,\n")
    with pytest.raises(ConfigError, match=r"storage\.url: is for the archive on Kafka.* give storage\.path instead"):
        start_run(config, [str(tmp_path / "feed.jsonl")], watchlist, io.StringIO(), SystemClock())
