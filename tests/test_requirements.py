"""Proves that the requirements files say what is used, that each version is pinned, and that sizes are told truly."""

import re
import sys
from importlib.metadata import Distribution, PackageNotFoundError, distribution, packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.imports import ROOT, Module, imports_of, modules_under
from tools.environment import SIZES
from tools.lock import as_text, normalised
from tools.stamp import LOCK_FILE, SET_FILES

LINE = re.compile(r"(?P<name>[A-Za-z0-9_.-]+)==(?P<version>[A-Za-z0-9.+]+)\s+# (?P<why>.+); (?P<licence>.+)")

# Where the full set may be imported: what runs in the slim set must not need it.
FULL_ONLY_ROOMS = ("monitor.transports.kafka", "monitor.storage.postgres", "models.")

# Names of imports whose package is not installed in the slim set, where nobody can be asked.
FULL_IMPORTS = {
    "crc32c": "crc32c",
    "kafka": "kafka-python",
    "lz4": "lz4",
    "matplotlib": "matplotlib",
    "onnx": "onnx",
    "peft": "peft",
    "psycopg": "psycopg",
    "safetensors": "safetensors",
    "sklearn": "scikit-learn",
    "torch": "torch",
    "transformers": "transformers",
}


def requirement_lines(name: str) -> list[str]:
    """The lines of a requirements file that ask for something."""
    lines = (ROOT / name).read_text("utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def pinned(name: str) -> dict[str, str]:
    """Version by normalised name of what a requirements file asks for itself."""
    matches = [LINE.fullmatch(line) for line in requirement_lines(name) if not line.startswith("-r ")]
    return {normalised(match["name"]): match["version"] for match in matches if match is not None}


def locked() -> dict[str, str]:
    rows = (line.partition("==") for line in requirement_lines(LOCK_FILE))
    return {normalised(name): version for name, _, version in rows}


def imported_packages(modules: list[Module]) -> dict[str, str]:
    """Where each third-party package is imported first, by normalised name."""
    owners = packages_distributions()
    found: dict[str, str] = {}
    for module in modules:
        for imported in imports_of(module):
            package = imported.package
            # _typeshed exists for type checkers only, and comes with them.
            if package not in {*sys.stdlib_module_names, "_typeshed", "monitor", "models", "tests", "tools"}:
                name = owners.get(package, [FULL_IMPORTS.get(package, package)])[0]
                found.setdefault(normalised(name), module.name)
    return found


def needed_by(names: set[str]) -> dict[str, Distribution]:
    """These installed packages and all that they need in turn, extras included, by normalised name."""
    found: dict[str, Distribution] = {}
    done: set[tuple[str, str]] = set()
    waiting = [(name, "") for name in sorted(names)]
    while waiting:
        name, extra = waiting.pop()
        if (name, extra) in done:
            continue
        done.add((name, extra))
        found[name] = distribution(name)
        for row in (Requirement(text) for text in found[name].requires or []):
            if row.marker is None or row.marker.evaluate({"extra": extra}):
                waiting += [(normalised(row.name), wanted) for wanted in ("", *row.extras)]
    return found


SLIM, FULL, DEV = (pinned(SET_FILES[name]) for name in ("slim", "full", "dev"))


@pytest.mark.parametrize("name", sorted(SET_FILES.values()))
def test_each_line_pins_one_version_and_says_what_for_and_under_which_licence(name: str) -> None:
    asking = [line for line in requirement_lines(name) if not line.startswith("-r ")]
    assert [line for line in asking if not LINE.fullmatch(line)] == []
    names = [normalised(line.partition("==")[0]) for line in asking]
    assert names == sorted(set(names))


def test_whole_product_contains_the_slim_set() -> None:
    assert "-r requirements-embedded.txt" in requirement_lines("requirements.txt")
    assert not SLIM.keys() & FULL.keys()


def test_tools_are_no_part_of_the_product() -> None:
    assert not DEV.keys() & (SLIM.keys() | FULL.keys())


def test_lock_pins_what_the_requirements_files_ask_for() -> None:
    lock = locked()
    asked = SLIM | FULL | DEV
    assert {name: lock.get(name) for name in asked} == asked


def test_lock_is_written_in_its_own_order() -> None:
    rows = (line.partition("==") for line in requirement_lines(LOCK_FILE))
    assert (ROOT / LOCK_FILE).read_text("utf-8") == as_text({name: version for name, _, version in rows})


@pytest.mark.parametrize("name", ["slim", "dev", "full"])
def test_lock_pins_all_that_the_packages_need_in_turn(name: str) -> None:
    assert set(needed_by(_asked(name))) <= set(locked())


def test_installed_versions_are_the_locked_ones() -> None:
    lock = locked()
    installed = {name: found.version for name, found in needed_by(set(SLIM) | set(DEV)).items()}
    assert installed == {name: lock[name] for name in installed}


def test_slim_set_names_all_that_runs_without_a_broker_and_a_model() -> None:
    modules = [module for module in modules_under(ROOT, "monitor") if not module.name.startswith(FULL_ONLY_ROOMS)]
    missing = {name: where for name, where in imported_packages(modules).items() if name not in SLIM}
    assert missing == {}


def test_whole_product_names_all_that_it_imports() -> None:
    modules = [*modules_under(ROOT, "monitor"), *modules_under(ROOT, "models")]
    missing = {name: where for name, where in imported_packages(modules).items() if name not in SLIM | FULL}
    assert missing == {}


def test_tests_and_tools_import_only_what_is_pinned() -> None:
    modules = [*modules_under(ROOT, "tests"), *modules_under(ROOT, "tools")]
    missing = {name: where for name, where in imported_packages(modules).items() if name not in SLIM | FULL | DEV}
    assert missing == {}


def test_what_runs_before_the_installation_needs_the_standard_library_only() -> None:
    # The demo on a broker is started by the environment that was installed.
    before = [module for module in modules_under(ROOT, "tools") if module.name != "tools.kafka.demo"]
    assert imported_packages(before) == {}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["slim", "dev", "full"])
def test_size_told_before_the_download_is_true_within_fifteen_percent(name: str) -> None:
    others = needed_by(set(SLIM)) if name == "dev" else {}
    own = [found for key, found in needed_by(_asked(name)).items() if key not in others]
    assert _disk_megabytes(own) == pytest.approx(SIZES[name].disk_mb, rel=0.15)


def _asked(name: str) -> set[str]:
    """The names that a set asks for; skips where the full set is not installed, as for `make test-fast`."""
    if name != "full":
        return set({"slim": SLIM, "dev": DEV}[name])
    absent = sorted(package for package in FULL if not _is_installed(package))
    if absent:
        told = f"the full set is not installed here ({', '.join(absent)}): make setup-full"
        pytest.skip(told)  # `make test-fast` has the slim set, without torch's 3 GB; `make test` has both
    return set(SLIM) | set(FULL)


def _is_installed(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True


def _disk_megabytes(found: list[Distribution]) -> float:
    """What their files occupy, in MB of 1,000,000 bytes; files that share blocks (hard links) count twice."""
    paths = [Path(str(file.locate())) for row in found for file in row.files or []]
    return sum(path.stat().st_blocks * 512 for path in paths if path.exists()) / 1e6
