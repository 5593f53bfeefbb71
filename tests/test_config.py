"""Configuration: declared once, read from four sources, all faults together, secrets shown to nobody."""

import copy
import dataclasses
import logging
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor import config as config_module
from monitor.config import (
    OPTIONS,
    PAIRS,
    RULES,
    Config,
    LogFormat,
    LogLevel,
    ScorerKind,
    check,
    explain_faults,
    load_config,
    reference_markdown,
)
from monitor.domain.windows import WindowSpec
from monitor.errors import ConfigError, ExitCode
from monitor.options.places import MASK, Secret
from monitor.options.sources import variable
from monitor.options.times import parse_duration, show_duration
from monitor.options.yaml_tree import read_yaml, write_yaml

ROOT = Path(__file__).parent.parent
HOOK = "https://hooks.example/services/T0/B0/hush-hush"
SECRET_OPTION = "notify.slack_webhook_url"


def load(tmp_path: Path, text: str | bytes = "", environ: Mapping[str, str] | None = None) -> Config:
    """The configuration of a file `monitor.yaml` with this text."""
    path = tmp_path / "monitor.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return load_config(path, environ or {})


def faults_of(tmp_path: Path, text: str | bytes = "", environ: Mapping[str, str] | None = None) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text, environ)
    return caught.value.faults


# --- defaults and declarations


def test_nothing_given_gives_the_defaults() -> None:
    config = load_config(None, {})
    assert config == Config()
    assert config.feeds.max_out_of_orderness_ms == 2_000
    assert config.feeds.oldest_ms == 631_152_000_000
    assert config.detection.look_backs_ms == (900_000, 3_600_000, 14_400_000, 43_200_000, 86_400_000)
    assert config.trend.windows == (WindowSpec(60_000, 60_000),)
    assert config.scorer.kind is ScorerKind.MODEL
    assert config.warnings == ()


def test_every_default_is_in_its_own_range_and_every_pair_holds() -> None:
    check(Config())


def test_every_option_says_what_it_is_for_in_a_sentence() -> None:
    for path, option in OPTIONS.items():
        assert option.sentence[0].isupper() or option.sentence[0] == "`", path
        assert option.sentence.endswith("."), path
        assert option.kind.describe(), path


def test_durations_are_fields_with_their_unit_and_keys_without_it() -> None:
    assert "feeds.max_hold" in OPTIONS
    assert not [path for path in OPTIONS if path.endswith("_ms")]


def test_configuration_and_sections_are_frozen_with_slots() -> None:
    config = Config()
    parts = [config, *(getattr(config, part.name) for part in dataclasses.fields(config)[1:-1])]
    assert len(parts) == 12
    for part in parts:
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(part, dataclasses.fields(part)[0].name, None)
        assert not hasattr(part, "__dict__")


def test_every_pair_names_options_that_exist() -> None:
    assert {path for pair in PAIRS for path in pair.paths} <= set(OPTIONS)


# --- values


@pytest.mark.parametrize(
    ("written", "milliseconds"),
    [("250ms", 250), ("2s", 2_000), ("15m", 900_000), ("24h", 86_400_000), ("30d", 2_592_000_000), ("0s", 0)],
)
def test_duration_is_read_in_ms(written: str, milliseconds: int) -> None:
    assert parse_duration(written) == milliseconds


@pytest.mark.parametrize("written", ["15", "m", "1.5h", "-2s", "2 weeks", "15M", "1h30m", "", "٣s", "9" * 400 + "s"])
def test_what_is_no_duration_is_refused(written: str) -> None:
    assert parse_duration(written) is None


@given(st.integers(0, 10**15))
def test_duration_that_is_shown_is_read_back(milliseconds: int) -> None:
    assert parse_duration(show_duration(milliseconds)) == milliseconds


