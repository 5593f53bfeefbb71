"""Cluster: one broker or three, in KRaft mode, in processes of their own on free ports of 127.0.0.1.

Order: ports, properties, format, start, wait until each says that it has started. A port that somebody took between
looking and starting costs another try. Left out: rolling upgrades, more than one log folder. Standard library only.
"""

import contextlib
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tools.kafka.artifacts import BrokerError, class_path, find_program
from tools.kafka.certificates import Certificates, make_certificates
from tools.kafka.properties import CONTROLLER, GUARDED, LOG4J, OPEN, PROXIED, USERS, Node, properties_of

CLUSTER_ID = "c2VudGltZW50LW1vbml0"
"""Any 16 bytes in base64: a cluster lives for one run, and its log folders with it."""

HEAP = ("-Xms128m", "-Xmx384m", "-XX:+UseSerialGC")
"""Enough for what tests write; Kafka's own default of 1 GB would not fit three times beside a test suite."""

START_SECONDS = 90.0
"""A broker is up in 3 s alone; on two cores that a test suite keeps busy it takes ten times as long."""

STOP_SECONDS = 20.0
"""A controlled shutdown takes a second; one that waits for a controller that has gone would take minutes."""

_STARTED = "Kafka Server started"
_TRIES = 3
_POLL_SECONDS = 0.05


