"""The habits of the house: tests mirror the rooms, words and links are true, and no file names one person's machine."""

import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from tests.imports import ROOT, imports_of, modules_under

ROOMS_WITH_TESTS = ("domain", "operators", "roles", "transports", "channels", "storage", "web", "lab", "delivery")

# Suites that speak for the whole product rather than for one room.
ACROSS_ROOMS = ("tests.faults", "tests.golden", "tests.bench", "tests.browser")

GENERATED = {".git", ".hypothesis", ".mypy_cache", ".pytest_cache", ".ruff_cache", "__pycache__", "build", "out"}
BINARY_SUFFIXES = {".gz", ".npy", ".npz", ".onnx", ".png", ".safetensors", ".whl"}

# Homes and working folders of particular machines, and an index that only one network knows. Written in pieces, so
# that this file passes its own test.
PRIVATE_PATTERNS = (
    r"(?<![\w.])/(?:ho" + r"me|ro" + r"ot|Us" + r"ers|wo" + r"rk)/\w",
    r"C:\\Us" + r"ers",
    r"index-url[ =]+https?:",
)
PRIVATE = re.compile("|".join(PRIVATE_PATTERNS))

TARGETS = ("setup", "run", "test", "test-fast", "lint", "bench", "check")


def house_files() -> list[Path]:
    """Every file of the tree but what is generated; without asking git, which a released archive does not have."""
    found = []
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in GENERATED and not re.match(r"\.venv|.*\.egg-info$", name)]
        found += [Path(folder) / name for name in names]
    return sorted(path for path in found if not path.is_symlink() and path.suffix not in BINARY_SUFFIXES)


def text_of(path: Path) -> str:
    return path.read_text("utf-8", errors="replace")


def anchors_of(markdown: str) -> set[str]:
    """The anchors that a heading gets where Markdown is shown."""
    headings = re.findall(r"^#+ (.+)$", markdown, re.MULTILINE)
    plain = (re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower() for heading in headings)
    return {re.sub(r"[^\w\- ]", "", heading).replace(" ", "-") for heading in plain}


def broken_links(page: Path, markdown: str) -> list[str]:
    """Links of a page, outside code, that lead to no file or to no heading; links to other sites are not tried."""
    prose = re.sub(r"```.*?```|`[^`\n]*`", "", markdown, flags=re.DOTALL)
    broken = []
    for target in re.findall(r"\]\(<?([^)>\s]+)>?(?: \"[^\"]*\")?\)", prose):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        aim = (page.parent / path).resolve() if path else page
        if not aim.exists() or (anchor and aim.suffix == ".md" and anchor not in anchors_of(text_of(aim))):
            broken.append(f"{page.name}: {target}")
    return broken


FILES = house_files()
PAGES = [path for path in FILES if path.suffix == ".md"]
TESTS = modules_under(ROOT, "tests")
MODULES = modules_under(ROOT, "monitor") + modules_under(ROOT, "models")
KNOWN = frozenset(module.name for module in MODULES)


@cache
def imported_by() -> dict[str, set[str]]:
    """What each test imports, by its name; read once, and by the one worker that asks."""
    return {test.name: {found.target for found in imports_of(test, KNOWN)} for test in TESTS}


@pytest.mark.parametrize("room", ROOMS_WITH_TESTS)
def test_each_test_of_a_room_imports_from_that_room(room: str) -> None:
    tests = [name for name in imported_by() if name.startswith(f"tests.{room}.test_")]
    strangers = [
        name for name in tests if not any(target.startswith(f"monitor.{room}") for target in imported_by()[name])
    ]
    assert strangers == []


def test_each_folder_of_tests_is_a_room() -> None:
    folders = {path.parent for path in FILES if path.parent.parent == ROOT / "tests"}
    rooms = {path.parent for path in FILES if path.parent.parent == ROOT / "monitor"}
    allowed = {room.name for room in rooms} | {name.split(".")[1] for name in ACROSS_ROOMS} | {"models"}
    assert {folder.name for folder in folders} <= allowed


def test_each_module_is_spoken_for_by_a_test() -> None:
    written = {module.name for module in MODULES if module.source.strip() and not module.is_package}
    assert sorted(written - _spoken_for()) == []


def _spoken_for() -> set[str]:
    """Modules that a test imports or starts as a command, and those of the same room that these are built on."""
    spoken = {name for targets in imported_by().values() for name in targets}
    spoken |= {name for name in KNOWN if any(f'"{name}"' in test.source for test in TESTS)} | {"monitor.__main__"}
    waiting = [module for module in MODULES if module.name in spoken]
    while waiting:
        module = waiting.pop()
        for found in imports_of(module, KNOWN):
            if found.target in KNOWN - spoken and _is_one_room(module.name, found.target):
                spoken.add(found.target)
                waiting += [other for other in MODULES if other.name == found.target]
    return spoken


