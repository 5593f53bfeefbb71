"""What went wrong when an environment was made, in one sentence with its remedy, from what pip or venv said."""

import re

AGAIN = "then run the same make again"

# First match wins; a full disk or a lost network also makes pip say "no matching distribution" further down.
_KNOWN = (
    (
        r"No space left on device|Errno 28|Disk quota exceeded",
        f"The disk is full: free about {{disk}} (pip also needs room in the temporary directory), {AGAIN}.",
    ),
    (
        r"No module named '?(venv|ensurepip)|ensurepip is not available|returned non-zero exit status.*ensurepip",
        "This Python cannot make virtual environments: install its venv module (on Debian and Ubuntu the package "
        "python3-venv) or choose another Python, for example make PYTHON=python3.12 {goal}.",
    ),
    (
        r"SSLError|CERTIFICATE_VERIFY_FAILED",
        "The package index showed a certificate that this machine does not trust: name your authority in pip's "
        f"configuration (pip config set global.cert ...), {AGAIN}.",
    ),
    (
        r"NewConnectionError|ConnectionError|Connection (refused|reset|broken)|connection broken"
        r"|Name or service not known|Temporary failure in name resolution|Network is unreachable|timed out|TimeoutError"
        r"|ProxyError|ProtocolError|IncompleteRead|IncompleteDownload|incomplete download",
        "The package index could not be reached: check the network, or name your mirror in pip's configuration "
        f"(pip config set global.index-url ...), {AGAIN}.",
    ),
    (
        r"No matching distribution found for (?P<package>\S+)|The user requested \(constraint\) (?P<pinned>\S+)",
        "The package index has no ready-made {package} for this Python ({python}) and machine: choose Python 3.11, "
        "3.12 or 3.13, for example make PYTHON=python3.12 {goal}, or complete your mirror.",
    ),
    (
        r"Permission denied|Read-only file system",
        f"The working tree cannot be written to: give yourself the right to write in it, {AGAIN}.",
    ),
)


def explain(output: str, *, disk: str, python: str, goal: str, log: str) -> str:
    """One sentence for what pip or venv printed; an unknown failure is quoted and the log is named."""
    for pattern, sentence in _KNOWN:
        match = re.search(pattern, output)
        if match:
            found = match.groupdict()
            package = found.get("package") or found.get("pinned") or "package"
            return sentence.format(disk=disk, python=python, goal=goal, package=package)
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR")] or lines or ["it said nothing"]
    return f"The installation failed ({errors[-1][:200]}); all of it is in {log}."