@pytest.mark.parametrize(
    ("text", "path", "problem"),
    [
        ("server: {port: '8330'}", "server.port", "'8330' is text"),
        ("server: {port: 8330.0}", "server.port", "8330.0 is a number"),
        ("server: {port: 0x10}", "server.port", "'0x10' is text"),
        ("server: {port: true}", "server.port", "true is a truth value"),
        ("server: {port: 65536}", "server.port", "65536 is out of range"),
        ("server: {port: -1}", "server.port", "-1 is out of range"),
        ("server: {port: }", "server.port", "is empty"),
        ("server: {enabled: 1}", "server.enabled", "1 is a whole number"),
        ("server: {host: ''}", "server.host", "'' is blank"),
        ("detection: {floor: .nan}", "detection.floor", "nan is out of range"),
        ("detection: {floor: 1e999}", "detection.floor", "inf is out of range"),
        ("detection: {floor: high}", "detection.floor", "'high' is text"),
        (f"detection: {{floor: 1{'0' * 400}}}", "detection.floor", "is out of range"),
        ("feeds: {idle_after: 30}", "feeds.idle_after", "30 is no duration with a unit"),
        ("feeds: {idle_after: 1:30}", "feeds.idle_after", "'1:30' is no duration with a unit"),
        ("feeds: {max_out_of_orderness: 2h}", "feeds.max_out_of_orderness", "2h is out of range"),
        ("feeds: {oldest: 1990-02-30}", "feeds.oldest", "'1990-02-30' is no date"),
        ("feeds: {oldest: 1960-01-01}", "feeds.oldest", "1960-01-01 is out of range"),
        ("feeds: {paths: news.jsonl}", "feeds.paths", "'news.jsonl' is text"),
        ("feeds: {paths: [a.jsonl, 7]}", "feeds.paths[1]", "7 is a whole number"),
        ("feeds: {paths: [a.jsonl, a.jsonl]}", "feeds.paths[1]", "'a.jsonl' is there twice"),
        ("scorer: {kind: oracle}", "scorer.kind", "'oracle' is none of the choices"),
        ("trend: {windows: []}", "trend.windows", "has 0 entries"),
        ("trend: {windows: [1h]}", "trend.windows[0]", "'1h' is text"),
        ("trend: {windows: [{size: 1h}]}", "trend.windows[0].hop", "is missing"),
        ("trend: {windows: [{size: 1h, hop: 1h, hip: 1}]}", "trend.windows[0].hip", "is no known key"),
        ("trend: {windows: [{size: 90s, hop: 1m}]}", "trend.windows[0].size", "90s is out of range"),
        ("trend: {windows: [{size: 1h, hop: 2h}]}", "trend.windows[0].hop", "2h does not divide the size 1h"),
        ("trend: {windows: [{size: 1h, hop: 1h}, {size: 1h, hop: 7m}]}", "trend.windows[1].hop", "7m does not divide"),
        ("detection: {look_backs: [1h, 15m]}", "detection.look_backs[1]", "15m comes after 1h"),
        ("detection: {look_backs: [1h, 60m]}", "detection.look_backs[1]", "'1h' is there twice"),
        ("detection: {look_backs: [8d]}", "detection.look_backs[0]", "8d is out of range"),
        ("watchlist: {path: nowhere.csv}", "watchlist.path", "there is no file nowhere.csv"),
        ("storage: {path: nowhere/state.sqlite}", "storage.path", "there is no directory nowhere"),
        ("storage: {path: ''}", "storage.path", "'' is blank"),
    ],
)
def test_wrong_value_is_one_fault_at_its_path(tmp_path: Path, text: str, path: str, problem: str) -> None:
    (fault,) = faults_of(tmp_path, text)
    assert fault.startswith(f"{path}: ")
    assert problem in fault
    assert "(monitor.yaml line 1); " in fault, "the place, and after it the remedy"
    assert "\n" not in fault


def test_remedy_names_unit_and_range(tmp_path: Path) -> None:
    (fault,) = faults_of(tmp_path, "feeds:\n  max_record_bytes: 12\n")
    assert fault == (
        "feeds.max_record_bytes: 12 is out of range (monitor.yaml line 2); "
        "give a whole number (bytes), 1_000 to 16_777_216"
    )


def test_boundaries_of_a_range_belong_to_it(tmp_path: Path) -> None:
    config = load(tmp_path, "feeds: {max_record_bytes: 16777216, max_out_of_orderness: 0}\nserver: {port: 0}")
    assert (config.feeds.max_record_bytes, config.feeds.max_out_of_orderness_ms, config.server.port) == (1 << 24, 0, 0)


