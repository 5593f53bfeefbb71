"""What was seen under a fault: a line of JSON in the file that `FAULT_LOG` names, if it does."""

import json
import os
from collections import Counter
from pathlib import Path

from tests.faults.effects import Effects, Kind, differences
from tests.faults.kafka_roles import Roles


def note(fault: str, roles: Roles, expected: Effects, found: Effects, **more: object) -> None:
    """Write it down."""
    path = os.environ.get("FAULT_LOG")
    if not path:
        return
    names = sorted({name for name, _ in roles.exits} | set(roles.running))
    line = {
        "fault": fault,
        **more,
        "exits": dict(Counter(f"{name} {code}" for name, code in roles.exits)),
        "began_anew": {name: count for name in names if (count := len(roles.told(name, "worker_begins_anew")))},
        "effects": {kind.value: expected.count(kind) for kind in Kind},
        "repeats_on_the_log": {kind.value: found.repeats[kind] for kind in Kind},
        "differences": len(differences(expected, found)),
    }
    with Path(path).open("a") as log:
        log.write(json.dumps(line) + "\n")
