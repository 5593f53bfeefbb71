"""Makes or upgrades .venv for a make target: `--set slim|full`, with `--dev` for tests and tools.

Order: lock, compare the stamp, say the size, remove the stamp, make .venv if need be, pip, the command, stamp.
It leaves out what pip does well (resolving, caching, resuming), and never removes a package from an environment.
Standard library only: it runs before anything is installed.
"""

import argparse
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tools.failures import explain
from tools.progress import run_with_progress
from tools.stamp import (
    LOCK_FILE,
    SET_FILES,
    STAMP_NAME,
    Stamp,
    closure,
    digests_for,
    is_satisfied,
    read_stamp,
    write_stamp,
)

ROOT = Path(__file__).resolve().parent.parent
OLDEST = (3, 11)
EXIT_DEPENDENCY, EXIT_INTERRUPTED = 3, 130

# Runs a command with its output in a file; tests give one that installs nothing.
Run = Callable[[list[str], Path], str]


@dataclass(frozen=True)
class Size:
    """What a set costs, in MB of 1,000,000 bytes, measured on Linux x86-64, Python 3.11; a test checks them."""

    download_mb: int
    disk_mb: int


SIZES = {"slim": Size(80, 391), "full": Size(3_180, 6_550), "dev": Size(84, 284)}


def readable(megabytes: int) -> str:
    """Megabytes as a person says them: 87 MB, 3.1 GB."""
    return f"{megabytes / 1000:.1f} GB" if megabytes >= 1000 else f"{megabytes} MB"


def size_of(sets: frozenset[str]) -> Size:
    """What these sets cost together; a full set already contains the slim one."""
    sizes = [SIZES[name] for name in sets if not (name == "slim" and "full" in sets)]
    return Size(sum(size.download_mb for size in sizes), sum(size.disk_mb for size in sizes))


def announcement(before: Stamp | None, sets: frozenset[str]) -> str:
    """What is about to be installed and its size, said before the download begins."""
    name = "full" if "full" in sets else "slim"
    tools = " with tests and tools" if "dev" in sets else ""
    size = size_of(sets)
    cost = f"about {readable(size.download_mb)} to download, {readable(size.disk_mb)} on disk"
    if name == "full":
        cost += ", some minutes (torch brings the CUDA libraries)"
    if before is None:
        return f"Installing the {name} set{tools} into .venv: {cost}."
    missing = sets - closure(before.sets)
    if missing and missing == {"dev"}:
        extra = SIZES["dev"]
        return f"Adding tests and tools to .venv: about {readable(extra.download_mb)} to download, " + (
            f"{readable(extra.disk_mb)} on disk."
        )
    if missing:
        return f"Upgrading .venv to the {name} set{tools}: {cost}."
    return f"A requirements file has changed: upgrading the {name} set{tools} in .venv, at most {cost}."


class SetupError(Exception):
    """It cannot be installed; the message is the one sentence to show."""


