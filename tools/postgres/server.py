"""Server: one PostgreSQL with fresh data, in processes of its own, on a free port of 127.0.0.1.

Order: programs, folder, initdb, port, start, wait until it says that it takes connections. A port that somebody took
between looking and starting costs another try. PostgreSQL refuses to run as root, so where we are root it runs as
somebody with few rights, and its folder is that one's. Left out: replicas, TLS. Standard library only.
"""

import contextlib
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

HOMES = Path("/usr/lib/postgresql")
"""Where Debian and Ubuntu keep its programs, by version: they are not on the PATH."""

USERS = ("postgres", "nobody")
"""Who runs it where we are root: the first that there is."""

ADMIN = "admin"
"""The user who may do everything there."""

START_SECONDS = 60.0
"""It is up in a second alone; on two cores that a test suite keeps busy it takes ten times as long."""

STOP_SECONDS = 20.0
"""A fast shutdown breaks connections off and takes a second."""

_READY = "database system is ready to accept connections"
_TRIES = 3
_POLL_SECONDS = 0.05

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "40",
    # A test's data need not outlive a power cut; a killed process loses nothing by it.
    "fsync": "off",
    "full_page_writes": "off",
    # In words that tests know, whatever the machine's language.
    "lc_messages": "C",
}


class ServerError(Exception):
    """No server can be had; one sentence with the remedy."""


def find_program(name: str) -> str:
    """The path of a program of the newest PostgreSQL here. Raises: ServerError: there is none, and the package."""
    installed = sorted(HOMES.glob(f"*/bin/{name}"), key=lambda path: _version(path.parts[-3]))
    found = shutil.which(name) or (str(installed[-1]) if installed else None)
    if found is None:
        raise ServerError(
            f"PostgreSQL needs {name}, which is not here: install it, for example apt-get install postgresql"
        )
    return found


class Server:
    """A server that `start` starts and `remove` ends; `kill` and `restart` are for the tests of faults.

    Args: log: the file that gets all that it says; it stays until the caller removes it.
    Attributes: password: of ADMIN.
    """

    def __init__(self, log: Path) -> None:
        """Make its data. Raises: ServerError: it is not installed, or its data cannot be made."""
        self.log = log
        self._postgres = find_program("postgres")
        initdb = find_program("initdb")
        self.password = secrets.token_hex(8)
        # Not in a folder of the tests: those are closed to everybody but who runs them.
        self._folder = Path(tempfile.mkdtemp(prefix="sentiment-postgres-"))
        self._user = _unprivileged()
        self._port = 0
        self._process: subprocess.Popen[bytes] | None = None
        try:
            self._make_data(initdb)
        except BaseException:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise

    @property
    def address(self) -> str:
        """`host:port`."""
        return f"127.0.0.1:{self._port}"

    def start(self) -> None:
        """Start it on a free port, and wait until it serves. Raises: ServerError: with the end of its log."""
        for tries_left in reversed(range(_TRIES)):
            self._port = _free_port()
            try:
                self.restart()
                return
            except ServerError as exc:
                if not tries_left or "Address already in use" not in str(exc):
                    raise

    def restart(self) -> None:
        """Stop it if it runs, and start it again with its data, on its port."""
        self.stop()
        deadline = time.monotonic() + START_SECONDS
        while not self._launch(deadline):
            # What a killed server leaves behind goes within a moment, and until then a new one refuses its memory.
            time.sleep(_POLL_SECONDS)

    def stop(self) -> None:
        """Shut it down; one that does not end in time is killed."""
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(signal.SIGINT)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def kill(self) -> None:
        """End its first process as the kernel would that has no memory left; the others notice, and go."""
        process, self._process = self._process, None
        assert process is not None, "it runs"
        process.kill()
        process.wait()

    def remove(self) -> None:
        """Stop it, and remove its data."""
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _make_data(self, initdb: str) -> None:
        secret = self._folder / "password"
        secret.write_text(self.password, encoding="ascii")
        if self._user is not None:
            for path in (self._folder, secret):
                os.chown(path, self._user.pw_uid, self._user.pw_gid)
        command = [initdb, "--pgdata", str(self._folder / "data"), "--username", ADMIN, "--pwfile", str(secret)]
        command += ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, **self._identity())
        if done.returncode:
            raise ServerError(f"PostgreSQL's data could not be made: {(done.stdout + done.stderr).strip()[-500:]}")

    def _launch(self, deadline: float) -> bool:
        """Start it once, and wait until it serves; False where its memory is still in use."""
        command = [self._postgres, "-D", str(self._folder / "data"), "-p", str(self._port)]
        for name, value in SETTINGS.items():
            command += ["-c", f"{name}={value}"]
        # So that no server outlives a test run that was killed.
        if guard := shutil.which("setpriv"):
            command = [guard, "--pdeathsig", "KILL", *command]
        with self.log.open("ab") as log:
            begin = log.tell()
            # A session of its own: Ctrl-C is for us, and we stop it.
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                **self._identity(),
            )
        while _READY not in (said := self.log.read_bytes()[begin:].decode(errors="replace")):
            if process.poll() is not None:
                if ("still in use" in said or "lock file" in said) and time.monotonic() < deadline:
                    return False
                raise ServerError(f"PostgreSQL ended with exit code {process.returncode}: {_tail(said)}")
            if time.monotonic() > deadline:
                process.kill()
                process.wait()
                raise ServerError(f"PostgreSQL had not started after {START_SECONDS:.0f} s: {_tail(said)}")
            time.sleep(_POLL_SECONDS)
        self._process = process
        return True

    def _identity(self) -> dict[str, Any]:
        """As whom its processes run."""
        if self._user is None:
            return {}
        return {"user": self._user.pw_uid, "group": self._user.pw_gid, "extra_groups": [], "cwd": str(self._folder)}


@contextlib.contextmanager
def running_server(log: Path) -> Iterator[Server]:
    """A server for as long as the block lasts; only its log stays."""
    server = Server(log)
    try:
        server.start()
        yield server
    finally:
        server.remove()


def _unprivileged() -> pwd.struct_passwd | None:
    """Who runs it where we are root."""
    if os.geteuid() != 0:
        return None
    for name in USERS:
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise ServerError(f"PostgreSQL refuses to run as root, and there is no user {' or '.join(USERS)}: make one")


def _version(name: str) -> tuple[int, ...]:
    """In the order of numbers, not of texts: 9.6 comes before 15."""
    return tuple(int(part) for part in name.split(".") if part.isdecimal())


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _tail(said: str) -> str:
    lines: Sequence[str] = said.strip().splitlines()
    errors = [line for line in lines if "FATAL" in line or "PANIC" in line]
    return " | ".join((errors or lines)[-4:])[-900:]
