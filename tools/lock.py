"""Writes requirements.lock: every package of the whole product and its tools at one version, as pip resolves them now.

Only what the requirements files name directly is chosen by hand; this asks pip for what those need in turn. It
installs nothing. The answer holds for Linux; a package that only another system needs is not pinned there.
"""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from tools.stamp import LOCK_FILE, SET_FILES

ROOT = Path(__file__).resolve().parent.parent
HEADER = """\
# Every package of the whole product and its tools, with what they need in turn, at one version: pip is given this
# as constraints (-c), so that the same commit installs the same code on every machine. Written by `make lock`.
"""


def normalised(name: str) -> str:
    """The one spelling of a package's name (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def resolve(root: Path) -> dict[str, str]:
    """Version by name of all that the requirements files ask for, directly or not.

    Raises: CalledProcessError: pip cannot resolve them; it has said why.
    """
    requirements = [part for name in ("full", "dev") for part in ("-r", str(root / SET_FILES[name]))]
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch) / "report.json"
        pip = [sys.executable, "-I", "-m", "pip", "install", "--dry-run", "--ignore-installed", "--quiet"]
        subprocess.run([*pip, "--only-binary=:all:", "--report", str(report), *requirements], check=True)
        rows = json.loads(report.read_text(encoding="utf-8"))["install"]
    return {row["metadata"]["name"]: row["metadata"]["version"] for row in rows}


def as_text(versions: dict[str, str]) -> str:
    """The lock file's content, in the order of normalised names."""
    return HEADER + "".join(f"{name}=={versions[name]}\n" for name in sorted(versions, key=normalised))


if __name__ == "__main__":
    print("Asking pip for the whole product: about 3 GB are read to resolve it, nothing is installed.", file=sys.stderr)
    (ROOT / LOCK_FILE).write_text(as_text(resolve(ROOT)), encoding="utf-8")