class Environment:
    """One .venv and the tree that it serves."""

    def __init__(self, root: Path, *, goal: str, python_was_chosen: bool, run: Run = run_with_progress) -> None:
        self.root = root
        self.venv = root / ".venv"
        self.python = self.venv / "bin" / "python"
        self.log = root / "build" / "setup.log"
        self._goal = goal
        self._python_was_chosen = python_was_chosen
        self._run_command = run

    def install(self, wanted: frozenset[str]) -> None:
        """Make it hold what is wanted, and keep what it held. Does nothing where the stamp says so.

        Raises: SetupError: it cannot; there is no stamp then, so that the next call begins again.
        """
        before = read_stamp(self.venv)
        fits = self._fits()
        if fits and is_satisfied(before, self.root, wanted):
            return
        if not fits or (before is not None and before.root != str(self.root)):
            before = None
        sets = wanted | (before.sets if before is not None else frozenset())
        if "full" in sets:
            sets -= {"slim"}
        print(announcement(before, sets), file=sys.stderr, flush=True)
        self._require_room(before, sets)
        (self.venv / STAMP_NAME).unlink(missing_ok=True)
        self.log.parent.mkdir(exist_ok=True)
        self.log.write_text("")
        # Read before pip runs: a file that changes meanwhile must not be stamped as installed.
        digests = digests_for(self.root, sets)
        started = time.monotonic()
        if before is None and (not fits or self._is_moved()):
            self._run([_base_python(), "-I", "-m", "venv", "--clear", str(self.venv)], sets)
        pins = ["-c", str(self.root / LOCK_FILE)]
        pins += [part for name in sorted(sets) for part in ("-r", str(self.root / SET_FILES[name]))]
        pip = [str(self.python), "-I", "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
        # Said here, because pip tells of a lost network only when it retries, and a configured 0 would hide the cause.
        pins += ["--retries", "4"]
        # Ready-made packages only: building one would run its code and need compilers that a laptop may not have.
        self._run([*pip, "--progress-bar=off", "--only-binary=:all:", *pins], sets)
        self._run([*pip, "--no-deps", "--no-build-isolation", "--editable", str(self.root)], sets)
        write_stamp(self.venv, Stamp(sets, digests, str(self.root)))
        print(f"Done in {time.monotonic() - started:.0f} s.", file=sys.stderr, flush=True)

    def _fits(self) -> bool:
        """Whether .venv has a Python that runs, is new enough, has pip, and is of the version that was chosen."""
        check = "import sys, pip; print(sys.version_info[0], sys.version_info[1])"
        try:
            output = subprocess.check_output(
                [str(self.python), "-I", "-c", check], stderr=subprocess.DEVNULL, text=True
            )
        except (OSError, subprocess.CalledProcessError):
            return False
        major, minor = (int(part) for part in output.split())
        if self._python_was_chosen and (major, minor) != sys.version_info[:2]:
            return False
        return (major, minor) >= OLDEST

    def _is_moved(self) -> bool:
        """Whether the tree was moved or copied with its .venv, whose scripts name the place where they were made."""
        try:
            return str(self.venv) not in (self.venv / "bin" / "activate").read_text(encoding="utf-8")
        except OSError:
            return True

    def _require_room(self, before: Stamp | None, sets: frozenset[str]) -> None:
        held = size_of(before.sets).disk_mb if before is not None else 0
        needed = size_of(sets).disk_mb - held
        free = shutil.disk_usage(self.root).free // 1_000_000
        if free < needed:
            raise SetupError(
                f"The disk is too full: about {readable(needed)} are needed where .venv is, and {readable(free)} "
                "are free; free some, then run the same make again."
            )

    def _run(self, command: list[str], sets: frozenset[str]) -> None:
        try:
            self._run_command(command, self.log)
        except (subprocess.CalledProcessError, OSError) as exc:
            output = exc.output if isinstance(exc, subprocess.CalledProcessError) else str(exc)
            raise SetupError(self.explain(output, sets)) from exc

    def explain(self, output: str, sets: frozenset[str]) -> str:
        """One sentence for a failure while these sets were installed."""
        return explain(
            output,
            disk=readable(size_of(sets).disk_mb),
            python=".".join(str(part) for part in sys.version_info[:2]),
            goal=self._goal,
            log="build/setup.log",
        )


def _base_python() -> str:
    """The Python to make .venv from: this one, or the one behind it when this one is .venv's own."""
    if sys.prefix == sys.base_prefix:
        return sys.executable
    return str(Path(sys.base_prefix) / "bin" / f"python{sys.version_info[0]}.{sys.version_info[1]}")


def main(arguments: list[str], root: Path = ROOT) -> int:
    """Install what the arguments ask for. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="setup_env.py", description="Make or upgrade .venv.")
    parser.add_argument("--set", choices=("slim", "full"), default="slim")
    parser.add_argument("--dev", action="store_true", help="with tests and tools")
    parser.add_argument("--chosen", action="store_true", help="this Python was asked for: .venv must be of its version")
    parser.add_argument("--goal", default="setup", help="the make target, for the remedies")
    options = parser.parse_args(arguments)
    wanted = frozenset({options.set, "dev"} if options.dev else {options.set})
    environment = Environment(root, goal=options.goal, python_was_chosen=options.chosen)
    # Ended from outside, it must end pip too, which would otherwise go on writing after the lock is gone.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        # Two terminals may run make at once; the second waits, and then finds everything done.
        directory = os.open(root, os.O_RDONLY)
        fcntl.flock(directory, fcntl.LOCK_EX)
        environment.install(wanted)
    except SetupError as exc:
        print(exc, file=sys.stderr)
        return EXIT_DEPENDENCY
    except OSError as exc:
        print(environment.explain(str(exc), wanted), file=sys.stderr)
        return EXIT_DEPENDENCY
    except KeyboardInterrupt:
        print("\nThe installation was interrupted; the next make begins it again.", file=sys.stderr)
        return EXIT_INTERRUPTED
    return 0
