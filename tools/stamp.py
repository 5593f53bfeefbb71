"""The stamp of .venv: which sets are installed in it, from which contents of which files. Plain data and comparisons.

A stamp is written last and removed first, so an environment without one is unfinished, and is installed again.
"""

import hashlib
import json
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

STAMP_NAME = "installed.json"
LOCK_FILE = "requirements.lock"
SET_FILES = {"slim": "requirements-embedded.txt", "full": "requirements.txt", "dev": "requirements-dev.txt"}
# The full set contains the slim one; the others stand for themselves.
CONTAINS = {"slim": {"slim"}, "full": {"full", "slim"}, "dev": {"dev"}}


@dataclass(frozen=True)
class Stamp:
    """What an environment holds. `digests` has one entry for each file that was read for it."""

    sets: frozenset[str]
    digests: dict[str, str]
    root: str

    def as_json(self) -> str:
        return json.dumps({"sets": sorted(self.sets), "digests": self.digests, "root": self.root}, indent=1) + "\n"


def closure(sets: frozenset[str]) -> frozenset[str]:
    """These sets and the sets that they contain."""
    return frozenset().union(*(CONTAINS[name] for name in sets))


def digests_for(root: Path, sets: frozenset[str]) -> dict[str, str]:
    """A digest of everything that decides what these sets install."""
    files = sorted({LOCK_FILE, *(SET_FILES[name] for name in closure(sets))})
    digests = {name: hashlib.sha256((root / name).read_bytes()).hexdigest() for name in files}
    digests["pyproject.toml"] = _package_digest(root / "pyproject.toml")
    return digests


def _package_digest(pyproject: Path) -> str:
    """Of pyproject.toml only what shapes the `monitor` command: a new lint rule must not reinstall anything."""
    tables: dict[str, Any] = tomllib.loads(pyproject.read_text(encoding="utf-8"))
    shaping = [tables.get("build-system"), tables.get("project"), tables.get("tool", {}).get("setuptools")]
    return hashlib.sha256(json.dumps(shaping, sort_keys=True).encode()).hexdigest()


def read_stamp(venv: Path) -> Stamp | None:
    """The stamp of this environment, or None where there is none that can be read."""
    try:
        fields = json.loads((venv / STAMP_NAME).read_text(encoding="utf-8"))
        return Stamp(frozenset(fields["sets"]), dict(fields["digests"]), str(fields["root"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_stamp(venv: Path, stamp: Stamp) -> None:
    """Whole or not at all: a stamp cut short by a full disk would read as none anyway, this way it never exists."""
    draft = venv / (STAMP_NAME + ".new")
    draft.write_text(stamp.as_json(), encoding="utf-8")
    draft.replace(venv / STAMP_NAME)


def is_satisfied(stamp: Stamp | None, root: Path, wanted: frozenset[str]) -> bool:
    """Whether all that is wanted is installed as the files now say. A full environment satisfies slim."""
    if stamp is None or stamp.root != str(root) or not wanted <= closure(stamp.sets):
        return False
    return digests_for(root, wanted).items() <= stamp.digests.items()