def test_numbers_as_people_write_them(tmp_path: Path) -> None:
    config = load(tmp_path, "feeds: {max_record_bytes: 010_000}\ndetection: {floor: 2, prior_documents: 5e-1}")
    assert config.feeds.max_record_bytes == 10_000, "never octal"
    assert isinstance(config.detection.floor, float)
    assert config.detection.prior_documents == 0.5


def test_log_level_in_capitals_is_understood(tmp_path: Path) -> None:
    assert load(tmp_path, "logging: {level: WARNING, format: JSON}").logging.level is LogLevel.WARNING


def test_feed_place_with_a_password_is_refused_and_not_shown(tmp_path: Path) -> None:
    for text in (
        "feeds: {paths: ['https://desk:open-sesame@news.example/rss']}",
        "feeds: {paths: 'https://desk:open-sesame@news.example/rss'}",
    ):
        (fault,) = faults_of(tmp_path, text)
        assert "open-sesame" not in fault
    assert load(tmp_path, "feeds: {paths: ['-', 'https://news.example/rss?of=a@b']}").feeds.paths[0] == "-"


# --- pairs


@pytest.mark.parametrize(
    ("text", "path", "other"),
    [
        ("feeds: {max_hold: 2s}", "feeds.max_hold", "feeds.max_out_of_orderness"),
        ("feeds: {max_out_of_orderness: 1h, max_hold: 2h}", "feeds.max_lead", "feeds.max_out_of_orderness"),
        (
            "feeds: {progress_every: 2s, max_hold: 1s, max_out_of_orderness: 0}",
            "feeds.progress_every",
            "feeds.max_hold",
        ),
        ("scorer: {batch_size: 4096}", "scorer.max_pending", "scorer.batch_size"),
        ("trend: {story_horizon: 23h}", "trend.story_horizon", "detection.look_backs"),
        ("detection: {min_history: 23h}", "detection.min_history", "detection.look_backs"),
        ("detection: {min_documents: 1}", "detection.min_origins", "detection.min_documents"),
        ("alerts: {initial_threshold: 0.9}", "alerts.initial_threshold", "detection.floor"),
        ("alerts: {cooldown: 1h}", "alerts.cooldown", "detection.episode_gap"),
        ("alerts: {budget_memory: 1d, cooldown: 2d}", "alerts.budget_memory", "alerts.cooldown"),
    ],
)
def test_bad_pair_is_reported_at_the_option_to_change(tmp_path: Path, text: str, path: str, other: str) -> None:
    (fault,) = faults_of(tmp_path, text)
    assert fault.startswith(f"{path}: ")
    assert other in fault
    assert "monitor.yaml line 1" in fault


def test_pair_of_which_one_is_wrong_already_is_not_judged(tmp_path: Path) -> None:
    (fault,) = faults_of(tmp_path, "feeds: {max_hold: 2s, max_out_of_orderness: 2 s.}")
    assert fault.startswith("feeds.max_out_of_orderness: ")


def test_zero_switches_cooldown_and_retention_off(tmp_path: Path) -> None:
    config = load(tmp_path, "alerts: {cooldown: 0s}\nstorage: {history_retention: 0}")
    assert (config.alerts.cooldown_ms, config.storage.history_retention_ms) == (0, 0)


def test_retention_below_all_that_may_still_change_is_three_faults(tmp_path: Path) -> None:
    text = "storage: {history_retention: 1h}\ntrend: {windows: [{size: 2h, hop: 1h}]}"
    faults = faults_of(tmp_path, text)
    assert len(faults) == 3
    assert all(fault.startswith("storage.history_retention: 1h must be at least ") for fault in faults)


# --- the file


def test_all_faults_are_reported_together_and_explained_on_a_line_each(tmp_path: Path) -> None:
    text = "feeds: {max_holdd: 1s, idle_after: 1}\nalert: {}\nwatchlist: {path: nowhere.csv}\nalerts: {cooldown: 1h}\n"
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text, {"MONITOR_SCORER__KIND": "oracle", "MONITOR_SCORER__KID": "lexicon"})
    paths = [fault.partition(": ")[0] for fault in caught.value.faults]
    assert sorted(paths) == [
        "MONITOR_SCORER__KID",
        "alert",
        "alerts.cooldown",
        "feeds.idle_after",
        "feeds.max_holdd",
        "scorer.kind",
        "watchlist.path",
    ]
    explained = explain_faults(caught.value).splitlines()
    assert explained[0] == "Wrong configuration, 7 faults:"
    assert [line.strip() for line in explained[1:]] == list(caught.value.faults)
    assert caught.value.exit_code is ExitCode.WRONG_USE