def _is_one_room(upper: str, lower: str) -> bool:
    """`monitor.config` is the face of the room `options`, and is tested for it."""
    return upper.split(".")[:2] == lower.split(".")[:2] or (upper, lower.split(".")[1]) == ("monitor.config", "options")


def test_no_file_names_a_particular_machine() -> None:
    named = [(path.relative_to(ROOT), match.group()) for path in FILES for match in PRIVATE.finditer(text_of(path))]
    assert named == []


@pytest.mark.parametrize("path", ["/ho" + "me/ann/x", "see /ro" + "ot/y", "'/wo" + "rk/main'", "/Us" + "ers/ann"])
def test_planted_machine_path_is_caught(path: str) -> None:
    assert PRIVATE.search(path)


@pytest.mark.parametrize("text", ["and/or", "https://example.org/ho" + "me/page", "docs/wo" + "rk/x", "a workflow"])
def test_innocent_text_names_no_machine(text: str) -> None:
    assert not PRIVATE.search(text)


def test_each_link_of_the_documents_leads_somewhere() -> None:
    assert [broken for page in PAGES for broken in broken_links(page, text_of(page))] == []


def test_planted_broken_link_is_caught(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# One two\n[a](#one-two) [b](#three) [c](gone.md) [d](page.md) `[e](code.md)` [f](https://g.example)"
    )
    assert broken_links(page, text_of(page)) == ["page.md: #three", "page.md: gone.md"]


def test_decisions_are_numbered_without_gaps_and_have_their_headings() -> None:
    pages = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
    assert [page.name[:4] for page in pages] == [f"{number:04}" for number in range(1, len(pages) + 1)]
    for page in pages:
        text = text_of(page)
        assert text.startswith(f"# {page.name[:4]}. ")
        assert re.findall(r"^## (.+)$", text, re.MULTILINE)[:3] == ["Context", "Decision", "Consequences"], page.name


def test_each_command_of_the_house_exists_and_is_listed_by_help() -> None:
    listed = subprocess.run(
        ["make", "--no-print-directory"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert [target for target in TARGETS if not re.search(rf"^  make {target} ", listed, re.MULTILINE)] == []


def test_ci_lints_then_runs_every_test_without_skips() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    lines = [line for line in text_of(script).splitlines() if line and not line.startswith("#")]
    assert lines[0] == "set -euo pipefail"
    assert "export MONITOR_NO_SKIPS=1" in lines
    assert lines[-2:] == ["make lint", "make test"]


def test_licence_is_the_whole_apache_licence() -> None:
    licence = text_of(ROOT / "LICENSE")
    assert "Version 2.0, January 2004" in licence
    assert "END OF TERMS AND CONDITIONS" in licence
    assert len(licence.splitlines()) == 202


@pytest.mark.slow
def test_every_skip_is_a_failure_where_none_is_allowed(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(text_of(ROOT / "tests" / "conftest.py"))
    # These skips are text: a suite of its own, in which each must turn into a failure but for the optional one.
    (tmp_path / "test_it.py").write_text(
        "import pytest\n"
        "def test_a(): pytest.skip('no broker here')\n"  # text, which the suite below must turn into a failure
        "@pytest.mark.skipif(True, reason='no GPU here')\n"  # text, the same
        "def test_b(): pass\n"
        "@pytest.mark.optional\n"
        "def test_c(): pytest.skip('no old Python here')\n"  # text, which may stay a skip: it is optional
        "@pytest.mark.xfail(strict=True, reason='known')\n"  # text: an expected failure is no skip
        "def test_d(): assert False\n"
    )
    whole = "import pytest\npytest.skip('no server here', allow_module_level=True)\n"  # text: a module that skips
    (tmp_path / "test_module.py").write_text(whole)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-c", str(ROOT / "pyproject.toml")]
    command += ["--rootdir", str(tmp_path), str(tmp_path), "-q", "-n", "0", "--continue-on-collection-errors"]
    strict = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "MONITOR_NO_SKIPS": "1"})
    lenient = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "MONITOR_NO_SKIPS": "0"})
    assert strict.returncode != 0
    for reason in ("no broker here", "no GPU here", "no server here"):
        assert f"MONITOR_NO_SKIPS=1 allows no skips: {reason}" in strict.stdout
    assert "1 skipped" in strict.stdout
    assert lenient.returncode == 0
    assert "4 skipped" in lenient.stdout
