"""Where the broker's programs come from: Java, openssl, and Kafka's own jars, fetched once and kept outside the tree.

Order: look for Java, look for the jars in the cache, else ask Maven for them; several at once wait for one another.
Left out: installing packages; what is missing is named, with the package that has it. Standard library only.
"""

import fcntl
import os
import re
import shutil
import subprocess
from pathlib import Path

POM = Path(__file__).with_name("pom.xml")

PACKAGES = {"java": "default-jre-headless", "mvn": "maven", "openssl": "openssl"}
"""The Debian and Ubuntu package of each program."""

FETCH_SECONDS = 300
"""54 MB and Maven's own plug-ins: seconds on a good line; longer than this the line is down."""


class BrokerError(Exception):
    """No broker can be had; one sentence with the remedy."""


def find_program(name: str) -> str:
    """The path of a program. Raises: BrokerError: it is not installed, and which package has it."""
    found = shutil.which(name)
    if found is None:
        raise BrokerError(
            f"Kafka needs {name}, which is not here: install it, for example apt-get install {PACKAGES[name]}"
        )
    return found


def kafka_version() -> str:
    """The version of Kafka that the pom names; the cache is kept by it."""
    found = re.search(r"<artifactId>kafka_2.13</artifactId>\s*<version>([^<]+)</version>", POM.read_text("utf-8"))
    assert found is not None, "the pom names kafka_2.13 with its version"
    return found[1]


def cache_folder() -> Path:
    """Where the jars are kept, whether they are there or not."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "sentiment-monitor" / f"kafka-{kafka_version()}"


def class_path() -> str:
    """Java's class path of Kafka. Raises: BrokerError: Maven is missing, or cannot fetch it."""
    folder = cache_folder()
    whole = folder / "complete"
    pom = POM.read_text("utf-8")
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not whole.exists() or whole.read_text("utf-8") != pom:
            _fetch(folder / "jars")
            whole.write_text(pom, encoding="utf-8")
    return str(folder / "jars" / "*")


def _fetch(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    maven = [find_program("mvn"), "--quiet", "--batch-mode", "--file", str(POM)]
    command = [*maven, "dependency:copy-dependencies", f"-DoutputDirectory={folder}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=FETCH_SECONDS)
    except subprocess.TimeoutExpired as exc:
        raise BrokerError(f"Maven had not fetched Kafka after {FETCH_SECONDS} s: check the network, try again") from exc
    if done.returncode:
        errors = [line for line in done.stdout.splitlines() if "ERROR" in line] or [done.stderr.strip()]
        raise BrokerError(f"Maven could not fetch Kafka ({errors[0][:300]}): check the network, or name your mirror")
