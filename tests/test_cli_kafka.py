"""The commands of whoever runs the monitor on Kafka, as far as they need none: help, and what is no wish."""

import argparse
from pathlib import Path

import pytest

from monitor.cli import main
from monitor.cli_kafka import add_dead_letters, add_members
from monitor.config import Config


def never(arguments: argparse.Namespace) -> Config:
    raise AssertionError("what is no wish reads no configuration")


def parsed(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers()
    add_dead_letters(commands, never, int)
    add_members(commands, never)
    return parser.parse_args(arguments)


@pytest.mark.parametrize("wish", ["dead-letters list", "dead-letters show", "dead-letters redrive", "members remove"])
def test_help_says_what_each_wish_takes(wish: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main([*wish.split(), "--help"])
    assert left.value.code == 0
    assert "--config" in capsys.readouterr().out


@pytest.mark.parametrize("option", [("--reason", "boredom"), ("--limit", "0"), ("--limit", "few"), ("--since", "noon")])
def test_option_that_means_nothing_is_wrong_use(
    option: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        main(["dead-letters", "list", *option])
    assert left.value.code == 2
    assert option[1] in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "redrive: say what to send again"),
        (("--source", "feeds.news"), "redrive: say what to send again"),
        (("--all", "--reason", "poison"), "redrive: give --reason R, or --all"),
        (("feeds.news/1@7", "--all"), "redrive: a POSITION says it all"),
        (("feeds.news/1@7", "--since", "2026-01-01"), "redrive: a POSITION says it all"),
    ],
)
def test_redrive_that_does_not_say_what_it_sends_is_wrong_use(
    arguments: tuple[str, ...], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "monitor.yaml"
    config.write_text("{}\n")
    assert main(["dead-letters", "redrive", *arguments, "--config", str(config)]) == 2
    assert said in capsys.readouterr().err


def test_nothing_is_read_while_a_command_line_is_parsed() -> None:
    assert parsed("members", "list", "--config", "monitor.yaml").config == Path("monitor.yaml")
    assert parsed("dead-letters", "redrive", "a/0@1", "b/0@2", "--config", "f").positions == ["a/0@1", "b/0@2"]
