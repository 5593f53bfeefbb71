"""Proves the house plan: which room may import which, where each library lives, and who may read a clock.

To add a room, declare it in ARROWS with what it may see. An arrow that must break the plan goes into EXCEPTIONS with
its reason; an exception that is no longer needed fails too.
"""

import ast
import re
import sys
from collections.abc import Iterable, Iterator

import pytest

from tests.imports import ROOT, Module, imports_of, modules_under, tree_of

BASE = {"domain", "errors"}
EDGE = {*BASE, "ports", "clock", "logs", "metrics", "wire", "wire_rows"}
INSIDE = {*EDGE, "operators", "roles", "engine", "watchlist", "config", "options", "jobs"}
OUTSIDE = {"transports", "channels", "storage", "web"}

# A room is a package of monitor/ or a module of its own. Everything may import its own room.
ARROWS: dict[str, set[str]] = {
    "monitor": set(),
    "domain": set(),
    "clock": set(),
    "errors": set(),
    "metrics": set(),
    "logs": BASE,
    "options": BASE,
    "config": {*BASE, "options"},
    "watchlist": BASE,
    "wire": BASE,
    "wire_rows": {*BASE, "wire"},
    "ports": {"domain"},
    "operators": {*BASE, "clock"},
    "roles": {*EDGE, "operators", "watchlist"},
    "engine": EDGE,
    "jobs": EDGE,
    "delivery": {*BASE, "wire"},
    "transports": {*EDGE, "delivery"},
    "channels": EDGE,
    "storage": EDGE,
    "web": EDGE,
    "tags": {*EDGE, "operators", "watchlist"},
    "observe": {*EDGE, "operators", "roles", "web"},
    "app": {*INSIDE, *OUTSIDE, "delivery", "tags", "observe", "monitor"},
    "lab": {*INSIDE, *OUTSIDE, "app", "observe", "monitor"},
    "cli": {*EDGE, "config", "options", "watchlist", "operators", "storage", "app", "lab", "cli_kafka", "monitor"},
    "cli_kafka": {*EDGE, "config", "options", "app", "monitor"},
    "__main__": {"cli"},
}

# (module, what it imports): why the plan gives way here.
EXCEPTIONS = {
    ("monitor.operators.batching", "monitor.ports"): "a batch is made of the requests that the Scorer port takes",
}

# Rooms that may read the machine's time. Whatever decides gets its time as an argument.
CLOCK_ROOMS = {"clock"}
_CLOCK_CALLS = re.compile(
    r"(^|\.)(time\.(time|time_ns|monotonic|monotonic_ns|perf_counter|perf_counter_ns|sleep|localtime)"
    r"|(datetime|date|datetime\.datetime|datetime\.date)\.(now|utcnow|today))$"
)

# A library that is a seam lives in these rooms; elsewhere it would leak through a port.
LIBRARY_ROOMS = {
    "pandas": {"lab"},
    "jinja2": {"lab"},
    "markupsafe": {"lab"},
    "sqlalchemy": {"storage"},
    "sqlite3": {"storage"},
    "psycopg": {"storage"},
    "kafka": {"transports"},
    "apscheduler": {"jobs"},
    "feedparser": {"transports", "operators"},
    "requests": {"transports", "channels"},
    "prometheus_client": {"metrics", "web", "app", "lab", "cli"},
    "ftfy": {"operators"},
    "ahocorasick_rs": {"operators"},
    "yaml": {"options", "config", "watchlist"},
    "http": {"web", "channels", "transports"},
}
# The same for the rooms of models/; `tokenizers` may be in any of them, and none of these in monitor/.
MODEL_LIBRARY_ROOMS = {
    "onnxruntime": {"serving", "export", "exporting"},
    "torch": {"training", "train", "pretrain", "evaluation", "export", "exporting", "huggingface", "serving"},
    "transformers": {"training", "pretrain", "export", "exporting", "huggingface"},
    "safetensors": {"training", "export", "exporting"},
    "peft": {"training"},
    "onnx": {"training", "export", "exporting"},
    "sklearn": {"corpus", "evaluation"},
    "matplotlib": {"evaluation"},
}
MODEL_LIBRARIES = {*MODEL_LIBRARY_ROOMS, "tokenizers"}
# What the slim set has of them: whoever only runs a shipped checkpoint needs no other.
SLIM_MODEL_LIBRARIES = {"onnxruntime", "tokenizers"}
# Reads checkpoints that others trained, for which the full set is asked; imports it only when it is called.
FULL_SET_READERS = {"models.huggingface"}
# These are loaded only where torch is to compute: nobody else may import them but inside a function.
TORCH_MODULES = "models.serving.torch_"

