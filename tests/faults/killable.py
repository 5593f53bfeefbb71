"""A replay in a process of its own, that a test kills: `python -m tests.faults.killable FOLDER [SEAM N]`.

With a seam it kills itself with SIGKILL when it reaches that seam for the Nth time. Options beside the usual ones
stand in the folder's options.json, if there is one.
"""

import json
import os
import signal
import sys
from pathlib import Path

from monitor.engine import Seam
from tests import replays

COMMIT_EVERY = 64


def main(folder: Path, seam: Seam | None = None, number: int = 0) -> None:
    """Replay the folder's feeds, or die on the way."""
    passed = 0

    def on_seam(reached: Seam) -> None:
        nonlocal passed
        if reached is seam:
            passed += 1
            if passed == number:
                os.kill(os.getpid(), signal.SIGKILL)

    options = folder / "options.json"
    more = json.loads(options.read_text()) if options.exists() else {}
    config = replays.quick_config(**{"storage__commit_documents": COMMIT_EVERY, **more})
    feeds = sorted(folder.glob("feed*.jsonl"))
    replays.run(feeds, folder / "watchlist.csv", folder, config, name="killed", on_seam=on_seam)


if __name__ == "__main__":
    arguments = sys.argv[1:]
    main(Path(arguments[0]), *((Seam(arguments[1]), int(arguments[2])) if len(arguments) > 1 else ()))