def test_single_fault_is_explained_in_one_line() -> None:
    assert explain_faults(ConfigError("server.port: is empty; give one")) == (
        "Wrong configuration: server.port: is empty; give one"
    )


@pytest.mark.parametrize(
    ("text", "suggestion"),
    [
        ("feeds: {max_holdd: 1s}", "feeds.max_holdd: is no known key (monitor.yaml line 1); did you mean max_hold?"),
        ("feeds: {max_hold_ms: 1}", "did you mean max_hold?"),
        ("trend: {look_backs: [1h]}", "did you mean detection.look_backs?"),
        ("feeds: {path: [a]}", "did you mean paths?"),
        ("detections: {}", "did you mean detection?"),
        ("secret_dir: /run", "did you mean secrets_dir?"),
        ("server.port: 80", "write port below `server:`, indented"),
        ("server: {zzz: 1}", "known are enabled, host, port"),
    ],
)
def test_unknown_key_is_answered_with_the_nearest_known(tmp_path: Path, text: str, suggestion: str) -> None:
    (fault,) = faults_of(tmp_path, text)
    assert fault.endswith(suggestion)


@pytest.mark.parametrize(
    ("text", "place", "problem"),
    [
        ("feeds:\n  paths: [a, b\nserver:\n", "monitor.yaml line 3", "no valid YAML"),
        ("feeds:\n\tpaths: []\n", "monitor.yaml line 2", "no valid YAML"),
        ("a: 1\n---\nb: 2\n", "monitor.yaml line 2", "no valid YAML"),
        ("feeds:\n  max_hold: 5m\n  max_hold: 6m\n", "feeds.max_hold", "is there twice (monitor.yaml, lines 2 and 3)"),
        ("server: {}\nserver: {}\n", "server", "is there twice (monitor.yaml, lines 1 and 2)"),
        ("- feeds\n- server\n", "monitor.yaml", "holds a list where sections should be"),
        ("just words\n", "monitor.yaml", "holds text where sections should be"),
        ("\nserver: 8330\n", "server", "is a whole number where a section should be (monitor.yaml line 2)"),
        ("feeds: &f {max_parts: 1}\nserver: *f\n", "server", "is an alias, which is not supported here"),
        ("feeds: &f {paths: *f}\n", "feeds.paths", "is an alias, which is not supported here"),
        ("server: {host: !!python/name:os.system ''}\n", "server.host", "has a tag"),
        ("? [a, b]\n: 1\n", "monitor.yaml line 1", "has a key that is no word"),
        (b"server:\n  host: caf\xe9\n", "monitor.yaml", "is not UTF-8 in line 2"),
        (b'server:\n  host: "\x07"\n', "monitor.yaml line 2", "a character that YAML does not allow"),
        ("feeds: " + "[" * 20_000, "monitor.yaml", "is nested too deeply"),
        (b"#" * ((1 << 20) + 1), "monitor.yaml", "has over 1048576 bytes, too many for a configuration"),
    ],
)
def test_damaged_file_is_named_with_its_line(tmp_path: Path, text: str | bytes, place: str, problem: str) -> None:
    faults = faults_of(tmp_path, text)
    assert any(place in fault and problem in fault for fault in faults), faults


def test_missing_file_and_directory_in_its_place_are_faults(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.yaml", tmp_path):
        with pytest.raises(ConfigError, match="cannot be read") as caught:
            load_config(path, {})
        assert str(path) in caught.value.faults[0]


@pytest.mark.parametrize(
    "text", ["", "# only words\n", "---\n", "{}", "feeds:\nserver:\n  # port: 1\n", "\ufefffeeds: {}"]
)
def test_empty_file_or_section_gives_the_defaults(tmp_path: Path, text: str) -> None:
    assert load(tmp_path, text) == Config()


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_whatever_the_bytes_the_answer_is_a_configuration_or_faults(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    try:
        load(tmp_path_factory.getbasetemp(), content)
    except ConfigError as error:
        assert error.faults
        assert all("\n" not in fault for fault in error.faults)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=["C", "Z"])),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["size", "hop", "x"]), inner, max_size=3)
    ),
    max_leaves=4,
)