class Cluster:
    """Brokers that `start` starts and `stop` stops; `kill`, `freeze` and `restart` are for the tests of faults.

    Args:
        folder: an empty folder for logs and data; it stays until the caller removes it.
        guarded: whether listeners that demand passwords and certificates are there too (see properties.py).
        proxied: whether there is a listener whose clients are told the port of a proxy; the caller starts that.
    """

    def __init__(self, folder: Path, nodes: int = 1, *, guarded: bool = False, proxied: bool = False) -> None:
        self._folder = folder
        self._java = find_program("java")
        self._class_path = class_path()
        self.certificates: Certificates | None = make_certificates(folder / "certificates") if guarded else None
        self._count = nodes
        self._is_proxied = proxied
        self._nodes: list[Node] = []
        self._processes: dict[int, subprocess.Popen[bytes]] = {}

    @property
    def bootstrap(self) -> str:
        """Addresses of the open listener."""
        return self.addresses(OPEN)

    def addresses(self, listener: str) -> str:
        """Addresses of one listener, for `bootstrap_servers`."""
        return ",".join(f"127.0.0.1:{node.ports[listener]}" for node in self._nodes)

    @property
    def proxied(self) -> dict[int, int]:
        """By the port that clients of the proxied listener are told: the one where a broker listens."""
        return {node.told[PROXIED]: node.ports[PROXIED] for node in self._nodes}

    def log_of(self, node: int) -> Path:
        """What a broker has said, numbered from 1."""
        return self._folder / f"node-{node}" / "server.log"

    def start(self) -> None:
        """Start every broker, and wait until it serves. Raises: BrokerError: with the end of its log."""
        for tries_left in reversed(range(_TRIES)):
            self._lay_out()
            for node in self._nodes:
                self._launch(node)
            try:
                for node in self._nodes:
                    self._await_start(node)
                return
            except BrokerError as exc:
                self.stop()
                if not tries_left or "Address already in use" not in str(exc):
                    raise

    def stop(self) -> None:
        """Shut every broker down; one that does not end in time is killed."""
        for process in self._processes.values():
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGCONT)
                process.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        for process in self._processes.values():
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._processes.clear()

    def kill(self, node: int) -> None:
        """End a broker as a power cut would."""
        process = self._processes.pop(node)
        process.kill()
        process.wait()

    def freeze(self, node: int) -> None:
        """Let a broker keep its connections and answer nothing."""
        self._processes[node].send_signal(signal.SIGSTOP)

    def thaw(self, node: int) -> None:
        """Let a frozen broker go on."""
        self._processes[node].send_signal(signal.SIGCONT)

    def restart(self, node: int) -> None:
        """Stop a broker cleanly if it runs, and start it again with its data, on its ports."""
        process = self._processes.pop(node, None)
        if process is not None:
            process.terminate()
            process.wait(STOP_SECONDS)
        found = self._nodes[node - 1]
        self._launch(found)
        self._await_start(found)

    def _lay_out(self) -> None:
        proxied = [PROXIED] if self._is_proxied else []
        listeners = [OPEN, CONTROLLER, *proxied, *(GUARDED if self.certificates is not None else ())]
        ports = iter(_free_ports(self._count * (len(listeners) + len(proxied))))
        self._nodes = [
            Node(
                number,
                self._folder / f"node-{number}",
                {name: next(ports) for name in listeners},
                {name: next(ports) for name in proxied},
            )
            for number in range(1, self._count + 1)
        ]
        for node in self._nodes:
            shutil.rmtree(node.folder, ignore_errors=True)
            node.folder.mkdir(parents=True)
            (node.folder / "log4j2.properties").write_text(LOG4J, encoding="ascii")
            text = properties_of(node, self._nodes, self.certificates)
            (node.folder / "server.properties").write_text(text, encoding="utf-8")
        with ThreadPoolExecutor(len(self._nodes)) as pool:
            list(pool.map(self._format, self._nodes))

    def _format(self, node: Node) -> None:
        command = ["format", "--cluster-id", CLUSTER_ID, "--config", str(node.folder / "server.properties")]
        if self.certificates is not None:
            for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512"):
                for name, password in USERS.items():
                    command += ["--add-scram", f"{mechanism}=[name={name},password={password}]"]
        # A tool that runs for a second is not worth compiling for.
        java = self._java_command(node, "-XX:TieredStopAtLevel=1")
        done = subprocess.run([*java, "kafka.tools.StorageTool", *command], capture_output=True, text=True, timeout=120)
        if done.returncode:
            raise BrokerError(f"Kafka's storage could not be formatted: {(done.stdout + done.stderr).strip()[-500:]}")

    def _launch(self, node: Node) -> None:
        command = [*self._java_command(node, *HEAP), "kafka.Kafka", str(node.folder / "server.properties")]
        # So that no broker outlives a test run that was killed.
        if guard := shutil.which("setpriv"):
            command = [guard, "--pdeathsig", "KILL", *command]
        with self.log_of(node.id).open("wb") as log:
            # A session of its own: Ctrl-C is for us, and we stop the brokers.
            self._processes[node.id] = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )

    def _java_command(self, node: Node, *options: str) -> list[str]:
        log4j = f"-Dlog4j2.configurationFile={node.folder / 'log4j2.properties'}"
        return [self._java, *options, log4j, "-cp", self._class_path]

    def _await_start(self, node: Node) -> None:
        process, log = self._processes[node.id], self.log_of(node.id)
        deadline, said = time.monotonic() + START_SECONDS, ""
        while time.monotonic() < deadline:
            has_ended = process.poll() is not None
            said = log.read_text("utf-8", errors="replace")
            if _STARTED in said:
                return
            if has_ended:
                raise BrokerError(f"Kafka ended with exit code {process.returncode}, see {log}: {_tail(said)}")
            time.sleep(_POLL_SECONDS)
        raise BrokerError(f"Kafka had not started after {START_SECONDS:.0f} s, see {log}: {_tail(said)}")


@contextlib.contextmanager
def running_cluster(
    folder: Path, nodes: int = 1, *, guarded: bool = False, proxied: bool = False
) -> Iterator[Cluster]:
    """A cluster for as long as the block lasts."""
    cluster = Cluster(folder, nodes, guarded=guarded, proxied=proxied)
    cluster.start()
    try:
        yield cluster
    finally:
        cluster.stop()


def _free_ports(count: int) -> Sequence[int]:
    """Ports that were free a moment ago; all held at once, so that none is named twice."""
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]


def _tail(said: str) -> str:
    lines = said.strip().splitlines()
    errors = [line for line in lines if " ERROR " in line or "Exception" in line]
    return " | ".join((errors or lines)[-4:])[-900:]
