"""The door to tools/environment.py: says in one sentence when this Python is too old, on any Python since 2.7.

It may therefore use nothing that an old Python cannot read: no f-string, no annotation, no import of ours before the
check. `make` calls it before every target, so on the usual path it must do nothing but pass on.
"""

import os
import subprocess
import sys

OLDEST = (3, 11)
# Newest last: the pinned packages publish wheels for these; a newer Python may have to wait for them.
NEWER_NAMES = ("python3.13", "python3.12", "python3.11")
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
OWN_PYTHON = os.path.join(ROOT, ".venv", "bin", "python")


def is_new_enough(command):
    """Whether this command runs, and is a Python that the monitor can use."""
    check = "import sys; sys.exit(0 if sys.version_info >= (%d, %d) else 1)" % OLDEST
    with open(os.devnull, "w") as nowhere:
        try:
            return subprocess.call([command, "-c", check], stdout=nowhere, stderr=nowhere) == 0
        except OSError:
            return False


def too_old_sentence(version, executable, goal):
    """What to do about a Python that is too old; names one that this machine has, if it has one."""
    found = [name for name in NEWER_NAMES if is_new_enough(name)]
    if found:
        remedy = "choose a newer one: make PYTHON=%s %s" % (found[0], goal)
    else:
        remedy = "install a newer one and choose it, for example: make PYTHON=python3.12 %s" % goal
    version_text = ".".join(str(part) for part in version[:3])
    oldest_text = ".".join(str(part) for part in OLDEST)
    return "The monitor needs Python %s or newer, and %s is Python %s; %s" % (
        oldest_text,
        executable,
        version_text,
        remedy,
    )


def main(arguments):
    """Refuse an old Python, else do what tools/environment.py does. Returns the exit code."""
    if sys.version_info < OLDEST:
        # Once .venv is made from a chosen Python, plain `make` goes on with it, whatever `python3` is.
        if "--chosen" not in arguments and is_new_enough(OWN_PYTHON):
            command = [OWN_PYTHON, os.path.abspath(__file__)]
            command.extend(arguments)
            os.execv(OWN_PYTHON, command)
        goal = arguments[arguments.index("--goal") + 1] if "--goal" in arguments[:-1] else "setup"
        sys.stderr.write(too_old_sentence(sys.version_info, sys.executable or "this", goal) + "\n")
        return 2
    sys.path.insert(0, ROOT)
    from tools import environment

    return environment.main(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
