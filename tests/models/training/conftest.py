"""Training needs the full set. In the slim one none of these tests is collected, except where no skip may be."""

import os
from importlib.util import find_spec

collect_ignore_glob = [] if find_spec("torch") or os.environ.get("MONITOR_NO_SKIPS") == "1" else ["test_*.py"]
