"""`make kafka`: a broker in the foreground until Ctrl-C, with fresh data; `--nodes 3` is a cluster.

With KAFKA_BOOTSTRAP in the environment nothing is started, and it is said which broker will be used.
"""

import argparse
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path

from tools.kafka.artifacts import BrokerError
from tools.kafka.cluster import Cluster

EXIT_DEPENDENCY = 3


def main() -> int:
    """Serve until a signal; exit code 0, or 3 where no broker can be had (its logs are then kept, and named)."""
    parser = argparse.ArgumentParser(prog="make kafka", description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--nodes", type=int, choices=(1, 3), default=1, help="brokers (default: %(default)s)")
    nodes = parser.parse_args().nodes
    if given := os.environ.get("KAFKA_BOOTSTRAP"):
        print(f"KAFKA_BOOTSTRAP names {given}: that broker is used, and none is started.")
        return 0
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    folder = Path(tempfile.mkdtemp(prefix="kafka-"))
    try:
        cluster = Cluster(folder, nodes)
        try:
            cluster.start()
            print(f"Kafka listens on {cluster.bootstrap}; Ctrl-C stops it.", flush=True)
            print(f"  export KAFKA_BOOTSTRAP={cluster.bootstrap}", flush=True)
            signal.pause()
        finally:
            cluster.stop()
    except KeyboardInterrupt:
        print("Kafka has stopped.")
    except BrokerError as exc:
        print(exc, file=sys.stderr)
        return EXIT_DEPENDENCY
    shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