@given(st.dictionaries(st.sampled_from(sorted(OPTIONS)), JSON_VALUES, max_size=4))
def test_whatever_the_values_only_the_given_options_and_their_pairs_are_faulted(
    given_values: dict[str, object],
) -> None:
    values = {path: value for path, value in given_values.items() if not OPTIONS[path].kind.is_secret()}
    concerned = set(values) | {path for rule in RULES if set(rule.paths) & set(values) for path in rule.paths}
    try:
        load_config(None, {}, values)
    except ConfigError as error:
        for fault in error.faults:
            assert fault.startswith(tuple(f"{path}{end}" for path in concerned for end in ":[")), fault


# --- the sources above the file


def test_environment_stands_above_the_file_and_the_command_line_above_both(tmp_path: Path) -> None:
    path = tmp_path / "monitor.yaml"
    path.write_text("server: {port: 1, host: filed.example}\nscorer: {kind: neutral, batch_size: 7}\n")
    environ = {"MONITOR_SERVER__PORT": "2", "MONITOR_SCORER__BATCH_SIZE": "8"}
    config = load_config(path, environ, {"server.port": 3})
    assert (config.server.port, config.scorer.batch_size, config.server.host) == (3, 8, "filed.example")
    assert config.scorer.kind is ScorerKind.NEUTRAL


