"""A training in a process of its own, that a test kills: `python -m tests.models.training.killable CONFIG OUT [N]`.

With N it kills itself with SIGKILL in the middle of writing its state for the Nth time: the bytes lie beside the old
state, which they have not replaced yet.
"""

import os
import signal
import sys
from pathlib import Path
from unittest.mock import patch

from models import train
from models.training.state import STATE


def main(config: str, out: str, number: int = 0) -> int:
    """Train, or die on the way."""
    written = 0
    replace = os.replace

    def replace_or_die(source: Path, target: Path) -> None:
        nonlocal written
        if target.name == STATE:
            written += 1
            if written == number:
                os.kill(os.getpid(), signal.SIGKILL)
        replace(source, target)

    with patch("os.replace", replace_or_die):
        return train.main(["--config", config, "--out", out, "--threads", "1"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 0))