# Values and arithmetic: standard library only.
PLAIN_ROOMS = {"domain", "errors", "clock", "ports"}

# No random number and no clock enters an id, so a replay gives the same bytes.
DETERMINISTIC_ROOMS = {"domain", "operators", "roles", "delivery", "wire", "ports"}
RANDOM_MODULES = {"random", "secrets", "uuid"}


def room_of(module: str) -> str:
    """The room of a module of ours: `monitor.operators.parse` is in `operators`."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else parts[0]


def wrong_arrows(modules: Iterable[Module], known: frozenset[str]) -> Iterator[tuple[str, str, str]]:
    """(importer, target, why) of every import of ours that the plan forbids."""
    for module in modules:
        is_model = module.name.split(".")[0] == "models"
        room = room_of(module.name)
        if not is_model and room not in ARROWS:
            yield module.name, "", f"room {room!r} is not in the plan: declare it in ARROWS"
            continue
        for found in imports_of(module, known):
            where = f"line {found.line}"
            if found.target == "?":
                yield module.name, found.target, f"{where}: an import by a computed name cannot be checked"
            elif is_model and found.package == "monitor":
                yield module.name, found.target, f"{where}: models/ knows nothing of monitor/"
            elif not is_model and found.package == "models" and room != "app":
                yield module.name, found.target, f"{where}: only app joins monitor/ and models/"
            elif not is_model and found.package in ("tests", "tools"):
                yield module.name, found.target, f"{where}: the product does not import {found.package}/"
            elif not is_model and found.package == "monitor":
                target = room_of(found.target)
                if target != room and target not in ARROWS[room]:
                    yield module.name, found.target, f"{where}: {room} may not see {target}"
                elif room == "operators" and target == "clock" and not all(name.isupper() for name in found.names):
                    yield module.name, found.target, f"{where}: operators take only constants from clock"


def wrong_libraries(modules: Iterable[Module]) -> Iterator[str]:
    """Every import of a library in a room where it does not belong."""
    for module in modules:
        room = room_of(module.name)
        is_model = module.name.split(".")[0] == "models"
        for found in imports_of(module):
            place = f"{module.name}:{found.line}: {found.package}"
            if is_model:
                rooms = MODEL_LIBRARY_ROOMS.get(found.package, {room})
                if room not in rooms:
                    yield f"{place} belongs to models/ {', '.join(sorted(rooms))}"
            elif found.package in MODEL_LIBRARIES:
                yield f"{place} belongs to models/"
            elif room not in LIBRARY_ROOMS.get(found.package, {room}):
                yield f"{place} belongs to {', '.join(sorted(LIBRARY_ROOMS[found.package]))}"
            elif room in PLAIN_ROOMS and found.package not in {*sys.stdlib_module_names, "monitor"}:
                yield f"{place} is no standard library, and {room} uses nothing else"
            elif room in DETERMINISTIC_ROOMS and found.package in RANDOM_MODULES:
                yield f"{place} would make two replays differ"


def serving_modules(modules: Iterable[Module], known: frozenset[str]) -> list[Module]:
    """The modules of models/ that are loaded where texts are scored: those that app names, and what these import."""
    by_name = {module.name: module for module in modules}
    waiting = [
        found.target
        for module in by_name.values()
        if room_of(module.name) == "app"
        for found in imports_of(module, known)
    ]
    served: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in served or name.split(".")[0] != "models" or name not in by_name:
            continue
        served.add(name)
        waiting += [found.target for found in imports_of(by_name[name], known)]
    return [by_name[name] for name in sorted(served)]


def needs_of_serving(modules: Iterable[Module]) -> Iterator[str]:
    """Every import in a module that serves for which the slim set would not do."""
    for module in modules:
        if module.name.startswith(TORCH_MODULES):
            continue
        for found in imports_of(module):
            if found.target.startswith(TORCH_MODULES) and not found.is_lazy:
                yield f"{module.name}:{found.line}: {found.target} loads torch: import it where it computes"
            is_full = found.package in MODEL_LIBRARIES - SLIM_MODEL_LIBRARIES
            if is_full and not (found.is_lazy and module.name in FULL_SET_READERS):
                yield f"{module.name}:{found.line}: {found.package} is not in the slim set, and this module serves"


def early_torch(modules: Iterable[Module]) -> Iterator[str]:
    """Every import in models/serving that loads torch before anybody asked for it; only its torch_ modules may."""
    for module in modules:
        if room_of(module.name) == "serving" and not module.name.startswith("models.serving.torch_"):
            for found in imports_of(module):
                if not found.is_lazy and (found.package == "torch" or ".serving.torch_" in f".{found.target}"):
                    yield f"{module.name}:{found.line}: {found.target} loads torch: import it where it is needed"


def clock_readings(modules: Iterable[Module]) -> Iterator[str]:
    """Every place outside the clock's own rooms that reads the machine's time, called or handed on."""
    for module in modules:
        if room_of(module.name) in CLOCK_ROOMS:
            continue
        for found in imports_of(module):
            if found.target == "time" and found.names:
                yield f"{module.name}:{found.line}: takes {', '.join(found.names)} from time"
        for node in ast.walk(tree_of(module)):
            if isinstance(node, ast.Attribute) and _CLOCK_CALLS.search(ast.unparse(node)):
                yield f"{module.name}:{node.lineno}: reads {ast.unparse(node)}"
            elif isinstance(node, ast.alias) and node.name == "time" and node.asname:
                yield f"{module.name}:{node.lineno}: renames time, which hides its readings"


def builtin_hashes(modules: Iterable[Module]) -> Iterator[str]:
    """Every call of hash() in a room whose results must be the same in every process."""
    for module in modules:
        if room_of(module.name) in DETERMINISTIC_ROOMS:
            for node in ast.walk(tree_of(module)):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "hash":
                    yield f"{module.name}:{node.lineno}: hash() of a text differs from process to process"


MONITOR = modules_under(ROOT, "monitor")
MODELS = modules_under(ROOT, "models")
KNOWN = frozenset(module.name for module in [*MONITOR, *MODELS])


def planted(name: str, source: str) -> list[tuple[str, str, str]]:
    return list(wrong_arrows([Module(name, source)], KNOWN))


def test_every_arrow_between_rooms_follows_the_plan() -> None:
    faults = {(importer, target): why for importer, target, why in wrong_arrows([*MONITOR, *MODELS], KNOWN)}
    unplanned = [f"{pair[0]} -> {pair[1]}: {why}" for pair, why in faults.items() if pair not in EXCEPTIONS]
    assert unplanned == []


def test_every_exception_to_the_plan_is_still_needed() -> None:
    found = {(importer, target) for importer, target, _ in wrong_arrows([*MONITOR, *MODELS], KNOWN)}
    assert set(EXCEPTIONS) <= found


def test_every_arrow_of_the_plan_leads_to_a_declared_room() -> None:
    assert {target for targets in ARROWS.values() for target in targets} <= set(ARROWS)


def test_the_plan_has_no_circle() -> None:
    reached = {room: set(targets) for room, targets in ARROWS.items()}
    for middle in ARROWS:
        for room in ARROWS:
            if middle in reached[room]:
                reached[room] |= reached[middle]
    assert [room for room in ARROWS if room in reached[room]] == []


def test_each_library_lives_in_its_room() -> None:
    assert list(wrong_libraries([*MONITOR, *MODELS])) == []


def test_a_shipped_checkpoint_is_served_by_the_slim_set() -> None:
    serving = serving_modules([*MONITOR, *MODELS], KNOWN)
    assert {"models.lexicon", "models.shipped", "models.text"} <= {module.name for module in serving}
    assert list(needs_of_serving(serving)) == []


def test_serving_loads_torch_only_where_it_computes() -> None:
    assert list(early_torch(MODELS)) == []


@pytest.mark.parametrize(
    "source", ["import torch", "from models.serving.torch_backend import TorchBackend", "from torch import nn"]
)
def test_planted_early_torch_is_caught(source: str) -> None:
    assert len(list(early_torch([Module("models.serving.engine", source)]))) == 1
    assert list(early_torch([Module("models.serving.torch_engine", source)])) == []
    assert list(early_torch([Module("models.serving.engine", f"def load():\n    {source}")])) == []


def test_only_the_clock_reads_the_time() -> None:
    assert list(clock_readings(MONITOR)) == []


def test_nothing_that_decides_uses_the_hash_of_one_process() -> None:
    assert list(builtin_hashes(MONITOR)) == []


@pytest.mark.parametrize(
    ("importer", "source"),
    [
        ("monitor.domain.document", "from monitor.operators.parse import parse"),
        ("monitor.operators.detect", "from monitor.roles.trend import TrendRole"),
        ("monitor.operators.detect", "import monitor.config"),
        ("monitor.roles.trend", "from monitor.transports import files"),
        ("monitor.roles.trend", "from ..storage.store import EmbeddedStore"),
        ("monitor.engine", "def late():\n    from monitor.storage import store"),
        ("monitor.engine", "import importlib\nimportlib.import_module('monitor.web.server')"),
        ("monitor.metrics", "from monitor.domain.alerts import Rule"),
        ("monitor.transports.files", "from monitor.engine import Engine"),
        ("monitor.app", "from monitor.cli import main"),
        ("monitor.roles.score", "from models.lexicon import LexiconScorer"),
        ("monitor.roles.score", "import importlib\nname = 'models'\nimportlib.import_module(name)"),
        ("models.lexicon", "from monitor.ports import Score"),
        ("monitor.operators.merge", "from monitor.clock import SystemClock"),
        ("monitor.app", "from tests import imports"),
        ("monitor.cellar.wine", "import json"),
        (
            "monitor.ports",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from monitor.storage.store import EmbeddedStore",
        ),
    ],
)
def test_planted_wrong_arrow_is_caught(importer: str, source: str) -> None:
    assert len(planted(importer, source)) == 1


@pytest.mark.parametrize(
    ("importer", "source"),
    [
        ("monitor.operators.merge", "from monitor.clock import MINUTE_MS"),
        ("monitor.operators.merge", "from . import copies"),
        ("monitor.app", "from models.lexicon import LexiconScorer"),
        ("monitor.cli", "from monitor.app import run"),
        ("models.lexicon", "from models.labels import LABELS"),
    ],
)
def test_right_arrow_is_let_through(importer: str, source: str) -> None:
    assert planted(importer, source) == []


@pytest.mark.parametrize(
    ("importer", "source"),
    [
        ("monitor.operators.detect", "import pandas as pd"),
        ("monitor.app", "import torch.nn"),
        ("monitor.domain.document", "import numpy"),
        ("monitor.roles.alert", "from sqlalchemy import select"),
        ("monitor.operators.budget", "from random import random"),
        ("models.transformer", "def load():\n    import torch"),
        ("models.corpus.split", "import matplotlib"),
    ],
)
def test_library_in_the_wrong_room_is_caught(importer: str, source: str) -> None:
    assert len(list(wrong_libraries([Module(importer, source)]))) == 1


@pytest.mark.parametrize(
    "source",
    [
        "import time\ndef f():\n    return time.time()",
        "import time\nread = time.monotonic",
        "import time as stopwatch",
        "from time import perf_counter",
        "from datetime import datetime\nnow = datetime.now()",
        "import datetime as dt\nimport datetime\nnow = datetime.datetime.now(datetime.UTC)",
        "import datetime\ntoday = datetime.date.today()",
    ],
)
def test_planted_reading_of_the_clock_is_caught(source: str) -> None:
    assert len(list(clock_readings([Module("monitor.operators.detect", source)]))) == 1


@pytest.mark.parametrize(
    ("served", "source"),
    [
        ("models.transformer", "import torch"),
        ("models.transformer", "def load():\n    import torch"),
        ("models.huggingface", "import torch"),
    ],
)
def test_planted_need_of_the_full_set_is_caught(served: str, source: str) -> None:
    app = Module("monitor.app.scoring", "def make():\n    from models.shipped import open_scorer")
    shipped = Module("models.shipped", f"def open_scorer():\n    import {served}")
    modules = [app, shipped, Module(served, source)]
    serving = serving_modules(modules, frozenset(module.name for module in modules))
    assert [module.name for module in serving] == sorted(["models.shipped", served])
    assert len(list(needs_of_serving(serving))) == 1


def test_what_others_trained_may_need_the_full_set_when_it_is_asked_for() -> None:
    assert list(needs_of_serving([Module("models.huggingface", "def load():\n    import torch")])) == []


def test_planted_builtin_hash_is_caught() -> None:
    planted_module = Module("monitor.operators.copies", "def key(text):\n    return hash(text)")
    assert len(list(builtin_hashes([planted_module]))) == 1