def test_environment_gives_every_kind_of_value() -> None:
    config = load_config(
        None,
        {
            "MONITOR_FEEDS__PATHS": "[a.jsonl, '-']",
            "MONITOR_FEEDS__OLDEST": "2001-02-03",
            "MONITOR_FEEDS__MAX_HOLD": "10m",
            "MONITOR_TREND__WINDOWS": "[{size: 2h, hop: 1h}]",
            "MONITOR_DETECTION__FLOOR": "2",
            "MONITOR_ALERTS__BUDGET_PER_TOPIC_MONTH": "0.5",
            "MONITOR_SERVER__ENABLED": "false",
            "MONITOR_SERVER__HOST": "10",
            "MONITOR_LOGGING__FORMAT": "json",
            "MONITOR_STORAGE__PATH": "",
            "PATH": "/bin",
        },
    )
    assert config.feeds.paths == ("a.jsonl", "-")
    assert config.feeds.oldest_ms == 981_158_400_000
    assert config.feeds.max_hold_ms == 600_000
    assert config.trend.windows == (WindowSpec(7_200_000, 3_600_000),)
    assert (config.detection.floor, config.alerts.budget_per_topic_month) == (2.0, 0.5)
    assert (config.server.enabled, config.server.host) == (False, "10")
    assert config.logging.format is LogFormat.JSON
    assert config.storage.path is None


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("MONITOR_SERVER__PORT", "x", "server.port: 'x' is text (MONITOR_SERVER__PORT); "),
        ("MONITOR_SERVER__PORT", "", "server.port: is empty (MONITOR_SERVER__PORT); "),
        ("MONITOR_FEEDS__PATHS", "[a", "feeds.paths: no valid YAML"),
        ("MONITOR_TREND__WINDOWS", "[{size: 1h, hop: 7m}]", "trend.windows[0].hop: 7m does not divide the size 1h"),
        (
            "MONITOR_SERVER__PROT",
            "1",
            "MONITOR_SERVER__PROT: is a variable for no option; did you mean MONITOR_SERVER__PORT?",
        ),
        (
            "MONITOR_server__port",
            "1",
            "MONITOR_server__port: is a variable for no option; did you mean MONITOR_SERVER__PORT?",
        ),
    ],
)
def test_fault_in_the_environment_names_the_variable(name: str, value: str, expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(None, {name: value})
    assert len(caught.value.faults) == 1
    assert caught.value.faults[0].startswith(expected)
    assert name in caught.value.faults[0]


def test_fault_in_an_overriding_value_does_not_name_the_line_it_overrides(tmp_path: Path) -> None:
    text = "trend:\n  windows:\n  - {size: 1h, hop: 1h}\n"
    (fault,) = faults_of(tmp_path, text, {"MONITOR_TREND__WINDOWS": "[{size: 1h, hop: 7m}]"})
    assert "MONITOR_TREND__WINDOWS" in fault
    assert "monitor.yaml" not in fault


def test_variables_that_kubernetes_sets_for_a_service_are_no_faults() -> None:
    environ = {
        "MONITOR_SERVICE_HOST": "10.0.0.1",
        "MONITOR_PORT": "tcp://10.0.0.1:80",
        "MONITOR_SERVER_PORT": "tcp://x",
    }
    config = load_config(None, environ)
    assert config == Config()
    assert config.warnings == ("MONITOR_SERVER_PORT: has no effect; the option is MONITOR_SERVER__PORT",)


def test_no_two_options_share_a_variable() -> None:
    assert len({variable(path) for path in OPTIONS}) == len(OPTIONS)
    assert variable("scorer.kind") == "MONITOR_SCORER__KIND"
    assert variable("secrets_dir") == "MONITOR_SECRETS_DIR"


# --- secrets


@pytest.fixture
def secrets_dir(tmp_path: Path) -> Path:
    """A directory as Kubernetes mounts one: the secret is a link into a hidden directory."""
    directory = tmp_path / "secrets"
    (directory / "..2031").mkdir(parents=True)
    (directory / "..2031" / SECRET_OPTION).write_text(f"{HOOK}\n")
    (directory / SECRET_OPTION).symlink_to(directory / "..2031" / SECRET_OPTION)
    return directory


def test_secret_file_stands_above_all_and_loses_one_line_end(tmp_path: Path, secrets_dir: Path) -> None:
    environ = {"MONITOR_SECRETS_DIR": str(secrets_dir), "MONITOR_NOTIFY__SLACK_WEBHOOK_URL": "https://other.example/x"}
    for config in (load_config(None, environ), load(tmp_path, f"secrets_dir: {secrets_dir}")):
        assert config.notify.slack_webhook_url == Secret(HOOK)
        assert config.notify.slack_webhook_url is not None
        assert config.notify.slack_webhook_url.reveal() == HOOK
        assert config.warnings == ()


def test_secret_in_the_configuration_file_is_taken_with_a_warning(tmp_path: Path) -> None:
    config = load(tmp_path, f"notify: {{slack_webhook_url: '{HOOK}'}}")
    assert config.notify.slack_webhook_url == Secret(HOOK)
    (warning,) = config.warnings
    assert warning.startswith(f"{SECRET_OPTION}: ")
    assert "secrets_dir" in warning
    assert HOOK not in warning


def test_secret_is_masked_in_every_form_of_the_configuration(
    tmp_path: Path, secrets_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    config = load_config(None, {"MONITOR_SECRETS_DIR": str(secrets_dir)})
    with caplog.at_level(logging.INFO):
        logging.getLogger("test").info("%s %r", config, config.notify)
    forms = [repr(config), str(config.notify), f"{config.notify.slack_webhook_url}", config.as_yaml(), caplog.text]
    forms += [str(dataclasses.asdict(config)), repr(copy.deepcopy(config)), config.fingerprint]
    for form in forms:
        assert "hush" not in form
    assert MASK in config.as_yaml()
    assert HOOK in config.as_yaml(masked=False)


@pytest.mark.parametrize(
    "text",
    [
        "notify: {slack_webhook_url: 'http://hush.example/hush'}",
        "notify: {slack_webhook_url: [hush]}",
        "notify: {slack_webhook_url: {hush: hush}}",
        "notify: {slack_webhook_url: 'https://[hush'}",
        "notify: {slack_webhook_url: 'https://hush.example/hush hush'}",
        "notify: {slack_webhok_url: 'https://hush.example/hush'}",
        "notify: https://hush.example/hush",
        "notify: {slack_webhook_url: *hush}",
        "notify: {slack_webhook_url: !hush hush}",
        'notify: {slack_webhook_url: "hush\\hush"}',
        "notify:\n  slack_webhook_url: hush: hush\n",
    ],
)
def test_fault_of_a_secret_does_not_quote_it(tmp_path: Path, text: str) -> None:
    for fault in faults_of(tmp_path, text):
        assert "hush" not in fault


def test_mask_is_no_secret(tmp_path: Path) -> None:
    (fault,) = faults_of(tmp_path, f"notify: {{slack_webhook_url: '{MASK}'}}")
    assert "is the mask of a dump" in fault


def test_local_web_hook_may_be_plain_http(tmp_path: Path) -> None:
    assert load(tmp_path, "notify: {slack_webhook_url: 'http://127.0.0.1:9/x'}").notify.slack_webhook_url is not None


@pytest.mark.parametrize(
    ("content", "problem"),
    [(b"", "is empty"), (b"\n", "is empty"), (b"\xff\xfe", "is not UTF-8"), (b"x" * 70_000, "has over 65536 bytes")],
)
def test_unusable_secret_file_is_named(secrets_dir: Path, content: bytes, problem: str) -> None:
    (secrets_dir / SECRET_OPTION).unlink()
    (secrets_dir / SECRET_OPTION).write_bytes(content)
    with pytest.raises(ConfigError, match=problem) as caught:
        load_config(None, {"MONITOR_SECRETS_DIR": str(secrets_dir)})
    assert str(secrets_dir / SECRET_OPTION) in caught.value.faults[0]


def test_secret_file_with_a_wrong_name_is_warned_of(secrets_dir: Path) -> None:
    (secrets_dir / "notify.slack_webhok_url").write_text(HOOK)
    (warning,) = load_config(None, {"MONITOR_SECRETS_DIR": str(secrets_dir)}).warnings
    assert warning.endswith(f"did you mean {SECRET_OPTION}?")


def test_missing_secrets_directory_is_a_fault(tmp_path: Path) -> None:
    (fault,) = faults_of(tmp_path, f"secrets_dir: {tmp_path / 'absent'}")
    assert fault.startswith("secrets_dir: there is no directory")


# --- code that puts a configuration together


def test_check_finds_the_faults_of_a_configuration_made_by_code() -> None:
    config = Config()
    broken = replace(
        config,
        server=replace(config.server, port=-1),
        trend=replace(config.trend, windows=(WindowSpec(90_000, 90_000),), story_horizon_ms=3_600_000),
        watchlist=replace(config.watchlist, path=Path("nowhere.csv")),
    )
    with pytest.raises(ConfigError) as caught:
        check(broken)
    paths = [fault.partition(": ")[0] for fault in caught.value.faults]
    assert paths == ["watchlist.path", "trend.windows[0].size", "server.port", "trend.story_horizon"]


# --- dump and fingerprint


def test_dump_is_read_back_as_the_same_configuration(tmp_path: Path) -> None:
    (tmp_path / "watchlist.csv").write_text("id,name\n")
    text = (
        "feeds: {paths: ['1e5', 'no', '1:30', '007', '新闻.jsonl', '# x'], oldest: 2020-02-29, max_hold: 90s}\n"
        f"watchlist: {{path: {tmp_path / 'watchlist.csv'}}}\nstorage: {{path: {tmp_path / 'x.sqlite'}}}\n"
        f"notify: {{slack_webhook_url: '{HOOK}'}}\nalerts: {{budget_per_topic_month: 1e-3}}\n"
    )
    config = load(tmp_path, text)
    assert config.feeds.paths[:4] == ("1e5", "no", "1:30", "007")
    assert load(tmp_path, config.as_yaml(masked=False)) == config


@given(JSON_VALUES.filter(lambda value: value == value))
def test_what_is_written_as_yaml_is_read_as_the_same(value: object) -> None:
    tree = read_yaml(write_yaml({"key": value}), "dump")
    assert tree.faults == []
    assert repr(tree.value) == repr({"key": value})


def test_fingerprint_is_twelve_hex_digits_and_the_same_for_the_same_values(tmp_path: Path) -> None:
    fingerprint = Config().fingerprint
    assert len(fingerprint) == 12
    assert int(fingerprint, 16) >= 0
    assert load(tmp_path, "feeds: {max_hold: 300s}\ndetection: {floor: 1.00}").fingerprint == fingerprint


@pytest.mark.parametrize(
    ("text", "decides"),
    [
        ("detection: {floor: 1.6}", True),
        ("alerts: {budget_per_topic_month: 1}", True),
        ("scorer: {kind: neutral}", True),
        ("scorer: {checkpoint: commercial}", True),
        ("trend: {windows: [{size: 5m, hop: 1m}]}", True),
        ("feeds: {max_out_of_orderness: 3s}", True),
        ("feeds: {paths: [a.jsonl], progress_every: 1s}", False),
        ("scorer: {batch_size: 1, batch_delay: 1s, max_pending: 9, threads: 3}", False),
        ("watchlist: {reload_every: 1m}", False),
        ("server: {port: 1}\nlogging: {level: debug}\nstorage: {commit_every: 1s}", False),
        (f"notify: {{slack_webhook_url: '{HOOK}', max_age: 2h}}", False),
    ],
)
def test_fingerprint_follows_the_options_that_change_decisions(tmp_path: Path, text: str, decides: bool) -> None:
    assert (load(tmp_path, text).fingerprint != Config().fingerprint) is decides


# --- documents and samples


def test_reference_is_in_step_with_the_code() -> None:
    written = (ROOT / "docs" / "config.md").read_text(encoding="utf-8")
    assert written == reference_markdown(), "run: python -m monitor.config > docs/config.md"


def test_reference_tells_every_option() -> None:
    lines = reference_markdown().splitlines()
    for path, option in OPTIONS.items():
        section, _, key = path.rpartition(".")
        start = lines.index(f"## {section}") if section else 0
        row = next(line for line in lines[start:] if line.startswith(f"| `{key}` |"))
        assert option.sentence in row
        assert row.count("|") - row.count("\\|") == 7


SAMPLES = sorted((ROOT / "deploy").glob("*.yaml"))


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_sample_loads_without_a_warning(path: Path) -> None:
    assert load_config(path, {}).warnings == ()


def test_keys_that_the_example_shows_in_comments_exist() -> None:
    lines = (ROOT / "deploy" / "monitor.example.yaml").read_text(encoding="utf-8").splitlines()
    tree = read_yaml("\n".join(re.sub(r"^(\s*)# (\w+: )", r"\1\2", line) for line in lines), "example")
    shown = {path.partition("[")[0] for path in tree.lines if "." in path or path in OPTIONS}
    assert tree.faults == []
    assert {"feeds.paths", "watchlist.path", "secrets_dir"} <= shown <= set(OPTIONS)


def test_there_is_a_sample() -> None:
    assert SAMPLES


def test_module_is_its_own_reference_writer(capsys: pytest.CaptureFixture[str]) -> None:
    config_module.main()
    assert capsys.readouterr().out == reference_markdown()


# --- names that other tools know


def test_slack_variable_that_other_tools_know_is_enough() -> None:
    config = load_config(None, {"SLACK_WEBHOOK_URL": HOOK})
    assert config.notify.slack_webhook_url == Secret(HOOK)
    assert config.warnings == ()
    assert HOOK not in config.as_yaml() + repr(config)


def test_own_name_of_an_option_stands_above_the_one_that_other_tools_know() -> None:
    ours = "https://hooks.example/services/ours"
    environ = {"SLACK_WEBHOOK_URL": HOOK, "MONITOR_NOTIFY__SLACK_WEBHOOK_URL": ours}
    assert load_config(None, environ).notify.slack_webhook_url == Secret(ours)
    off = {**environ, "MONITOR_NOTIFY__SLACK_WEBHOOK_URL": ""}
    assert load_config(None, off).notify.slack_webhook_url is None


@pytest.mark.parametrize("host", ["localhost:8065", "127.0.0.1:8065", "[::1]:8065"])
def test_plain_http_is_for_this_machine_alone(host: str) -> None:
    assert load_config(None, {"SLACK_WEBHOOK_URL": f"http://{host}/hooks/1"}).notify.slack_webhook_url is not None
    with pytest.raises(ConfigError, match="is no https URL") as caught:
        load_config(None, {"SLACK_WEBHOOK_URL": f"http://{host.replace('1', '2').replace('local', 'far')}/hush"})
    assert "hush" not in str(caught.value)
